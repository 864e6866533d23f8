/* otlp_int.h - the mapping of one request on its way; for the files otlp*.c only. */
#pragma once
#include "ingest/batch_builder.h"
#include "ingest/otlp.h"

enum {
    OTLP_LABELS_MAX = LABELS_COUNT_MAX, /* attributes of one point or resource */
    OTLP_REASONS_MAX = 8,               /* that an answer names; all are counted */
    OTLP_SHOWN_BYTES_MAX = 200,         /* of a name in an answer */
};

#define LABEL_JOB      "job"
#define LABEL_INSTANCE "instance"

/* Labels of one point: names unique. */
struct otlp_labels {
    struct label *v; /* room for LABELS_ROOM */
    size_t n;
};
enum { OTLP_LABELS_ROOM = 2 * OTLP_LABELS_MAX + 8 };

/* Replaces a value, keeps the one that is there, or joins them by ';'. */
void otlp_labels_set(struct otlp_labels *l, struct str name, struct str value);
void otlp_labels_set_new(struct otlp_labels *l, struct str name, struct str value);
void otlp_labels_join(struct arena *a, struct otlp_labels *l, struct str name, struct str value);

/* Points that follow each other mostly have attributes of the same keys, and so labels of the same
 * names in the same order: where each of these has its value from. */
struct otlp_shape {
    struct otlp_attributes like; /* attributes that have it */
    struct otlp_shape_label *v;  /* sorted by name; room for LABELS_ROOM */
    size_t n;
    bool known;
};

/* One request. */
struct otlp_map {
    struct batch_builder builder;
    const struct otlp_options *options;
    struct arena *arena;
    struct otlp_labels resource_labels; /* promoted ones, job and instance */
    bool has_job, has_instance;         /* even when they are empty: then no label is left */
    struct str job, instance;
    struct otlp_labels labels; /* of the point at hand, without its name; sorted */
    struct otlp_shape shape;   /* of points of this resource */
    struct label *row;         /* scratch: a row's labels, sorted */
    struct batch_refused refused;
};
/* One metric. */
struct otlp_family {
    struct otlp_map *map;
    const struct otlp_metric *metric;
    struct str name; /* of the family, translated */
    uint64_t stored; /* points */
};

/* --- otlp.c -------------------------------------------------------------------------------------
 */

/* Consumes e, a fault of `points` points: "metric "x": ...". */
void otlp_refuse(struct otlp_map *m, const char *what, struct str name, size_t points,
                 struct err e);
/* A name of the sender's for a message: quoted, and not too long. */
struct str otlp_shown(struct arena *a, struct str name);

/* --- otlp_shape.c ----------------------------------------------------------------------------- */

void otlp_shape_init(struct otlp_shape *s, struct arena *a);
/* m->labels of a point with these attributes. False, and nothing happened, when two keys give one
 * name, or something is wrong with them. */
bool otlp_shape_labels(struct otlp_map *m, struct otlp_attributes attributes);

/* --- otlp_labels.c ------------------------------------------------------------------------------
 */

void otlp_resource_labels(struct otlp_map *m, const struct otlp_resource *r);
/* Attributes and what the resource gives, into m->labels. ERR_INVALID. */
struct err otlp_point_labels(struct otlp_map *m, struct otlp_attributes attributes);
/* The labels of target_info; false when the resource asks for none. */
bool otlp_target_labels(struct otlp_map *m, const struct otlp_resource *r);
/* Begins a row: m->labels, the name in two parts, and one more label where it has a name. */
struct err otlp_row(struct otlp_map *m, struct str name, const char *suffix, struct str extra_name,
                    struct str extra_value);

/* --- otlp_points.c, otlp_exponential.c: one point each into the batch
 * ----------------------------- */

/* What is wrong with the point itself, before anything of it is in the batch: ERR_INVALID. */
struct err otlp_check_histogram(const struct otlp_point *p);
struct err otlp_check_exponential(const struct otlp_point *p);
/* ERR_TOO_LARGE only. */
struct err otlp_put_number(struct otlp_family *f, const struct otlp_point *p);
struct err otlp_put_histogram(struct otlp_family *f, const struct otlp_point *p);
struct err otlp_put_summary(struct otlp_family *f, const struct otlp_point *p);
struct err otlp_put_exponential(struct otlp_family *f, const struct otlp_point *p);

static inline int64_t
otlp_ms(uint64_t ns)
{
    return (int64_t)(ns / 1000000);
}

static inline bool
otlp_is_stale(const struct otlp_point *p)
{
    return p->flags & OTLP_FLAG_NO_RECORDED_VALUE;
}

/* --- otlp_exemplars.c
 * ----------------------------------------------------------------------------- */

/* The exemplars of a point, by the bucket that each belongs to, then by time. */
struct otlp_placed {
    struct exemplar exemplar;
    size_t bucket;
};
struct otlp_placed_list {
    struct otlp_placed *v;
    size_t n, next;
};
/* Those that have a value; without bounds all are in bucket 0. */
struct otlp_placed_list otlp_place_exemplars(struct arena *a, const struct otlp_point *p);
/* Adds those of one bucket to the last row. Buckets come in ascending order. */
struct err otlp_put_exemplars(struct batch_builder *b, struct otlp_placed_list *l, size_t bucket);
