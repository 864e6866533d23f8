/* verify_index.c - every byte of an index file, front to end.
 *
 * Written against the format (tsdb/index/README.md), not against the reader, so that the two
 * judge each other; only the inside of a series' entry is decoded by the reader, after the
 * sections that it needs were found to be sound.
 * That lists and series agree is shown by a sum over (pair, series) of both sides, which takes
 * no memory; only when the sums differ is the culprit searched for. */
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/mem.h"
#include "tsdb/index/index_reader.h"
#include "tsdb/inspect/verify_int.h"

enum {
    MAGIC = 0xbaaad700,
    VERSION_MIN = 2,
    VERSION_MAX = 3,
    HEADER_BYTES = 5,
    TOC_BYTES = 52,
    CRC_BYTES = 4,
    LIST_ALIGN = 4,
    ENTRY_KEYS = 2,
};

struct toc {
    uint64_t symbols, series, label_indices, label_table, postings, table;
};

struct index_check {
    struct verify_file *f;
    struct str image;
    struct toc toc;
    uint64_t series_end;
    struct str all; /* entries of the list of every series */
    struct buf pair;
    uint64_t list_sum, series_sum; /* of pair_mix() */
    struct index_reader *reader;
};

/* One place of a series in the list of a pair; sums of these are compared. */
static uint64_t
pair_mix(struct index_check *c, struct str name, struct str value)
{
    buf_clear(&c->pair);
    buf_append(&c->pair, name);
    buf_put_u8(&c->pair, 0xff); /* in no UTF-8 text */
    buf_append(&c->pair, value);
    return hash64(buf_str(&c->pair)) | 1;
}

static uint64_t
place_mix(uint64_t pair, uint32_t id)
{
    uint64_t x = pair * (2 * (uint64_t)id + 1);
    return x ^ x >> 29;
}

/* --- header, table of contents, sections ------------------------------------------------------ */

static struct err
check_front(struct index_check *c)
{
    struct str image = c->image;
    if (image.n < HEADER_BYTES + TOC_BYTES)
        return broken_end(c->f, RULE_V1, 0, "%zu bytes are less than an empty index has", image.n);
    if (load_be32(image.p) != MAGIC)
        return broken_end(c->f, RULE_V1, 0, "not an index file");
    unsigned version = (uint8_t)image.p[4];
    if (version < VERSION_MIN || version > VERSION_MAX)
        return broken_end(c->f, RULE_V1, 4, "version %u is not known", version);
    uint64_t at = image.n - TOC_BYTES;
    struct str toc = str_skip(image, at);
    if (crc32c(str_of(toc.p, TOC_BYTES - CRC_BYTES)) != load_be32(toc.p + TOC_BYTES - CRC_BYTES))
        return broken_end(c->f, RULE_I1, at, "checksum of the table of contents differs");
    struct reader r = reader_of(toc);
    struct toc *t = &c->toc;
    uint64_t *const fields[] = {&t->symbols,     &t->series,   &t->label_indices,
                                &t->label_table, &t->postings, &t->table};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        *fields[i] = reader_be64(&r);
        if (*fields[i] > at)
            return broken_end(c->f, RULE_V1, at + i * sizeof(uint64_t),
                              "table of contents names offset %ju behind the end",
                              (uintmax_t)*fields[i]);
    }
    if (t->symbols < HEADER_BYTES || t->symbols >= t->series || t->series > t->postings ||
        t->postings > t->table)
        return broken_end(c->f, RULE_V1, at, "sections do not follow each other");
    c->series_end = t->label_indices >= t->series && t->label_indices < t->postings
                        ? t->label_indices
                        : t->postings;
    return OK;
}

/* be32 length, body, CRC */
static struct err
take_section(struct index_check *c, uint64_t offset, const char *what, struct str *ret_body)
{
    struct reader r = reader_of(str_skip(c->image, offset));
    struct str body = reader_bytes(&r, reader_be32(&r));
    uint32_t crc = reader_be32(&r);
    if (r.code != ERR_NONE)
        return broken_end(c->f, RULE_V1, offset, "%s is cut off", what);
    if (crc != crc32c(body))
        return broken_end(c->f, RULE_I1, offset, "checksum of %s differs", what);
    *ret_body = body;
    return OK;
}

/* --- symbols ---------------------------------------------------------------------------------- */

static struct err
check_symbols(struct index_check *c)
{
    struct str body = STR("");
    TRY(take_section(c, c->toc.symbols, "the symbols", &body));
    uint64_t start = c->toc.symbols + sizeof(uint32_t);
    struct reader r = reader_of(body);
    uint32_t count = reader_be32(&r);
    struct str before = STR("");
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = start + reader_offset(&r);
        struct str text = reader_ustr(&r);
        if (r.code != ERR_NONE)
            return broken_end(c->f, RULE_V1, at, "symbol %u of %u is cut off", i, count);
        if (i > 0 && str_cmp(before, text) >= 0)
            TRY(broken(c->f, RULE_I2, at, "symbols do not ascend: \"%.*s\" behind \"%.*s\"",
                       STR_FMT(text), STR_FMT(before)));
        before = text;
    }
    if (r.code != ERR_NONE || reader_left(&r) > 0)
        return broken_end(c->f, RULE_V1, start, "symbols take %zu bytes, but have %zu",
                          reader_offset(&r), body.n);
    return OK;
}

/* --- postings --------------------------------------------------------------------------------- */

static struct err
check_ids(struct index_check *c, uint64_t offset, struct str ids, uint64_t pair)
{
    uint64_t before = 0; /* no series has the number 0 */
    for (size_t i = 0; i < ids.n; i += sizeof(uint32_t)) {
        uint32_t id = load_be32(ids.p + i);
        uint64_t at = offset + 2 * sizeof(uint32_t) + i, place = (uint64_t)id * INDEX_SERIES_ALIGN;
        if (id <= before)
            TRY(broken(c->f, RULE_P1, at, "postings do not ascend: %u behind %ju", id,
                       (uintmax_t)before));
        if (place < c->toc.series || place >= c->series_end)
            TRY(broken(c->f, RULE_P2, at, "posting %u is not where series are", id));
        before = id;
        c->list_sum += pair ? place_mix(pair, id) : 0;
    }
    return OK;
}

static struct err
check_list(struct index_check *c, uint64_t offset, uint64_t pair, struct str *ret_ids)
{
    struct str body = STR("");
    if (offset < c->toc.postings || offset >= c->toc.table || offset % LIST_ALIGN != 0)
        return broken_end(c->f, RULE_V1, offset, "postings list at %ju is not where lists are",
                          (uintmax_t)offset);
    TRY(take_section(c, offset, "a postings list", &body));
    if (body.n < sizeof(uint32_t) ||
        body.n - sizeof(uint32_t) != (uint64_t)load_be32(body.p) * sizeof(uint32_t))
        return broken_end(c->f, RULE_V1, offset, "postings list has another count than bytes");
    *ret_ids = str_skip(body, sizeof(uint32_t));
    return check_ids(c, offset, *ret_ids, pair);
}

struct table_entry {
    struct str name, value;
    uint64_t list;
};

static bool
next_entry(struct reader *r, struct table_entry *e)
{
    if (reader_left(r) == 0)
        return false;
    if (reader_uvarint(r) != ENTRY_KEYS)
        reader_fail(r);
    e->name = reader_ustr(r);
    e->value = reader_ustr(r);
    e->list = reader_uvarint(r);
    return r->code == ERR_NONE;
}

static struct err
check_entry(struct index_check *c, uint64_t at, const struct table_entry *before,
            const struct table_entry *e)
{
    struct str ids = STR("");
    int order = before ? str_cmp(before->name, e->name) : -1;
    if (order == 0)
        order = str_cmp(before->value, e->value);
    if (order >= 0)
        TRY(broken(c->f, RULE_I2, at, "pairs do not ascend: %.*s=%.*s behind %.*s=%.*s",
                   STR_FMT(e->name), STR_FMT(e->value), STR_FMT(before->name),
                   STR_FMT(before->value)));
    bool all = e->name.n == 0 && e->value.n == 0;
    struct err left = check_list(c, e->list, all ? 0 : pair_mix(c, e->name, e->value), &ids);
    if (left.code == ERR_CANCELED && c->f->v->opts->depth == VERIFY_ALL && !all)
        return OK; /* the next list stands for itself */
    TRY(left);
    if (all)
        c->all = ids;
    return OK;
}

static struct err
check_table(struct index_check *c, struct str *ret_entries)
{
    struct str body = STR("");
    TRY(take_section(c, c->toc.table, "the table of postings", &body));
    uint64_t start = c->toc.table + sizeof(uint32_t);
    struct reader r = reader_of(body);
    uint32_t count = reader_be32(&r), i = 0;
    struct table_entry e, before;
    *ret_entries = str_skip(body, reader_offset(&r));
    for (uint64_t at = start + reader_offset(&r); next_entry(&r, &e); i++) {
        TRY(check_entry(c, at, i > 0 ? &before : NULL, &e));
        before = e;
        at = start + reader_offset(&r);
    }
    if (r.code != ERR_NONE || i != count)
        return broken_end(c->f, RULE_V1, start, "table of postings has %u entries, says %u", i,
                          count);
    return OK;
}

/* --- series ----------------------------------------------------------------------------------- */

static struct err
check_zeros(struct index_check *c, uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at++) {
        if (c->image.p[at] != 0)
            return broken(c->f, RULE_V2, at, "bytes between series are not zero");
    }
    return OK;
}

/* The frame of an entry; *ret_end behind it. */
static struct err
check_frame(struct index_check *c, uint64_t at, uint64_t *ret_end)
{
    struct reader r = reader_of(str_of(c->image.p + at, c->series_end - at));
    struct str body = reader_bytes(&r, reader_uvarint(&r));
    uint32_t crc = reader_be32(&r);
    if (r.code != ERR_NONE)
        return broken_end(c->f, RULE_V2, at, "series is cut off");
    *ret_end = at + reader_offset(&r);
    if (crc != crc32c(body))
        return broken(c->f, RULE_I1, at, "checksum of a series differs");
    return OK;
}

static struct err
check_labels(struct index_check *c, uint64_t at, uint32_t id, struct labels labels)
{
    if (labels.n == 0)
        TRY(broken(c->f, RULE_V3, at, "series has no label"));
    for (size_t i = 0; i < labels.n; i++) {
        const struct label *l = &labels.v[i];
        if (l->name.n == 0 || l->value.n == 0)
            TRY(broken(c->f, RULE_V3, at, "label %zu is empty", i));
        if (i > 0 && str_cmp(labels.v[i - 1].name, l->name) >= 0)
            TRY(broken(c->f, RULE_V3, at, "labels do not ascend: \"%.*s\" behind \"%.*s\"",
                       STR_FMT(l->name), STR_FMT(labels.v[i - 1].name)));
        c->series_sum += place_mix(pair_mix(c, l->name, l->value), id);
    }
    return OK;
}

/* A series that is sound in itself; `before` is the one in front. */
static struct err
check_series(struct index_check *c, const struct index_visitor *visitor, uint32_t id,
             struct arena *a, struct labels *before)
{
    uint64_t at = (uint64_t)id * INDEX_SERIES_ALIGN;
    struct index_series s;
    struct err e = index_reader_series(c->reader, id, a, &s);
    if (e.code == ERR_CORRUPT)
        return broken_by(c->f, RULE_V3, at, e);
    TRY(e);
    TRY(check_labels(c, at, id, s.labels));
    if (labels_cmp(*before, s.labels) >= 0)
        TRY(broken(c->f, RULE_V2, at, "label sets of series do not ascend"));
    *before = s.labels;
    return visitor->series(visitor->arg, id, at, &s);
}

static struct err
walk_series(struct index_check *c, const struct index_visitor *visitor, struct arena rows[2])
{
    struct labels before = {NULL, 0};
    uint64_t at = c->toc.series;
    for (size_t i = 0; i < c->all.n; i += sizeof(uint32_t)) {
        uint32_t id = load_be32(c->all.p + i);
        uint64_t place = (at + INDEX_SERIES_ALIGN - 1) & ~(uint64_t)(INDEX_SERIES_ALIGN - 1);
        struct arena *row = &rows[i / sizeof(uint32_t) % 2]; /* `before` lives in the other one */
        if ((uint64_t)id * INDEX_SERIES_ALIGN != place)
            return broken_end(c->f, RULE_V2, place, "here a series begins that no list names");
        TRY(check_zeros(c, at, place));
        size_t findings = c->f->findings;
        TRY(check_frame(c, place, &at));
        arena_reset(row);
        if (c->f->findings == findings)
            TRY(check_series(c, visitor, id, row, &before));
        else
            before = (struct labels){NULL, 0}; /* it may be the one whose memory goes */
    }
    if (c->series_end - at >= INDEX_SERIES_ALIGN)
        return broken(c->f, RULE_V2, at, "bytes behind the last series");
    return check_zeros(c, at, c->series_end);
}

/* --- lists and series agree ------------------------------------------------------------------- */

bool
verify_ids_have(struct str ids, uint64_t id)
{
    size_t low = 0, high = ids.n / sizeof(uint32_t);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t at = load_be32(ids.p + middle * sizeof at);
        if (at == id)
            return true;
        if (at < id)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* All series that carry the pair must be in its list, and no others. */
static struct err
compare_list(struct index_check *c, const struct table_entry *e, struct arena *row)
{
    struct str ids = str_of(c->image.p + e->list + 2 * sizeof(uint32_t),
                            load_be32(c->image.p + e->list) - sizeof(uint32_t));
    for (size_t i = 0; i < c->all.n; i += sizeof(uint32_t)) {
        uint32_t id = load_be32(c->all.p + i);
        struct index_series s;
        arena_reset(row);
        struct err bad = index_reader_series(c->reader, id, row, &s);
        bool readable = bad.code == ERR_NONE;
        err_drop(bad); /* reported before */
        if (!readable)
            continue;
        bool carries = str_eq(labels_get(s.labels, e->name), e->value);
        bool listed = verify_ids_have(ids, id);
        if (carries != listed)
            return broken(c->f, RULE_V4, e->list, "list of %.*s=%.*s %s series %u, which %s it",
                          STR_FMT(e->name), STR_FMT(e->value), listed ? "names" : "lacks", id,
                          carries ? "carries" : "does not carry");
    }
    return OK;
}

static struct err
find_culprit(struct index_check *c, struct str entries)
{
    AUTO(arena_fini) struct arena row;
    arena_init(&row, 0);
    struct reader r = reader_of(entries);
    struct table_entry e;
    size_t findings = c->f->findings;
    while (next_entry(&r, &e)) {
        if (e.name.n > 0)
            TRY(compare_list(c, &e, &row));
    }
    return c->f->findings > findings
               ? OK
               : broken(c->f, RULE_V4, c->toc.table, "series carry a pair that has no list");
}

static struct err
check_all(struct index_check *c, const struct index_visitor *visitor)
{
    struct str entries = STR("");
    size_t findings = c->f->findings;
    TRY(check_front(c));
    TRY(check_symbols(c));
    TRY(check_table(c, &entries));
    struct err e = index_reader_open(c->image, &c->reader);
    if (e.code != ERR_NONE)
        return verify_file_end(c->f, e, RULE_V1);
    struct arena rows[2];
    arena_init(&rows[0], 0);
    arena_init(&rows[1], 0);
    e = walk_series(c, visitor, rows);
    arena_fini(&rows[0]);
    arena_fini(&rows[1]);
    TRY(e);
    return c->list_sum == c->series_sum || c->f->findings > findings ? OK
                                                                     : find_culprit(c, entries);
}

struct err
verify_index(struct verify_file *f, const struct index_visitor *visitor, struct str *ret_ids)
{
    struct index_check c = {.f = f, .image = f->map.bytes, .pair = BUF_INIT};
    struct err e = check_all(&c, visitor);
    *ret_ids = c.all;
    index_reader_close(c.reader);
    buf_fini(&c.pair);
    return e;
}
