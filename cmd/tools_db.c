/* tools_db.c - see tools_db.h. */
#include "cmd/tools_db.h"

#include <unistd.h>

#include "base/mem.h"

enum { OPEN_TRIES = 5 };

static struct err
open_once(const char *dir, const struct str *blocks_hidden, size_t hidden_count, struct tools_db *t)
{
    t->overlay = fs_overlay_open(fs_posix());
    t->log = log_open(
        &(struct log_opts){.level = LOG_WARN, .fd = STDERR_FILENO, .clock = clock_system()});
    for (size_t i = 0; i < hidden_count; i++) {
        char *path = fs_path_below(dir, blocks_hidden[i]);
        struct err e = fs_remove_tree(t->overlay, path); /* in the overlay */
        mem_free(path);
        TRY(e);
    }
    struct db_opts opts = db_opts_default();
    opts.fs = t->overlay;
    opts.clock = clock_system();
    opts.log = t->log;
    opts.dir = dir;
    return db_open(&opts, &t->db);
}

struct err
tools_db_open(const char *dir, const struct str *blocks_hidden, size_t hidden_count,
              struct tools_db *ret_db)
{
    struct err e = OK;
    for (int i = 0; i < OPEN_TRIES; i++) { /* a file may go between its listing and its opening */
        struct tools_db t = TOOLS_DB_INIT;
        err_drop(e);
        e = open_once(dir, blocks_hidden, hidden_count, &t);
        if (e.code == ERR_NONE) {
            *ret_db = t;
            return OK;
        }
        tools_db_close(&t);
        if (e.code != ERR_NOT_FOUND)
            break;
    }
    return e;
}

void
tools_db_close(struct tools_db *t)
{
    db_close(t->db);
    fs_overlay_close(t->overlay);
    log_close(t->log);
    *t = (struct tools_db)TOOLS_DB_INIT;
}
