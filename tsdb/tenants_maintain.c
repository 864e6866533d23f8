/* tenants_maintain.c - passes over the tenants that are due, one a tenant at a time.
 *
 * A tenant is taken out of the heap for its pass and put back behind it, so that nobody else comes
 * to look after it meanwhile; only a pass closes or removes a tenant. What fails is tried again
 * with growing pauses, and told when it begins, changes and ends. */
#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/tenants_int.h"

/* --- OPEN: upkeep, flush, close --------------------------------------------------------------- */

struct look {
    enum tenant_step step;
    uint64_t writes; /* as many as before the head was looked at */
};

static struct look
look_at(struct tenant *n)
{
    struct tenants *t = n->owner;
    struct look l;
    int64_t now_ms = tenants_now_ms(t);
    struct tenant_idleness idle;
    {
        LOCKED(&t->lock);
        l.writes = n->writes;
        idle.unwritten_ms = now_ms - n->written_ms;
        idle.referenced = tenant_is_held(n);
    }
    idle.unused_ms = now_ms - atomic_load_explicit(&n->used_ms, memory_order_relaxed);
    idle.head_empty = tenant_head_is_empty(n);
    l.step = tenant_next_step(&idle, t->flush_after_ms, t->close_after_ms);
    return l;
}

/* T8: a head that was empty is so still when nobody has it and nobody came to write since. */
static bool
begin_closing(struct tenant *n, uint64_t writes)
{
    LOCKED(&n->owner->lock);
    if (tenant_is_held(n) || n->writes != writes)
        return false;
    tenant_set_state(n, TENANT_CLOSING);
    return true;
}

static struct err
pass_over_open(struct tenant *n)
{
    struct tenants *t = n->owner;
    n->unfinished = false;
    TRY(db_maintain(n->db));
    struct look l = look_at(n);
    if (l.step == TENANT_FLUSH) {
        bool empty;
        TRY_IN(tenant_flush(n, &empty), "flush");
        n->unfinished = !empty;
        l = look_at(n);
    }
    if (l.step != TENANT_CLOSE || !begin_closing(n, l.writes))
        return OK;
    tenant_close_db(n);
    log_debug(t->db_opts.log, "unused database closed", KV_STR("tenant", n->name));
    LOCKED(&t->lock);
    tenant_set_state(n, TENANT_DORMANT);
    return OK;
}

/* --- DORMANT: prune --------------------------------------------------------------------------- */

/* False when it is not expired, or somebody opens it. */
static bool
begin_pruning(struct tenant *n)
{
    struct tenants *t = n->owner;
    int64_t now_wall_ms = clock_wall_ms(t->db_opts.clock), now_ms = tenants_now_ms(t);
    LOCKED(&t->lock);
    struct tenant_remains r = tenant_remains_of(n, now_ms);
    if (n->state != TENANT_DORMANT || !tenant_is_expired(&r, now_wall_ms, t->retention_ms))
        return false;
    tenant_set_state(n, TENANT_CLOSING);
    return true;
}

static struct err
pass_over_dormant(struct tenant *n)
{
    struct tenants *t = n->owner;
    if (!begin_pruning(n))
        return OK;
    struct err e = tenant_remove_name(n);
    {
        LOCKED(&t->lock);
        if (e.code == ERR_NONE)
            tenant_unname(n);
        tenant_set_state(n, e.code == ERR_NONE ? TENANT_GONE : TENANT_DORMANT);
    }
    TRY(e);
    log_info(t->db_opts.log, "tenant pruned: its newest sample is older than the retention",
             KV_STR("tenant", n->name), KV_I64("newest_ms", n->maxt_ms));
    metric_inc(t->families.pruned);
    return tenant_remove_rest(n);
}

/* --- passes ----------------------------------------------------------------------------------- */

/* Tells a failure that the last pass did not have, and its end. */
static void
tell(struct tenant *n, const struct err *e)
{
    struct log *log = n->owner->db_opts.log;
    bool was = n->failure.code != ERR_NONE, is = e->code != ERR_NONE;
    if (is && (!was || strcmp(err_text(e), err_text(&n->failure)) != 0))
        log_warn(log, "maintenance failed, trying again", KV_STR("tenant", n->name), KV_ERR(*e));
    if (was && !is)
        log_info(log, "maintenance works again", KV_STR("tenant", n->name));
    if (is)
        metric_inc(n->owner->families.failed);
}

/* Takes `e`. */
static void
end_pass(struct tenant *n, struct err e)
{
    struct tenants *t = n->owner;
    tell(n, &e);
    err_drop(n->failure);
    n->failure = e;
    int64_t now_ms = tenants_now_ms(t);
    LOCKED(&t->lock);
    n->in_pass = false;
    n->failures = e.code == ERR_NONE ? 0 : n->failures + 1;
    if (n->state == TENANT_GONE && e.code == ERR_NONE)
        tenant_erase(n);
    else if (n->state != TENANT_OPENING) /* else its opener will */
        tenant_schedule(n, now_ms);
}

static void
pass_over(struct tenant *n, enum tenant_state state)
{
    struct err e = OK;
    if (state == TENANT_OPEN)
        e = pass_over_open(n);
    else if (state == TENANT_DORMANT)
        e = pass_over_dormant(n);
    else
        e = tenant_remove_rest(n);
    end_pass(n, e);
}

static bool
take_due(struct tenants *t, struct tenant **ret_tenant, enum tenant_state *ret_state)
{
    int64_t now_ms = tenants_now_ms(t);
    LOCKED(&t->lock);
    struct due *first = due_heap_first(&t->due);
    if (t->stopping || !first || first->at_ms > now_ms)
        return false;
    struct tenant *n = container_of(first, struct tenant, due);
    due_heap_remove(&t->due, first);
    ASSERT(!n->in_pass);
    n->in_pass = true;
    *ret_tenant = n;
    *ret_state = n->state;
    return true;
}

static bool
begin_running(struct tenants *t)
{
    LOCKED(&t->lock);
    if (t->stopping || t->runners >= t->runners_max)
        return false;
    t->runners++;
    return true;
}

void
tenants_maintain(struct tenants *t)
{
    if (!begin_running(t))
        return;
    struct tenant *n;
    enum tenant_state state;
    while (take_due(t, &n, &state))
        pass_over(n, state);
    LOCKED(&t->lock);
    t->runners--;
    cond_broadcast(&t->changed);
}
