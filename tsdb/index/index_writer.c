/* index_writer.c - collects series as numbers, then writes the file front to end. */
#include "tsdb/index/index_writer.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/map.h"
#include "base/mem.h"
#include "tsdb/index/file_writer.h"
#include "tsdb/index/index_int.h"
#include "tsdb/index/index_writer_int.h"

struct index_writer {
    struct arena texts;
    bool borrows;            /* nothing is in it, then */
    struct map numbers;      /* text -> number + 1 */
    VEC(struct str) symbols; /* numbered as they came, sorted from finish on */
    const struct str *given; /* or those of index_writer_symbols() */
    size_t given_count;
    struct written w;
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
    vec_fini(&w->w.pairs);
    vec_fini(&w->w.chunks);
    vec_fini(&w->w.series);
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
    struct str kept = w->borrows ? text : arena_str(&w->texts, text);
    vec_push(&w->symbols, kept);
    map_put(&w->numbers, kept, (void *)(uintptr_t)w->symbols.n);
    return u32_of_size(w->symbols.n - 1);
}

static struct err
check_chunks(const struct index_writer *w, const struct index_chunk *chunks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool behind = i == 0 || chunks[i].mint_ms > chunks[i - 1].maxt_ms;
        if (!behind || chunks[i].maxt_ms < chunks[i].mint_ms)
            return ERR(ERR_INVALID, "index: series %zu: chunk %zu overlaps another", w->w.series.n,
                       i);
    }
    return OK;
}

/* Takes the chunks of a series whose `count` pairs have been added to w->w.pairs. */
static struct err
add_series(struct index_writer *w, size_t count, const struct index_chunk *chunks,
           size_t chunk_count)
{
    if (w->w.pairs.n > UINT32_MAX || w->w.series.n >= UINT32_MAX)
        return ERR(ERR_LIMIT, "index: more than %u labels", UINT32_MAX);
    struct written_series s = {.first_pair = u32_of_size(w->w.pairs.n - count),
                               .pair_count = u32_of_size(count),
                               .first_chunk = w->w.chunks.n,
                               .chunk_count = u32_of_size(chunk_count)};
    vec_reserve(&w->w.chunks, chunk_count);
    for (size_t i = 0; i < chunk_count; i++)
        w->w.chunks.v[w->w.chunks.n++] = chunks[i];
    vec_push(&w->w.series, s);
    return OK;
}

static struct err
check_labels(const struct index_writer *w, struct labels labels)
{
    for (size_t i = 1; i < labels.n; i++) {
        if (str_cmp(labels.v[i - 1].name, labels.v[i].name) >= 0)
            return ERR(ERR_INVALID, "index: series %zu has labels that are not sorted",
                       w->w.series.n);
    }
    if (w->w.series.n > 0 && labels_cmp(w->before, labels) >= 0)
        return ERR(ERR_INVALID, "index: series %zu is not behind the one before", w->w.series.n);
    return OK;
}

struct err
index_writer_add(struct index_writer *w, struct labels labels, const struct index_chunk *chunks,
                 size_t count)
{
    ASSERT(!w->given);
    TRY(check_labels(w, labels));
    TRY(check_chunks(w, chunks, count));
    for (size_t i = 0; i < labels.n; i++) {
        struct index_pair p = {symbol_number(w, labels.v[i].name),
                               symbol_number(w, labels.v[i].value)};
        vec_push(&w->w.pairs, p);
    }
    TRY(add_series(w, labels.n, chunks, count));
    struct arena *a = &w->last[w->w.series.n % 2];
    arena_reset(a);
    if (w->borrows) {
        struct label *v = ARENA_ARRAY(a, struct label, labels.n);
        if (labels.n > 0)
            memcpy(v, labels.v, labels.n * sizeof *v);
        w->before = (struct labels){v, labels.n};
        return OK;
    }
    w->before = labels_copy(a, labels);
    return OK;
}

void
index_writer_borrow(struct index_writer *w)
{
    ASSERT(w->w.series.n == 0);
    w->borrows = true;
}

void
index_writer_symbols(struct index_writer *w, const struct str *sorted, size_t count)
{
    ASSERT(w->w.series.n == 0);
    w->given = sorted;
    w->given_count = count;
}

int
index_pairs_cmp(const struct index_pair *x, size_t x_count, const struct index_pair *y,
                size_t y_count)
{
    for (size_t i = 0; i < x_count && i < y_count; i++) {
        if (x[i].name != y[i].name)
            return x[i].name < y[i].name ? -1 : 1;
        if (x[i].value != y[i].value)
            return x[i].value < y[i].value ? -1 : 1;
    }
    return (x_count > y_count) - (x_count < y_count);
}

static struct err
check_pairs(const struct index_writer *w, const struct index_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ASSERT(pairs[i].name < w->given_count && pairs[i].value < w->given_count);
        if (i > 0 && pairs[i - 1].name >= pairs[i].name)
            return ERR(ERR_INVALID, "index: series %zu has labels that are not sorted",
                       w->w.series.n);
    }
    const struct written_series *before = w->w.series.n > 0 ? vec_last(&w->w.series) : NULL;
    if (before &&
        index_pairs_cmp(&w->w.pairs.v[before->first_pair], before->pair_count, pairs, count) >= 0)
        return ERR(ERR_INVALID, "index: series %zu is not behind the one before", w->w.series.n);
    return OK;
}

struct err
index_writer_add_numbered(struct index_writer *w, const struct index_pair *pairs, size_t count,
                          const struct index_chunk *chunks, size_t chunk_count)
{
    ASSERT(w->given);
    TRY(check_pairs(w, pairs, count));
    TRY(check_chunks(w, chunks, chunk_count));
    vec_reserve(&w->w.pairs, count);
    for (size_t i = 0; i < count; i++)
        w->w.pairs.v[w->w.pairs.n++] = pairs[i];
    return add_series(w, count, chunks, chunk_count);
}

/* --- writing ---------------------------------------------------------------------------------- */

static int
by_text(const void *a, const void *b, void *symbols)
{
    const struct str *v = symbols;
    return str_cmp(v[*(const uint32_t *)a], v[*(const uint32_t *)b]);
}

/* Puts symbols that came with their series in order; pairs name positions afterwards. */
static void
sort_symbols(struct index_writer *w)
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
    vec_each (&w->w.pairs, p)
        *p = (struct index_pair){rank[p->name], rank[p->value]};
}

/* Numbers the symbols that some series uses, and the empty one, which Prometheus always writes (it
 * names the list of all series there); the caller frees w->w.numbers. */
static void
number_symbols(struct index_writer *w)
{
    if (!w->given)
        sort_symbols(w);
    w->w.symbols = w->given ? w->given : w->symbols.v;
    w->w.symbol_count = w->given ? w->given_count : w->symbols.n;
    uint32_t *numbers = mem_array_zero(w->w.symbol_count, sizeof *numbers), used = 1;
    vec_each (&w->w.pairs, p)
        numbers[p->name] = numbers[p->value] = 1;
    for (size_t i = 0; i < w->w.symbol_count; i++) {
        bool has_number = numbers[i] > 0 && w->w.symbols[i].n > 0;
        numbers[i] = w->w.symbols[i].n == 0 ? 0 : has_number ? used++ : SYMBOL_UNUSED;
    }
    w->w.numbers = numbers;
    w->w.used_symbols = used;
}

static bool
is_written(const struct written *w, size_t symbol)
{
    return w->numbers[symbol] != SYMBOL_UNUSED && w->symbols[symbol].n > 0;
}

static struct err
write_symbols(const struct written *w, struct file_writer *out)
{
    uint64_t bytes = sizeof(uint32_t) + uvarint_bytes(0);
    for (size_t i = 0; i < w->symbol_count; i++) {
        if (is_written(w, i))
            bytes += uvarint_bytes(w->symbols[i].n) + w->symbols[i].n;
    }
    if (bytes > UINT32_MAX)
        return ERR(ERR_LIMIT, "index: symbols of %ju bytes, limit 4 GiB", (uintmax_t)bytes);
    struct index_section_writer section;
    index_section_begin(out, &section, (uint32_t)bytes);
    buf_put_be32(&out->pending, w->used_symbols);
    buf_put_ustr(&out->pending, STR(""));
    for (size_t i = 0; i < w->symbol_count; i++) {
        if (!is_written(w, i))
            continue;
        buf_put_ustr(&out->pending, w->symbols[i]);
        TRY(index_section_flush(out, &section));
    }
    index_section_end(out, &section);
    return OK;
}

/* At most as many bytes as put_series_body() needs. */
static size_t
series_body_bytes_max(const struct written_series *s)
{
    return UVARINT_BYTES_MAX * (2 + 2 * (size_t)s->pair_count + 3 * (size_t)s->chunk_count);
}

static size_t
put_series_body(const struct written *w, const struct written_series *s, uint8_t *to)
{
    uint8_t *p = to;
    p += store_uvarint(p, s->pair_count);
    for (uint32_t i = 0; i < s->pair_count; i++) {
        const struct index_pair *pair = &w->pairs.v[s->first_pair + i];
        p += store_uvarint(p, w->numbers[pair->name]);
        p += store_uvarint(p, w->numbers[pair->value]);
    }
    p += store_uvarint(p, s->chunk_count);
    for (uint32_t i = 0; i < s->chunk_count; i++) {
        const struct index_chunk *c = &w->chunks.v[s->first_chunk + i];
        p += i == 0 ? store_varint(p, c->mint_ms)
                    : store_uvarint(p, (uint64_t)c->mint_ms - (uint64_t)c[-1].maxt_ms);
        p += store_uvarint(p, (uint64_t)c->maxt_ms - (uint64_t)c->mint_ms);
        p += i == 0 ? store_uvarint(p, c->ref) : store_varint(p, (int64_t)(c->ref - c[-1].ref));
    }
    return (size_t)(p - to);
}

/* Fills ids[] with the numbers of the series. */
static struct err
write_series(const struct written *w, struct file_writer *out, uint32_t *ids)
{
    AUTO(buf_fini) struct buf body = BUF_INIT;
    for (size_t i = 0; i < w->series.n; i++) {
        buf_clear(&body);
        buf_reserve(&body, series_body_bytes_max(&w->series.v[i]));
        body.n = put_series_body(w, &w->series.v[i], (uint8_t *)body.p);
        index_align(out, INDEX_SERIES_ALIGN);
        if (file_writer_at(out) / INDEX_SERIES_ALIGN > UINT32_MAX)
            return ERR(ERR_LIMIT, "index: series pass 64 GiB");
        ids[i] = (uint32_t)(file_writer_at(out) / INDEX_SERIES_ALIGN);
        buf_put_ustr(&out->pending, buf_str(&body));
        buf_put_be32(&out->pending, crc32c(buf_str(&body)));
        TRY(file_writer_flush_full(out));
    }
    return OK;
}

static struct err
write_table(struct file_writer *out, struct str table, uint32_t entries)
{
    if (table.n > UINT32_MAX - sizeof entries)
        return ERR(ERR_LIMIT, "index: table of postings of %zu bytes, limit 4 GiB", table.n);
    struct index_section_writer section;
    index_section_begin(out, &section, u32_of_size(table.n + sizeof entries));
    buf_put_be32(&out->pending, entries);
    buf_append(&out->pending, table);
    index_section_end(out, &section);
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

static struct err
write_parts(const struct written *w, struct file_writer *out)
{
    AUTO(buf_fini) struct buf table = BUF_INIT;
    AUTO(mem_free) uint32_t *ids = mem_array_zero(w->series.n, sizeof *ids);
    uint64_t toc[6]; /* symbols, series, label indices, their table, postings, table */
    uint32_t entries;
    buf_put_be32(&out->pending, INDEX_MAGIC);
    buf_put_u8(&out->pending, INDEX_VERSION_2);
    toc[0] = file_writer_at(out);
    TRY(write_symbols(w, out));
    toc[1] = file_writer_at(out);
    TRY(write_series(w, out, ids));
    toc[2] = toc[4] = file_writer_at(out); /* label indices are not written any more */
    TRY(index_write_lists(w, ids, out, &table, &entries));
    toc[3] = toc[5] = file_writer_at(out);
    TRY(write_table(out, buf_str(&table), entries));
    put_toc(&out->pending, toc, ARRAY_LEN(toc));
    return file_writer_finish(out);
}

struct err
index_writer_finish(struct index_writer *w, struct fs *fs, const char *path)
{
    AUTO(file_writer_close) struct file_writer out = FILE_WRITER_INIT;
    TRY(file_writer_open(fs, path, &out));
    number_symbols(w);
    struct err e = write_parts(&w->w, &out);
    mem_free(w->w.numbers);
    w->w.numbers = NULL;
    return e;
}
