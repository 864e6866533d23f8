/* tombstones.c - reads deletions and finds those of a series. */
#include "tsdb/block/tombstones.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"

enum { HEADER_BYTES = 5, CRC_BYTES = 4 };

VEC_TYPE(deletions, struct tombstone);

static struct err
check_frame(struct str image, struct str *ret_triples)
{
    struct reader r = reader_of(image);
    uint32_t magic = reader_be32(&r);
    uint8_t version = reader_u8(&r);
    if (image.n < HEADER_BYTES + CRC_BYTES || magic != TOMBSTONES_MAGIC)
        return ERR(ERR_CORRUPT, "tombstones: not such a file");
    if (version != TOMBSTONES_VERSION)
        return ERR(ERR_UNIMPLEMENTED, "tombstones: version %u is not known", version);
    struct str rest = str_skip(image, HEADER_BYTES);
    struct str triples = str_take(&rest, rest.n - CRC_BYTES);
    if (load_be32(rest.p) != crc32c(triples))
        return ERR(ERR_CORRUPT, "tombstones: checksum differs");
    *ret_triples = triples;
    return OK;
}

static struct err
read_triples(struct str triples, struct deletions *to)
{
    struct reader r = reader_of(triples);
    while (reader_left(&r) > 0) {
        size_t at = reader_offset(&r);
        struct tombstone d = {.id = reader_uvarint(&r)};
        d.span.mint_ms = reader_varint(&r);
        d.span.maxt_ms = reader_varint(&r);
        if (r.code == ERR_NONE && d.span.mint_ms > d.span.maxt_ms)
            return ERR(ERR_CORRUPT, "tombstones: entry at %zu ends before it starts", at);
        if (r.code == ERR_NONE)
            vec_push(to, d);
    }
    return reader_check(&r, "tombstones");
}

static int
by_id(const void *a, const void *b)
{
    const struct tombstone *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Deletions, series by series; sorts them. */
static void
group(struct deletions *from, struct tombstones *t)
{
    if (from->n > 0)
        qsort(from->v, from->n, sizeof *from->v, by_id);
    for (size_t i = 0; i < from->n;) {
        struct tombstone_series s = {.id = from->v[i].id, .first = t->spans.n};
        for (; i < from->n && from->v[i].id == s.id; i++)
            vec_push(&t->spans, from->v[i].span);
        s.count = intervals_join(vec_at(&t->spans, s.first), t->spans.n - s.first);
        t->spans.n = s.first + s.count;
        vec_push(&t->series, s);
    }
}

struct err
tombstones_parse(struct str image, struct tombstones *ret_tombstones)
{
    struct str triples = {NULL, 0};
    TRY(check_frame(image, &triples));
    struct deletions all = VEC_INIT;
    struct err e = read_triples(triples, &all);
    if (e.code == ERR_NONE) {
        struct tombstones t = TOMBSTONES_INIT;
        group(&all, &t);
        *ret_tombstones = t;
    }
    vec_fini(&all);
    return e;
}

void
tombstones_add(struct tombstones *t, const struct tombstone *more, size_t n)
{
    struct deletions all = VEC_INIT;
    for (size_t i = 0; i < t->series.n; i++) {
        const struct tombstone_series *s = &t->series.v[i];
        for (size_t k = s->first; k < s->first + s->count; k++)
            vec_push(&all, ((struct tombstone){s->id, t->spans.v[k]}));
    }
    for (size_t i = 0; i < n; i++)
        vec_push(&all, more[i]);
    struct tombstones joined = TOMBSTONES_INIT;
    group(&all, &joined);
    tombstones_fini(t);
    *t = joined;
    vec_fini(&all);
}

struct err
tombstones_load(struct fs *fs, const char *dir, struct tombstones *ret_tombstones)
{
    AUTO(mem_free) char *path = fs_path_below(dir, STR("tombstones"));
    AUTO(buf_fini) struct buf image = BUF_INIT;
    struct err e = fs_read_file(fs, path, TOMBSTONES_BYTES_MAX, &image);
    if (e.code == ERR_NOT_FOUND) { /* nothing was deleted */
        err_drop(e);
        *ret_tombstones = (struct tombstones)TOMBSTONES_INIT;
        return OK;
    }
    TRY(e);
    return tombstones_parse(buf_str(&image), ret_tombstones);
}

void
tombstones_format(const struct tombstones *t, struct buf *to)
{
    buf_put_be32(to, TOMBSTONES_MAGIC);
    buf_put_u8(to, TOMBSTONES_VERSION);
    size_t covered = to->n;
    for (size_t i = 0; i < t->series.n; i++) {
        const struct tombstone_series *s = &t->series.v[i];
        for (size_t k = s->first; k < s->first + s->count; k++) {
            buf_put_uvarint(to, s->id);
            buf_put_varint(to, t->spans.v[k].mint_ms);
            buf_put_varint(to, t->spans.v[k].maxt_ms);
        }
    }
    buf_put_be32(to, crc32c(str_skip(buf_str(to), covered)));
}

struct err
tombstones_write(struct fs *fs, const char *dir, const struct tombstones *t)
{
    AUTO(mem_free) char *path = fs_path_below(dir, STR("tombstones"));
    AUTO(buf_fini) struct buf image = BUF_INIT;
    tombstones_format(t, &image);
    if (image.n > TOMBSTONES_BYTES_MAX)
        return ERR(ERR_LIMIT, "%s: %zu bytes, limit %d", path, image.n, TOMBSTONES_BYTES_MAX);
    return fs_write_file(fs, path, buf_str(&image));
}

void
tombstones_fini(struct tombstones *t)
{
    vec_fini(&t->series);
    vec_fini(&t->spans);
}

size_t
tombstones_of(const struct tombstones *t, uint64_t id, const struct interval **ret_spans)
{
    size_t low = 0, high = t->series.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->series.v[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == t->series.n || t->series.v[low].id != id)
        return 0;
    *ret_spans = &t->spans.v[t->series.v[low].first];
    return t->series.v[low].count;
}
