bin_PROGRAMS += mneme
mneme_SOURCES = \
	%reldir%/all.c \
	%reldir%/command.h \
	%reldir%/drain.c %reldir%/drain.h \
	%reldir%/lifecycle.c %reldir%/lifecycle.h \
	%reldir%/main.c \
	%reldir%/node.c %reldir%/node.h %reldir%/node_int.h \
	%reldir%/node_faces.c \
	%reldir%/node_flags.c %reldir%/node_flags.h \
	%reldir%/node_listen.c \
	%reldir%/node_ring.c %reldir%/node_ring.h \
	%reldir%/observe.c %reldir%/observe.h \
	%reldir%/policy_files.c %reldir%/policy_files.h \
	%reldir%/receive.c \
	%reldir%/tenant_stores.c %reldir%/tenant_stores.h \
	%reldir%/tools.c %reldir%/tools.h \
	%reldir%/tools_analyze.c \
	%reldir%/tools_db.c %reldir%/tools_db.h \
	%reldir%/tools_dump.c \
	%reldir%/tools_list.c \
	%reldir%/tools_ring.c %reldir%/tools_ring.h \
	%reldir%/tools_ring_diff.c \
	%reldir%/tools_ring_owners.c \
	%reldir%/tools_text.c %reldir%/tools_text.h \
	%reldir%/tools_verify.c
EXTRA_DIST += %reldir%/README.md
