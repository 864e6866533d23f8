/* handoff_heal.c - a queue made ready for use: looked at, its log opened or recovered.
 *
 *   not looked at --handoff_scan()--> readable --first append--> log open --a write fails-->
 *   poisoned --wal_recover()--> log open
 *
 * One thread heals, others wait for it; what failed is tried again after HANDOFF_HEAL_MS at the
 * earliest, and is refused with the cause until then. */
#include "replication/handoff_int.h"

enum purpose { TO_READ, TO_APPEND };

static struct err
open_log(struct handoff *h)
{
    const struct handoffs *hs = h->set;
    TRY(handoff_refresh(h)); /* an attempt that failed may have left a segment */
    uint64_t begin_segment;
    {
        LOCKED(&h->lock);
        begin_segment = h->next_segment;
    }
    TRY(fs_make_dirs(hs->fs, h->dir));
    TRY(fs_sync_dir(hs->fs, hs->dir));
    struct wal *w;
    TRY(wal_open(
        &(struct wal_opts){
            .fs = hs->fs,
            .dir = h->dir,
            .segment_bytes = hs->segment_bytes,
            .sync = hs->sync,
            .begin_segment = begin_segment,
        },
        &w));
    LOCKED(&h->lock);
    h->wal = w;
    h->active = wal_end(w).segment;
    return OK;
}

static struct err
recover_log(struct wal *w)
{
    struct err poison = wal_health(w);
    bool ill = poison.code != ERR_NONE;
    err_drop(poison);
    return ill ? wal_recover(w, NULL, 0) : OK;
}

/* The numbers of what was refused are given again: nothing of it is in the log. */
static struct err
heal_log(struct handoff *h)
{
    uint64_t last_seq;
    struct wal *w;
    {
        LOCKED(&h->lock);
        w = h->wal;
        last_seq = h->last_seq; /* of all appends: none is under way */
    }
    TRY(w ? recover_log(w) : open_log(h));
    LOCKED(&h->order);
    h->next_seq = last_seq + 1;
    return OK;
}

static bool
is_ready(struct handoff *h, enum purpose purpose, struct err *ret_why) REQUIRES(h->lock)
{
    *ret_why = OK;
    if (h->scanned && purpose == TO_READ)
        return true;
    if (h->scanned && h->wal) {
        *ret_why = wal_health(h->wal);
        return ret_why->code == ERR_NONE;
    }
    *ret_why = handoff_err_copy(&h->trouble);
    return false;
}

/* The lock is released meanwhile. */
static void
heal(struct handoff *h, enum purpose purpose) REQUIRES(h->lock)
{
    bool scanned = h->scanned;
    h->healing = true;
    while (h->appending > 0 || h->tidying)
        cond_wait(&h->changed, &h->lock);
    lock_release(&h->lock);
    struct err e = scanned ? OK : handoff_scan(h);
    if (e.code == ERR_NONE && purpose == TO_APPEND)
        e = heal_log(h);
    uint64_t now_ns = clock_mono_ns(h->set->clock);
    lock_acquire(&h->lock);
    h->healing = false;
    h->heal_at_ns = now_ns + (uint64_t)HANDOFF_HEAL_MS * 1000000;
    err_drop(h->trouble);
    h->trouble = e;
    cond_broadcast(&h->changed);
}

static struct err
begin(struct handoff *h, enum purpose purpose) REQUIRES(h->lock)
{
    for (bool tried = false;; tried = true) {
        while (h->healing)
            cond_wait(&h->changed, &h->lock);
        struct err why;
        if (is_ready(h, purpose, &why))
            return OK;
        if (why.code != ERR_NONE && (tried || clock_mono_ns(h->set->clock) < h->heal_at_ns))
            return why;
        err_drop(why);
        heal(h, purpose);
    }
}

struct err
handoff_begin_read(struct handoff *h)
{
    LOCKED(&h->lock);
    return begin(h, TO_READ);
}

struct err
handoff_begin_append(struct handoff *h)
{
    LOCKED(&h->lock);
    TRY(begin(h, TO_APPEND));
    h->appending++;
    return OK;
}

/* Appends that are under way may wait for whoever tidies: they end first. */
void
handoff_begin_alone(struct handoff *h)
{
    LOCKED(&h->lock);
    while (h->healing)
        cond_wait(&h->changed, &h->lock);
    h->healing = true;
    while (h->appending > 0 || h->tidying)
        cond_wait(&h->changed, &h->lock);
    h->tidying = true;
}

void
handoff_end_alone(struct handoff *h)
{
    LOCKED(&h->lock);
    h->healing = h->tidying = false;
    cond_broadcast(&h->changed);
}
