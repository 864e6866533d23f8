/* The logs of real Prometheus, record for record; our encoding of what they decode to and our
 * framing of the same records, which give the same bytes. */
#include "tests/harness.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tests/tsdb/golden.h"
#include "tests/tsdb/record_kit.h"
#include "tests/tsdb/wal_help.h"
#include "tsdb/wal/record.h"
#include "tsdb/wal/wal.h"
#include "tsdb/wal/wal_reader.h"

/* [ref, t, "value", st] */
static void
check_sample(json_t *want, uint64_t ref, const struct sample *s, int64_t start_ms)
{
    ck_assert_int_eq(json_integer_value(json_array_get(want, 0)), (json_int_t)ref);
    ck_assert_int_eq(json_integer_value(json_array_get(want, 1)), s->t_ms);
    ck_assert(golden_value_is(json_string_value(json_array_get(want, 2)), s->bits));
    ck_assert_int_eq(json_integer_value(json_array_get(want, 3)), start_ms);
}

static void
check_first_last(json_t *want, struct str record)
{
    struct record_cursor c;
    uint64_t ref = 0;
    struct sample s = {0, 0};
    record_read_samples(&c, record);
    if (record_next_sample(&c, &ref, &s))
        check_sample(json_object_get(want, "first"), ref, &s, c.start_ms);
    while (record_next_sample(&c, &ref, &s))
        ;
    check_sample(json_object_get(want, "last"), ref, &s, c.start_ms);
}

static size_t
items_of(json_t *want)
{
    json_t *tombstones = json_object_get(want, "tombstones");
    size_t n = 0, i;
    json_t *one;
    json_array_foreach(tombstones, i, one) n += json_array_size(json_object_get(one, "intervals"));
    return tombstones ? n : (size_t)json_integer_value(json_object_get(want, "items"));
}

/* Decodes to as many items as the list says, and encodes to the same bytes where we write. */
static void
check_record(json_t *want, struct str record)
{
    AUTO(buf_fini) struct buf again = BUF_INIT;
    ck_assert_uint_eq(record_kit_walk(record, &again), items_of(want));
    unsigned type = record_type_of(record);
    if (type < RECORD_SAMPLES_V2)
        ck_assert_msg(str_eq(buf_str(&again), record), "type %u", type);
    if (type == RECORD_SAMPLES || type == RECORD_SAMPLES_V2)
        check_first_last(want, record);
}

static unsigned
type_of_name(const char *name)
{
    static const char *const names[] = {
        "",
        "series",
        "samples",
        "tombstones",
        "exemplars",
        "mmap_markers",
        "metadata",
        "histogram_samples",
        "float_histogram_samples",
        "custom_buckets_histogram_samples",
        "custom_buckets_float_histogram_samples",
        "samples_v2",
        "histogram_samples_v2",
        "float_histogram_samples_v2",
    };
    for (unsigned i = 1; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    ck_abort_msg("unknown type %s", name);
}

/* Every record of one log (checkpoint, wal or wbl) against the list of the golden file. */
static size_t
check_log(json_t *records, const char *log, const char *dir)
{
    AUTO(wal_reader_close) struct wal_reader *r = NULL;
    CK_OK(wal_reader_open(fs_posix(), dir, 0, &r));
    size_t i, checked = 0;
    json_t *want;
    struct str record;
    bool more;
    json_array_foreach(records, i, want)
    {
        if (strcmp(json_string_value(json_object_get(want, "log")), log) != 0)
            continue;
        CK_OK(wal_reader_next(r, &record, &more));
        ck_assert(more);
        uint64_t segment, offset;
        wal_reader_where(r, &segment, &offset);
        const char *name = json_string_value(json_object_get(want, "segment"));
        ck_assert_uint_eq(segment, strtoul(name, NULL, 10));
        ck_assert_uint_eq(record.n, json_integer_value(json_object_get(want, "len")));
        unsigned type = type_of_name(json_string_value(json_object_get(want, "type")));
        ck_assert_uint_eq(record_type_of(record), type);
        check_record(want, record);
        checked++;
    }
    CK_OK(wal_reader_next(r, &record, &more));
    ck_assert(!more);
    return checked;
}

static const char *const golden_logs[] = {"kill9-plain", "kill9-zstd", "kill9-checkpoint",
                                          "clean-snapshot", "kill9-start-timestamps"};

START_TEST(test_golden_logs)
{
    char relative[256];
    snprintf(relative, sizeof relative, "prometheus-3.14/%s.records.json", golden_logs[_i]);
    const char *path = golden_path(relative);
    if (!path)
        return;
    json_error_t error;
    json_t *golden = json_load_file(path, 0, &error), *records = json_object_get(golden, "records");
    ck_assert_msg(golden != NULL, "%s: %s", path, error.text);
    AUTO(buf_fini) struct buf dir = BUF_INIT, checkpoint = BUF_INIT;
    buf_append(&dir, str_of(path, strlen(path) - strlen(".records.json")));
    size_t root = dir.n, checked = 0;
    buf_append(&dir, STR("/wbl"));
    checked += check_log(records, "wbl", buf_cstr(&dir));
    dir.n = root;
    buf_append(&dir, STR("/wal"));
    checked += check_log(records, "wal", buf_cstr(&dir));
    uint64_t segment;
    bool none;
    CK_OK(wal_last_checkpoint(fs_posix(), buf_cstr(&dir), &checkpoint, &segment, &none));
    if (!none)
        checked +=
            check_log(records, strrchr(buf_cstr(&checkpoint), '/') + 1, buf_cstr(&checkpoint));
    ck_assert_uint_eq(checked, json_array_size(records));
    json_decref(golden);
}
END_TEST

/* The committed log: as many samples as promtool's dump of it has lines. */
START_TEST(test_promtool_log)
{
    AUTO(buf_fini) struct buf dump = BUF_INIT;
    CK_OK(fs_read_file(fs_posix(), test_data("tsdb/wal-kill9.txt"), 1 << 20, &dump));
    size_t want = 0, got = 0;
    for (struct str rest = buf_str(&dump); rest.n > 0; want++)
        str_split(&rest, '\n');
    AUTO(wal_log_fini) struct wal_log log;
    wal_log_read(&log, fs_posix(), test_data("tsdb/wal-kill9"));
    ck_assert_int_eq(log.end.code, ERR_NONE);
    for (size_t i = 0; i < log.ends.n; i++) {
        if (record_type_of(wal_log_at(&log, i)) == RECORD_SAMPLES)
            got += record_kit_walk(wal_log_at(&log, i), NULL);
    }
    ck_assert_uint_gt(want, 0);
    ck_assert_uint_eq(got, want);
}
END_TEST

/* Our framing of the records in Prometheus' segments gives its bytes, up to the zeros behind. */
START_TEST(test_golden_bytes)
{
    const char *golden = golden_path("prometheus-3.14/kill9-plain/wal/00000000");
    if (!golden)
        return;
    AUTO(buf_fini) struct buf want = BUF_INIT, got = BUF_INIT, path = BUF_INIT;
    CK_OK(fs_read_file(fs_posix(), golden, 1 << 20, &want));
    AUTO(wal_log_fini) struct wal_log log;
    buf_append(&path, str_of(golden, strlen(golden) - strlen("/00000000")));
    wal_log_read(&log, fs_posix(), buf_cstr(&path));
    const char *dir = test_dir();
    struct wal_opts opts = {
        .fs = fs_posix(),
        .dir = dir,
        .segment_bytes = want.n, /* its own limit, a multiple of the page */
    };
    AUTO(wal_close) struct wal *w = NULL;
    CK_OK(wal_open(&opts, &w));
    for (size_t i = 0; i < log.ends.n && wal_segment(w) == 0; i++) {
        struct str record = wal_log_at(&log, i);
        wal_ticket ticket;
        CK_OK(wal_enqueue(w, &record, 1, &ticket));
        CK_OK(wal_wait(w, ticket));
    }
    ck_assert_uint_eq(wal_segment(w), 1); /* cut where Prometheus cut */
    buf_clear(&path);
    buf_printf(&path, "%s/00000000", dir);
    CK_OK(fs_read_file(fs_posix(), buf_cstr(&path), 1 << 20, &got));
    ck_assert_uint_eq(got.n, want.n);
    ck_assert(memcmp(got.p, want.p, got.n) == 0);
}
END_TEST

Suite *
wal_golden_suite(void)
{
    Suite *s = suite_create("wal_golden");
    TCase *t = tcase_create("wal_golden");
    tcase_add_test(t, test_promtool_log);
    tcase_add_loop_test(t, test_golden_logs, 0, ARRAY_LEN(golden_logs));
    tcase_add_test(t, test_golden_bytes);
    suite_add_tcase(s, t);
    return s;
}
