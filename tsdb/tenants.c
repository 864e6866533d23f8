/* tenants.c - the table of tenants, and who may use a database when.
 *
 * One lock guards the table and every state; it is held for look-ups only. Whoever moves a tenant
 * to OPENING or CLOSING under it owns the tenant until he moves it on, and does his I/O without
 * it; others who want the tenant wait on `changed` and look again by name. */
#include "tsdb/tenants_int.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"

/* Bits of the states that a state may be followed by. */
static const unsigned may_follow[TENANT_STATE_COUNT] = {
    [TENANT_OPENING] = 1u << TENANT_OPEN | 1u << TENANT_DORMANT,
    [TENANT_OPEN] = 1u << TENANT_CLOSING,
    [TENANT_CLOSING] = 1u << TENANT_DORMANT | 1u << TENANT_GONE,
    [TENANT_DORMANT] = 1u << TENANT_OPENING | 1u << TENANT_CLOSING,
    [TENANT_GONE] = 0,
};

/* --- the table -------------------------------------------------------------------------------- */

struct tenant *
tenant_add(struct tenants *t, struct str name, enum tenant_state state)
{
    ASSERT(lock_is_held(&t->lock));
    struct tenant *n = mem_alloc_zero(sizeof *n);
    n->owner = t;
    n->name = str_of(mem_dup_text(name.p, name.n), name.n);
    n->state = state;
    n->mint_ms = INT64_MAX;
    n->maxt_ms = INT64_MIN;
    atomic_store_explicit(&n->used_ms, tenants_now_ms(t), memory_order_relaxed);
    n->place = t->all.n;
    vec_push(&t->all, n);
    t->state_counts[state]++;
    if (state != TENANT_GONE) {
        const void *before = map_put(&t->by_name, n->name, n);
        ASSERT(!before);
    }
    return n;
}

void
tenant_set_state(struct tenant *n, enum tenant_state to)
{
    struct tenants *t = n->owner;
    ASSERT(lock_is_held(&t->lock));
    ASSERT(may_follow[n->state] & 1u << to);
    t->state_counts[n->state]--;
    t->state_counts[to]++;
    n->state = to;
    cond_broadcast(&t->changed);
}

void
tenant_unname(struct tenant *n)
{
    const void *was = map_remove(&n->owner->by_name, n->name);
    ASSERT(was == n);
}

void
tenant_erase(struct tenant *n)
{
    struct tenants *t = n->owner;
    ASSERT(!tenant_is_held(n));
    due_heap_remove(&t->due, &n->due);
    if (n->state != TENANT_GONE)
        tenant_unname(n);
    t->state_counts[n->state]--;
    struct tenant *last = vec_pop(&t->all);
    if (last != n) {
        t->all.v[n->place] = last;
        last->place = n->place;
    }
    err_drop(n->failure);
    err_drop(n->open_failure);
    mem_free((char *)(uintptr_t)n->name.p);
    mem_free(n);
}

/* --- when it is looked at --------------------------------------------------------------------- */

static int64_t
next_look_in_ms(const struct tenant *n, int64_t now_ms)
{
    const struct tenants *t = n->owner;
    if (n->failures > 0)
        return tenant_backoff_ms(n->failures);
    if (n->state == TENANT_OPEN && n->unfinished)
        return TENANT_PASS_MS;
    if (n->state == TENANT_OPEN)
        return tenant_pass_interval_ms(now_ms - n->written_ms);
    if (n->state == TENANT_GONE)
        return TENANT_PASS_MS;
    struct tenant_remains r = tenant_remains_of(n, now_ms);
    int64_t in_ms = tenant_expires_in_ms(&r, clock_wall_ms(t->db_opts.clock), t->retention_ms);
    if (in_ms == TENANT_DUE_NEVER)
        return in_ms;
    return i64_max(TENANT_PASS_MS, i64_min(in_ms, TENANT_EXPIRY_CHECK_MS_MAX));
}

void
tenant_schedule(struct tenant *n, int64_t now_ms)
{
    struct tenants *t = n->owner;
    ASSERT(lock_is_held(&t->lock));
    if (n->in_pass)
        return;
    ASSERT(n->state == TENANT_OPEN || n->state == TENANT_DORMANT || n->state == TENANT_GONE);
    int64_t in_ms = next_look_in_ms(n, now_ms);
    if (in_ms == TENANT_DUE_NEVER)
        due_heap_remove(&t->due, &n->due);
    else
        due_heap_put(&t->due, &n->due, tenant_due_ms(now_ms, in_ms, tenant_phase(n->name)));
}

void
tenant_begin_life(struct tenant *n, int64_t now_ms)
{
    err_drop(n->open_failure);
    n->open_failure = OK;
    n->open_failures = 0;
    n->written_ms = now_ms; /* whenever that was: its idleness begins here */
    atomic_store_explicit(&n->used_ms, now_ms, memory_order_relaxed);
    tenant_set_state(n, TENANT_OPEN);
    tenant_schedule(n, now_ms);
}

void
tenant_hurry(struct tenant *n)
{
    int64_t now_ms = tenants_now_ms(n->owner);
    LOCKED(&n->owner->lock);
    if (due_is_in_heap(&n->due) && n->failures == 0 && n->due.at_ms > now_ms)
        due_heap_put(&n->owner->due, &n->due, now_ms);
}

/* --- references ------------------------------------------------------------------------------- */

static void
hold(struct tenant *n) REQUIRES(n->owner->lock)
{
    ASSERT(n->state == TENANT_OPEN);
    tenant_hold_unseen(n);
}

static void
hold_to_write(struct tenant *n, int64_t now_ms) REQUIRES(n->owner->lock)
{
    hold(n);
    n->writes++;
    n->written_ms = i64_max(n->written_ms, now_ms);
    if (due_is_in_heap(&n->due) && n->failures == 0 && n->due.at_ms > now_ms + 2 * TENANT_PASS_MS)
        tenant_schedule(n, now_ms); /* it was idle: passes had become rare */
}

void
tenant_release(struct tenant *n)
{
    if (!n)
        return;
    atomic_store_explicit(&n->used_ms, tenants_now_ms(n->owner), memory_order_relaxed);
    uint32_t before = atomic_fetch_sub_explicit(&n->refs, 1, memory_order_release);
    ASSERT(before > 0);
}

struct db *
tenant_db(const struct tenant *n)
{
    return n->db;
}

/* Waits until the tenant is in a state to act on. NULL: there is none. */
static struct tenant *
settled(struct tenants *t, struct str name) REQUIRES(t->lock)
{
    for (;;) {
        struct tenant *n = map_get(&t->by_name, name);
        if (!n || n->state == TENANT_OPEN || n->state == TENANT_DORMANT)
            return n;
        cond_wait(&t->changed, &t->lock);
    }
}

/* Moves a closed tenant to OPENING: the caller must open it. What has just failed to open is not
 * tried again by everybody who waits for it. */
static struct err
begin_opening(struct tenant *n, int64_t now_ms) REQUIRES(n->owner->lock)
{
    if (n->open_failures > 0 && now_ms < n->no_open_before_ms)
        return ERR(n->open_failure.code, "%s", err_text(&n->open_failure));
    due_heap_remove(&n->owner->due, &n->due);
    tenant_set_state(n, TENANT_OPENING);
    return OK;
}

static struct err
begin_making(struct tenants *t, struct str name, struct tenant **ret_tenant) REQUIRES(t->lock)
{
    TRY(tenant_name_check(name));
    if (t->by_name.count >= TENANTS_MAX)
        return ERR(ERR_OVERLOAD, "limit of %d tenants is reached", TENANTS_MAX);
    *ret_tenant = tenant_add(t, name, TENANT_OPENING);
    return OK;
}

/* Opens a tenant that this thread has moved to OPENING, and takes a reference of it. */
static struct err
open_held(struct tenant *n, enum tenant_origin origin)
{
    struct tenants *t = n->owner;
    struct err e = tenant_open_db(n, origin);
    int64_t now_ms = tenants_now_ms(t);
    LOCKED(&t->lock);
    if (e.code == ERR_NONE) {
        tenant_begin_life(n, now_ms);
        hold(n);
    } else if (origin == TENANT_NEW) {
        tenant_erase(n);
        cond_broadcast(&t->changed);
    } else {
        err_drop(n->open_failure);
        n->open_failure = ERR(e.code, "%s", err_text(&e));
        n->open_failures++;
        n->no_open_before_ms = now_ms + tenant_backoff_ms(n->open_failures);
        tenant_set_state(n, TENANT_DORMANT);
        tenant_schedule(n, now_ms);
    }
    return e;
}

struct err
tenants_acquire(struct tenants *t, struct str name, struct tenant **ret_tenant)
{
    int64_t now_ms = tenants_now_ms(t);
    struct tenant *n;
    enum tenant_origin origin;
    {
        LOCKED(&t->lock);
        n = settled(t, name);
        origin = n ? TENANT_FOUND : TENANT_NEW;
        if (!n) {
            TRY(begin_making(t, name, &n));
        } else if (n->state == TENANT_DORMANT) {
            TRY(begin_opening(n, now_ms));
        } else {
            hold_to_write(n, now_ms);
            *ret_tenant = n;
            return OK;
        }
    }
    TRY(open_held(n, origin));
    *ret_tenant = n;
    return OK;
}

struct err
tenants_acquire_to_read(struct tenants *t, struct str name, int64_t mint_ms, int64_t maxt_ms,
                        struct tenant **ret_tenant)
{
    int64_t now_ms = tenants_now_ms(t);
    struct tenant *n;
    {
        LOCKED(&t->lock);
        n = settled(t, name);
        bool is_open = n && n->state == TENANT_OPEN;
        if (!n || (!is_open && (n->mint_ms > maxt_ms || n->maxt_ms < mint_ms))) {
            *ret_tenant = NULL;
            return OK;
        }
        if (is_open) {
            hold(n);
            *ret_tenant = n;
            return OK;
        }
        TRY(begin_opening(n, now_ms));
    }
    TRY(open_held(n, TENANT_FOUND));
    *ret_tenant = n;
    return OK;
}

/* --- figures ---------------------------------------------------------------------------------- */

bool
tenants_know(struct tenants *t, struct str name)
{
    LOCKED(&t->lock);
    return map_get(&t->by_name, name) != NULL;
}

static int
by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

struct str_list
tenants_names(struct tenants *t, struct arena *a)
{
    struct str_list names = {.n = 0};
    LOCKED(&t->lock);
    names.v = ARENA_ARRAY(a, struct str, t->all.n);
    vec_each (&t->all, n) {
        if ((*n)->state != TENANT_GONE)
            names.v[names.n++] = arena_str(a, (*n)->name);
    }
    if (names.n > 1)
        qsort(names.v, names.n, sizeof *names.v, by_text);
    return names;
}

size_t
tenants_count(struct tenants *t)
{
    LOCKED(&t->lock);
    return t->by_name.count;
}

struct labels
tenants_labels(const struct tenants *t, struct str name, struct arena *a)
{
    struct label *v = ARENA_ARRAY(a, struct label, t->labels.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < t->labels.n; i++) {
        if (!str_eq(t->labels.v[i].name, t->tenant_label))
            v[n++] = t->labels.v[i];
    }
    if (t->tenant_label.n > 0)
        v[n++] = (struct label){t->tenant_label, name};
    labels_sort(v, n);
    return labels_copy(a, (struct labels){v, n});
}
