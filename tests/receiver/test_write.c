/* The spine stops at the first stage that refuses, and only a whole batch reaches the sink. */
#include "tests/harness.h"

#include "base/codec.h"
#include "base/mem.h"
#include "receiver/write.h"
#include "tests/receiver/fake_sink.h"
#include "tests/receiver/messages.h"

enum { SERIES_BYTES = sizeof SERIES_A_B - 1 };

static const struct write_case {
    const char *name;
    struct str message; /* plain */
    const char *tenant, *content_type;
    struct ingest_limits limits;
    size_t decoded_bytes_max; /* 0: 1000 */
    enum err_code sink, code;
    size_t calls; /* of the sink */
} write_cases[] = {
    {.name = "one sample", .message = STR_INIT(SERIES_A_B), .calls = 1},
    {.name = "two, at the limits",
     .message = STR_INIT(SERIES_A_B SERIES_A_B),
     .limits = {2, 2},
     .decoded_bytes_max = 2 * SERIES_BYTES,
     .calls = 1},
    {.name = "no samples", .message = STR_INIT(SERIES_HISTOGRAM SERIES_EXEMPLAR), .calls = 1},
    {.name = "metadata alone", .message = STR_INIT(METADATA), .calls = 1},
    {.name = "labels alone", .message = STR_INIT("\x0a\x02\x0a\x00"), .sink = ERR_IO},
    {.name = "empty", .message = STR_INIT(""), .limits = {1, 1}, .sink = ERR_IO},
    {.name = "bad tenant", .message = STR_INIT(SERIES_A_B), .tenant = "..", .code = ERR_INVALID},
    {.name = "bad content type",
     .message = STR_INIT(SERIES_A_B),
     .content_type = "text/plain",
     .code = ERR_UNSUPPORTED},
    {.name = "bad protobuf", .message = STR_INIT("\x0a\x7f"), .code = ERR_INVALID},
    {.name = "decoded size",
     .message = STR_INIT(SERIES_A_B SERIES_A_B),
     .decoded_bytes_max = 2 * SERIES_BYTES - 1,
     .code = ERR_TOO_LARGE},
    {.name = "series limit",
     .message = STR_INIT(SERIES_A_B SERIES_A_B),
     .limits = {1, 0},
     .code = ERR_TOO_LARGE},
    {.name = "series without samples count",
     .message = STR_INIT(SERIES_A_B SERIES_EXEMPLAR),
     .limits = {1, 0},
     .code = ERR_TOO_LARGE},
    {.name = "samples limit",
     .message = STR_INIT(SERIES_A_B SERIES_A_B),
     .limits = {0, 1},
     .code = ERR_TOO_LARGE},
    {.name = "disk full",
     .message = STR_INIT(SERIES_A_B),
     .sink = ERR_NO_SPACE,
     .code = ERR_NO_SPACE,
     .calls = 1},
    {.name = "disk broken",
     .message = STR_INIT(SERIES_A_B),
     .sink = ERR_IO,
     .code = ERR_IO,
     .calls = 1},
};

START_TEST(test_write)
{
    const struct write_case *c = &write_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf packed = BUF_INIT, decoded = BUF_INIT;
    snappy_encode(c->message, &packed);
    struct fake_sink sink;
    fake_sink_init(&sink);
    sink.fail = c->sink;
    sink.result.fates[SAMPLE_STORED] = 77;
    struct write q = {
        .tenant = {.header = str_of_cstr(c->tenant ? c->tenant : "t")},
        .body = {.bytes = buf_str(&packed),
                 .content_type = str_of_cstr(c->content_type ? c->content_type : ""),
                 .decoded_bytes_max = c->decoded_bytes_max ? c->decoded_bytes_max : 1000},
        .limits = &c->limits,
        .sink = &sink.sink,
        .arena = &a,
        .decoded = &decoded,
    };
    struct err e = write_run(&q);
    ck_assert_msg(e.code == c->code, "row \"%s\": %s", c->name, err_text(&e));
    ROW_ASSERT(c->name, sink.calls == c->calls);
    ROW_ASSERT(c->name, q.reached_sink == (c->calls > 0));
    bool stored = c->calls > 0 && c->code == ERR_NONE;
    ROW_ASSERT(c->name, q.result.fates[SAMPLE_STORED] == (stored ? 77 : 0));
    ROW_ASSERT(c->name, c->calls == 0 || strcmp(sink.tenant, "t") == 0);
    err_drop(e);
    fake_sink_fini(&sink);
}
END_TEST

Suite *
write_suite(void)
{
    Suite *s = suite_create("write");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_write, 0, ARRAY_LEN(write_cases));
    suite_add_tcase(s, t);
    return s;
}
