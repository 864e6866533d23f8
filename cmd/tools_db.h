/* tools_db.h - a database opened as mneme opens it, without touching its files: over an overlay
 * that takes locks, repairs and new files in memory (base/fs_overlay.h).
 *
 * So a tool sees exactly what a server would answer from this directory, the log included. The
 * head is held in memory as the server holds it.
 * Threads: main. */
#pragma once
#include "base/fs_overlay.h"
#include "base/log.h"
#include "tsdb/db.h"

struct tools_db {
    struct fs *overlay;
    struct log *log; /* warnings of opening, on standard error */
    struct db *db;
};
#define TOOLS_DB_INIT                                                                              \
    {                                                                                              \
        NULL, NULL, NULL                                                                           \
    }

/* `blocks_hidden`: names of blocks that are to be taken for absent. A directory that another
 * process changes meanwhile is tried again. */
struct err tools_db_open(const char *dir, const struct str *blocks_hidden, size_t hidden_count,
                         struct tools_db *ret_db);
void tools_db_close(struct tools_db *t);
static inline void
auto_tools_db_close(struct tools_db *t)
{
    tools_db_close(t);
}
