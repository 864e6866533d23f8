/* suites.h - simulations of many nodes under a virtual clock: test_sim. */
X(sim)
