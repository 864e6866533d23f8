/* suites.h - the unit tests of conf/, the most basic first. */
X(units)
X(nearest)
X(flags)
X(flags_words)
X(flags_text)
X(flag_sets)
X(flag_docs)
