EXTRA_DIST += %reldir%/ARCHITECTURE.md %reldir%/README.md %reldir%/flags.md \
	%reldir%/multi-region.md %reldir%/ring.md %reldir%/web-config.md

# The man page is made of the flag tables; docs/flags.md is too, but committed, and a unit test
# of conf/ compares it.
noinst_PROGRAMS += %reldir%/gendocs
%canon_reldir%_gendocs_SOURCES = %reldir%/gendocs.c
dist_man_MANS += %reldir%/mneme.1
CLEANFILES += %reldir%/mneme.1
%reldir%/mneme.1: %reldir%/gendocs$(EXEEXT)
	$(AM_V_GEN)%reldir%/gendocs$(EXEEXT) man >$@.tmp && mv $@.tmp $@
