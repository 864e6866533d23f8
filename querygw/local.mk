noinst_LIBRARIES += %reldir%/libquerygw.a
%canon_reldir%_libquerygw_a_SOURCES = \
	%reldir%/promql/ast.c %reldir%/promql/ast.h \
	%reldir%/promql/ast_json.c %reldir%/promql/ast_json.h \
	%reldir%/promql/check.c \
	%reldir%/promql/functions.c %reldir%/promql/functions.h \
	%reldir%/promql/lex.c %reldir%/promql/lex.h %reldir%/promql/lex_int.h \
	%reldir%/promql/lex_number.c \
	%reldir%/promql/lex_string.c \
	%reldir%/promql/operators.c %reldir%/promql/operators.h \
	%reldir%/promql/parse.c %reldir%/promql/parse.h %reldir%/promql/parse_int.h \
	%reldir%/promql/parse_duration.c \
	%reldir%/promql/parse_modifier.c \
	%reldir%/promql/parse_number.c \
	%reldir%/promql/parse_selector.c \
	%reldir%/promql/parser.c \
	%reldir%/promql/pretty.c %reldir%/promql/pretty.h \
	%reldir%/promql/print.c %reldir%/promql/print.h
EXTRA_DIST += %reldir%/README.md %reldir%/promql/README.md
