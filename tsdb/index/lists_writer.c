/* lists_writer.c - postings lists of a new index.
 *
 * Labels are sorted by name and value without moving them: a counting pass over names gives each
 * name its series; a counting pass over the values of one name gives each value its series. A
 * name stands once at most in a series, so that a series' number and a name tell the value. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "base/sort.h"
#include "tsdb/index/index_writer_int.h"

/* --- sections --------------------------------------------------------------------------------- */

void
index_section_begin(struct file_writer *out, struct index_section_writer *s, uint32_t body_bytes)
{
    buf_put_be32(&out->pending, body_bytes);
    *s = (struct index_section_writer){.crc = 0, .from = out->pending.n};
}

struct err
index_section_flush(struct file_writer *out, struct index_section_writer *s)
{
    if (out->pending.n < FILE_WRITER_PIECE_BYTES)
        return OK;
    s->crc = crc32c_extend(s->crc, str_skip(buf_str(&out->pending), s->from));
    s->from = 0;
    return file_writer_flush_full(out);
}

void
index_section_end(struct file_writer *out, struct index_section_writer *s)
{
    s->crc = crc32c_extend(s->crc, str_skip(buf_str(&out->pending), s->from));
    buf_put_be32(&out->pending, s->crc);
}

void
index_align(struct file_writer *out, unsigned to)
{
    while (file_writer_at(out) % to != 0)
        buf_put_u8(&out->pending, 0);
}

/* --- lists ------------------------------------------------------------------------------------ */

struct lists {
    const struct written *w;
    const uint32_t *ids;
    struct file_writer *out;
    struct buf *table;
    uint32_t entries;
    uint32_t *of_name;  /* series of the names in turn, by position */
    uint32_t *value_of; /* values of the series of one name */
    uint32_t *counts;   /* a symbol each: 0 between two names */
    uint32_t *sorted;   /* ids of one name, by value */
    VEC(uint32_t) values; /* of one name */
};

static void
lists_fini(struct lists *l)
{
    mem_free(l->of_name);
    mem_free(l->value_of);
    mem_free(l->counts);
    mem_free(l->sorted);
    vec_fini(&l->values);
}

static struct err
put_list(struct lists *l, struct str name, struct str value, const uint32_t *ids, uint32_t count)
{
    struct file_writer *out = l->out;
    index_align(out, sizeof(uint32_t));
    buf_put_uvarint(l->table, 2); /* keys */
    buf_put_ustr(l->table, name);
    buf_put_ustr(l->table, value);
    buf_put_uvarint(l->table, file_writer_at(out));
    l->entries++;
    struct index_section_writer section;
    index_section_begin(out, &section, u32_of_size(((size_t)count + 1) * sizeof(uint32_t)));
    buf_put_be32(&out->pending, count);
    for (uint32_t at = 0; at < count;) {
        uint32_t end = (uint32_t)size_min(count, at + FILE_WRITER_PIECE_BYTES / sizeof *ids);
        buf_reserve(&out->pending, (end - at) * sizeof *ids);
        for (; at < end; at++, out->pending.n += sizeof *ids)
            store_be32(out->pending.p + out->pending.n, ids[at]);
        TRY(index_section_flush(out, &section));
    }
    index_section_end(out, &section);
    return OK;
}

static uint32_t
value_in(const struct written *w, uint32_t series, uint32_t name)
{
    const struct index_pair *p = &w->pairs.v[w->series.v[series].first_pair];
    while (p->name != name)
        p++;
    return p->value;
}

/* Counts the series of each value, and lists the values in order. */
static void
count_values(struct lists *l, uint32_t name, const uint32_t *series, uint32_t count)
{
    bool ascend = true;
    vec_clear(&l->values);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = l->value_of[i] = value_in(l->w, series[i], name);
        if (l->counts[value]++ > 0)
            continue;
        ascend = ascend && (l->values.n == 0 || *vec_last(&l->values) < value);
        vec_push(&l->values, value);
    }
    if (!ascend)
        u32_sort(l->values.v, l->values.n);
}

/* The lists of one name, whose series are given. */
static struct err
write_name(struct lists *l, uint32_t name, const uint32_t *series, uint32_t count)
{
    count_values(l, name, series, count);
    uint32_t at = 0;
    vec_each (&l->values, value) { /* counts become places */
        uint32_t n = l->counts[*value];
        l->counts[*value] = at;
        at += n;
    }
    for (uint32_t i = 0; i < count; i++)
        l->sorted[l->counts[l->value_of[i]]++] = l->ids[series[i]];
    at = 0;
    vec_each (&l->values, value) {
        uint32_t end = l->counts[*value];
        l->counts[*value] = 0;
        TRY(put_list(l, l->w->symbols[name], l->w->symbols[*value], &l->sorted[at], end - at));
        at = end;
    }
    return OK;
}

/* Fills l->of_name; ends[] become the ends of the names in it. */
static void
sort_by_name(struct lists *l, uint32_t *ends)
{
    const struct written *w = l->w;
    for (size_t i = 0; i < w->pairs.n; i++)
        ends[w->pairs.v[i].name]++;
    uint32_t at = 0;
    for (size_t i = 0; i < w->symbol_count; i++) {
        uint32_t n = ends[i];
        ends[i] = at;
        at += n;
    }
    for (uint32_t i = 0; i < w->series.n; i++) {
        const struct written_series *s = &w->series.v[i];
        for (uint32_t k = 0; k < s->pair_count; k++)
            l->of_name[ends[w->pairs.v[s->first_pair + k].name]++] = i;
    }
}

static struct err
write_names(struct lists *l)
{
    AUTO(mem_free) uint32_t *ends = mem_array_zero(l->w->symbol_count, sizeof *ends);
    sort_by_name(l, ends);
    uint32_t at = 0;
    for (uint32_t name = 0; name < l->w->symbol_count; name++) {
        if (ends[name] == at)
            continue;
        TRY(write_name(l, name, &l->of_name[at], ends[name] - at));
        at = ends[name];
    }
    return OK;
}

struct err
index_write_lists(const struct written *w, const uint32_t *ids, struct file_writer *out,
                  struct buf *table, uint32_t *ret_entries)
{
    struct lists l = {.w = w, .ids = ids, .out = out, .table = table, .values = VEC_INIT};
    l.of_name = mem_array_zero(w->pairs.n, sizeof *l.of_name);
    l.value_of = mem_array_zero(w->series.n, sizeof *l.value_of);
    l.sorted = mem_array_zero(w->series.n, sizeof *l.sorted);
    l.counts = mem_array_zero(w->symbol_count, sizeof *l.counts);
    struct err e = put_list(&l, STR(""), STR(""), ids, u32_of_size(w->series.n));
    if (e.code == ERR_NONE)
        e = write_names(&l);
    lists_fini(&l);
    *ret_entries = l.entries;
    return e;
}
