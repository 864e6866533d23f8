# Many nodes in one thread, under a virtual clock; see sim.h.
check_PROGRAMS += %reldir%/test_sim
%canon_reldir%_test_sim_SOURCES = $(TEST_HARNESS) %reldir%/suites.h \
	%reldir%/sim.c %reldir%/sim.h \
	%reldir%/sim_chaos.c \
	%reldir%/sim_net.c \
	%reldir%/sim_node.c \
	%reldir%/sim_oracle.c \
	%reldir%/sim_pipe.c \
	%reldir%/test_sim.c
%canon_reldir%_test_sim_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_SUITES='"tests/sim/suites.h"'
%canon_reldir%_test_sim_CFLAGS = $(TEST_CFLAGS)
%canon_reldir%_test_sim_LDADD = $(TEST_LDADD)
