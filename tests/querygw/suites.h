/* suites.h - the unit tests of querygw/, the most basic first. */
X(lex)
X(parse)
X(parse_errors)
X(check)
X(print)
X(pretty)
X(ast_json)
X(parse_golden)
