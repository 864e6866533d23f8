/* flag_sets.c - makes the tables out of the X-tables, once for the whole program. */
#include "conf/flag_sets.h"

#include "base/mem.h"
#include "conf/all_flags.h"
#include "conf/receive_flags.h"
#include "conf/tools_flags.h"

static const struct flag all_table[] = {ALL_FLAGS(FLAG_ROW, all_flags)};
static const struct flag receive_table[] = {RECEIVE_FLAGS(FLAG_ROW, receive_flags)};

const struct flag_set all_flag_set = {
    .command = "all",
    .help = "Takes remote writes, keeps them in one directory and answers queries: every part "
            "in one process.",
    .flags = all_table,
    .count = ARRAY_LEN(all_table),
};

const struct flag_set receive_flag_set = {
    .command = "receive",
    .help = "Takes remote writes and keeps them in local databases, one a tenant.",
    .flags = receive_table,
    .count = ARRAY_LEN(receive_table),
};

/* --- tools: the command has several words ----------------------------------------------------- */

static const struct flag list_table[] = {TOOLS_LIST_FLAGS(FLAG_ROW, tools_list_flags)};
static const struct flag analyze_table[] = {TOOLS_ANALYZE_FLAGS(FLAG_ROW, tools_analyze_flags)};
static const struct flag dump_table[] = {TOOLS_DUMP_FLAGS(FLAG_ROW, tools_dump_flags)};
static const struct flag verify_table[] = {TOOLS_VERIFY_FLAGS(FLAG_ROW, tools_verify_flags)};
static const struct flag owners_table[] = {TOOLS_OWNERS_FLAGS(FLAG_ROW, tools_owners_flags)};
static const struct flag ring_diff_table[] = {
    TOOLS_RING_DIFF_FLAGS(FLAG_ROW, tools_ring_diff_flags)};

const struct flag_set tools_list_flag_set = {
    .command = "tools tsdb list",
    .help = "Lists the blocks of a database and the sizes of its other parts.",
    .flags = list_table,
    .count = ARRAY_LEN(list_table),
};

const struct flag_set tools_analyze_flag_set = {
    .command = "tools tsdb analyze",
    .help = "Tells which labels make up a block or the head, and which make its series churn.",
    .flags = analyze_table,
    .count = ARRAY_LEN(analyze_table),
};

const struct flag_set tools_dump_flag_set = {
    .command = "tools tsdb dump",
    .help = "Prints the samples of a database: of its blocks, and of its log.",
    .flags = dump_table,
    .count = ARRAY_LEN(dump_table),
};

const struct flag_set tools_verify_flag_set = {
    .command = "tools tsdb verify",
    .help = "Reads every byte of a database and says what is wrong with it; repairs nothing.",
    .flags = verify_table,
    .count = ARRAY_LEN(verify_table),
};

const struct flag_set tools_owners_flag_set = {
    .command = "tools ring owners",
    .help = "Tells which nodes of the hashrings own series: JSON on standard input, one a line.",
    .flags = owners_table,
    .count = ARRAY_LEN(owners_table),
};

const struct flag_set tools_ring_diff_flag_set = {
    .command = "tools ring diff",
    .help = "Tells how many series a change of the hashrings moves, and what each node holds.",
    .flags = ring_diff_table,
    .count = ARRAY_LEN(ring_diff_table),
};

const struct flag_set *const flag_sets[] = {
    &all_flag_set,           &receive_flag_set,         &tools_list_flag_set,
    &tools_analyze_flag_set, &tools_dump_flag_set,      &tools_verify_flag_set,
    &tools_owners_flag_set,  &tools_ring_diff_flag_set, NULL,
};
