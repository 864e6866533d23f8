/* index_writer.c - collects series as numbers, then writes the file front to end.
 *
 * Postings come out of one stable sort of all labels by value and then by name: two counting
 * passes over symbol numbers, no comparison of texts. */
#include "tsdb/index/index_writer.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/map.h"
#include "base/mem.h"
#include "tsdb/index/file_writer.h"
#include "tsdb/index/index_int.h"

struct written_series {
    size_t first_pair, first_chunk;
    uint32_t pair_count, chunk_count;
};
struct pair_numbers {
    uint32_t name, value; /* symbols, numbered as they came; by rank from finish on */
};
/* A label of a series. */
struct occurrence {
    struct pair_numbers pair;
    uint32_t series; /* its number in the file */
};

struct index_writer {
    struct arena texts;
    struct map numbers; /* text -> number + 1 */
    VEC(struct str) symbols;
    VEC(struct pair_numbers) pairs;
    VEC(struct index_chunk) chunks;
    VEC(struct written_series) series;
    struct arena last[2]; /* the label set added last is in [series.n % 2] */
    struct labels before;
};

struct index_writer *
index_writer_open(void)
{
    struct index_writer *w = mem_alloc_zero(sizeof *w);
    arena_init(&w->texts, 0);
    arena_init(&w->last[0], 0);
    arena_init(&w->last[1], 0);
    map_init(&w->numbers, MAP_KEYS_BORROWED);
    return w;
}

void
index_writer_close(struct index_writer *w)
{
    if (!w)
        return;
    map_fini(&w->numbers);
    vec_fini(&w->symbols);
    vec_fini(&w->pairs);
    vec_fini(&w->chunks);
    vec_fini(&w->series);
    arena_fini(&w->last[0]);
    arena_fini(&w->last[1]);
    arena_fini(&w->texts);
    mem_free(w);
}

/* --- collecting ------------------------------------------------------------------------------- */

static uint32_t
symbol_number(struct index_writer *w, struct str text)
{
    uintptr_t known = (uintptr_t)map_get(&w->numbers, text);
    if (known > 0)
        return (uint32_t)(known - 1);
    struct str kept = arena_str(&w->texts, text);
    vec_push(&w->symbols, kept);
    map_put(&w->numbers, kept, (void *)(uintptr_t)w->symbols.n);
    return u32_of_size(w->symbols.n - 1);
}

static struct err
check_series(const struct index_writer *w, struct labels labels, const struct index_chunk *chunks,
             size_t count)
{
    if (w->series.n > 0 && labels_cmp(w->before, labels) >= 0)
        return ERR(ERR_INVALID, "index: series %zu is not behind the one before", w->series.n);
    for (size_t i = 0; i < count; i++) {
        bool behind = i == 0 || chunks[i].mint_ms > chunks[i - 1].maxt_ms;
        if (!behind || chunks[i].maxt_ms < chunks[i].mint_ms)
            return ERR(ERR_INVALID, "index: series %zu: chunk %zu overlaps another", w->series.n,
                       i);
    }
    return OK;
}

struct err
index_writer_add(struct index_writer *w, struct labels labels, const struct index_chunk *chunks,
                 size_t count)
{
    TRY(check_series(w, labels, chunks, count));
    struct written_series s = {.first_pair = w->pairs.n,
                               .first_chunk = w->chunks.n,
                               .pair_count = u32_of_size(labels.n),
                               .chunk_count = u32_of_size(count)};
    for (size_t i = 0; i < labels.n; i++) {
        struct pair_numbers p = {symbol_number(w, labels.v[i].name),
                                 symbol_number(w, labels.v[i].value)};
        vec_push(&w->pairs, p);
    }
    for (size_t i = 0; i < count; i++)
        vec_push(&w->chunks, chunks[i]);
    vec_push(&w->series, s);
    struct arena *a = &w->last[w->series.n % 2];
    arena_reset(a);
    w->before = labels_copy(a, labels);
    return OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* A section whose body is written in pieces: its length must be known first. */
struct section {
    uint32_t crc;
    size_t from; /* of what is in `pending` and not in the checksum yet */
};

static void
section_begin(struct file_writer *out, struct section *s, uint32_t body_bytes)
{
    buf_put_be32(&out->pending, body_bytes);
    *s = (struct section){.crc = 0, .from = out->pending.n};
}

static struct err
section_flush_full(struct file_writer *out, struct section *s)
{
    if (out->pending.n < FILE_WRITER_PIECE_BYTES)
        return OK;
    s->crc = crc32c_extend(s->crc, str_skip(buf_str(&out->pending), s->from));
    s->from = 0;
    return file_writer_flush_full(out);
}

static void
section_end(struct file_writer *out, struct section *s)
{
    s->crc = crc32c_extend(s->crc, str_skip(buf_str(&out->pending), s->from));
    buf_put_be32(&out->pending, s->crc);
}

static void
align(struct file_writer *out, unsigned to)
{
    while (file_writer_at(out) % to != 0)
        buf_put_u8(&out->pending, 0);
}

static int
by_text(const void *a, const void *b, void *symbols)
{
    const struct str *v = symbols;
    return str_cmp(v[*(const uint32_t *)a], v[*(const uint32_t *)b]);
}

/* Puts symbols in order and makes every pair name ranks. */
static void
rank_symbols(struct index_writer *w)
{
    size_t n = w->symbols.n;
    AUTO(mem_free) uint32_t *order = mem_array_zero(n, sizeof *order);
    AUTO(mem_free) uint32_t *rank = mem_array_zero(n, sizeof *rank);
    AUTO(mem_free) struct str *sorted = mem_array_zero(n, sizeof *sorted);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    if (n > 0)
        qsort_r(order, n, sizeof *order, by_text, w->symbols.v);
    for (uint32_t i = 0; i < n; i++) {
        rank[order[i]] = i;
        sorted[i] = w->symbols.v[order[i]];
    }
    if (n > 0)
        memcpy(w->symbols.v, sorted, n * sizeof *sorted);
    vec_each (&w->pairs, p)
        *p = (struct pair_numbers){rank[p->name], rank[p->value]};
}

static struct err
write_symbols(struct index_writer *w, struct file_writer *out)
{
    uint64_t bytes = sizeof(uint32_t);
    vec_each (&w->symbols, s)
        bytes += uvarint_bytes(s->n) + s->n;
    if (bytes > UINT32_MAX)
        return ERR(ERR_LIMIT, "index: symbols of %ju bytes, limit 4 GiB", (uintmax_t)bytes);
    struct section section;
    section_begin(out, &section, (uint32_t)bytes);
    buf_put_be32(&out->pending, u32_of_size(w->symbols.n));
    vec_each (&w->symbols, s) {
        buf_put_ustr(&out->pending, *s);
        TRY(section_flush_full(out, &section));
    }
    section_end(out, &section);
    return OK;
}

static void
put_series_body(const struct index_writer *w, const struct written_series *s, struct buf *to)
{
    buf_put_uvarint(to, s->pair_count);
    for (uint32_t i = 0; i < s->pair_count; i++) {
        buf_put_uvarint(to, w->pairs.v[s->first_pair + i].name);
        buf_put_uvarint(to, w->pairs.v[s->first_pair + i].value);
    }
    buf_put_uvarint(to, s->chunk_count);
    for (uint32_t i = 0; i < s->chunk_count; i++) {
        const struct index_chunk *c = &w->chunks.v[s->first_chunk + i];
        if (i == 0)
            buf_put_varint(to, c->mint_ms);
        else
            buf_put_uvarint(to, (uint64_t)c->mint_ms - (uint64_t)c[-1].maxt_ms);
        buf_put_uvarint(to, (uint64_t)c->maxt_ms - (uint64_t)c->mint_ms);
        if (i == 0)
            buf_put_uvarint(to, c->ref);
        else
            buf_put_varint(to, (int64_t)(c->ref - c[-1].ref));
    }
}

/* Fills ids[] with the numbers of the series. */
static struct err
write_series(const struct index_writer *w, struct file_writer *out, uint32_t *ids)
{
    AUTO(buf_fini) struct buf body = BUF_INIT;
    for (size_t i = 0; i < w->series.n; i++) {
        buf_clear(&body);
        put_series_body(w, &w->series.v[i], &body);
        align(out, INDEX_SERIES_ALIGN);
        if (file_writer_at(out) / INDEX_SERIES_ALIGN > UINT32_MAX)
            return ERR(ERR_LIMIT, "index: series pass 64 GiB");
        ids[i] = (uint32_t)(file_writer_at(out) / INDEX_SERIES_ALIGN);
        buf_put_ustr(&out->pending, buf_str(&body));
        buf_put_be32(&out->pending, crc32c(buf_str(&body)));
        TRY(file_writer_flush_full(out));
    }
    return OK;
}

/* One stable counting pass by the symbol that `by_value` chooses. */
static void
sort_occurrences(const struct occurrence *from, struct occurrence *to, size_t n, size_t symbols,
                 bool by_value)
{
    AUTO(mem_free) size_t *at = mem_array_zero(symbols + 1, sizeof *at);
    for (size_t i = 0; i < n; i++)
        at[(by_value ? from[i].pair.value : from[i].pair.name) + 1]++;
    for (size_t i = 1; i <= symbols; i++)
        at[i] += at[i - 1];
    for (size_t i = 0; i < n; i++)
        to[at[by_value ? from[i].pair.value : from[i].pair.name]++] = from[i];
}

/* Every label of every series, sorted by name, value, series. The caller frees it. */
static struct occurrence *
all_occurrences(const struct index_writer *w, const uint32_t *ids)
{
    struct occurrence *all = mem_array_zero(w->pairs.n, sizeof *all);
    AUTO(mem_free) struct occurrence *half = mem_array_zero(w->pairs.n, sizeof *half);
    for (size_t i = 0; i < w->series.n; i++) {
        const struct written_series *s = &w->series.v[i];
        for (uint32_t k = 0; k < s->pair_count; k++)
            all[s->first_pair + k] = (struct occurrence){w->pairs.v[s->first_pair + k], ids[i]};
    }
    sort_occurrences(all, half, w->pairs.n, w->symbols.n, true);
    sort_occurrences(half, all, w->pairs.n, w->symbols.n, false);
    return all;
}

static void
put_entry(struct buf *table, struct str name, struct str value, uint64_t offset)
{
    buf_put_uvarint(table, 2); /* keys */
    buf_put_ustr(table, name);
    buf_put_ustr(table, value);
    buf_put_uvarint(table, offset);
}

/* The list of all series, then one for each pair; `table` learns where they are. */
static struct err
write_lists(const struct index_writer *w, struct file_writer *out, const uint32_t *ids,
            struct buf *table, uint32_t *ret_entries)
{
    AUTO(mem_free) struct occurrence *all = all_occurrences(w, ids);
    size_t n = w->pairs.n, from = 0;
    uint32_t entries = 0;
    for (bool first = true; first || from < n; first = false, entries++) {
        size_t to = from;
        while (!first && to < n && memcmp(&all[to].pair, &all[from].pair, sizeof all->pair) == 0)
            to++;
        size_t count = first ? w->series.n : to - from;
        align(out, sizeof(uint32_t));
        if (first)
            put_entry(table, STR(""), STR(""), file_writer_at(out));
        else
            put_entry(table, w->symbols.v[all[from].pair.name], w->symbols.v[all[from].pair.value],
                      file_writer_at(out));
        struct section section;
        section_begin(out, &section, u32_of_size((count + 1) * sizeof(uint32_t)));
        buf_put_be32(&out->pending, u32_of_size(count));
        for (size_t i = 0; i < count; i++) {
            buf_put_be32(&out->pending, first ? ids[i] : all[from + i].series);
            TRY(section_flush_full(out, &section));
        }
        section_end(out, &section);
        from = to;
    }
    *ret_entries = entries;
    return OK;
}

static struct err
write_table(struct file_writer *out, struct str table, uint32_t entries)
{
    if (table.n > UINT32_MAX - sizeof entries)
        return ERR(ERR_LIMIT, "index: table of postings of %zu bytes, limit 4 GiB", table.n);
    struct section section;
    section_begin(out, &section, u32_of_size(table.n + sizeof entries));
    buf_put_be32(&out->pending, entries);
    buf_append(&out->pending, table);
    section_end(out, &section);
    return OK;
}

static void
put_toc(struct buf *to, const uint64_t *offsets, size_t count)
{
    size_t from = to->n;
    for (size_t i = 0; i < count; i++)
        buf_put_be64(to, offsets[i]);
    buf_put_be32(to, crc32c(str_skip(buf_str(to), from)));
}

struct err
index_writer_finish(struct index_writer *w, struct fs *fs, const char *path)
{
    AUTO(file_writer_close) struct file_writer out = FILE_WRITER_INIT;
    AUTO(buf_fini) struct buf table = BUF_INIT;
    AUTO(mem_free) uint32_t *ids = mem_array_zero(w->series.n, sizeof *ids);
    uint64_t toc[6]; /* symbols, series, label indices, their table, postings, table */
    uint32_t entries;
    TRY(file_writer_open(fs, path, &out));
    rank_symbols(w);
    buf_put_be32(&out.pending, INDEX_MAGIC);
    buf_put_u8(&out.pending, INDEX_VERSION_2);
    toc[0] = file_writer_at(&out);
    TRY(write_symbols(w, &out));
    toc[1] = file_writer_at(&out);
    TRY(write_series(w, &out, ids));
    toc[2] = toc[4] = file_writer_at(&out); /* label indices are not written any more */
    TRY(write_lists(w, &out, ids, &table, &entries));
    toc[3] = toc[5] = file_writer_at(&out);
    TRY(write_table(&out, buf_str(&table), entries));
    put_toc(&out.pending, toc, ARRAY_LEN(toc));
    return file_writer_finish(&out);
}
