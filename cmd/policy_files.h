/* policy_files.h - relabelling rules and limits, from their flags into the receiver, and again with
 * every reload. Threads: main. */
#pragma once
#include "conf/flags.h"
#include "conf/reload.h"

struct policy;

enum { POLICY_FILES = 2 };

/* One flag and its file. */
struct policy_file {
    const char *flag;
    struct flag_content content;
    struct err (*set)(struct policy *p, struct str yaml);
    struct buf shown;      /* what is in force, without secrets */
    struct policy *policy; /* borrowed */
};

struct policy_files {
    struct policy_file files[POLICY_FILES];
};

struct policy_texts {
    struct flag_content relabel, limits;
    int64_t look_ms; /* between two looks at the files */
};

/* Reads both; ERR_INVALID naming the flag. *f and what it borrows outlive `reloads`. */
struct err policy_files_init(struct policy_files *f, struct policy *policy,
                             const struct policy_texts *texts, struct reloads *reloads);
/* Allowed on a zeroed one. */
void policy_files_fini(struct policy_files *f);
