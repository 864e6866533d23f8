/* wal_segments.c - which segments and checkpoints a log's directory holds. */
#include <stdlib.h>

#include "base/mem.h"
#include "tsdb/wal/wal_int.h"
#include "tsdb/wal/wal_reader.h"

enum { NUMBER_DIGITS = 8 };

/* A name as wal_segment_path() writes it: eight digits, or more without leading zeros. */
static bool
parse_number(struct str name, uint64_t *ret_number)
{
    if (name.n < NUMBER_DIGITS || (name.n > NUMBER_DIGITS && name.p[0] == '0'))
        return false;
    struct err e = str_parse_u64(name, ret_number);
    bool ok = e.code == ERR_NONE && *ret_number < UINT64_MAX;
    err_drop(e);
    return ok;
}

static int
compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A log that was never opened has no directory. */
static struct err
list_dir(struct fs *fs, const char *dir, struct fs_list *ret_list)
{
    struct err e = fs_list_dir(fs, dir, ret_list);
    if (e.code != ERR_NOT_FOUND)
        return e;
    err_drop(e);
    return OK;
}

struct err
wal_list_segments(struct fs *fs, const char *dir, struct wal_numbers *ret_numbers)
{
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    TRY(list_dir(fs, dir, &list));
    vec_each (&list, entry) {
        uint64_t number;
        if (entry->kind == FS_FILE && parse_number(str_of_cstr(entry->name), &number))
            vec_push(ret_numbers, number);
    }
    if (ret_numbers->n > 0)
        qsort(ret_numbers->v, ret_numbers->n, sizeof *ret_numbers->v, compare_numbers);
    return OK;
}

const char *
wal_segment_path(struct buf *path, const char *dir, uint64_t segment)
{
    buf_clear(path);
    buf_printf(path, "%s/%08ju", dir, (uintmax_t)segment);
    return buf_cstr(path);
}

struct err
wal_segments(struct fs *fs, const char *dir, uint64_t *ret_first, uint64_t *ret_last,
             bool *ret_none)
{
    AUTO(wal_numbers_fini) struct wal_numbers found = VEC_INIT;
    TRY(wal_list_segments(fs, dir, &found));
    for (size_t i = 1; i < found.n; i++) {
        if (found.v[i] != found.v[i - 1] + 1)
            return ERR(ERR_CORRUPT, "wal %s: segment %08ju is missing", dir,
                       (uintmax_t)found.v[i - 1] + 1);
    }
    *ret_none = found.n == 0;
    if (found.n > 0) {
        *ret_first = found.v[0];
        *ret_last = *vec_last(&found);
    }
    return OK;
}

struct err
wal_last_checkpoint(struct fs *fs, const char *dir, struct buf *ret_dir, uint64_t *ret_segment,
                    bool *ret_none)
{
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    TRY(list_dir(fs, dir, &list));
    const char *newest = NULL;
    uint64_t segment = 0;
    vec_each (&list, entry) {
        struct str name = str_of_cstr(entry->name);
        uint64_t number;
        if (!str_starts_with(name, STR("checkpoint.")) ||
            !parse_number(str_skip(name, strlen("checkpoint.")), &number))
            continue; /* checkpoint.00000001.tmp: one that was never finished */
        if (entry->kind != FS_DIR)
            return ERR(ERR_CORRUPT, "wal %s: %s is not a directory", dir, entry->name);
        if (!newest || number > segment) {
            newest = entry->name;
            segment = number;
        }
    }
    *ret_none = newest == NULL;
    if (newest) {
        buf_printf(ret_dir, "%s/%s", dir, newest);
        *ret_segment = segment;
    }
    return OK;
}
