/* exemplar_rules.c - checks of labels, order in time. */
#include "tsdb/head/exemplar_rules.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "tsdb/model/label_key.h"

/* More bytes must be too many characters. */
enum { LABEL_BYTES_MAX = 4 * EXEMPLAR_LABEL_CHARACTERS_MAX };

void
exemplar_candidates_fini(struct exemplar_candidates *c)
{
    buf_fini(&c->series_key);
    buf_fini(&c->keys);
    vec_fini(&c->v);
}

/* Adds the characters of `s` to *count; false when it is not UTF-8. */
static bool
count_characters(struct str s, size_t *count)
{
    while (s.n > 0) {
        size_t bytes = str_utf8_first(s);
        if (bytes == 0)
            return false;
        s = str_skip(s, bytes);
        ++*count;
    }
    return true;
}

/* EXEMPLAR_STORED when nothing is wrong with them. */
static enum exemplar_fate
check_labels(struct labels l)
{
    size_t characters = 0;
    for (size_t i = 0; i < l.n; i++) {
        struct str name = l.v[i].name, value = l.v[i].value;
        if (name.n > LABEL_BYTES_MAX || value.n > LABEL_BYTES_MAX)
            return EXEMPLAR_LABELS_TOO_LONG;
        bool follows = i == 0 || str_cmp(l.v[i - 1].name, name) < 0;
        if (name.n == 0 || value.n == 0 || !follows || !count_characters(name, &characters) ||
            !count_characters(value, &characters))
            return EXEMPLAR_LABELS_INVALID;
        if (characters > EXEMPLAR_LABEL_CHARACTERS_MAX)
            return EXEMPLAR_LABELS_TOO_LONG;
    }
    return EXEMPLAR_STORED;
}

void
exemplar_candidates_of(struct exemplar_candidates *c, struct labels series,
                       const struct exemplar *v, size_t n, uint8_t *fates)
{
    ASSERT(series.n > 0);
    label_key_encode(series, &c->series_key);
    for (size_t i = 0; i < n; i++) {
        size_t start = c->keys.n;
        if (fates[i] == EXEMPLAR_STORED)
            fates[i] = (uint8_t)check_labels(v[i].labels);
        if (fates[i] == EXEMPLAR_STORED)
            label_key_encode(v[i].labels, &c->keys);
        struct exemplar_candidate e = {v[i].t_ms, v[i].bits, {NULL, c->keys.n - start}};
        vec_push(&c->v, e);
    }
    const char *at = c->keys.p;
    vec_each (&c->v, e) {
        e->key.p = at;
        if (e->key.n > 0)
            at += e->key.n;
    }
}

static bool
same_value(uint64_t a, uint64_t b)
{
    return a == b || f64_of_bits(a) == f64_of_bits(b); /* a NaN equals its copy; -0 equals 0 */
}

enum exemplar_fate
exemplar_judge(const struct exemplar_candidate *newest, const struct exemplar_candidate *e,
               int64_t window_ms)
{
    if (e->t_ms > newest->t_ms)
        return EXEMPLAR_STORED;
    if (e->t_ms < newest->t_ms) {
        int64_t too_old_ms;
        if (__builtin_sub_overflow(newest->t_ms, window_ms, &too_old_ms))
            too_old_ms = INT64_MIN;
        return e->t_ms <= too_old_ms ? EXEMPLAR_OUT_OF_ORDER : EXEMPLAR_STORED;
    }
    if (!same_value(e->bits, newest->bits))
        return f64_of_bits(e->bits) < f64_of_bits(newest->bits) ? EXEMPLAR_OUT_OF_ORDER
                                                                : EXEMPLAR_STORED;
    if (str_eq(e->key, newest->key))
        return EXEMPLAR_REPEATED;
    return hash64(e->key) < hash64(newest->key) ? EXEMPLAR_OUT_OF_ORDER : EXEMPLAR_STORED;
}
