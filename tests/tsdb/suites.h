/* suites.h - the unit tests of tsdb/, the most basic first. */
X(bits)
X(xor)
X(chunk)
