/* verify.h - reads everything below a database's directory and tells what is wrong with it.
 *
 * Nothing is changed, locked or repaired; the directory may be in use by another process, which
 * shows as information. Each finding names the file, the place in it, the rule that is broken
 * (README.md of the folder that the letter stands for) and what was found there instead.
 * Memory: a map of one file, and eight bytes a series of the log and of chunks_head.
 * Threads: any; each call on its own. */
#pragma once
#include "base/fs.h"

/* The rules, by the numbers that they have in README.md (V), and in those of tsdb/index (I, P),
 * tsdb/block (B), tsdb/wal (W) and tsdb/head (H). */
/* clang-format off */
#define VERIFY_RULES(X) \
    X(I1) X(I2) X(P1) X(P2) X(B2) X(W1) X(H2) X(H5) \
    X(V1) X(V2) X(V3) X(V4) X(V5) X(V6) X(V7) X(V8) X(V9) X(V10) X(V11) X(V12) X(V13) X(V14) \
    X(V15) X(V16)
/* clang-format on */

enum verify_rule {
    RULE_NONE, /* of what is only told */
#define X(id) RULE_##id,
    VERIFY_RULES(X)
#undef X
    RULE_COUNT
};
const char *verify_rule_name(enum verify_rule rule);

enum finding_kind {
    FINDING_BROKEN,
    FINDING_TOLD, /* information: nothing that a server could not live with */
};
#define FINDING_NO_OFFSET UINT64_MAX

/* Strings are valid during the call. */
struct finding {
    enum finding_kind kind;
    enum verify_rule rule;
    const char *file; /* below the directory */
    uint64_t offset;  /* in the file, or FINDING_NO_OFFSET */
    const char *text;
};

enum verify_depth {
    VERIFY_FIRST, /* of each file the first that is wrong */
    VERIFY_ALL,   /* goes on behind it where the format allows, up to a limit */
};
enum { VERIFY_FILE_FINDINGS_MAX = 1000 };

struct verify_opts {
    enum verify_depth depth;
    void (*visit)(void *arg, const struct finding *f);
    void *arg;
};

/* Counts the findings of FINDING_BROKEN. An error says that the work could not be done. */
struct err verify_database(struct fs *fs, const char *dir, const struct verify_opts *opts,
                           uint64_t *ret_broken);
