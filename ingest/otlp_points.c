/* otlp_points.c - numbers, classic histograms and summaries as samples. */
#include "ingest/otlp_int.h"

#include <math.h>

#include "base/bytes.h"
#include "base/numtext.h"

static const struct str none = STR_INIT("");

static struct sample
sample_of(const struct otlp_point *p, uint64_t bits)
{
    return (struct sample){otlp_ms(p->time_ns), otlp_is_stale(p) ? STALE_NAN_BITS : bits};
}

/* A row of one sample: the family's name and a suffix, and maybe one more label. */
static struct err
put(struct otlp_family *f, const struct otlp_point *p, const char *suffix, struct str extra_name,
    struct str extra_value, uint64_t bits)
{
    TRY(otlp_row(f->map, f->name, suffix, extra_name, extra_value));
    return batch_builder_sample(&f->map->builder, sample_of(p, bits));
}

struct err
otlp_put_number(struct otlp_family *f, const struct otlp_point *p)
{
    TRY(put(f, p, "", none, none, p->bits));
    struct otlp_placed_list exemplars = otlp_place_exemplars(f->map->arena, p);
    return otlp_put_exemplars(&f->map->builder, &exemplars, 0);
}

/* --- histograms ----------------------------------------------------------------------------------
 */

struct err
otlp_check_histogram(const struct otlp_point *p)
{
    if (p->bucket_counts.n > 0 && p->bucket_counts.n != p->bound_count + 1)
        return ERR(ERR_INVALID, "%zu buckets do not fit %zu bounds", p->bucket_counts.n,
                   p->bound_count);
    for (size_t i = 0; i < p->bound_count; i++)
        if (isnan(p->bounds[i]) || (i > 0 && p->bounds[i] <= p->bounds[i - 1]))
            return ERR(ERR_INVALID, "the bounds do not ascend");
    return OK;
}

static struct err
put_bucket(struct otlp_family *f, const struct otlp_point *p, double bound, uint64_t count,
           struct otlp_placed_list *exemplars, size_t bucket)
{
    char text[NUMTEXT_BYTES_MAX];
    struct str le = str_of(text, numtext_f(bound, text));
    TRY(put(f, p, "_bucket", STR("le"), le, bits_of_f64((double)count)));
    return otlp_put_exemplars(&f->map->builder, exemplars, bucket);
}

struct err
otlp_put_histogram(struct otlp_family *f, const struct otlp_point *p)
{
    if (p->has_value)
        TRY(put(f, p, "_sum", none, none, p->bits));
    TRY(put(f, p, "_count", none, none, bits_of_f64((double)p->count)));
    struct otlp_placed_list exemplars = otlp_place_exemplars(f->map->arena, p);
    uint64_t count = 0;
    size_t bounds = p->bucket_counts.n > 0 ? p->bound_count : 0;
    if (bounds > 0 && isinf(p->bounds[bounds - 1]) && p->bounds[bounds - 1] > 0)
        bounds--; /* it is the bucket below */
    for (size_t i = 0; i < bounds; i++) {
        count += p->bucket_counts.v[i];
        TRY(put_bucket(f, p, p->bounds[i], count, &exemplars, i));
    }
    for (size_t i = exemplars.next; i < exemplars.n; i++)
        exemplars.v[i].bucket = bounds; /* all that are left are above the last bound */
    return put_bucket(f, p, INFINITY, p->count, &exemplars, bounds);
}

/* --- summaries
 * ------------------------------------------------------------------------------------- */

struct err
otlp_put_summary(struct otlp_family *f, const struct otlp_point *p)
{
    TRY(put(f, p, "_sum", none, none, p->bits));
    TRY(put(f, p, "_count", none, none, bits_of_f64((double)p->count)));
    for (size_t i = 0; i < p->quantile_count; i++) {
        char text[NUMTEXT_BYTES_MAX];
        struct str quantile = str_of(text, numtext_f(p->quantiles[i].quantile, text));
        TRY(put(f, p, "", STR("quantile"), quantile, p->quantiles[i].bits));
    }
    return OK;
}
