/* handoff.c - putting records at the end of a queue, and dropping a queue.
 *
 * The numbers of an append and its place in the log are fixed together under `order`; the log's
 * group commit does the rest. No lock is held over I/O. */
#include "replication/handoff_int.h"

#include "base/assert.h"

enum { ROOM_TRIES = 16 }; /* to make room for an append among others */

/* An append as it goes through. */
struct append {
    const struct str *records;
    size_t count;
    int64_t at_ms;
    struct buf stored;   /* heads and records, one behind the other */
    struct str *views;   /* of them */
    uint64_t disk_bytes; /* what it takes, about */
    uint64_t last_seq;
};

static struct err
check(const struct handoff *h, const struct str *records, size_t count)
{
    uint64_t bytes = 0, bytes_max = h->set->bytes_max / 2;
    for (size_t i = 0; i < count; i++) {
        if (records[i].n > HANDOFF_RECORD_BYTES_MAX)
            return ERR(ERR_TOO_LARGE, "a message of %zu bytes, limit %d", records[i].n,
                       HANDOFF_RECORD_BYTES_MAX);
        bytes += records[i].n + HANDOFF_HEAD_BYTES;
    }
    if (bytes > bytes_max)
        return ERR(ERR_TOO_LARGE, "%ju bytes at once, limit %ju (half of the queue's)",
                   (uintmax_t)bytes, (uintmax_t)bytes_max);
    return OK;
}

/* Everything but the numbers. */
static void
store(struct append *a)
{
    for (size_t i = 0; i < a->count; i++) {
        size_t before = a->stored.n;
        handoff_record_put(&a->stored, (struct handoff_head){.at_ms = a->at_ms}, a->records[i]);
        a->views[i].n = a->stored.n - before;
    }
    size_t at = 0;
    for (size_t i = 0; i < a->count; at += a->views[i++].n)
        a->views[i].p = a->stored.p + at;
    a->disk_bytes = a->stored.n + a->stored.n / 4096 + 16 * a->count; /* fragments, padding */
}

enum room { ROOM_KNOWN, ROOM_GUESSED };

/* False: something has to be removed, or looked at, first. ROOM_GUESSED does without the latter:
 * the segment that was full last is not counted yet. */
static bool
reserve(struct handoff *h, const struct append *a, enum room room)
{
    LOCKED(&h->lock);
    struct wal_position end = wal_end(h->wal);
    uint64_t bytes = h->closed_bytes + end.offset + h->appending_bytes + a->disk_bytes;
    if (bytes > h->set->bytes_max || (room == ROOM_KNOWN && end.segment != h->active))
        return false;
    h->appending_bytes += a->disk_bytes;
    return true;
}

/* Others may take what was made: again then, but not for ever. */
static struct err
make_room(struct handoff *h, const struct append *a)
{
    struct err e = OK;
    for (int tries = 0; tries < ROOM_TRIES && e.code == ERR_NONE; tries++) {
        if (reserve(h, a, ROOM_KNOWN))
            return OK;
        uint64_t incoming;
        {
            LOCKED(&h->lock);
            incoming = h->appending_bytes + a->disk_bytes;
        }
        e = handoff_tidy(h, incoming);
    }
    if (reserve(h, a, ROOM_GUESSED)) {
        handoff_failed(h, HANDOFF_FAILED_REMOVE, "cannot look through a hand-off queue", e);
        return OK;
    }
    struct err full =
        ERR(ERR_OVERLOAD, "the queue has its %ju bytes, and what is old stays: %s",
            (uintmax_t)h->set->bytes_max, e.code ? err_text(&e) : "others take the room");
    err_drop(e);
    return full;
}

static struct err
enqueue(struct handoff *h, struct append *a, wal_ticket *ret_ticket)
{
    LOCKED(&h->order);
    for (size_t i = 0; i < a->count; i++)
        handoff_record_number((char *)(uintptr_t)a->views[i].p, h->next_seq + i);
    TRY(wal_enqueue_dated(h->wal, a->views, a->count, a->at_ms, ret_ticket));
    h->next_seq += a->count;
    a->last_seq = h->next_seq - 1;
    return OK;
}

/* h->wal does not change while appends are under way. */
static struct err
write_out(struct handoff *h, struct append *a)
{
    TRY(make_room(h, a));
    wal_ticket ticket = 0;
    struct err e = enqueue(h, a, &ticket);
    if (e.code == ERR_NONE)
        e = wal_wait(h->wal, ticket);
    LOCKED(&h->lock);
    h->appending_bytes -= a->disk_bytes;
    if (e.code != ERR_NONE)
        return e;
    h->last_seq = u64_max(h->last_seq, a->last_seq);
    h->last_ms = i64_max(h->last_ms, a->at_ms);
    if (h->unread_ms == HANDOFF_TIME_NONE && a->last_seq > handoff_seen(h))
        h->unread_ms = a->at_ms;
    return OK;
}

static struct err
append(struct handoff *h, struct append *a)
{
    TRY(handoff_begin_append(h));
    struct err e = write_out(h, a);
    LOCKED(&h->lock);
    if (--h->appending == 0)
        cond_broadcast(&h->changed);
    return e;
}

struct err
handoff_append(struct handoff *h, const struct str *records, size_t count, int64_t newest_ms,
               uint64_t *ret_last_seq)
{
    ASSERT(count > 0);
    struct append a = {
        .records = records,
        .count = count,
        .at_ms = i64_min(newest_ms, clock_wall_ms(h->set->clock)),
        .stored = BUF_INIT,
    };
    struct err e = check(h, records, count);
    if (e.code == ERR_NONE) {
        a.views = mem_array_zero(count, sizeof *a.views);
        store(&a);
        e = append(h, &a);
        buf_fini(&a.stored);
        mem_free(a.views);
    }
    if (e.code != ERR_NONE) {
        handoff_count(h, HANDOFF_FAILED_APPEND, 1);
        return err_wrap(e, "hand-off to %s", h->peer);
    }
    handoff_count(h, HANDOFF_APPENDED, count);
    *ret_last_seq = a.last_seq;
    return OK;
}

/* --- dropping -------------------------------------------------------------------------------- */

/* Under another name first: a crash leaves the queue whole, or a rest that the next start removes.
 */
static struct err
remove_dir(const struct handoff *h)
{
    struct fs *fs = h->set->fs;
    AUTO(buf_fini) struct buf gone = BUF_INIT;
    buf_printf(&gone, "%s/" HANDOFF_GONE_PREFIX "%s", h->set->dir, h->name);
    TRY(fs_remove_tree(fs, buf_cstr(&gone)));
    TRY(fs_missing_is_fine(fs_rename(fs, h->dir, buf_cstr(&gone))));
    TRY(fs_sync_dir(fs, h->set->dir));
    return fs_remove_tree(fs, buf_cstr(&gone));
}

static void
forget_all(struct handoff *h)
{
    LOCKED(&h->lock);
    vec_clear(&h->segments);
    vec_clear(&h->marks);
    h->closed_bytes = 0;
    h->acked_seq = h->read_seq = h->last_seq;
    h->acked_at = h->read_at = (struct wal_position){h->next_segment, 0};
    h->unread_ms = HANDOFF_TIME_NONE;
    h->reader.seek = true;
}

struct err
handoff_drop(struct handoff *h)
{
    TRY(handoff_begin_read(h));
    handoff_begin_alone(h);
    struct wal *w;
    uint64_t records;
    {
        LOCKED(&h->lock);
        w = TAKE(h->wal);
        if (w)
            h->next_segment = u64_max(h->next_segment, wal_segment(w) + 1);
        records = h->last_seq - h->acked_seq;
    }
    wal_close(w);
    struct err e = remove_dir(h);
    if (e.code == ERR_NONE) {
        forget_all(h);
        handoff_count(h, HANDOFF_DROPPED_REQUEST, records);
    } else { /* whatever is left of it */
        LOCKED(&h->lock);
        h->scanned = false;
    }
    handoff_end_alone(h);
    return e;
}
