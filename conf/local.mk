noinst_LIBRARIES += %reldir%/libconf.a
%canon_reldir%_libconf_a_SOURCES = \
	%reldir%/all_flags.h \
	%reldir%/common_flags.h \
	%reldir%/flag_docs.c %reldir%/flag_docs.h \
	%reldir%/flag_sets.c %reldir%/flag_sets.h \
	%reldir%/flags.c %reldir%/flags.h \
	%reldir%/flags_text.c \
	%reldir%/nearest.c %reldir%/nearest.h \
	%reldir%/receive_flags.h \
	%reldir%/reload.c %reldir%/reload.h \
	%reldir%/tools_flags.h \
	%reldir%/units.c %reldir%/units.h \
	%reldir%/web_config.c %reldir%/web_config.h \
	%reldir%/yaml.c %reldir%/yaml.h \
	%reldir%/yaml_read.c %reldir%/yaml_read.h \
	%reldir%/yaml_show.c %reldir%/yaml_show.h
EXTRA_DIST += %reldir%/README.md
