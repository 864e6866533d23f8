/* block_kit.c - a plain writer of index files; small files of blocks. */
#include "tests/tsdb/block_kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"

enum { TOC_FIELDS = 6 };

static int
compare_str(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int
compare_label(const void *a, const void *b)
{
    const struct label *x = a, *y = b;
    int c = str_cmp(x->name, y->name);
    return c ? c : str_cmp(x->value, y->value);
}

/* Starts a section: room for its length. Returns its offset. */
static size_t
begin(struct buf *b)
{
    buf_put_be32(b, 0);
    return b->n - 4;
}

static void
end(struct buf *b, size_t at)
{
    buf_put_be32(b, 0);
    store_be32(b->p + at, (uint32_t)(b->n - at - 8));
    kit_index_reseal(b, at);
}

void
kit_index_reseal(struct buf *index, size_t offset)
{
    size_t n = load_be32(index->p + offset);
    store_be32(index->p + offset + 4 + n, crc32c(str_of(index->p + offset + 4, n)));
}

static void
align(struct buf *b, size_t to)
{
    while (b->n % to != 0)
        buf_put_u8(b, 0);
}

static uint32_t
number_of(const struct str *symbols, size_t n, struct str text)
{
    const struct str *at = bsearch(&text, symbols, n, sizeof text, compare_str);
    return (uint32_t)(at - symbols);
}

static uint32_t
put_series(struct buf *to, struct labels l, size_t i, const struct str *symbols, size_t n)
{
    AUTO(buf_fini) struct buf body = BUF_INIT;
    buf_put_uvarint(&body, l.n);
    for (size_t k = 0; k < l.n; k++) {
        buf_put_uvarint(&body, number_of(symbols, n, l.v[k].name));
        buf_put_uvarint(&body, number_of(symbols, n, l.v[k].value));
    }
    buf_put_uvarint(&body, 1);
    buf_put_varint(&body, (int64_t)i);
    buf_put_uvarint(&body, 0);
    buf_put_uvarint(&body, 8);
    align(to, INDEX_SERIES_ALIGN);
    uint32_t id = (uint32_t)(to->n / INDEX_SERIES_ALIGN);
    buf_put_ustr(to, buf_str(&body));
    buf_put_be32(to, crc32c(buf_str(&body)));
    return id;
}

/* The list of the pair, or of all series for the empty one; its place goes into the table. */
static void
put_list(struct buf *to, struct buf *table, struct label pair, const struct labels *series,
         const uint32_t *ids, size_t n)
{
    align(to, 4);
    size_t at = begin(to), count = 0;
    buf_put_be32(to, 0);
    for (size_t i = 0; i < n; i++) {
        if (pair.name.n > 0 && !str_eq(labels_get(series[i], pair.name), pair.value))
            continue;
        buf_put_be32(to, ids[i]);
        count++;
    }
    store_be32(to->p + at + 4, (uint32_t)count);
    end(to, at);
    buf_put_uvarint(table, 2);
    buf_put_ustr(table, pair.name);
    buf_put_ustr(table, pair.value);
    buf_put_uvarint(table, at);
}

/* Sorted, each once. */
static size_t
unique(void *v, size_t n, size_t bytes, int (*compare)(const void *, const void *))
{
    qsort(v, n, bytes, compare);
    char *at = v;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || compare(at + (kept - 1) * bytes, at + i * bytes) != 0)
            memmove(at + kept++ * bytes, at + i * bytes, bytes);
    }
    return kept;
}

void
kit_index(struct buf *to, const struct labels *series, size_t n)
{
    VEC(struct str) symbols = VEC_INIT;
    VEC(struct label) pairs = VEC_INIT;
    VEC(uint32_t) ids = VEC_INIT;
    uint64_t toc[TOC_FIELDS];
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < series[i].n; k++) {
            vec_push(&symbols, series[i].v[k].name);
            vec_push(&symbols, series[i].v[k].value);
            vec_push(&pairs, series[i].v[k]);
        }
    }
    vec_push(&pairs, ((struct label){STR(""), STR("")}));
    pairs.n = unique(pairs.v, pairs.n, sizeof *pairs.v, compare_label);
    symbols.n = n ? unique(symbols.v, symbols.n, sizeof *symbols.v, compare_str) : 0;

    buf_put_be32(to, 0xbaaad700);
    buf_put_u8(to, 2);
    toc[0] = begin(to);
    buf_put_be32(to, (uint32_t)symbols.n);
    vec_each (&symbols, s)
        buf_put_ustr(to, *s);
    end(to, toc[0]);
    toc[1] = to->n;
    for (size_t i = 0; i < n; i++)
        vec_push(&ids, put_series(to, series[i], i, symbols.v, symbols.n));
    toc[2] = toc[4] = to->n;
    AUTO(buf_fini) struct buf table = BUF_INIT;
    vec_each (&pairs, pair)
        put_list(to, &table, *pair, series, ids.v, n);
    toc[3] = toc[5] = begin(to);
    buf_put_be32(to, (uint32_t)pairs.n);
    buf_append(to, buf_str(&table));
    end(to, toc[5]);
    size_t at = to->n;
    for (int i = 0; i < TOC_FIELDS; i++)
        buf_put_be64(to, toc[i]);
    buf_put_be32(to, crc32c(str_of(to->p + at, to->n - at)));
    vec_fini(&symbols);
    vec_fini(&pairs);
    vec_fini(&ids);
}

struct labels *
kit_label_sets(struct arena *a, size_t n)
{
    struct labels *sets = ARENA_ARRAY(a, struct labels, n);
    for (size_t i = 0; i < n; i++) {
        struct label *l = ARENA_ARRAY(a, struct label, 3);
        size_t half = (n + 1) / 2; /* sorted by "even" before "i" */
        size_t number = i < n - half ? 2 * i + 1 : 2 * (i - (n - half));
        l[0] = (struct label){STR("__name__"), STR("m")};
        l[1] = (struct label){STR("even"), i < n - half ? STR("no") : STR("yes")};
        l[2] = (struct label){STR("i"), arena_printf(a, "%04zu", number)};
        sets[i] = (struct labels){l, 3};
    }
    return sets;
}

struct matcher
kit_matcher(struct arena *a, enum matcher_type type, const char *name, const char *value)
{
    struct matcher m;
    CK_OK(matcher_make(a, type, str_of_cstr(name), str_of_cstr(value), &m));
    return m;
}

void
kit_read(struct buf *to, const char *dir, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    buf_clear(to);
    CK_OK(fs_read_file(fs_posix(), path, 1 << 20, to));
}

void
kit_write(const char *dir, const char *name, struct str bytes)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    CK_OK(fs_write_file(fs_posix(), path, bytes));
}

void
kit_copy_block(const char *from, const char *to)
{
    static const char *const names[] = {"meta.json", "index", "tombstones", "chunks/000001"};
    char source[900], chunks[1024];
    snprintf(source, sizeof source, "%s", from);
    snprintf(chunks, sizeof chunks, "%s/chunks", to);
    CK_OK(fs_make_dirs(fs_posix(), chunks));
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        kit_read(&bytes, source, names[i]);
        kit_write(to, names[i], buf_str(&bytes));
    }
}
