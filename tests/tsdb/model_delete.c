/* model_delete.c - samples of a model's series are deleted; what comes late into a deletion. */
#include "tests/tsdb/model.h"

/* --- which series ----------------------------------------------------------------------------- */

/* Of a series' text, "name=value,name=value,"; an absent label is empty. */
static struct str
value_of(const char *text, struct str name)
{
    for (const char *at = text; *at;) {
        const char *equals = strchr(at, '='), *comma = strchr(equals, ',');
        if (str_eq(str_of(at, (size_t)(equals - at)), name))
            return str_of(equals + 1, (size_t)(comma - equals - 1));
        at = comma + 1;
    }
    return STR("");
}

static bool
is_matched(const struct model_series *s, struct matchers matchers)
{
    bool all = true;
    for (size_t i = 0; i < matchers.n; i++)
        all = all && matcher_match(&matchers.v[i], value_of(s->text, matchers.v[i].name));
    return all;
}

/* --- deletions -------------------------------------------------------------------------------- */

static void
delete_held(struct model *m, struct model_series *s, struct interval span, enum model_deletion how)
{
    struct model_samples left = VEC_INIT;
    vec_each (&s->held, x) {
        bool in_range = x->t_ms >= span.mint_ms && x->t_ms <= span.maxt_ms;
        bool there = x->hold > HELD_PERHAPS || !m->lossy;
        if (in_range && there && how == MODEL_DELETED) {
            model_samples_insert(&s->gone, *x);
            continue;
        }
        if (in_range)
            x->hold = HELD_PERHAPS; /* one that was lost is not deleted, and may be found */
        vec_push(&left, *x);
    }
    vec_fini(&s->held);
    s->held = left;
}

/* It reaches no further than the newest sample. */
static void
cast_shadow(struct model_series *s, struct interval span, enum model_deletion how)
{
    int64_t maxt_ms = s->has_newest ? s->newest.t_ms : INT64_MIN;
    if (s->held.n > 0)
        maxt_ms = i64_max(maxt_ms, vec_last(&s->held)->t_ms);
    if (s->gone.n > 0)
        maxt_ms = i64_max(maxt_ms, vec_last(&s->gone)->t_ms);
    span.maxt_ms = i64_min(span.maxt_ms, maxt_ms);
    if (span.mint_ms <= span.maxt_ms)
        vec_push(&s->shadows, ((struct model_shadow){span, how}));
}

void
model_delete(struct model *m, struct matchers matchers, struct interval span,
             enum model_deletion how)
{
    vec_each (&m->series, s) {
        if (!is_matched(s, matchers))
            continue;
        cast_shadow(s, span, how);
        delete_held(m, s, span, how);
    }
}

/* --- what comes later ------------------------------------------------------------------------- */

enum model_shade
model_shade_at(const struct model_series *s, int64_t t_ms)
{
    enum model_shade shade = MODEL_LIGHT;
    for (size_t i = 0; i < s->shadows.n; i++) {
        const struct model_shadow *x = &s->shadows.v[i];
        if (t_ms < x->span.mint_ms || t_ms > x->span.maxt_ms)
            continue;
        if (x->how == MODEL_DELETED_PERHAPS)
            return MODEL_TWILIGHT;
        shade = MODEL_SHADE;
    }
    return shade;
}

void
model_settle_moment(struct model_series *s, int64_t t_ms, bool found)
{
    struct model_samples left = VEC_INIT;
    vec_each (&s->held, x) {
        bool concerned = x->t_ms == t_ms && x->unsettled;
        if (concerned && !found) {
            x->unsettled = false;
            model_samples_insert(&s->gone, *x);
            continue;
        }
        if (concerned)
            x->unsettled = false;
        vec_push(&left, *x);
    }
    vec_fini(&s->held);
    s->held = left;
}

static bool
has_hidden_newest(const struct model_series *s, int64_t from_ms)
{
    if (s->has_newest && s->newest.t_ms >= from_ms)
        from_ms = s->newest.t_ms + 1;
    if (s->gone.n > 0 && vec_last(&s->gone)->t_ms >= from_ms)
        return true;
    bool perhaps = false;
    for (size_t i = model_samples_at(&s->held, from_ms); s->shadows.n > 0 && i < s->held.n; i++)
        perhaps = perhaps || s->held.v[i].hold == HELD_PERHAPS;
    return perhaps;
}

bool
model_newest_is_unsure(const struct model *m)
{
    bool unsure = false;
    for (size_t i = 0; i < m->series.n; i++)
        unsure = unsure || has_hidden_newest(&m->series.v[i], model_min_valid_ms(m));
    return unsure;
}
