/* suites.h - the unit tests of receiver/, the most basic first. */
X(scratch)
X(verdict)
X(partial)
X(write_gate)
X(policy)
X(write)
X(receive)
X(receive_formats)
