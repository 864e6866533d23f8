/* index_reader.c - opens an index file and decodes its series. */
#include "tsdb/index/index_reader.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "tsdb/index/index_int.h"
#include "tsdb/index/match_cache.h"

enum { CRC_BYTES = 4, LABEL_BYTES_MIN = 2, CHUNK_BYTES_MIN = 3 }; /* of their encoded forms */

struct err
index_section(struct str image, uint64_t offset, const char *what, struct str *ret_body)
{
    if (offset > image.n)
        return ERR(ERR_CORRUPT, "index: %s at %ju is behind the end of the file", what,
                   (uintmax_t)offset);
    struct reader r = reader_of(str_skip(image, offset));
    struct str body = reader_bytes(&r, reader_be32(&r));
    uint32_t crc = reader_be32(&r);
    if (r.code != ERR_NONE)
        return ERR(ERR_CORRUPT, "index: %s at %ju is cut off", what, (uintmax_t)offset);
    if (crc != crc32c(body))
        return ERR(ERR_CORRUPT, "index: %s at %ju has another checksum", what, (uintmax_t)offset);
    *ret_body = body;
    return OK;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* Offsets of the sections; 0 where the file has none. */
struct toc {
    uint64_t symbols, series, label_indices, label_indices_table, postings, postings_table;
};

static struct err
read_toc(struct str image, struct toc *ret_toc)
{
    if (image.n < INDEX_HEADER_BYTES + INDEX_TOC_BYTES)
        return ERR(ERR_CORRUPT, "index: %zu bytes are less than an empty one", image.n);
    if (image.n / INDEX_SERIES_ALIGN > UINT32_MAX)
        return ERR(ERR_LIMIT, "index: %zu bytes, limit 64 GiB", image.n);
    struct reader r = reader_of(image);
    if (reader_be32(&r) != INDEX_MAGIC)
        return ERR(ERR_CORRUPT, "index: not an index file");
    uint8_t version = reader_u8(&r);
    if (version != INDEX_VERSION_2 && version != INDEX_VERSION_3)
        return ERR(ERR_UNIMPLEMENTED, "index: version %u is not known", version);
    struct str toc = str_skip(image, image.n - INDEX_TOC_BYTES);
    r = reader_of(toc);
    *ret_toc = (struct toc){.symbols = reader_be64(&r)};
    ret_toc->series = reader_be64(&r);
    ret_toc->label_indices = reader_be64(&r);
    ret_toc->label_indices_table = reader_be64(&r);
    ret_toc->postings = reader_be64(&r);
    ret_toc->postings_table = reader_be64(&r);
    if (reader_be32(&r) != crc32c(str_take(&toc, INDEX_TOC_BYTES - CRC_BYTES)))
        return ERR(ERR_CORRUPT, "index: table of contents has another checksum");
    return OK;
}

struct err
index_reader_open(struct str image, struct index_reader **ret_reader)
{
    struct toc toc = {0};
    TRY(read_toc(image, &toc));
    struct str symbols, table;
    TRY(index_section(image, toc.symbols, "symbol table", &symbols));
    TRY(index_section(image, toc.postings_table, "table of postings", &table));

    AUTO(index_reader_close) struct index_reader *r = mem_alloc_zero(sizeof *r);
    r->source.ops = &index_postings_ops;
    r->image = image;
    r->series_start = toc.series;
    r->series_end = image.n - INDEX_TOC_BYTES;
    if (toc.label_indices >= toc.series && toc.label_indices < r->series_end)
        r->series_end = toc.label_indices;
    TRY(index_symbols_open(symbols, &r->symbols));
    TRY(index_table_open(table, &r->table));
    *ret_reader = TAKE(r);
    return OK;
}

void
index_reader_close(struct index_reader *r)
{
    if (!r)
        return;
    index_symbols_fini(&r->symbols);
    index_table_fini(&r->table);
    mem_free(r);
}

void
index_reader_use_cache(struct index_reader *r, struct match_cache *cache)
{
    r->cache = cache;
    r->generation = match_cache_generation(cache);
}

const struct postings_source *
index_reader_postings(const struct index_reader *r)
{
    return &r->source;
}

/* --- series ----------------------------------------------------------------------------------- */

static struct err
bad_series(uint32_t id, const char *what)
{
    return ERR(ERR_CORRUPT, "index: series %u %s", id, what);
}

struct err
index_series_entry(const struct index_reader *r, uint32_t id, struct reader *ret_body)
{
    uint64_t offset = (uint64_t)id * INDEX_SERIES_ALIGN;
    if (offset < r->series_start || offset >= r->series_end)
        return bad_series(id, "is not where series are");
    struct reader at = reader_of(str_of(r->image.p + offset, r->series_end - offset));
    uint64_t bytes = reader_uvarint(&at);
    if (bytes > INDEX_SERIES_BYTES_MAX)
        return bad_series(id, "is longer than 64 MiB");
    struct str body = reader_bytes(&at, bytes);
    uint32_t crc = reader_be32(&at);
    if (at.code != ERR_NONE)
        return bad_series(id, "is cut off");
    if (crc != crc32c(body))
        return bad_series(id, "has another checksum");
    *ret_body = reader_of(body);
    return OK;
}

static struct err
read_labels(const struct index_reader *r, uint32_t id, struct reader *body, struct arena *a,
            struct labels *ret_labels)
{
    uint64_t count = reader_uvarint(body);
    if (count > reader_left(body) / LABEL_BYTES_MIN)
        return bad_series(id, "has more labels than bytes");
    struct label *v = arena_alloc(a, count * sizeof *v);
    for (uint64_t i = 0; i < count; i++) {
        bool known = index_symbols_at(&r->symbols, reader_uvarint(body), &v[i].name);
        known = index_symbols_at(&r->symbols, reader_uvarint(body), &v[i].value) && known;
        if (!known)
            return bad_series(id, "has a label without a symbol");
    }
    *ret_labels = (struct labels){v, count};
    return OK;
}

/* Times are sums modulo 2^64, as Prometheus computes them: a chunk that begins before the end
 * of the one in front has a huge distance. */
static int64_t
after(int64_t t_ms, uint64_t distance_ms)
{
    return (int64_t)((uint64_t)t_ms + distance_ms);
}

static struct err
read_chunks(uint32_t id, struct reader *body, struct arena *a,
            const struct index_chunk **ret_chunks, size_t *ret_count)
{
    uint64_t count = reader_uvarint(body);
    if (count > reader_left(body) / CHUNK_BYTES_MIN)
        return bad_series(id, "has more chunks than bytes");
    struct index_chunk *v = arena_alloc(a, count * sizeof *v), *before = NULL;
    for (uint64_t i = 0; i < count; before = &v[i++]) {
        v[i].mint_ms = before ? after(before->maxt_ms, reader_uvarint(body)) : reader_varint(body);
        v[i].maxt_ms = after(v[i].mint_ms, reader_uvarint(body));
        v[i].ref = before ? before->ref + (uint64_t)reader_varint(body) : reader_uvarint(body);
        if (v[i].maxt_ms < v[i].mint_ms)
            return bad_series(id, "has a chunk that ends before it starts");
    }
    if (body->code != ERR_NONE)
        return bad_series(id, "is cut off");
    *ret_chunks = v;
    *ret_count = count;
    return OK;
}

struct err
index_reader_series(const struct index_reader *r, uint32_t id, struct arena *a,
                    struct index_series *ret_series)
{
    struct reader body;
    TRY(index_series_entry(r, id, &body));
    struct index_series s;
    TRY(read_labels(r, id, &body, a, &s.labels));
    TRY(read_chunks(id, &body, a, &s.chunks, &s.chunk_count));
    *ret_series = s;
    return OK;
}

static struct err
read_pairs(const struct index_reader *r, uint32_t id, struct reader *body, struct arena *a,
           struct index_numbered_series *s)
{
    uint64_t count = reader_uvarint(body);
    if (count > reader_left(body) / LABEL_BYTES_MIN)
        return bad_series(id, "has more labels than bytes");
    struct index_pair *v = arena_alloc(a, count * sizeof *v);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t name = reader_uvarint(body), value = reader_uvarint(body);
        if (name >= r->symbols.count || value >= r->symbols.count)
            return bad_series(id, "has a label without a symbol");
        v[i] = (struct index_pair){(uint32_t)name, (uint32_t)value};
    }
    s->pairs = v;
    s->pair_count = count;
    return OK;
}

struct err
index_reader_series_numbered(const struct index_reader *r, uint32_t id, struct arena *a,
                             struct index_numbered_series *ret_series)
{
    struct reader body;
    TRY(index_series_entry(r, id, &body));
    struct index_numbered_series s;
    TRY(read_pairs(r, id, &body, a, &s));
    TRY(read_chunks(id, &body, a, &s.chunks, &s.chunk_count));
    *ret_series = s;
    return OK;
}

struct reader
index_reader_symbols(const struct index_reader *r, uint32_t *ret_count)
{
    *ret_count = r->symbols.count;
    return reader_of(r->symbols.bytes);
}

struct err
index_reader_all(const struct index_reader *r, struct arena *a, struct postings *ret_all)
{
    return r->source.ops->all(&r->source, a, ret_all);
}

/* --- check ------------------------------------------------------------------------------------ */

static struct err
check_series(const struct index_reader *r, uint32_t id, struct arena *a, struct labels before,
             struct labels *ret_labels)
{
    struct index_series s;
    TRY(index_reader_series(r, id, a, &s));
    for (size_t i = 1; i < s.labels.n; i++) {
        if (str_cmp(s.labels.v[i - 1].name, s.labels.v[i].name) >= 0)
            return bad_series(id, "has labels that are not sorted");
    }
    if (labels_cmp(before, s.labels) >= 0)
        return bad_series(id, "is not behind the one before");
    for (size_t i = 0; i < s.labels.n; i++) {
        uint64_t offset;
        if (!index_table_find(&r->table, s.labels.v[i].name, s.labels.v[i].value, &offset))
            return bad_series(id, "has a label without a list");
    }
    *ret_labels = s.labels;
    return OK;
}

static struct err
check_lists(const struct index_reader *r, struct arena *a)
{
    for (size_t n = 0; n < r->table.names.n; n++) {
        const struct index_name *name = &r->table.names.v[n];
        struct index_values values = index_table_values(&r->table, name, STR(""));
        struct index_entry e;
        while (index_values_next(&values, &e)) {
            struct postings list;
            arena_reset(a);
            TRY(index_list(r, e.list_offset, a, &list));
        }
    }
    return OK;
}

/* Every series, in order; the label set before lives in the other of two arenas. */
static struct err
check_all_series(const struct index_reader *r, struct postings all)
{
    struct arena rows[2];
    arena_init(&rows[0], 0);
    arena_init(&rows[1], 0);
    struct labels before = {NULL, 0};
    struct err e = OK;
    for (size_t i = 0; i < all.n && e.code == ERR_NONE; i++) {
        arena_reset(&rows[i % 2]);
        e = check_series(r, all.v[i], &rows[i % 2], before, &before);
    }
    arena_fini(&rows[0]);
    arena_fini(&rows[1]);
    return e;
}

struct err
index_reader_check(const struct index_reader *r)
{
    AUTO(arena_fini) struct arena scratch;
    arena_init(&scratch, 0);
    TRY(check_lists(r, &scratch));
    arena_reset(&scratch);
    struct postings all;
    TRY(r->source.ops->all(&r->source, &scratch, &all));
    return check_all_series(r, all);
}
