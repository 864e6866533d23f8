/* suites.h - the unit tests of receiver/, the most basic first. */
X(scratch)
X(verdict)
X(write_gate)
X(policy)
X(write)
X(receive)
