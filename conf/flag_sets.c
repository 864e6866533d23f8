/* flag_sets.c - makes the tables out of the X-tables, once for the whole program. */
#include "conf/flag_sets.h"

#include "base/mem.h"
#include "conf/all_flags.h"
#include "conf/receive_flags.h"

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

const struct flag_set *const flag_sets[] = {&all_flag_set, &receive_flag_set, NULL};
