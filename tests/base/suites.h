/* suites.h - the unit tests of base/, the most basic first. */
X(err)
X(str)
X(bytes)
X(arena)
X(vec)
X(clock)
X(cpu)
X(lock)
