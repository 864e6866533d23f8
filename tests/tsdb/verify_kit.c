/* verify_kit.c - see verify_kit.h. */
#include "tests/tsdb/verify_kit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tsdb/wal/wal.h"

enum { FILE_BYTES_MAX = 8 << 20, SEGMENT_BYTES = 2 * WAL_PAGE_BYTES };

static void
put_finding(void *arg, const struct finding *f)
{
    struct buf *to = arg;
    const char *rule = verify_rule_name(f->rule);
    buf_printf(to, "%s %s %s at ", f->kind == FINDING_BROKEN ? "broken" : "told", f->file,
               *rule ? rule : "-");
    if (f->offset == FINDING_NO_OFFSET)
        buf_printf(to, "-: %s\n", f->text);
    else
        buf_printf(to, "%ju: %s\n", (uintmax_t)f->offset, f->text);
}

void
kit_verify(const char *dir, enum verify_depth depth, struct buf *to, uint64_t *ret_broken)
{
    const struct verify_opts opts = {.depth = depth, .visit = put_finding, .arg = to};
    CK_OK(verify_database(fs_posix(), dir, &opts, ret_broken));
}

const char *
kit_path(const char *dir, const char *name)
{
    static char paths[4][1024];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    ck_assert_int_lt(snprintf(path, sizeof paths[0], "%s/%s", dir, name), (int)sizeof paths[0]);
    return path;
}

void
kit_load(struct buf *to, const char *dir, const char *name)
{
    CK_OK(fs_read_file(fs_posix(), kit_path(dir, name), FILE_BYTES_MAX, to));
}

void
kit_store(const char *dir, const char *name, struct str bytes)
{
    CK_OK(fs_write_file(fs_posix(), kit_path(dir, name), bytes));
}

void
kit_copy_tree(const char *from, const char *to)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    AUTO(buf_fini) struct buf source = BUF_INIT, target = BUF_INIT, bytes = BUF_INIT;
    CK_OK(fs_make_dirs(fs_posix(), to));
    CK_OK(fs_list_dir(fs_posix(), from, &entries));
    vec_each (&entries, entry) {
        buf_clear(&source);
        buf_clear(&target);
        buf_clear(&bytes);
        buf_printf(&source, "%s/%s", from, entry->name);
        buf_printf(&target, "%s/%s", to, entry->name);
        if (entry->kind == FS_DIR) {
            kit_copy_tree(buf_cstr(&source), buf_cstr(&target));
            continue;
        }
        CK_OK(fs_read_file(fs_posix(), buf_cstr(&source), FILE_BYTES_MAX, &bytes));
        CK_OK(fs_write_file(fs_posix(), buf_cstr(&target), buf_str(&bytes)));
    }
}

void
kit_expect(const char *row, const char *dir, enum verify_rule rule, const char *file,
           uint64_t offset, const char *text)
{
    AUTO(buf_fini) struct buf found = BUF_INIT, want = BUF_INIT;
    uint64_t count;
    kit_verify(dir, VERIFY_FIRST, &found, &count);
    buf_printf(&want, "broken %s %s at ", file, verify_rule_name(rule));
    if (offset == FINDING_NO_OFFSET)
        buf_printf(&want, "-: ");
    else
        buf_printf(&want, "%ju: ", (uintmax_t)offset);
    const char *at = strstr(buf_cstr(&found), buf_cstr(&want));
    ck_assert_msg(count == 1 && at && strstr(at, text) != NULL,
                  "row \"%s\": %ju broken:\n%swant: %s... %s", row, (uintmax_t)count,
                  buf_cstr(&found), buf_cstr(&want), text);
}

void
kit_write_log(const char *dir, const char *below, const struct str *records, size_t n)
{
    struct wal *w = NULL;
    wal_ticket ticket;
    CK_OK(wal_open(&(struct wal_opts){.fs = fs_posix(),
                                      .dir = kit_path(dir, below),
                                      .segment_bytes = SEGMENT_BYTES,
                                      .compression = WAL_PLAIN},
                   &w));
    if (n > 0) {
        CK_OK(wal_enqueue(w, records, n, &ticket));
        CK_OK(wal_wait(w, ticket));
    }
    wal_close(w);
}
