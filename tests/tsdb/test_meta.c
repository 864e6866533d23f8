/* meta.json: what is in it, and what it must not be. */
#include "tests/harness.h"

#include "base/fs_fault.h"
#include "tests/tsdb/block_kit.h"
#include "tests/tsdb/golden.h"
#include "tsdb/block/meta.h"

#define ULID "01M84Q62B8G10XRWV5ZVN8NTTH"
#define FRAME(more) "{\"ulid\":\"" ULID "\",\"version\":1,\"minTime\":5,\"maxTime\":9" more "}"

static const struct meta_case {
    const char *name, *text;
    enum err_code want;
} meta_cases[] = {
    {"least", FRAME(""), ERR_NONE},
    {"null members", FRAME(",\"stats\":null,\"compaction\":{\"parents\":null}"), ERR_NONE},
    {"unknown keys", FRAME(",\"thanos\":{\"labels\":{\"a\":\"b\\u0000\"}},\"x\":[1.5]"), ERR_NONE},
    {"spaces behind", FRAME("") " \n", ERR_NONE},
    {"empty", "", ERR_CORRUPT},
    {"cut", "{\"ulid\":\"" ULID "\",\"version\":1", ERR_CORRUPT},
    {"text behind", FRAME("") "x", ERR_CORRUPT},
    {"an array", "[]", ERR_CORRUPT},
    {"no version", "{\"ulid\":\"" ULID "\"}", ERR_CORRUPT},
    {"version 2", "{\"ulid\":\"" ULID "\",\"version\":2}", ERR_CORRUPT},
    {"version as text", "{\"ulid\":\"" ULID "\",\"version\":\"1\"}", ERR_CORRUPT},
    {"no ulid", "{\"version\":1}", ERR_INVALID},
    {"bad ulid", "{\"version\":1,\"ulid\":\"x\"}", ERR_INVALID},
    {"ulid is a number", "{\"version\":1,\"ulid\":1}", ERR_CORRUPT},
    {"time is a fraction", FRAME(",\"minTime\":1.5"), ERR_CORRUPT},
    {"ends before it starts", FRAME(",\"minTime\":10"), ERR_CORRUPT},
    {"negative count", FRAME(",\"stats\":{\"numSamples\":-1}"), ERR_CORRUPT},
    {"stats is a list", FRAME(",\"stats\":[]"), ERR_CORRUPT},
    {"level is negative", FRAME(",\"compaction\":{\"level\":-1}"), ERR_CORRUPT},
    {"level is huge", FRAME(",\"compaction\":{\"level\":9999999999}"), ERR_CORRUPT},
    {"parent is a text", FRAME(",\"compaction\":{\"parents\":[\"" ULID "\"]}"), ERR_INVALID},
    {"parent without times", FRAME(",\"compaction\":{\"parents\":[{\"ulid\":\"" ULID "\"}]}"),
     ERR_NONE},
    {"parent's time is a text",
     FRAME(",\"compaction\":{\"parents\":[{\"ulid\":\"" ULID "\",\"minTime\":\"1\"}]}"),
     ERR_CORRUPT},
    {"source is an object", FRAME(",\"compaction\":{\"sources\":[{}]}"), ERR_INVALID},
    {"sources is a text", FRAME(",\"compaction\":{\"sources\":\"" ULID "\"}"), ERR_CORRUPT},
    {"failed is a text", FRAME(",\"compaction\":{\"failed\":\"true\"}"), ERR_CORRUPT},
    {"float samples are a fraction", FRAME(",\"stats\":{\"numFloatSamples\":1.5}"), ERR_CORRUPT},
    {"deletable is a number", FRAME(",\"compaction\":{\"deletable\":1}"), ERR_CORRUPT},
    {"number out of range", FRAME(",\"minTime\":99999999999999999999"), ERR_CORRUPT},
};

START_TEST(test_meta)
{
    const struct meta_case *c = &meta_cases[_i];
    struct block_meta m;
    struct err e = block_meta_parse(str_of_cstr(c->text), &m);
    ck_assert_msg(e.code == c->want, "%s: %s", c->name, err_text(&e));
    err_drop(e);
    if (c->want != ERR_NONE)
        return;
    ROW_ASSERT(c->name, m.mint_ms == 5 && m.maxt_ms == 9 && m.parents.n <= 1);
    block_meta_fini(&m);
}
END_TEST

START_TEST(test_meta_fields)
{
    struct block_meta m;
    CK_OK(block_meta_parse(
        STR(FRAME(",\"stats\":{\"numSamples\":4,\"numSeries\":3,\"numChunks\":2,"
                  "\"numTombstones\":1,\"numFloatSamples\":3,\"numHistogramSamples\":1},"
                  "\"compaction\":{\"level\":2,\"deletable\":true,\"failed\":true,"
                  "\"sources\":[\"" ULID "\"],"
                  "\"hints\":[\"from-out-of-order\",7,\"new\",\"from-selected-series\"],"
                  "\"parents\":[{\"ulid\":\"" ULID "\",\"minTime\":-7,\"maxTime\":8}]}")),
        &m));
    ck_assert(m.samples == 4 && m.series == 3 && m.chunks == 2 && m.deletions == 1);
    ck_assert_uint_eq(m.level, 2);
    ck_assert(m.deletable && m.failed);
    ck_assert(m.float_samples == 3 && m.histogram_samples == 1);
    ck_assert(m.sources.n == 1 && ulid_cmp(&m.sources.v[0], &m.ulid) == 0);
    ck_assert_uint_eq(m.hints, BLOCK_FROM_OUT_OF_ORDER | BLOCK_FROM_SELECTED_SERIES);
    ck_assert_uint_eq(m.parents.n, 1);
    ck_assert_int_eq(ulid_cmp(&m.parents.v[0].ulid, &m.ulid), 0);
    ck_assert(m.parents.v[0].mint_ms == -7 && m.parents.v[0].maxt_ms == 8);
    block_meta_fini(&m);
}
END_TEST

/* What a program wrote with its indentation comes out as it went in. */
static const struct format_case {
    const char *name, *in, *want; /* NULL: as `in` */
} format_cases[] = {
    {"least", FRAME(""),
     "{\n\t\"ulid\": \"" ULID "\",\n\t\"minTime\": 5,\n\t\"maxTime\": 9,\n\t\"stats\": {},\n"
     "\t\"compaction\": {\n\t\t\"level\": 0\n\t},\n\t\"version\": 1\n}"},
    {"unknown members of every object",
     "{\n\t\"ulid\": \"" ULID "\",\n\t\"minTime\": 5,\n\t\"maxTime\": 9,\n\t\"stats\": {\n"
     "\t\t\"numSamples\": 4,\n\t\t\"numNew\": 1e3\n\t},\n\t\"compaction\": {\n\t\t\"level\": 1,\n"
     "\t\t\"hints\": [\n\t\t\t\"from-stale-series\",\n\t\t\t\"from-\\u0000 \\\" ]\",\n\t\t\t7\n"
     "\t\t],\n"
     "\t\t\"new\": [\n\t\t\t{},\n\t\t\t\"}\"\n\t\t],\n\t\t\"newer\": null\n\t},\n"
     "\t\"version\": 1,\n\t\"a\": -0.50,\n\t\"thanos\": {\n\t\t\"labels\": {\n"
     "\t\t\t\"a\\\\\": \"\\u003c\"\n\t\t}\n\t}\n}\n",
     NULL},
    {"known in disguise, once only", FRAME(",\"st\\u0061ts\":{\"numS\\u0065ries\":3}"),
     "{\n\t\"ulid\": \"" ULID "\",\n\t\"minTime\": 5,\n\t\"maxTime\": 9,\n\t\"stats\": {\n"
     "\t\t\"numSeries\": 3\n\t},\n\t\"compaction\": {\n\t\t\"level\": 0\n\t},\n"
     "\t\"version\": 1\n}"},
    {"on one line", FRAME(",\"z\":{\"x\":[1,{\"y\":\"}\"}]},\"b\":true"),
     "{\n\t\"ulid\": \"" ULID "\",\n\t\"minTime\": 5,\n\t\"maxTime\": 9,\n\t\"stats\": {},\n"
     "\t\"compaction\": {\n\t\t\"level\": 0\n\t},\n\t\"version\": 1,\n"
     "\t\"z\":{\"x\":[1,{\"y\":\"}\"}]},\n\t\"b\":true\n}"},
};

static void
assert_formatted(const char *name, struct str in, struct str want)
{
    AUTO(block_meta_fini) struct block_meta m = {.level = 0};
    AUTO(buf_fini) struct buf got = BUF_INIT;
    CK_OK(block_meta_parse(in, &m));
    block_meta_format(&m, &got);
    ck_assert_msg(str_eq(buf_str(&got), want), "%s: got %s\nwant %.*s", name, buf_cstr(&got),
                  STR_FMT(want));
}

START_TEST(test_format)
{
    const struct format_case *c = &format_cases[_i];
    struct str want = str_of_cstr(c->want ? c->want : c->in);
    assert_formatted(c->name, str_of_cstr(c->in), want);
    assert_formatted("its own output", want, want);
}
END_TEST

/* Files of Prometheus 3.14 and of every part of Thanos come out byte for byte. */
static const char *const golden_metas[] = {
    "blocks/thanos/meta/bucket.repair.meta.json",
    "blocks/thanos/meta/bucket.rewrite.meta.json",
    "blocks/thanos/meta/bucket.upload.meta.json",
    "blocks/thanos/meta/compactor.meta.json",
    "blocks/thanos/meta/compactor.repair.meta.json",
    "blocks/thanos/meta/receive.meta.json",
    "blocks/thanos/meta/ruler.meta.json",
    "blocks/thanos/meta/sidecar.meta.json",
    "blocks/thanos/meta/test.meta.json",
    "blocks/ooo/01M8320N0C53RCCEA3B1E16T1T/meta.json",
    "blocks/tombstones/01M8320MZ751W333Y3N2NX6NNB/meta.json",
    "compact/horizontal/01M831NGE23DNB22XXRCTHWMKF/meta.json",
};

START_TEST(test_golden)
{
    const char *path = golden_path(golden_metas[_i]);
    if (!path)
        return;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    CK_OK(fs_read_file(fs_posix(), path, BLOCK_META_BYTES_MAX, &text));
    assert_formatted(golden_metas[_i], buf_str(&text), buf_str(&text));
}
END_TEST

START_TEST(test_mark)
{
    const char *dir = test_dir();
    kit_write(dir, "meta.json", STR(FRAME(",\"thanos\":{\"x\":1}")));
    CK_OK(block_meta_mark(fs_posix(), dir, BLOCK_MARK_FAILED));
    AUTO(block_meta_fini) struct block_meta failed = {.level = 0}, both = {.level = 0};
    CK_OK(block_meta_load(fs_posix(), dir, &failed));
    ck_assert(failed.failed && !failed.deletable);
    CK_OK(block_meta_mark(fs_posix(), dir, BLOCK_MARK_DELETABLE));
    CK_OK(block_meta_load(fs_posix(), dir, &both));
    ck_assert(both.failed && both.deletable);
    ck_assert(str_eq(buf_str(&both.unknown), STR("\"thanos\":{\"x\":1}")));
}
END_TEST

/* Wherever a rewrite is cut off, the file is the old one or the new one. */
START_TEST(test_mark_crash)
{
    const char *dir = test_dir();
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    for (uint64_t n = 1;; n++) {
        kit_write(dir, "meta.json", STR(FRAME("")));
        fs_fault_arm(fs, &(struct fs_fault_opts){
                             .fail_call = n, .mode = FS_FAULT_CRASH, .torn_bytes = 10});
        struct err e = block_meta_mark(fs, dir, BLOCK_MARK_FAILED);
        bool fired = fs_fault_fired(fs), done = e.code == ERR_NONE;
        err_drop(e);
        CK_OK(fs_fault_power_cut(fs));
        AUTO(block_meta_fini) struct block_meta m = {.level = 0};
        CK_OK(block_meta_load(fs_posix(), dir, &m));
        ck_assert(m.failed || !done);
        ck_assert(fired != done);
        if (done)
            break;
    }
}
END_TEST

Suite *
meta_suite(void)
{
    Suite *s = suite_create("meta");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_meta, 0, ARRAY_LEN(meta_cases));
    tcase_add_test(t, test_meta_fields);
    tcase_add_loop_test(t, test_format, 0, ARRAY_LEN(format_cases));
    tcase_add_loop_test(t, test_golden, 0, ARRAY_LEN(golden_metas));
    tcase_add_test(t, test_mark);
    tcase_add_test(t, test_mark_crash);
    suite_add_tcase(s, t);
    return s;
}
