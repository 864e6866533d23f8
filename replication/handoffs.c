/* handoffs.c - all queues of a node: found, made, opened at the start, cursors stored.
 *
 *   <dir>/lock            held by the process that has it
 *   <dir>/cursors.mdb     how far each was taken (handoff_cursors.h)
 *   <dir>/<name>/         the segments of a queue; name: handoff_name.h
 *   <dir>/#gone-<name>/   what was dropped, to be removed */
#include "base/assert.h"
#include "replication/handoff_int.h"
#include "replication/handoff_name.h"

enum { FAILURE_LOG_BURST = 2 };

void
handoff_failed(struct handoff *h, enum handoff_figure figure, const char *what, struct err e)
{
    if (e.code == ERR_NONE)
        return;
    struct handoffs *hs = h->set;
    uint32_t dropped;
    handoff_count(h, figure, 1);
    if (log_throttle_pass(&hs->log_failures, hs->log, FAILURE_LOG_BURST, &dropped))
        log_error(hs->log, "hand-off queue failed", KV_CSTR("peer", h->peer), KV_CSTR("what", what),
                  KV_U64("unlogged", dropped), KV_ERR(e));
    err_drop(e);
}

/* --- one queue -------------------------------------------------------------------------------- */

static uint64_t
loaded_seq(const struct handoffs *hs, const char *name)
{
    for (size_t i = 0; i < hs->loaded.n; i++) {
        if (strcmp(hs->loaded.v[i].name, name) == 0)
            return hs->loaded.v[i].seq;
    }
    return 0;
}

/* Numbers go on behind its cursor even when all else is gone: the cursor must never stand for
 * records that come later. */
static struct handoff *
handoff_new(struct handoffs *hs, struct str peer, struct str name)
{
    struct handoff *h = mem_alloc_zero(sizeof *h);
    h->set = hs;
    h->peer = mem_dup_text(peer.p, peer.n);
    h->name = mem_dup_text(name.p, name.n);
    h->dir = fs_path_below(hs->dir, name);
    lock_init(&h->order, LOCK_RANK_HANDOFF_ORDER);
    lock_init(&h->lock, LOCK_RANK_HANDOFF);
    cond_init(&h->changed);
    h->acked_seq = h->stored_seq = loaded_seq(hs, h->name);
    h->last_seq = h->read_seq = h->acked_seq;
    h->next_seq = h->last_seq + 1;
    h->unread_ms = HANDOFF_TIME_NONE;
    handoff_register(h);
    return h;
}

/* What a failed append has left in the file goes, if that can be done now. */
static struct err
end_log(struct wal *w)
{
    struct err ill = wal_health(w);
    bool is_ill = ill.code != ERR_NONE;
    err_drop(ill);
    if (is_ill)
        TRY(wal_recover(w, NULL, 0));
    return wal_finish(w);
}

static void
handoff_free(struct handoff *h)
{
    if (h->wal)
        handoff_failed(h, HANDOFF_FAILED_APPEND, "cannot end its log", end_log(h->wal));
    wal_close(h->wal);
    wal_tail_close(h->reader.tail);
    vec_fini(&h->segments);
    vec_fini(&h->marks);
    err_drop(h->trouble);
    cond_fini(&h->changed);
    lock_fini(&h->lock);
    lock_fini(&h->order);
    mem_free(h->peer);
    mem_free(h->name);
    mem_free(h->dir);
    mem_free(h);
}

struct str
handoff_peer(const struct handoff *h)
{
    return str_of_cstr(h->peer);
}

struct err
handoffs_of(struct handoffs *hs, struct str peer, struct handoff **ret_handoff)
{
    AUTO(buf_fini) struct buf name = BUF_INIT;
    TRY(handoff_name_escape(peer, &name));
    LOCKED(&hs->lock);
    struct handoff *h = map_get(&hs->by_peer, peer);
    if (!h && hs->all.n >= HANDOFF_PEERS_MAX)
        return ERR(ERR_LIMIT, "more than %d hand-off queues", HANDOFF_PEERS_MAX);
    if (!h) {
        h = handoff_new(hs, peer, buf_str(&name));
        (void)map_put(&hs->by_peer, handoff_peer(h), h);
        vec_push(&hs->all, h);
    }
    *ret_handoff = h;
    return OK;
}

size_t
handoffs_count(struct handoffs *hs)
{
    LOCKED(&hs->lock);
    return hs->all.n;
}

struct handoff *
handoffs_at(struct handoffs *hs, size_t i)
{
    LOCKED(&hs->lock);
    return *vec_at(&hs->all, i);
}

void
handoffs_maintain(struct handoffs *hs)
{
    for (size_t i = 0, n = handoffs_count(hs); i < n; i++)
        handoff_tidy_if_needed(handoffs_at(hs, i));
    handoffs_commit(hs, HANDOFFS_WHEN_DUE);
}

/* --- cursors ---------------------------------------------------------------------------------- */

/* One that is to be stored. */
struct due {
    struct handoff *handoff;
    uint64_t seq;
};
VEC_TYPE(dues, struct due);

/* All that there are when the file is to be begun anew, else those that moved. */
static void
list_dues(struct handoffs *hs, struct dues *to)
{
    for (size_t i = 0, n = handoffs_count(hs); i < n; i++) {
        struct handoff *h = handoffs_at(hs, i);
        LOCKED(&h->lock);
        if (h->acked_seq > (hs->cursors ? h->stored_seq : 0))
            vec_push(to, ((struct due){h, h->acked_seq}));
    }
}

static struct err
store_dues(struct handoffs *hs, const struct dues *dues)
{
    struct handoff_cursor_list cursors = VEC_INIT; /* names are borrowed */
    for (size_t i = 0; i < dues->n; i++)
        vec_push(&cursors, ((struct handoff_cursor){dues->v[i].handoff->name, dues->v[i].seq}));
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/" HANDOFF_CURSORS_NAME, hs->dir);
    struct err e = hs->cursors ? handoff_cursors_store(hs->cursors, cursors.v, cursors.n)
                               : handoff_cursors_open(hs->fs, buf_cstr(&path), hs->cursor_map_bytes,
                                                      cursors.v, cursors.n, &hs->cursors);
    if (e.code != ERR_NONE)
        handoff_cursors_close(TAKE(hs->cursors));
    vec_fini(&cursors);
    return e;
}

static void
commit(struct handoffs *hs)
{
    struct dues dues = VEC_INIT;
    list_dues(hs, &dues);
    struct err e = dues.n > 0 ? store_dues(hs, &dues) : OK;
    for (size_t i = 0; i < dues.n && e.code == ERR_NONE; i++) {
        LOCKED(&dues.v[i].handoff->lock);
        dues.v[i].handoff->stored_seq = dues.v[i].seq;
    }
    if (dues.n > 0)
        handoff_failed(dues.v[0].handoff, HANDOFF_FAILED_CURSOR, "cannot store its cursor", e);
    vec_fini(&dues);
}

void
handoffs_commit(struct handoffs *hs, enum handoffs_when when)
{
    uint64_t now_ns = clock_mono_ns(hs->clock);
    uint64_t acks = atomic_load_explicit(&hs->acks, memory_order_relaxed);
    {
        LOCKED(&hs->lock);
        bool due = when == HANDOFFS_NOW || acks >= HANDOFF_COMMIT_ACKS ||
                   now_ns - hs->committed_ns >= (uint64_t)HANDOFF_COMMIT_MS * 1000000;
        if (!due || hs->committing)
            return;
        hs->committing = true;
        hs->committed_ns = now_ns;
    }
    atomic_store_explicit(&hs->acks, 0, memory_order_relaxed);
    commit(hs);
    LOCKED(&hs->lock);
    hs->committing = false;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static struct err
hold(struct handoffs *hs)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(fs_make_dirs(hs->fs, hs->dir));
    buf_printf(&path, "%s/lock", hs->dir);
    return fs_lock_file(hs->fs, buf_cstr(&path), &hs->held);
}

/* Without them everything is sent again. A file that cannot be read now must not come back later
 * with numbers that meanwhile stand for other records. */
static void
load_cursors(struct handoffs *hs)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/" HANDOFF_CURSORS_NAME, hs->dir);
    struct err e = handoff_cursors_load(hs->fs, buf_cstr(&path), &hs->loaded);
    if (e.code == ERR_NONE)
        return;
    log_error(hs->log, "cursors of hand-off queues cannot be read: all is sent again", KV_ERR(e));
    err_drop(e);
    err_drop(fs_remove_file(hs->fs, buf_cstr(&path)));
}

/* A queue that cannot be looked at now is looked at again when it is used. */
static void
open_queue(struct handoffs *hs, struct str peer)
{
    struct handoff *h;
    struct err e = handoffs_of(hs, peer, &h);
    if (e.code != ERR_NONE) {
        log_error(hs->log, "hand-off queue left out", KV_STR("peer", peer), KV_ERR(e));
        err_drop(e);
        return;
    }
    e = handoff_begin_read(h);
    if (e.code == ERR_NONE && h->segments.n == 0) {
        err_drop(fs_remove_tree(hs->fs, h->dir)); /* all was taken */
        return;
    }
    if (e.code == ERR_NONE)
        e = handoff_peek(h);
    if (h->reader.peeked)
        h->unread_ms = h->reader.head.at_ms;
    struct handoff_stats s = handoff_stats(h);
    if (e.code == ERR_NONE)
        log_info(hs->log, "hand-off queue found", KV_STR("peer", peer),
                 KV_U64("messages", s.records), KV_U64("bytes", s.bytes));
    handoff_failed(h, HANDOFF_FAILED_READ, "cannot be looked at", e);
}

static void
open_entry(struct handoffs *hs, const struct fs_entry *entry)
{
    AUTO(buf_fini) struct buf peer = BUF_INIT;
    struct str name = str_of_cstr(entry->name);
    if (entry->kind != FS_DIR)
        return;
    if (str_starts_with(name, STR(HANDOFF_GONE_PREFIX))) {
        char *path = fs_path_below(hs->dir, name);
        err_drop(fs_remove_tree(hs->fs, path)); /* else at the next start */
        mem_free(path);
    } else if (handoff_name_unescape(name, &peer)) {
        open_queue(hs, buf_str(&peer));
    } else {
        log_warn(hs->log, "no hand-off queue: left alone", KV_CSTR("directory", entry->name));
    }
}

static struct err
open_all(struct handoffs *hs)
{
    TRY(hold(hs));
    load_cursors(hs);
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    TRY(fs_list_dir(hs->fs, hs->dir, &list));
    vec_each (&list, entry)
        open_entry(hs, entry);
    handoffs_commit(hs, HANDOFFS_NOW);
    return OK;
}

static uint64_t
segment_bytes_of(const struct handoffs_opts *opts, uint64_t bytes_max)
{
    uint64_t bytes = opts->segment_bytes ? opts->segment_bytes : HANDOFF_SEGMENT_BYTES_DEFAULT;
    bytes = u64_min(bytes, bytes_max / 8);
    return u64_max(bytes - bytes % WAL_PAGE_BYTES, WAL_PAGE_BYTES);
}

struct err
handoffs_open(const struct handoffs_opts *opts, struct handoffs **ret_handoffs)
{
    uint64_t bytes_max = opts->bytes_max ? opts->bytes_max : HANDOFF_BYTES_DEFAULT;
    if (bytes_max < HANDOFF_BYTES_MIN)
        return ERR(ERR_INVALID, "a hand-off queue of %ju bytes, at least %d are needed",
                   (uintmax_t)bytes_max, HANDOFF_BYTES_MIN);
    AUTO(handoffs_close) struct handoffs *hs = mem_alloc_zero(sizeof *hs);
    *hs = (struct handoffs){
        .fs = opts->fs,
        .dir = mem_dup_text(opts->dir, strlen(opts->dir)),
        .clock = opts->clock,
        .log = opts->log,
        .metrics = opts->metrics,
        .bytes_max = bytes_max,
        .segment_bytes = segment_bytes_of(opts, bytes_max),
        .age_max_ms = opts->age_max_ms ? opts->age_max_ms : HANDOFF_AGE_MS_DEFAULT,
        .sync = opts->sync,
        .cursor_map_bytes = opts->cursor_map_bytes,
    };
    lock_init(&hs->lock, LOCK_RANK_HANDOFFS);
    map_init(&hs->by_peer, MAP_KEYS_BORROWED);
    handoffs_register(hs);
    TRY(open_all(hs));
    *ret_handoffs = TAKE(hs);
    return OK;
}

void
handoffs_close(struct handoffs *hs)
{
    if (!hs)
        return;
    ASSERT(!hs->committing);
    metrics_off_collect(hs->metrics, hs);
    handoffs_commit(hs, HANDOFFS_NOW);
    vec_each (&hs->all, h)
        handoff_free(*h);
    vec_fini(&hs->all);
    map_fini(&hs->by_peer);
    handoff_cursors_close(hs->cursors);
    handoff_cursor_list_fini(&hs->loaded);
    file_close(hs->held);
    lock_fini(&hs->lock);
    mem_free(hs->dir);
    mem_free(hs);
}
