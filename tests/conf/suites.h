/* suites.h - the unit tests of conf/, the most basic first. */
X(units)
