/* reload.h - what can be read again while the process runs: one list for SIGHUP, for
 * POST /-/reload and for the watch of files.
 *
 *   reloads_add(reloads, &(struct reloadable){.name = "limits", .load = load_limits, .arg = limits,
 *                                             .files = {path}});
 *   TRY(load_limits(limits));
 *
 * Add first, then load for the first time, both before a listener starts: a file that changes in
 * between is then noticed. load() reads the files, and either puts what it read into force or
 * changes nothing and says why. It is called on the main thread or on a worker, never twice at
 * once, under LOCK_RANK_RELOADS, which every other lock may follow.
 * The watch compares contents, not times: what an editor renames into place, a symbolic link that
 * comes to point elsewhere (a ConfigMap that Kubernetes mounts) and a restored backup are all
 * seen. A file that is missing or above RELOAD_FILE_BYTES_MAX is a content, too: load() tells.
 * Threads: reloads_add() before the others; those any. */
#pragma once
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

enum {
    RELOAD_FILES_MAX = 4, /* of one reloadable, beside what each_file() names */
    RELOAD_FILE_BYTES_MAX = 4 << 20,
    RELOAD_INTERVAL_MS_DEFAULT = 1000,
};

struct reloads;

typedef void (*reload_file_visit)(void *visit_arg, const char *path);

struct reloadable {
    const char *name; /* in logs, errors and the label `config`; static */
    struct err (*load)(void *arg);
    void *arg;
    /* What is watched; NULL and "" are skipped; borrowed for life. */
    const char *files[RELOAD_FILES_MAX];
    /* Or NULL: files that are named by what was loaded. Called under the same lock as load(). */
    void (*each_file)(void *arg, reload_file_visit visit, void *visit_arg);
    int64_t interval_ms; /* between two looks; 0: the default */
    /* Or NULL: appends YAML, without secrets, for /api/v1/status/config; it stands there as the
     * value of `show_key`. */
    void (*show)(void *arg, struct buf *to);
    const char *show_key;
};

struct reloads_opts {
    struct fs *fs; /* borrowed for life, as the others */
    const struct clock *clock;
    struct metrics *metrics;
    struct log *log; /* may be NULL */
};
/* The caller owns the result. What is loaded now counts as a success at this moment. */
struct reloads *reloads_open(const struct reloads_opts *opts);
void reloads_close(struct reloads *r); /* NULL is allowed */
DEFINE_AUTO(struct reloads *, reloads_close)

/* Copies *one; its files are read once, for comparison. */
void reloads_add(struct reloads *r, const struct reloadable *one);
/* Loads everything, changed or not; what fails keeps the old in force. All failures in one error.
 * Logs both outcomes. */
struct err reloads_run(struct reloads *r);
/* Loads what has changed on disk; to be called often. Logs both outcomes. */
void reloads_watch(struct reloads *r);

struct reloads_state {
    bool successful;    /* the last load of each was */
    int64_t success_ms; /* when that was last so after a load */
};
struct reloads_state reloads_state(const struct reloads *r);
/* "key:\n  yaml" for each that shows itself. */
void reloads_show(struct reloads *r, struct buf *to);
