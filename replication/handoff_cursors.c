/* handoff_cursors.c - one LMDB file with a value for each queue.
 *
 * key     name of the queue's directory
 * value   offset      bytes
 *         0           8      "mnemeHO1"
 *         8           8      seq, big endian
 *         16          2      n, big endian
 *         18          n      the name again
 *         18 + n      4      CRC-32C of all before, big endian
 *
 * A value lies in one piece in its page, far below the size from which LMDB would take it apart, so
 * that it is found by its first bytes wherever it is. Pages that LMDB no longer uses hold older
 * values: numbers only grow, the highest one counts. */
#include "replication/handoff_cursors.h"

#include <errno.h>
#include <lmdb.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/map.h"
#include "replication/handoff.h"

enum {
    VALUE_HEAD_BYTES = 18,
    VALUE_BYTES_MAX = VALUE_HEAD_BYTES + HANDOFF_NAME_BYTES_MAX + 4,
    MAP_BYTES_DEFAULT = 1 << 20,
    MAP_BYTES_MAX = HANDOFF_CURSORS_BYTES_MAX,
    FILE_MODE = 0640,
};
static const struct str magic = STR_INIT("mnemeHO1");

struct handoff_cursors {
    MDB_env *env;
    MDB_dbi dbi;
    size_t map_bytes;
    char *path; /* owned */
};

void
handoff_cursor_list_fini(struct handoff_cursor_list *l)
{
    vec_each (l, cursor)
        mem_free(cursor->name);
    vec_fini(l);
}

/* --- values ------------------------------------------------------------------------------- */

static void
put_value(struct buf *to, const struct handoff_cursor *cursor)
{
    struct str name = str_of_cstr(cursor->name);
    size_t begin = to->n;
    char head[VALUE_HEAD_BYTES], crc[4];
    memcpy(head, magic.p, magic.n);
    store_be64(head + 8, cursor->seq);
    store_be16(head + 16, u16_of_size(name.n));
    buf_append(to, str_of(head, sizeof head));
    buf_append(to, name);
    store_be32(crc, crc32c(str_of(to->p + begin, to->n - begin)));
    buf_append(to, str_of(crc, sizeof crc));
}

/* The value that `s` begins with. */
static bool
take_value(struct str s, struct str *ret_name, uint64_t *ret_seq)
{
    if (s.n < VALUE_HEAD_BYTES)
        return false;
    size_t name_bytes = load_be16(s.p + 16), end = VALUE_HEAD_BYTES + name_bytes;
    if (name_bytes == 0 || name_bytes > HANDOFF_NAME_BYTES_MAX || s.n < end + 4 ||
        load_be32(s.p + end) != crc32c(str_of(s.p, end)))
        return false;
    *ret_name = str_of(s.p + VALUE_HEAD_BYTES, name_bytes);
    *ret_seq = load_be64(s.p + 8);
    return true;
}

void
handoff_cursors_scan(struct str image, struct handoff_cursor_list *to)
{
    AUTO(map_fini) struct map seen; /* name -> 1 + its index in *to */
    map_init(&seen, MAP_KEYS_BORROWED);
    for (;;) {
        const char *found = image.n ? memmem(image.p, image.n, magic.p, magic.n) : NULL;
        if (!found)
            return;
        image = str_skip(image, (size_t)(found - image.p));
        struct str name;
        uint64_t seq;
        if (take_value(image, &name, &seq)) {
            uintptr_t at = (uintptr_t)map_get(&seen, name);
            if (at > 0) {
                to->v[at - 1].seq = u64_max(to->v[at - 1].seq, seq);
            } else {
                vec_push(to, ((struct handoff_cursor){mem_dup_text(name.p, name.n), seq}));
                (void)map_put(&seen, name, (void *)(uintptr_t)to->n);
            }
        }
        image = str_skip(image, 1);
    }
}

struct err
handoff_cursors_load(struct fs *fs, const char *path, struct handoff_cursor_list *to)
{
    AUTO(buf_fini) struct buf image = BUF_INIT;
    TRY(fs_missing_is_fine(fs_read_file(fs, path, HANDOFF_CURSORS_BYTES_MAX, &image)));
    handoff_cursors_scan(buf_str(&image), to);
    return OK;
}

/* --- LMDB --------------------------------------------------------------------------------- */

static struct err
failure(int rc, const char *path, const char *what)
{
    if (rc == MDB_SUCCESS)
        return OK;
    enum err_code code = rc == ENOSPC || rc == EDQUOT || rc == MDB_MAP_FULL ? ERR_NO_SPACE : ERR_IO;
    return ERR(code, "%s: %s: %s", path, what, mdb_strerror(rc));
}

static int
put_all(MDB_txn *txn, MDB_dbi dbi, const struct handoff_cursor *cursors, size_t count)
{
    AUTO(buf_fini) struct buf value = BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        const struct handoff_cursor *cursor = &cursors[i];
        MDB_val key = {strlen(cursor->name), cursor->name};
        buf_clear(&value);
        put_value(&value, cursor);
        MDB_val data = {value.n, value.p};
        int rc = mdb_put(txn, dbi, &key, &data, 0);
        if (rc != MDB_SUCCESS)
            return rc;
    }
    return MDB_SUCCESS;
}

/* Also opens the database the first time. */
static int
commit_all(struct handoff_cursors *c, const struct handoff_cursor *cursors, size_t count)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(c->env, NULL, 0, &txn);
    if (rc != MDB_SUCCESS)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &c->dbi);
    if (rc == MDB_SUCCESS)
        rc = put_all(txn, c->dbi, cursors, count);
    if (rc == MDB_SUCCESS)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

struct err
handoff_cursors_store(struct handoff_cursors *c, const struct handoff_cursor *cursors, size_t count)
{
    for (;;) {
        int rc = commit_all(c, cursors, count);
        if (rc != MDB_MAP_FULL || c->map_bytes > MAP_BYTES_MAX / 2)
            return failure(rc, c->path, "store cursors");
        c->map_bytes *= 2;
        rc = mdb_env_set_mapsize(c->env, c->map_bytes);
        if (rc != MDB_SUCCESS)
            return failure(rc, c->path, "grow");
    }
}

static struct err
open_env(const char *path, size_t map_bytes, struct handoff_cursors **ret_cursors)
{
    AUTO(handoff_cursors_close) struct handoff_cursors *c = mem_alloc_zero(sizeof *c);
    c->path = mem_dup_text(path, strlen(path));
    c->map_bytes = map_bytes;
    int rc = mdb_env_create(&c->env);
    if (rc != MDB_SUCCESS)
        return failure(rc, path, "create");
    rc = mdb_env_set_mapsize(c->env, map_bytes);
    if (rc == MDB_SUCCESS) /* the directory's lock is ours: LMDB needs none */
        rc = mdb_env_open(c->env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | MDB_NOMETASYNC,
                          FILE_MODE);
    TRY(failure(rc, path, "open"));
    *ret_cursors = TAKE(c);
    return OK;
}

/* The old file stays until the new one is whole and named; LMDB keeps it open across that. */
struct err
handoff_cursors_open(struct fs *fs, const char *path, size_t map_bytes,
                     const struct handoff_cursor *cursors, size_t count,
                     struct handoff_cursors **ret_cursors)
{
    AUTO(buf_fini) struct buf fresh = BUF_INIT;
    buf_printf(&fresh, "%s.new", path);
    TRY(fs_missing_is_fine(fs_remove_file(fs, buf_cstr(&fresh))));
    AUTO(handoff_cursors_close) struct handoff_cursors *c = NULL;
    TRY(open_env(buf_cstr(&fresh), map_bytes ? map_bytes : MAP_BYTES_DEFAULT, &c));
    TRY(handoff_cursors_store(c, cursors, count));
    TRY(failure(mdb_env_sync(c->env, 1), c->path, "sync"));
    TRY(fs_rename(fs, buf_cstr(&fresh), path));
    *ret_cursors = TAKE(c);
    return OK;
}

void
handoff_cursors_close(struct handoff_cursors *c)
{
    if (!c)
        return;
    if (c->env)
        mdb_env_close(c->env);
    mem_free(c->path);
    mem_free(c);
}
