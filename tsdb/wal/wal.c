/* wal.c - the queue in front of the log's writer, and who may use it.
 *
 * Leadership is a state, not a lock: the thread that sets `leading` owns `writer` and `batch`
 * until it clears it, and does its I/O without any lock. Every change of `leading`, `written`,
 * `failed` and the poison is followed by a broadcast.
 *
 *   healthy --a write or sync fails--> poisoned --wal_recover() succeeds--> healthy
 *
 * When the poison comes, every ticket above `written` that was given out has failed, for good:
 * wal_writer_rollback() takes their bytes back before anything is written again. */
#include "tsdb/wal/wal.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/lock.h"
#include "base/mem.h"
#include "tsdb/wal/checkpoint.h"
#include "tsdb/wal/wal_int.h"
#include "tsdb/wal/wal_writer.h"

enum {
    QUEUE_BYTES_KEPT = 4 << 20, /* memory kept between batches */
    ENTRY_HEADER_BYTES = 16,    /* in the queue: le32 bytes, le32 flags, le64 newest time, bytes */
    FAILED_RANGES_MAX = 64,     /* older ones are forgotten */
};

/* Tickets that one poisoning has failed. */
struct failed_range {
    wal_ticket first, last;
    struct err cause; /* owned */
};

struct wal {
    char *dir; /* owned; immutable */
    enum wal_compression compression;

    struct wal_writer writer; /* the leader's */
    struct buf batch;         /* entries that the leader writes; else empty */

    struct lock lock;
    struct cond changed;
    struct buf queue GUARDED_BY(lock);       /* entries that wait */
    size_t in_flight_bytes GUARDED_BY(lock); /* of the leader's batch */
    wal_ticket enqueued GUARDED_BY(lock);    /* newest given out */
    wal_ticket forgotten GUARDED_BY(lock);   /* outcomes up to here are not known any more */
    VEC(struct failed_range) failed GUARDED_BY(lock); /* ascending */
    bool leading GUARDED_BY(lock);
    unsigned exclusive_waits GUARDED_BY(lock); /* threads that want no new leader to begin */
    unsigned retiring GUARDED_BY(lock);        /* threads that sync full segments */
    bool finished GUARDED_BY(lock);
    struct err poison GUARDED_BY(lock); /* ERR_NONE while healthy; owned */
    struct wal_position end GUARDED_BY(lock);

    _Atomic(wal_ticket) written; /* newest written; changed under the lock */
    _Atomic(uint64_t) segment, bytes_written, failures;
};

struct err
wal_open(const struct wal_opts *opts, struct wal **ret_wal)
{
    AUTO(wal_close) struct wal *w = mem_alloc_zero(sizeof *w);
    w->dir = mem_dup_text(opts->dir, strlen(opts->dir));
    w->compression = opts->compression;
    lock_init(&w->lock, LOCK_RANK_WAL_QUEUE);
    cond_init(&w->changed);
    TRY(wal_remove_leftovers(opts->fs, opts->dir));
    TRY(wal_writer_open(&w->writer, opts));
    atomic_store_explicit(&w->segment, w->writer.segment, memory_order_relaxed);
    w->end = wal_writer_end(&w->writer);
    *ret_wal = TAKE(w);
    return OK;
}

void
wal_close(struct wal *w)
{
    if (!w)
        return;
    ASSERT(!w->leading && w->retiring == 0);
    wal_writer_fini(&w->writer);
    vec_each (&w->failed, range)
        err_drop(range->cause);
    vec_fini(&w->failed);
    err_drop(w->poison);
    buf_fini(&w->batch);
    buf_fini(&w->queue);
    cond_fini(&w->changed);
    lock_fini(&w->lock);
    mem_free(w->dir);
    mem_free(w);
}

static struct err
copy_of(const struct err *e)
{
    return e->code == ERR_NONE ? OK : ERR(e->code, "%s", err_text(e));
}

/* --- entries ------------------------------------------------------------------------------ */

static void
put_entry(struct buf *to, struct str record, enum wal_compression compression, int64_t newest_ms)
{
    size_t header = to->n;
    buf_reserve(to, ENTRY_HEADER_BYTES);
    to->n += ENTRY_HEADER_BYTES;
    unsigned flags = wal_store(record, compression, to);
    store_le32(to->p + header, u32_of_size(to->n - header - ENTRY_HEADER_BYTES));
    store_le32(to->p + header + 4, flags);
    store_le64(to->p + header + 8, (uint64_t)newest_ms);
}

static struct err
put_entries(const struct wal *w, const struct str *records, size_t count, int64_t newest_ms,
            struct buf *to)
{
    for (size_t i = 0; i < count; i++) {
        if (records[i].n > WAL_RECORD_BYTES_MAX)
            return ERR(ERR_TOO_LARGE, "log %s: record of %zu bytes, limit %d", w->dir, records[i].n,
                       WAL_RECORD_BYTES_MAX);
        put_entry(to, records[i], w->compression, newest_ms);
    }
    return OK;
}

/* Puts all entries into the writer and commits them. */
static struct err
write_entries(struct wal_writer *writer, struct str entries, enum wal_sync_mode sync)
{
    while (entries.n > 0) {
        struct str header = str_take(&entries, ENTRY_HEADER_BYTES);
        struct str stored = str_take(&entries, load_le32(header.p));
        TRY(wal_writer_put(writer, stored, load_le32(header.p + 4)));
        wal_writer_date(writer, (int64_t)load_le64(header.p + 8));
    }
    return wal_writer_commit(writer, sync);
}

struct err
wal_enqueue(struct wal *w, const struct str *records, size_t count, wal_ticket *ret_ticket)
{
    return wal_enqueue_dated(w, records, count, WAL_TIME_UNKNOWN, ret_ticket);
}

struct err
wal_enqueue_dated(struct wal *w, const struct str *records, size_t count, int64_t newest_ms,
                  wal_ticket *ret_ticket)
{
    if (count == 0) {
        *ret_ticket = 0;
        return OK;
    }
    AUTO(buf_fini) struct buf entries = BUF_INIT;
    TRY(put_entries(w, records, count, newest_ms, &entries));

    LOCKED(&w->lock);
    if (w->poison.code)
        return copy_of(&w->poison);
    if (w->finished)
        return ERR(ERR_UNAVAILABLE, "log %s: closing", w->dir);
    size_t pending = w->queue.n + w->in_flight_bytes;
    if (pending > 0 && pending + entries.n > WAL_QUEUED_BYTES_MAX)
        return ERR(ERR_OVERLOAD, "log %s: %zu bytes wait to be written, limit %d", w->dir, pending,
                   WAL_QUEUED_BYTES_MAX);
    buf_append(&w->queue, buf_str(&entries));
    *ret_ticket = ++w->enqueued;
    return OK;
}

/* --- leading ------------------------------------------------------------------------------ */

static void
empty(struct buf *b)
{
    if (b->cap > QUEUE_BYTES_KEPT)
        buf_fini(b);
    buf_clear(b);
}

/* Takes `cause`. All tickets whose records are not in the log have failed. */
static void
poison(struct wal *w, struct err cause)
{
    wal_ticket written = atomic_load_explicit(&w->written, memory_order_relaxed);
    if (w->failed.n > 0 && vec_last(&w->failed)->last > written)
        written = vec_last(&w->failed)->last; /* those have failed before */
    if (w->enqueued > written) {
        if (w->failed.n == FAILED_RANGES_MAX) {
            w->forgotten = w->failed.v[0].last;
            err_drop(w->failed.v[0].cause);
            w->failed.n--;
            memmove(w->failed.v, w->failed.v + 1, w->failed.n * sizeof *w->failed.v);
        }
        vec_push(&w->failed, ((struct failed_range){written + 1, w->enqueued, copy_of(&cause)}));
    }
    empty(&w->queue);
    err_drop(w->poison);
    w->poison = cause;
    atomic_fetch_add_explicit(&w->failures, 1, memory_order_relaxed);
}

/* No leader works and none will begin until the count is taken back. */
static void
wait_for_leader(struct wal *w) REQUIRES(w->lock)
{
    w->exclusive_waits++;
    while (w->leading)
        cond_wait(&w->changed, &w->lock);
    w->exclusive_waits--;
}

/* Syncs the full segments of the batch just published, without keeping anybody waiting but the
 * caller. */
static void
retire(struct wal *w) REQUIRES(w->lock)
{
    struct file **files = w->writer.retired.v;
    size_t count = w->writer.retired.n;
    if (count == 0)
        return;
    w->writer.retired.v = NULL;
    w->writer.retired.n = w->writer.retired.cap = 0;
    w->retiring++;
    lock_release(&w->lock);
    struct err e = wal_writer_retire(&w->writer, files, count);
    mem_free(files);
    lock_acquire(&w->lock);
    w->retiring--;
    if (e.code) {
        wait_for_leader(w); /* its tickets must not fail while it succeeds */
        poison(w, e);
    }
    cond_broadcast(&w->changed);
}

/* Publishes where the writer stands. */
static void
publish(struct wal *w, wal_ticket upto) REQUIRES(w->lock)
{
    atomic_store_explicit(&w->written, upto, memory_order_relaxed);
    atomic_store_explicit(&w->segment, w->writer.segment, memory_order_relaxed);
    atomic_store_explicit(&w->bytes_written, w->writer.bytes_total, memory_order_relaxed);
    w->end = wal_writer_end(&w->writer);
}

/* Writes everything that waits. The lock is released meanwhile. */
static void
lead(struct wal *w) REQUIRES(w->lock)
{
    ASSERT(!w->leading && w->batch.n == 0);
    struct buf taken = w->queue;
    w->queue = w->batch;
    w->batch = taken;
    w->in_flight_bytes = taken.n;
    wal_ticket upto = w->enqueued;
    w->leading = true;
    lock_release(&w->lock);
    struct err e = write_entries(&w->writer, buf_str(&w->batch), w->writer.sync);
    lock_acquire(&w->lock);
    w->leading = false;
    w->in_flight_bytes = 0;
    empty(&w->batch);
    if (e.code) {
        poison(w, err_wrap(e, "log %s", w->dir));
    } else {
        publish(w, upto);
    }
    cond_broadcast(&w->changed);
    if (!w->poison.code)
        retire(w);
}

/* The outcome of a ticket; false while it is open. */
static bool
is_decided(const struct wal *w, wal_ticket ticket, struct err *ret_outcome)
{
    if (ticket <= w->forgotten) {
        *ret_outcome = ERR(ERR_UNAVAILABLE, "log %s: asked too late", w->dir);
        return true;
    }
    for (size_t i = w->failed.n; i > 0 && w->failed.v[i - 1].last >= ticket; i--) {
        if (w->failed.v[i - 1].first <= ticket) {
            *ret_outcome = copy_of(&w->failed.v[i - 1].cause);
            return true;
        }
    }
    if (ticket > atomic_load_explicit(&w->written, memory_order_relaxed))
        return false;
    *ret_outcome = OK;
    return true;
}

struct err
wal_wait(struct wal *w, wal_ticket ticket)
{
    if (ticket == 0)
        return OK;
    LOCKED(&w->lock);
    ASSERT(ticket <= w->enqueued);
    struct err outcome;
    while (!is_decided(w, ticket, &outcome)) {
        if (w->leading || w->exclusive_waits > 0)
            cond_wait(&w->changed, &w->lock);
        else
            lead(w);
    }
    return outcome;
}

/* --- the owner's calls -------------------------------------------------------------------- */

struct err
wal_finish(struct wal *w)
{
    LOCKED(&w->lock);
    w->finished = true;
    wait_for_leader(w);
    if (!w->poison.code && w->queue.n > 0)
        lead(w);
    while (w->retiring > 0)
        cond_wait(&w->changed, &w->lock);
    if (w->poison.code)
        return copy_of(&w->poison);
    w->leading = true;
    lock_release(&w->lock);
    struct err e = wal_writer_finish(&w->writer);
    lock_acquire(&w->lock);
    w->leading = false;
    if (e.code) {
        poison(w, err_wrap(e, "log %s", w->dir));
        return copy_of(&w->poison);
    }
    publish(w, w->enqueued);
    return OK;
}

struct err
wal_cut(struct wal *w, uint64_t *ret_segment)
{
    LOCKED(&w->lock);
    wait_for_leader(w);
    if (w->poison.code)
        return copy_of(&w->poison);
    if (w->finished)
        return ERR(ERR_UNAVAILABLE, "log %s: closing", w->dir);
    w->leading = true;
    lock_release(&w->lock);
    struct err e = wal_writer_cut(&w->writer);
    lock_acquire(&w->lock);
    w->leading = false;
    uint64_t segment = w->writer.segment;
    if (e.code)
        poison(w, err_wrap(e, "log %s: begin a segment", w->dir));
    else
        publish(w, atomic_load_explicit(&w->written, memory_order_relaxed));
    cond_broadcast(&w->changed);
    if (!w->poison.code)
        retire(w);
    if (w->poison.code)
        return copy_of(&w->poison);
    *ret_segment = segment;
    return OK;
}

/* The records are on the disk before they count as written: a second attempt writes them anew. */
static struct err
recover(struct wal *w, struct str entries)
{
    TRY(wal_writer_rollback(&w->writer));
    return write_entries(&w->writer, entries, WAL_SYNC_BATCH);
}

struct err
wal_recover(struct wal *w, const struct str *records, size_t count)
{
    AUTO(buf_fini) struct buf entries = BUF_INIT;
    TRY(put_entries(w, records, count, WAL_TIME_UNKNOWN, &entries));

    LOCKED(&w->lock);
    ASSERT(w->poison.code);
    while (w->retiring > 0)
        cond_wait(&w->changed, &w->lock);
    wait_for_leader(w);
    w->leading = true;
    lock_release(&w->lock);
    struct err e = recover(w, buf_str(&entries));
    lock_acquire(&w->lock);
    w->leading = false;
    err_drop(w->poison);
    w->poison = e.code ? err_wrap(e, "log %s: recover", w->dir) : OK;
    if (!e.code)
        publish(w, atomic_load_explicit(&w->written, memory_order_relaxed));
    cond_broadcast(&w->changed);
    return copy_of(&w->poison);
}

int64_t
wal_newest_ms(struct wal *w, uint64_t segment)
{
    LOCKED(&w->lock);
    wait_for_leader(w);          /* whose the writer is otherwise */
    cond_broadcast(&w->changed); /* who came meanwhile waits for a leader that does not begin */
    return wal_writer_newest_ms(&w->writer, segment);
}

struct err
wal_health(struct wal *w)
{
    LOCKED(&w->lock);
    return copy_of(&w->poison);
}

struct wal_position
wal_end(struct wal *w)
{
    LOCKED(&w->lock);
    return w->end;
}

wal_ticket
wal_written(const struct wal *w)
{
    return atomic_load_explicit(&w->written, memory_order_relaxed);
}

uint64_t
wal_segment(const struct wal *w)
{
    return atomic_load_explicit(&w->segment, memory_order_relaxed);
}

uint64_t
wal_failures(const struct wal *w)
{
    return atomic_load_explicit(&w->failures, memory_order_relaxed);
}

uint64_t
wal_bytes_written(const struct wal *w)
{
    return atomic_load_explicit(&w->bytes_written, memory_order_relaxed);
}
