/* suites.h - the unit tests of querygw/, the most basic first. */
X(lex)
X(parse)
X(parse_errors)
X(check)
X(print)
X(parse_golden)
