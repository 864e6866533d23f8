/* log_facts.c - a slow and simple reader of logs, to compare the quick ones with. */
#include "tests/tsdb/log_facts.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "tests/harness.h"
#include "tsdb/wal/record_exemplars.h"
#include "tsdb/wal/record_histograms.h"
#include "tsdb/wal/record_metadata.h"
#include "tsdb/wal/wal_reader.h"

void
log_facts_fini(struct log_facts *f)
{
    buf_fini(&f->text);
    vec_each (&f->metadata, m)
        mem_free(m->text);
    vec_fini(&f->metadata);
}

static bool
keeps(const struct checkpoint_filter *filter, uint64_t ref)
{
    return !filter || filter->keep_series(filter->arg, ref);
}

static bool
is_late(const struct checkpoint_filter *filter, int64_t t_ms)
{
    return !filter || t_ms >= filter->mint_ms;
}

/* --- records ------------------------------------------------------------------------------ */

static void
add_series(struct log_facts *f, struct str record, const struct checkpoint_filter *filter,
           struct record_cursor *c, struct arena *a)
{
    uint64_t ref;
    struct labels labels;
    for (record_read_series(c, record); record_next_series(c, a, &ref, &labels);) {
        if (!keeps(filter, ref))
            continue;
        buf_printf(&f->text, "series %ju ", (uintmax_t)ref);
        labels_format_braces(labels, &f->text);
        buf_put_u8(&f->text, '\n');
    }
}

static void
add_samples(struct log_facts *f, struct str record, const struct checkpoint_filter *filter,
            struct record_cursor *c)
{
    uint64_t ref;
    struct sample s;
    for (record_read_samples(c, record); record_next_sample(c, &ref, &s);) {
        if (is_late(filter, s.t_ms))
            buf_printf(&f->text, "sample %ju %jd %jx\n", (uintmax_t)ref, (intmax_t)s.t_ms,
                       (uintmax_t)s.bits);
    }
}

static void
add_words(struct log_facts *f, struct histogram_words words)
{
    for (size_t i = 0; i < words.n; i++)
        buf_printf(&f->text, " %jx", (uintmax_t)words.v[i]);
    buf_put_u8(&f->text, ';');
}

static void
add_spans(struct log_facts *f, struct histogram_spans spans)
{
    for (size_t i = 0; i < spans.n; i++)
        buf_printf(&f->text, " %d+%u", spans.v[i].offset, spans.v[i].length);
    buf_put_u8(&f->text, ';');
}

static void
add_histograms(struct log_facts *f, struct str record, const struct checkpoint_filter *filter,
               struct record_cursor *c, struct arena *a)
{
    uint64_t ref;
    struct histogram_sample s;
    enum record_histogram_use use;
    for (record_read_histograms(c, record); record_next_histogram(c, a, &ref, &s, &use);) {
        const struct histogram *h = &s.value;
        if (!is_late(filter, s.t_ms))
            continue;
        buf_printf(&f->text, "histogram %ju %jd %d %d %d %d %jx %jx %jx %jx", (uintmax_t)ref,
                   (intmax_t)s.t_ms, (int)use, (int)h->kind, (int)h->reset, h->schema,
                   (uintmax_t)h->zero_threshold, (uintmax_t)h->zero_count, (uintmax_t)h->count,
                   (uintmax_t)h->sum);
        add_spans(f, h->positive_spans);
        add_spans(f, h->negative_spans);
        add_words(f, h->positive);
        add_words(f, h->negative);
        add_words(f, h->custom_bounds);
        buf_put_u8(&f->text, '\n');
    }
}

static void
add_exemplars(struct log_facts *f, struct str record, const struct checkpoint_filter *filter,
              struct record_cursor *c, struct arena *a)
{
    uint64_t ref;
    struct exemplar e;
    for (record_read_exemplars(c, record); record_next_exemplar(c, a, &ref, &e);) {
        if (!is_late(filter, e.t_ms))
            continue;
        buf_printf(&f->text, "exemplar %ju %jd %jx ", (uintmax_t)ref, (intmax_t)e.t_ms,
                   (uintmax_t)e.bits);
        labels_format_braces(e.labels, &f->text);
        buf_put_u8(&f->text, '\n');
    }
}

static void
add_tombstones(struct log_facts *f, struct str record, const struct checkpoint_filter *filter,
               struct record_cursor *c)
{
    uint64_t ref;
    int64_t mint, maxt;
    for (record_read_tombstones(c, record); record_next_tombstone(c, &ref, &mint, &maxt);) {
        if (keeps(filter, ref) && is_late(filter, maxt))
            buf_printf(&f->text, "deleted %ju %jd %jd\n", (uintmax_t)ref, (intmax_t)mint,
                       (intmax_t)maxt);
    }
}

static void
add_metadata(struct log_facts *f, struct str record, const struct checkpoint_filter *filter,
             struct record_cursor *c)
{
    uint64_t ref;
    struct metadata m;
    for (record_read_metadata(c, record); record_next_metadata(c, &ref, &m);) {
        if (!keeps(filter, ref))
            continue;
        AUTO(buf_fini) struct buf text = BUF_INIT;
        buf_printf(&text, "metadata %ju %d %.*s %.*s\n", (uintmax_t)ref, (int)m.kind,
                   STR_FMT(m.unit), STR_FMT(m.help));
        size_t i = 0;
        while (i < f->metadata.n && f->metadata.v[i].ref != ref)
            i++;
        if (i == f->metadata.n)
            vec_push(&f->metadata, ((struct metadata_fact){ref, NULL}));
        mem_free(f->metadata.v[i].text);
        f->metadata.v[i].text = mem_dup_text(text.p, text.n);
    }
}

static void
add_other(struct log_facts *f, struct str record)
{
    buf_printf(&f->text, "other %u %zu %x\n", record_type_of(record), record.n, crc32c(record));
}

static void
add_record(struct log_facts *f, struct str record, const struct checkpoint_filter *filter)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct record_cursor c;
    switch (record_type_of(record)) {
    case RECORD_SERIES:
        add_series(f, record, filter, &c, &a);
        break;
    case RECORD_SAMPLES:
    case RECORD_SAMPLES_V2:
        add_samples(f, record, filter, &c);
        break;
    case RECORD_TOMBSTONES:
        add_tombstones(f, record, filter, &c);
        break;
    case RECORD_EXEMPLARS:
        add_exemplars(f, record, filter, &c, &a);
        break;
    case RECORD_METADATA:
        add_metadata(f, record, filter, &c);
        break;
    case RECORD_HISTOGRAMS:
    case RECORD_FLOAT_HISTOGRAMS:
    case RECORD_CUSTOM_HISTOGRAMS:
    case RECORD_CUSTOM_FLOAT_HISTOGRAMS:
    case RECORD_HISTOGRAMS_V2:
    case RECORD_FLOAT_HISTOGRAMS_V2:
        add_histograms(f, record, filter, &c, &a);
        break;
    default:
        add_other(f, record);
        return;
    }
    CK_OK(record_cursor_check(&c));
}

/* --- logs --------------------------------------------------------------------------------- */

static void
add_all(struct log_facts *f, struct wal_reader *r, const struct checkpoint_filter *filter)
{
    for (;;) {
        struct str record;
        bool more;
        CK_OK(wal_reader_next(r, &record, &more));
        if (!more)
            return;
        add_record(f, record, filter);
    }
}

void
log_facts_add(struct log_facts *f, const char *dir, uint64_t first, uint64_t end,
              const struct checkpoint_filter *filter)
{
    AUTO(wal_reader_close)
    struct wal_reader *r = wal_reader_open_range(fs_posix(), dir, first, end);
    add_all(f, r, filter);
}

void
log_facts_add_filtered(struct log_facts *f, const char *dir, uint64_t last,
                       const struct checkpoint_filter *filter)
{
    AUTO(buf_fini) struct buf checkpoint = BUF_INIT;
    uint64_t number, first = 0, end = 0;
    bool none;
    CK_OK(wal_last_checkpoint(fs_posix(), dir, &checkpoint, &number, &none));
    if (!none) {
        AUTO(wal_reader_close) struct wal_reader *r = NULL;
        CK_OK(wal_reader_open(fs_posix(), buf_cstr(&checkpoint), 0, &r));
        add_all(f, r, filter);
    }
    CK_OK(wal_segments(fs_posix(), dir, &first, &end, &none));
    if (none)
        return;
    uint64_t middle = u64_min(u64_max(first, last + 1), end + 1);
    log_facts_add(f, dir, first, middle, filter);
    log_facts_add(f, dir, middle, end + 1, NULL);
}

void
log_facts_add_log(struct log_facts *f, const char *dir)
{
    log_facts_add_filtered(f, dir, 0, NULL);
}

static int
compare_metadata(const void *a, const void *b)
{
    uint64_t x = ((const struct metadata_fact *)a)->ref, y = ((const struct metadata_fact *)b)->ref;
    return (x > y) - (x < y);
}

void
log_facts_end(struct log_facts *f)
{
    if (f->metadata.n > 0)
        qsort(f->metadata.v, f->metadata.n, sizeof *f->metadata.v, compare_metadata);
    vec_each (&f->metadata, m)
        buf_append(&f->text, str_of_cstr(m->text));
}

size_t
log_facts_count(const struct log_facts *f)
{
    size_t n = 0;
    for (struct str rest = buf_str(&f->text); rest.n > 0; n++)
        str_split(&rest, '\n');
    return n;
}

void
log_facts_sort(struct log_facts *f)
{
    size_t count = log_facts_count(f), n = 0;
    AUTO(mem_free) struct str *lines = mem_array_zero(count, sizeof *lines);
    for (struct str rest = buf_str(&f->text); rest.n > 0;)
        lines[n++] = str_split(&rest, '\n');
    str_sort(lines, n);
    struct buf sorted = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        buf_append(&sorted, lines[i]);
        buf_put_u8(&sorted, '\n');
    }
    buf_fini(&f->text);
    f->text = sorted;
}
