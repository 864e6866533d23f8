/* tenants_int.h - what the files about tenants share. */
#pragma once
#include "base/arena.h"
#include "base/lock.h"
#include "base/map.h"
#include "tsdb/due_heap.h"
#include "tsdb/tenant_plan.h"
#include "tsdb/tenants.h"

/* X(state, text for metrics). The arrows between them: README.md, may_follow in tenants.c. */
#define TENANT_STATES(X)                                                                           \
    X(TENANT_OPENING, "opening")                                                                   \
    X(TENANT_OPEN, "open")                                                                         \
    X(TENANT_CLOSING, "closing")                                                                   \
    X(TENANT_DORMANT, "dormant")                                                                   \
    X(TENANT_GONE, "gone")

enum tenant_state {
#define X(state, text) state,
    TENANT_STATES(X)
#undef X
        TENANT_STATE_COUNT
};

struct tenant_metrics; /* tenants_metrics.c: the children of one tenant */

/* About 250 bytes with its name, which is all that a closed tenant costs. */
struct tenant {
    struct tenants *owner; /* immutable, as the name */
    struct str name;       /* owned; NUL behind it */
    struct db *db;         /* set while OPEN, and by whoever opens or closes it */

    enum tenant_state state GUARDED_BY(owner->lock);
    /* Raised under the lock and only while OPEN; dropped without (release), which the acquire in
     * tenant_is_held() pairs with: whoever sees 0 under the lock has it to himself. */
    _Atomic(uint32_t) refs;
    _Atomic(int64_t) used_ms;                       /* last release; relaxed: a figure */
    int64_t written_ms GUARDED_BY(owner->lock);     /* last reference taken for a write */
    uint64_t writes GUARDED_BY(owner->lock);        /* such references, ever */
    size_t place GUARDED_BY(owner->lock);           /* in owner->all */
    struct due due GUARDED_BY(owner->lock);         /* in owner->due, unless in a pass */
    bool in_pass GUARDED_BY(owner->lock);           /* a thread looks after it */
    bool unfinished;                                /* as told by its pass: come again soon */
    unsigned failures GUARDED_BY(owner->lock);      /* of passes, in a row */
    unsigned open_failures GUARDED_BY(owner->lock); /* of opening, in a row */
    int64_t no_open_before_ms GUARDED_BY(owner->lock);
    struct err open_failure GUARDED_BY(owner->lock); /* the newest; owned; OK: none */
    struct err failure;             /* of the newest pass; owned; of the thread in the pass */
    int64_t mint_ms, maxt_ms;       /* of its samples, while DORMANT; of who closes it before */
    struct tenant_metrics *metrics; /* owned; of the collector holding a reference, or who closes */
};

struct tenant_families {
    struct metric_family **of_tenants; /* one a figure: tenants_metrics.c; owned */
    struct metric *states[TENANT_STATE_COUNT];
    struct metric *opened, *closed, *pruned, *failed;
};

VEC_TYPE(tenant_list, struct tenant *);

struct tenants {
    /* immutable */
    char *dir; /* owned */
    struct db_opts db_opts;
    struct metrics *metrics;
    struct pool *pool;  /* until tenants_finish() */
    struct arena arena; /* of the two below */
    struct labels labels;
    struct str tenant_label;
    int64_t retention_ms, flush_after_ms, close_after_ms;
    struct tenant_hooks hooks;
    unsigned runners_max;
    struct tenant_families families;

    struct lock collect_lock; /* one collection of figures at a time; before `lock` */

    struct lock lock;                        /* never held over I/O */
    struct cond changed;                     /* a state, or runners */
    struct map by_name GUARDED_BY(lock);     /* all but the GONE */
    struct tenant_list all GUARDED_BY(lock); /* in no order */
    struct due_heap due GUARDED_BY(lock);
    size_t state_counts[TENANT_STATE_COUNT] GUARDED_BY(lock);
    unsigned runners GUARDED_BY(lock); /* threads within tenants_maintain() */
    bool stopping GUARDED_BY(lock);
};

static inline int64_t
tenants_now_ms(const struct tenants *t)
{
    return (int64_t)(clock_mono_ns(t->db_opts.clock) / 1000000);
}

static inline bool
tenant_is_held(const struct tenant *n) REQUIRES(n->owner->lock)
{
    return atomic_load_explicit(&n->refs, memory_order_acquire) > 0;
}

/* Of a DORMANT one. */
static inline struct tenant_remains
tenant_remains_of(const struct tenant *n, int64_t now_ms) REQUIRES(n->owner->lock)
{
    int64_t used_ms = atomic_load_explicit(&n->used_ms, memory_order_relaxed);
    return (struct tenant_remains){.newest_ms = n->maxt_ms, .unused_ms = now_ms - used_ms};
}

/* A reference that is not a use: of the collector. */
static inline void
tenant_hold_unseen(struct tenant *n) REQUIRES(n->owner->lock)
{
    atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed); /* the lock orders it */
}
static inline void
tenant_release_unseen(struct tenant *n)
{
    atomic_fetch_sub_explicit(&n->refs, 1, memory_order_release);
}

/* tenants.c - the table. All under the lock. */
struct tenant *tenant_add(struct tenants *t, struct str name, enum tenant_state state);
/* The only function that assigns a state; wakes who waits for one. */
void tenant_set_state(struct tenant *n, enum tenant_state to);
/* Out of the table, and freed; its database is closed. */
void tenant_erase(struct tenant *n);
/* Nobody finds it under its name any more. */
void tenant_unname(struct tenant *n);
/* OPENING to OPEN: its database is set. */
void tenant_begin_life(struct tenant *n, int64_t now_ms);
/* When it is next looked at; nothing while it is in a pass, whose end calls this. */
void tenant_schedule(struct tenant *n, int64_t now_ms);

/* tenants_disk.c - what happens in directories. None of these is called under the lock. */
enum tenant_origin { TENANT_FOUND, TENANT_NEW };
struct err tenant_open_db(struct tenant *n, enum tenant_origin origin);
/* Finishes (a failure is logged: the log has everything and will be replayed) and closes. */
void tenant_close_db(struct tenant *n);
bool tenant_head_is_empty(const struct tenant *n);
/* *ret_empty is false when somebody still uses what is to leave the head: again soon. */
struct err tenant_flush(struct tenant *n, bool *ret_empty);
/* Renames the directory to what is no tenant's name: from then on the tenant is gone, whatever
 * happens to the rest. */
struct err tenant_remove_name(struct tenant *n);
/* Removes what tenant_remove_name() left; may be called again after a failure. */
struct err tenant_remove_rest(struct tenant *n);

/* tenants_metrics.c */
void tenants_register_metrics(struct tenants *t);
void tenants_unregister_metrics(struct tenants *t);
/* The tenant's metrics leave the registry: nobody holds a reference, or it is being freed. */
void tenant_drop_metrics(struct tenant *n);
