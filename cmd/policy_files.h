/* policy_files.h - relabelling rules and limits, from their flags into the receiver, and again when
 * a file changes or the process is told to reload. Threads: main. */
#pragma once
#include "base/clock.h"
#include "base/log.h"
#include "conf/flags.h"

struct policy;

enum { POLICY_FILES = 2 };

/* One flag and its file. */
struct policy_file {
    const char *flag;
    struct flag_content content;
    struct err (*set)(struct policy *p, struct str yaml);
    int64_t modified_ms; /* of the file when it was looked at last; 0: it was not there */
    uint64_t size_bytes;
};

struct policy_files {
    struct policy *policy; /* borrowed, as fs, clock and log */
    struct fs *fs;
    const struct clock *clock;
    struct log *log;
    int64_t look_ms; /* between two looks at the files */
    uint64_t looked_ns;
    struct policy_file files[POLICY_FILES];
};

struct policy_texts {
    struct flag_content relabel, limits;
    int64_t look_ms;
};

/* Reads both; ERR_INVALID naming the flag. Nothing to free. */
struct err policy_files_init(struct policy_files *f, struct policy *policy,
                             const struct policy_texts *texts, struct log *log);
/* Called about every second: a file that has changed is read again. One with a fault is logged
 * once, and changes nothing. */
void policy_files_tick(struct policy_files *f);
/* Reads both again whether they have changed or not. The first fault; neither stops the other. */
struct err policy_files_reload(struct policy_files *f);
