bin_PROGRAMS += mneme
mneme_SOURCES = \
	%reldir%/all.c \
	%reldir%/command.h \
	%reldir%/main.c \
	%reldir%/node.c %reldir%/node.h \
	%reldir%/node_flags.c %reldir%/node_flags.h \
	%reldir%/receive.c \
	%reldir%/tenant_stores.c %reldir%/tenant_stores.h
EXTRA_DIST += %reldir%/README.md
