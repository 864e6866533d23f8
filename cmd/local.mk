bin_PROGRAMS += mneme
mneme_SOURCES = %reldir%/main.c
EXTRA_DIST += %reldir%/README.md
