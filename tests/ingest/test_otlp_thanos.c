/* Random requests, encoded by OpenTelemetry's Python definitions: every sample, histogram and
 * exemplar is what Thanos' translator makes of them. */
#include "tests/harness.h"

#include "base/fs.h"
#include "base/mem.h"
#include "ingest/otlp.h"
#include "tests/ingest/otlp_dump.h"

enum { GOLDEN_BYTES_MAX = 16 << 20 };

static void
unhex(struct str hex, struct buf *to)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i + 1 < hex.n; i += 2)
        buf_put_u8(to, (uint8_t)((strchr(digits, hex.p[i]) - digits) << 4 |
                                 (strchr(digits, hex.p[i + 1]) - digits)));
}

static void
check_request(size_t number, struct str hex, struct str want)
{
    static const struct str promoted[] = {STR_INIT("host.name"), STR_INIT("9zone"),
                                          STR_INIT("k8s.pod.name")};
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf message = BUF_INIT, got = BUF_INIT;
    unhex(hex, &message);
    struct otlp_request request;
    struct batch batch;
    CK_OK(otlp_decode(&a, OTLP_PROTOBUF, buf_str(&message), &request));
    CK_OK(otlp_to_batch(&a, &request, &(struct otlp_options){true, promoted, ARRAY_LEN(promoted)},
                        &batch));
    ck_assert_msg(batch.refused.reasons == 0, "request %zu: %.*s", number,
                  STR_FMT(batch.refused.text));
    otlp_dump(&batch, &got);
    size_t line = 1;
    struct str x = buf_str(&got), y = want;
    while (x.n > 0 || y.n > 0) {
        struct str our = str_split(&x, '\n'), their = str_split(&y, '\n');
        ck_assert_msg(str_eq(our, their), "request %zu, line %zu:\n  %.300s\nwant\n  %.300s",
                      number, line, our.n ? our.p : "", their.n ? their.p : "");
        line++;
    }
}

START_TEST(test_requests)
{
    AUTO(buf_fini) struct buf golden = BUF_INIT;
    CK_OK(fs_read_file(fs_posix(), test_data("ingest/otlp_thanos.txt"), GOLDEN_BYTES_MAX, &golden));
    struct str rest = buf_str(&golden);
    str_split(&rest, '\n');
    size_t requests = 0;
    while (rest.n > 0) {
        struct str hex = str_skip(str_split(&rest, '\n'), 2);
        const char *from = rest.p;
        while (rest.n > 0 && !str_starts_with(rest, STR("R ")))
            str_split(&rest, '\n');
        check_request(++requests, hex, str_of(from, (size_t)(rest.p - from)));
    }
    ck_assert_uint_eq(requests, 250);
}
END_TEST

Suite *
otlp_thanos_suite(void)
{
    Suite *s = suite_create("otlp_thanos");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_requests);
    suite_add_tcase(s, t);
    return s;
}
