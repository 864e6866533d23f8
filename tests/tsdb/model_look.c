/* model_look.c - reads a database and compares it with the model; looks at answers only. */
#include "tests/tsdb/model.h"

#include "base/bytes.h"
#include "base/mem.h"

/* What was read of one series. */
struct found {
    int64_t t_ms;
    struct model_value value;
};
VEC_TYPE(found_list, struct found);

/* What a look at a database needs. */
struct look {
    struct model *m;
    enum model_view view;
    int64_t mint_ms, maxt_ms;
    bool adopt;          /* what is found becomes what is held */
    bool settle;         /* what came late into deletions is settled */
    struct arena values; /* histograms of the series */
    struct found_list found;
};

/* --- reading ---------------------------------------------------------------------------------- */

static struct err
decode_floats(struct look *l, const struct chunk_view *c)
{
    AUTO(sample_columns_fini) struct sample_columns s = SAMPLE_COLUMNS_INIT;
    TRY(chunk_decode_floats(c, l->mint_ms, l->maxt_ms, &s));
    for (size_t i = 0; i < s.n; i++)
        vec_push(&l->found, ((struct found){s.t_ms[i], model_float(s.bits[i])}));
    return OK;
}

/* A counter that is said to go on has not fallen. */
static bool
goes_on(const struct histogram *before, const struct histogram *h)
{
    if (h->reset != HISTOGRAM_RESET_NO || histogram_is_stale(h) || histogram_is_stale(before))
        return true;
    if (h->kind == HISTOGRAM_FLOAT)
        return f64_of_bits(h->count) >= f64_of_bits(before->count);
    return h->count >= before->count;
}

static struct err
decode_histograms(struct look *l, const struct chunk_view *c)
{
    AUTO(histogram_columns_fini) struct histogram_columns s = HISTOGRAM_COLUMNS_INIT;
    TRY(chunk_decode_histograms(c, l->mint_ms, l->maxt_ms, &l->values, &s));
    struct histogram *v = ARENA_ARRAY(&l->values, struct histogram, s.n);
    for (size_t i = 0; i < s.n; i++) {
        v[i] = s.values[i];
        if (i > 0 && !goes_on(&v[i - 1], &v[i]))
            return ERR(ERR_CONFLICT, "a counter falls at %jd, no reset is told",
                       (intmax_t)s.t_ms[i]);
        vec_push(&l->found, ((struct found){s.t_ms[i], {0, &v[i]}}));
    }
    return OK;
}

/* All samples of one series of an answer. */
static struct err
decode_series(struct look *l, const struct series_view *series)
{
    vec_clear(&l->found);
    arena_reset(&l->values);
    for (size_t i = 0; i < series->chunk_count; i++) {
        const struct chunk_view *c = &series->chunks[i];
        if (c->mint_ms > c->maxt_ms)
            return ERR(ERR_CONFLICT, "a chunk from %jd to %jd", (intmax_t)c->mint_ms,
                       (intmax_t)c->maxt_ms);
        if (i > 0 && c->mint_ms <= c[-1].maxt_ms)
            return ERR(ERR_CONFLICT, "chunks overlap at %jd", (intmax_t)c->mint_ms);
        TRY(chunk_holds_histograms(c->encoding) ? decode_histograms(l, c) : decode_floats(l, c));
    }
    for (size_t i = 1; i < l->found.n; i++) {
        if (l->found.v[i].t_ms <= l->found.v[i - 1].t_ms)
            return ERR(ERR_CONFLICT, "samples do not ascend at %jd", (intmax_t)l->found.v[i].t_ms);
    }
    return OK;
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool
must_be_there(enum model_view view, const struct model_sample *x)
{
    if (x->unsettled)
        return false;
    switch (view) {
    case MODEL_EXACT:
    case MODEL_FAILED:
        return x->hold >= HELD_IN_MEMORY;
    case MODEL_REOPENED:
        return x->hold >= HELD_WRITTEN;
    case MODEL_POWER_CUT:
        return x->hold >= HELD_SURE;
    case MODEL_LATE_DAMAGED:
        return x->hold >= HELD_WRITTEN && x->way == STORED_IN_ORDER;
    case MODEL_DAMAGED:
        return false;
    }
    UNREACHABLE("no such view");
}

/* The samples of one time. */
struct moment {
    struct model_sample *v;
    size_t n;
};

static struct moment
moment_at(const struct model_series *s, size_t at)
{
    size_t end = at;
    while (end < s->held.n && s->held.v[end].t_ms == s->held.v[at].t_ms)
        end++;
    return (struct moment){&s->held.v[at], end - at};
}

static bool
any_must_be_there(enum model_view view, struct moment moment)
{
    bool any = false;
    for (size_t i = 0; i < moment.n; i++)
        any = any || must_be_there(view, &moment.v[i]);
    return any;
}

/* The one that came in order hides late ones at its time, wherever they are (tsdb, T13). */
static bool
is_hidden(const struct look *l, struct moment moment, size_t at)
{
    if (l->view == MODEL_DAMAGED || moment.v[at].way == STORED_IN_ORDER)
        return false;
    bool hidden = false;
    for (size_t i = 0; i < moment.n; i++)
        hidden =
            hidden || (moment.v[i].way == STORED_IN_ORDER && must_be_there(l->view, &moment.v[i]));
    return hidden;
}

static struct model_sample *
match_in(const struct look *l, struct moment moment, struct model_value value)
{
    for (size_t i = 0; i < moment.n; i++) {
        if (model_value_same(moment.v[i].value, value) && !is_hidden(l, moment, i))
            return &moment.v[i];
    }
    return NULL;
}

static bool
is_doubtful(const struct look *l, const struct model_series *s, const struct found *x)
{
    if (l->view == MODEL_EXACT)
        return false;
    for (size_t i = 0; i < s->doubtful.n; i++) {
        if (s->doubtful.v[i].t_ms == x->t_ms && model_value_same(s->doubtful.v[i].value, x->value))
            return true;
    }
    return false;
}

/* A deletion that is lost, or the note that blocks have the late chunks without the deleted. */
static const struct model_sample *
returned(const struct look *l, const struct model_series *s, const struct found *x)
{
    bool late_may = l->view == MODEL_LATE_DAMAGED || l->m->chunks_damaged;
    if (l->view != MODEL_DAMAGED && !late_may)
        return NULL;
    for (size_t i = model_samples_at(&s->gone, x->t_ms);
         i < s->gone.n && s->gone.v[i].t_ms == x->t_ms; i++) {
        const struct model_sample *gone = &s->gone.v[i];
        bool may = l->view == MODEL_DAMAGED || gone->way == STORED_LATE;
        if (may && model_value_same(gone->value, x->value))
            return gone;
    }
    return NULL;
}

static struct err
another_value(struct moment moment, const struct found *x)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    model_value_format(x->value, &text);
    for (size_t i = 0; i < moment.n; i++) {
        buf_printf(&text, "%s", i == 0 ? ", want " : ", or ");
        model_value_format(moment.v[i].value, &text);
        buf_printf(&text, "%s", moment.v[i].way == STORED_LATE ? " (late)" : "");
    }
    return ERR(ERR_CONFLICT, "another value at %jd: %s", (intmax_t)x->t_ms, buf_cstr(&text));
}

static struct err
check_moment(const struct look *l, const struct model_series *s, struct moment moment,
             const struct found *x)
{
    int64_t t_ms = moment.v[0].t_ms;
    if (x && (match_in(l, moment, x->value) || is_doubtful(l, s, x) || returned(l, s, x)))
        return OK;
    if (x)
        return another_value(moment, x);
    if (any_must_be_there(l->view, moment))
        return ERR(ERR_CONFLICT, "no sample at %jd (%s, held %d), of %zu held and %zu found",
                   (intmax_t)t_ms, moment.v[0].way == STORED_LATE ? "late" : "in order",
                   moment.v[0].hold, s->held.n, l->found.n);
    return OK;
}

static struct err
nobody_stored(const struct model_series *s, const struct found *x)
{
    size_t at = model_samples_at(&s->gone, x->t_ms);
    if (at == s->gone.n || s->gone.v[at].t_ms != x->t_ms)
        return ERR(ERR_CONFLICT, "a sample nobody stored at %jd", (intmax_t)x->t_ms);
    return ERR(ERR_CONFLICT, "a deleted sample at %jd (%s, was held %d)", (intmax_t)x->t_ms,
               s->gone.v[at].way == STORED_LATE ? "late" : "in order", s->gone.v[at].hold);
}

/* Walks the samples in the range beside those found. */
static struct err
compare_samples(const struct look *l, const struct model_series *s)
{
    size_t at = model_samples_at(&s->held, l->mint_ms);
    for (size_t i = 0;;) {
        bool held = at < s->held.n && s->held.v[at].t_ms <= l->maxt_ms;
        bool found = i < l->found.n;
        if (!held && !found)
            return OK;
        const struct found *x = found ? &l->found.v[i] : NULL;
        if (found && (!held || x->t_ms < s->held.v[at].t_ms)) {
            if (!is_doubtful(l, s, x) && !returned(l, s, x))
                return nobody_stored(s, x);
            i++;
            continue;
        }
        struct moment moment = moment_at(s, at);
        bool met = found && x->t_ms == moment.v[0].t_ms;
        TRY(check_moment(l, s, moment, met ? x : NULL));
        i += met;
        at += moment.n;
    }
}

static bool
has_demanded(const struct look *l, const struct model_series *s)
{
    for (size_t i = model_samples_at(&s->held, l->mint_ms); i < s->held.n; i++) {
        if (s->held.v[i].t_ms <= l->maxt_ms && must_be_there(l->view, &s->held.v[i]))
            return true;
    }
    return false;
}

/* --- adopting --------------------------------------------------------------------------------- */

/* What a sample that was seen is from now on. */
static enum model_hold
hold_of_seen(const struct look *l, const struct model_series *s, const struct model_sample *x)
{
    bool may_go = model_shade_at(s, x->t_ms) == MODEL_TWILIGHT; /* with the next start */
    if (may_go || x->t_ms < l->m->kept_from_ms)
        return HELD_PERHAPS;
    if (l->view == MODEL_LATE_DAMAGED && x->way == STORED_LATE)
        return HELD_WRITTEN; /* perhaps in chunks_head only, which is not synced */
    enum model_hold least = l->view == MODEL_FAILED ? HELD_IN_MEMORY : HELD_WRITTEN;
    return x->hold > least ? x->hold : least;
}

/* Copies what is known of a moment that was seen; a sample that was doubtful comes new. */
static void
adopt_found(const struct look *l, const struct model_series *s, const struct found *x,
            struct model_samples *to)
{
    size_t at = model_samples_at(&s->held, x->t_ms);
    struct moment moment = {NULL, 0};
    if (at < s->held.n && s->held.v[at].t_ms == x->t_ms)
        moment = moment_at(s, at);
    struct model_sample *seen = match_in(l, moment, x->value);
    for (size_t i = 0; i < moment.n; i++) {
        struct model_sample kept = moment.v[i];
        bool unsure = l->view == MODEL_DAMAGED || kept.hold < HELD_WRITTEN;
        if (l->view == MODEL_DAMAGED && moment.n > 1)
            kept.way = STORED_LATE; /* what was read may be a late one with the same value */
        kept.hold = &moment.v[i] == seen                ? hold_of_seen(l, s, &kept)
                    : unsure && l->view != MODEL_FAILED ? HELD_PERHAPS
                                                        : kept.hold;
        vec_push(to, kept);
    }
    for (size_t i = 0; !seen && i < s->doubtful.n; i++) {
        struct model_sample kept = s->doubtful.v[i];
        if (kept.t_ms != x->t_ms || !model_value_same(kept.value, x->value))
            continue;
        kept.hold = hold_of_seen(l, s, &kept);
        kept.way = STORED_LATE; /* or not: nobody knows */
        vec_push(to, kept);
        return;
    }
    const struct model_sample *back = seen ? NULL : returned(l, s, x);
    if (back) {
        struct model_sample kept = *back;
        kept.hold = hold_of_seen(l, s, &kept);
        kept.way = STORED_LATE;
        vec_push(to, kept);
    }
}

/* A series goes on behind the newest that it has. What came late and is the newest, the log has,
 * and a replay of it takes for in order. */
static void
adopt_newest_found(const struct look *l, struct model_series *s)
{
    if (l->found.n == 0) {
        s->has_newest = s->has_newest && l->view == MODEL_FAILED;
        return;
    }
    const struct found *x = vec_last(&l->found);
    if (l->view == MODEL_FAILED && s->has_newest && x->t_ms <= s->newest.t_ms)
        return;
    s->has_newest = true;
    size_t at = model_samples_at(&s->held, x->t_ms);
    for (size_t i = at; i < s->held.n && s->held.v[i].t_ms == x->t_ms; i++) {
        if (model_value_same(s->held.v[i].value, x->value))
            s->newest = s->held.v[i];
    }
    s->kind_unsure = s->newest.way == STORED_LATE;
}

/* Nobody sees it when it is deleted, but the head has it. */
static void
adopt_newest(const struct look *l, struct model_series *s)
{
    bool had = s->has_newest, was_unsure = s->kind_unsure;
    struct model_sample before = s->newest;
    adopt_newest_found(l, s);
    bool hidden = had && model_samples_have(&s->gone, before.t_ms) &&
                  (!s->has_newest || s->newest.t_ms < before.t_ms);
    if (hidden && before.way == STORED_IN_ORDER && must_be_there(l->view, &before)) {
        s->has_newest = true;
        s->newest = before;
        s->kind_unsure = was_unsure;
    }
    if (s->shadows.n > 0 && !(s->has_newest && model_samples_have(&s->held, s->newest.t_ms)))
        s->kind_unsure = true;
    if (s->gone.n > 0 && (!s->has_newest || vec_last(&s->gone)->t_ms > s->newest.t_ms))
        s->kind_unsure = true;
}

static void
adopt_series(const struct look *l, struct model_series *s)
{
    struct model_samples held = VEC_INIT, lost = VEC_INIT;
    for (size_t i = 0; i < l->found.n; i++)
        adopt_found(l, s, &l->found.v[i], &held);
    vec_each (&s->held, x) { /* one that was lost may be found: the log has late samples, too */
        if (!model_samples_have(&held, x->t_ms))
            vec_push(&lost, *x);
    }
    vec_each (&lost, x) {
        l->m->lossy = l->m->lossy || (x->hold > HELD_PERHAPS && l->view != MODEL_FAILED);
        x->hold = HELD_PERHAPS;
        model_samples_insert(&held, *x);
    }
    vec_fini(&lost);
    vec_fini(&s->held);
    s->held = held;
    adopt_newest(l, s);
}

/* --- settling --------------------------------------------------------------------------------- */

static bool
is_found(const struct look *l, int64_t t_ms)
{
    bool found = false;
    for (size_t i = 0; i < l->found.n; i++)
        found = found || l->found.v[i].t_ms == t_ms;
    return found;
}

static void
settle_series(const struct look *l, struct model_series *s)
{
    VEC(int64_t) times = VEC_INIT;
    vec_each (&s->held, x) {
        if (x->unsettled)
            vec_push(&times, x->t_ms);
    }
    vec_each (&times, t_ms)
        model_settle_moment(s, *t_ms, is_found(l, *t_ms));
    vec_fini(&times);
}

/* --- the whole -------------------------------------------------------------------------------- */

static struct err
look_at_series(struct look *l, const struct series_view *series)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    if (model_text_of(series->labels, &text) != LABEL_FAULT_NONE)
        return ERR(ERR_CONFLICT, "a series without sound labels");
    struct model_series *s = model_find_text(l->m, buf_cstr(&text));
    if (!s)
        return ERR(ERR_CONFLICT, "series %s: nobody made it", buf_cstr(&text));
    TRY_IN(decode_series(l, series), "series %s", s->text);
    TRY_IN(compare_samples(l, s), "series %s", s->text);
    s->seen = true;
    if (l->adopt)
        adopt_series(l, s);
    if (l->settle)
        settle_series(l, s);
    return OK;
}

static struct err
look_at_all(struct look *l, struct db *db)
{
    AUTO(arena_fini) struct arena a, previous;
    arena_init(&a, 0);
    arena_init(&previous, 0);
    struct matcher any;
    TRY(matcher_make(&a, MATCH_REGEX, STR("id"), STR(".*"), &any));
    struct select_query q = {.mint_ms = l->mint_ms, .maxt_ms = l->maxt_ms, .want = SELECT_CHUNKS};
    AUTO(series_set_close) struct series_set *set = NULL;
    TRY(db_select(db, &q, (struct matchers){&any, 1}, &a, &set));
    struct labels before = {NULL, 0};
    for (;;) {
        struct series_view series;
        bool more;
        TRY(series_set_next(set, &series, &more));
        if (!more)
            return OK;
        if (before.n > 0 && labels_cmp(before, series.labels) >= 0)
            return ERR(ERR_CONFLICT, "series do not ascend");
        TRY(look_at_series(l, &series));
        arena_reset(&previous);
        before = labels_copy(&previous, series.labels);
    }
}

static struct err
look_for_missing(struct look *l)
{
    vec_each (&l->m->series, s) {
        if (!s->seen && has_demanded(l, s))
            return ERR(ERR_CONFLICT, "series %s is not there, it has %zu samples", s->text,
                       s->held.n);
        if (s->seen)
            continue;
        vec_clear(&l->found);
        if (l->adopt)
            adopt_series(l, s);
        if (l->settle)
            settle_series(l, s);
    }
    return OK;
}

static struct err
look_at(struct look *l, struct db *db)
{
    arena_init(&l->values, 0);
    vec_each (&l->m->series, s)
        s->seen = false;
    struct err e = look_at_all(l, db);
    if (e.code == ERR_NONE)
        e = look_for_missing(l);
    arena_fini(&l->values);
    vec_fini(&l->found);
    return e;
}

struct err
model_compare(struct model *m, struct db *db, enum model_view view, int64_t mint_ms,
              int64_t maxt_ms)
{
    struct look l = {.m = m, .view = view, .mint_ms = mint_ms, .maxt_ms = maxt_ms};
    return look_at(&l, db);
}

struct err
model_settle(struct model *m, struct db *db)
{
    struct look l = {.m = m,
                     .view = MODEL_EXACT,
                     .mint_ms = INT64_MIN,
                     .maxt_ms = INT64_MAX,
                     .settle = true};
    bool any = false;
    vec_each (&m->series, s) {
        vec_each (&s->held, x)
            any = any || x->unsettled;
    }
    return any ? look_at(&l, db) : OK;
}

struct err
model_adopt(struct model *m, struct db *db, enum model_view view)
{
    struct look l = {
        .m = m, .view = view, .mint_ms = INT64_MIN, .maxt_ms = INT64_MAX, .adopt = true};
    TRY(look_at(&l, db));
    m->lossy = m->lossy || view == MODEL_DAMAGED || view == MODEL_LATE_DAMAGED;
    bool keeps_doubts = view == MODEL_FAILED || view == MODEL_DAMAGED;
    if (!keeps_doubts) /* else the log may have what lost chunks have hidden */
        model_forget_doubtful(m);
    return OK;
}
