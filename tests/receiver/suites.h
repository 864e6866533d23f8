/* suites.h - the unit tests of receiver/, the most basic first. */
X(scratch)
X(verdict)
X(write)
X(receive)
