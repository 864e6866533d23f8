/* label_stats.c - counts of pairs and names, and bars of chunk sizes. */
#include "tsdb/inspect/label_stats.h"

#include <stdio.h>

#include "base/mem.h"

void
label_stats_init(struct label_stats *s)
{
    *s = (struct label_stats){.key = BUF_INIT};
    arena_init(&s->arena, 0);
    map_init(&s->pairs, MAP_KEYS_BORROWED);
    map_init(&s->names, MAP_KEYS_BORROWED);
}

void
label_stats_fini(struct label_stats *s)
{
    map_fini(&s->pairs);
    map_fini(&s->names);
    buf_fini(&s->key);
    arena_fini(&s->arena);
}

static struct label_stat *
stat_of(struct label_stats *s, struct map *in, struct str key)
{
    struct label_stat *stat = map_get(in, key);
    if (stat)
        return stat;
    stat = ARENA_NEW(&s->arena, struct label_stat);
    stat->key = arena_str(&s->arena, key);
    (void)map_put(in, stat->key, stat);
    return stat;
}

void
label_stats_add(struct label_stats *s, struct labels labels, int64_t mint_ms, int64_t maxt_ms)
{
    uint64_t span_ms = (uint64_t)maxt_ms - (uint64_t)mint_ms;
    s->series++;
    s->entries += labels.n;
    for (size_t i = 0; i < labels.n; i++) {
        const struct label *l = &labels.v[i];
        buf_clear(&s->key);
        buf_append(&s->key, l->name);
        buf_put_u8(&s->key, '=');
        buf_append(&s->key, l->value);
        struct label_stat *name = stat_of(s, &s->names, l->name);
        size_t pairs = s->pairs.count;
        struct label_stat *pair = stat_of(s, &s->pairs, buf_str(&s->key));
        if (s->pairs.count > pairs) {
            name->values++;
            name->value_bytes += l->value.n;
        }
        name->series++;
        name->covered_ms += span_ms;
        pair->series++;
        pair->covered_ms += span_ms;
    }
}

uint64_t
label_stat_churn(const struct label_stat *stat, uint64_t range_ms)
{
    uint64_t uncovered_ms = stat->series * range_ms - stat->covered_ms;
    return range_ms > 0 ? (uint64_t)((double)uncovered_ms / (double)range_ms) : 0;
}

/* --- distributions ---------------------------------------------------------------------------- */

void
distribution_add(struct distribution *d, size_t amount)
{
    size_t at = size_min(amount, DISTRIBUTION_VALUES_MAX);
    while (d->counts.n <= at)
        vec_push(&d->counts, 0);
    d->counts.v[at]++;
    d->least = d->n == 0 ? amount : size_min(d->least, amount);
    d->greatest = size_max(d->greatest, amount);
    d->sum += amount;
    d->n++;
}

void
distribution_fini(struct distribution *d)
{
    vec_fini(&d->counts);
}

static int
digits_of(uint64_t number)
{
    return snprintf(NULL, 0, "%ju", (uintmax_t)number);
}

static void
put_bar(struct buf *to, uint64_t count, uint64_t total)
{
    for (uint64_t i = total > 0 ? 100 * count / total : 0; i > 0; i--)
        buf_put_u8(to, '#');
    buf_put_u8(to, '\n');
}

/* Ten ranges or more, each a power of ten wide. */
static size_t
step_of(const struct distribution *d)
{
    enum { STEP_MIN = 10, STEP_GROWS_TO = 10000 };
    size_t tenth = (d->greatest - d->least) / 10, step = STEP_MIN;
    while (step < tenth && step <= STEP_GROWS_TO)
        step *= 10;
    return step;
}

void
distribution_format(const struct distribution *d, const char *what, uint64_t total, struct buf *to)
{
    if (d->n == 0) {
        buf_printf(to, "%s: N/A\n\n", what);
        return;
    }
    size_t step = step_of(d), start = d->least - d->least % step;
    size_t end = d->greatest - d->greatest % step + step;
    VEC(uint64_t) counts = VEC_INIT;
    uint64_t most = 0;
    for (size_t i = 0; i <= (end - start) / step; i++)
        vec_push(&counts, 0);
    for (size_t amount = d->least; amount < d->counts.n; amount++) {
        uint64_t *count = vec_at(&counts, (amount - start) / step);
        *count += d->counts.v[amount];
        most = u64_max(most, *count);
    }
    buf_printf(to, "%s (min/avg/max): %zu/%ju/%zu\n", what, d->least, (uintmax_t)(d->sum / d->n),
               d->greatest);
    for (size_t i = 0; i < counts.n; i++) {
        buf_printf(to, "[%*zu, %*zu]: %*ju ", digits_of(end), i * step + start + 1,
                   digits_of(end + step), (i + 1) * step + start, digits_of(most),
                   (uintmax_t)counts.v[i]);
        put_bar(to, counts.v[i], total);
    }
    buf_put_u8(to, '\n');
    vec_fini(&counts);
}

void
distribution_format_fullness(const struct distribution *samples, uint64_t total, struct buf *to)
{
    enum { BARS = 10, FULL_SAMPLES = 120 };
    uint64_t counts[BARS] = {0};
    for (size_t n = 0; n < samples->counts.n; n++) { /* a bar ends with its percentage */
        size_t tenths = (BARS * size_min(n, FULL_SAMPLES) + FULL_SAMPLES - 1) / FULL_SAMPLES;
        counts[tenths > 0 ? tenths - 1 : 0] += samples->counts.v[n];
    }
    buf_printf(to, "Fullness: Amount of samples in chunks (100%% is %d samples)\n", FULL_SAMPLES);
    for (int i = 0; i < BARS; i++) {
        buf_printf(to, "%7d%%: ", (i + 1) * 100 / BARS);
        put_bar(to, counts[i], total);
    }
}
