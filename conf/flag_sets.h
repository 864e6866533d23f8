/* flag_sets.h - the flag table of every component, for the parser in cmd and for the generator
 * of docs/flags.md and the man page. Immutable. Threads: any. */
#pragma once
#include "conf/flags.h"

/* Fills struct all_flags (all_flags.h). */
extern const struct flag_set all_flag_set;
/* Fills struct receive_flags (receive_flags.h). */
extern const struct flag_set receive_flag_set;
/* Fill the structs of tools_flags.h. */
extern const struct flag_set tools_list_flag_set, tools_analyze_flag_set, tools_dump_flag_set,
    tools_verify_flag_set, tools_owners_flag_set, tools_ring_diff_flag_set;

/* In the order of the documentation; NULL ends it. */
extern const struct flag_set *const flag_sets[];
