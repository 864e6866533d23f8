/* suites.h - the unit tests of tsdb/, the most basic first. */
X(bits)
X(labels)
X(label_key)
X(matcher)
X(xor)
X(chunk)
