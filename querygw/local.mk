noinst_LIBRARIES += %reldir%/libquerygw.a
%canon_reldir%_libquerygw_a_SOURCES = \
	%reldir%/promql/ast.c %reldir%/promql/ast.h \
	%reldir%/promql/functions.c %reldir%/promql/functions.h \
	%reldir%/promql/operators.c %reldir%/promql/operators.h \
	%reldir%/promql/parse.h \
	%reldir%/promql/print.h
EXTRA_DIST += %reldir%/README.md %reldir%/promql/README.md
