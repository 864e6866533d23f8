/* Messages of other receivers through a live server: what is stored here, and what each kind of
 * sender is answered. */
#include "tests/harness.h"

#include "base/mem.h"
#include "net/grpc/grpc_message.h"
#include "proto/writeable.h"
#include "proto/writeable_rows.h"
#include "receiver/write_grpc.h"
#include "tests/net/grpc_fixture.h"
#include "tests/receiver/fixture.h"

#define PATH "/thanos.WriteableStore/RemoteWrite"

struct grpc_door {
    struct fixture f;
    struct grpc_server *server;
    struct grpc_method method;
    struct grpc_peer *peer;
};

enum door_state { DOOR_STARTING, DOOR_OPEN };

static void
door_open(struct grpc_door *d, enum door_state state)
{
    *d = (struct grpc_door){.server = NULL};
    fixture_start(&d->f);
    if (state != DOOR_STARTING)
        receiver_start(d->f.receiver, &d->f.sink.sink, NULL);
    d->method = receiver_grpc_method(d->f.receiver);
    CK_OK(grpc_server_start(&(struct grpc_server_opts){.address = STR("127.0.0.1:0"),
                                                       .loops = d->f.loops,
                                                       .metrics = d->f.metrics,
                                                       .clock = clock_system(),
                                                       .methods = &d->method,
                                                       .method_count = 1},
                            &d->server));
    d->peer = grpc_peer_open(grpc_server_port(d->server), NULL);
}

static void
door_close(struct grpc_door *d)
{
    grpc_peer_close(d->peer);
    grpc_server_stop(d->server, 1000);
    fixture_stop(&d->f);
}

/* --- messages --------------------------------------------------------------------------------- */

static void
put_tuple(struct buf *to, const char *tenant, const char *pod)
{
    AUTO(buf_fini) struct buf key = BUF_INIT;
    struct label label = {STR("pod"), str_of_cstr(pod)};
    struct sample sample = {1700000000000, 7};
    label_key_encode((struct labels){&label, 1}, &key);
    struct append_row row = {.label_key = buf_str(&key), .sample_count = 1};
    struct append_request r = {.rows = &row, .row_count = 1, .samples = &sample, .sample_count = 1};
    writeable_encode_tuple(to, str_of_cstr(tenant), &r);
}

enum sender { SENDER_THANOS, SENDER_MNEME };

static struct grpc_peer_call *
send_message(struct grpc_door *d, enum sender sender, struct str message)
{
    AUTO(buf_fini) struct buf wire = BUF_INIT;
    struct h2_header direct = {.name = STR("mneme-direct"), .value = STR("1")};
    grpc_wire_put(&wire, message);
    struct grpc_peer_call *c =
        grpc_peer_start(d->peer, &(struct grpc_peer_request){.path = PATH,
                                                             .headers = &direct,
                                                             .header_count = sender == SENDER_MNEME,
                                                             .wire = buf_str(&wire)});
    grpc_peer_wait(c);
    return c;
}

/* --- answers ---------------------------------------------------------------------------------- */

static const struct answer_case {
    const char *name;
    enum err_code fail;
    struct append_result result;
    const char *second_tenant;
    enum grpc_code code;
    const char *text; /* in it */
    enum writeable_outcome parts[2];
} answer_cases[] = {
    {"stored", ERR_NONE, {.fates = {2}}, "u", GRPC_OK, NULL, {WRITEABLE_OK, WRITEABLE_OK}},
    {"conflict",
     ERR_NONE,
     {.fates = {[SAMPLE_OUT_OF_ORDER] = 1}},
     "u",
     GRPC_ALREADY_EXISTS,
     "out of order sample",
     {WRITEABLE_CONFLICT, WRITEABLE_CONFLICT}},
    {"labels",
     ERR_NONE,
     {.label_faults = {[LABEL_FAULT_DUPLICATE] = 1}},
     "u",
     GRPC_ALREADY_EXISTS,
     "duplicate label names",
     {WRITEABLE_CONFLICT, WRITEABLE_CONFLICT}},
    {"series limit",
     ERR_NONE,
     {.series_over_limit = 1},
     "u",
     GRPC_ALREADY_EXISTS,
     "active series limit",
     {WRITEABLE_CONFLICT, WRITEABLE_CONFLICT}},
    {"histogram",
     ERR_NONE,
     {.histograms_invalid = 1, .histogram_fault = STR_INIT("bad sum")},
     "u",
     GRPC_ALREADY_EXISTS,
     "bad sum",
     {WRITEABLE_INVALID, WRITEABLE_INVALID}},
    {"bad tenant",
     ERR_NONE,
     {.fates = {1}},
     "../u",
     GRPC_ALREADY_EXISTS,
     "tenant name not valid",
     {WRITEABLE_OK, WRITEABLE_INVALID}},
    {"disk full",
     ERR_NO_SPACE,
     {.series_created = 0},
     "u",
     GRPC_UNAVAILABLE,
     "told by the sink",
     {WRITEABLE_UNAVAILABLE, WRITEABLE_UNAVAILABLE}},
    {"disk full, bad tenant",
     ERR_NO_SPACE,
     {.series_created = 0},
     "..",
     GRPC_UNAVAILABLE,
     "told by the sink",
     {WRITEABLE_UNAVAILABLE, WRITEABLE_INVALID}},
    {"overload",
     ERR_OVERLOAD,
     {.series_created = 0},
     "u",
     GRPC_UNAVAILABLE,
     "told by the sink",
     {WRITEABLE_UNAVAILABLE, WRITEABLE_UNAVAILABLE}},
    {"fault of ours",
     ERR_INTERNAL,
     {.series_created = 0},
     "u",
     GRPC_INTERNAL,
     "told by the sink",
     {WRITEABLE_FAILED, WRITEABLE_FAILED}},
};

START_TEST(test_answers)
{
    const struct answer_case *c = &answer_cases[_i / 2];
    enum sender sender = _i % 2 ? SENDER_MNEME : SENDER_THANOS;
    AUTO(buf_fini) struct buf message = BUF_INIT;
    struct grpc_door d;
    door_open(&d, DOOR_OPEN);
    d.f.sink.fail = c->fail;
    d.f.sink.fail_text = "told by the sink";
    d.f.sink.result = c->result;
    put_tuple(&message, "t", "a");
    put_tuple(&message, c->second_tenant, "b");
    if (sender == SENDER_MNEME)
        writeable_encode_parts(&message, (uint32_t[]){1, 1}, 2);
    struct grpc_peer_call *call = send_message(&d, sender, buf_str(&message));
    struct str text = grpc_peer_field(call, "grpc-message");
    ck_assert_msg(grpc_peer_status(call) == (sender == SENDER_MNEME ? GRPC_OK : c->code),
                  "%s: %u %.*s", c->name, grpc_peer_status(call), STR_FMT(text));
    ROW_ASSERT(c->name, str_eq(grpc_peer_field(call, "mneme-peer"), STR("2")));
    if (grpc_peer_status(call) != GRPC_OK) {
        AUTO(buf_fini) struct buf plain = BUF_INIT;
        grpc_text_decode(text, &plain);
        ck_assert_msg(strstr(buf_cstr(&plain), c->text) != NULL, "%s: %s", c->name,
                      buf_cstr(&plain));
    } else {
        AUTO(buf_fini) struct buf reply = grpc_peer_message(call);
        enum writeable_outcome outcomes[2] = {WRITEABLE_OK};
        size_t n = 0;
        CK_OK(writeable_decode_outcomes(buf_str(&reply), outcomes, 2, &n));
        ROW_ASSERT(c->name, n == (sender == SENDER_MNEME ? 2 : 0));
        ROW_ASSERT(c->name, n == 0 || (outcomes[0] == c->parts[0] && outcomes[1] == c->parts[1]));
    }
    door_close(&d);
}
END_TEST

/* The older form of a message, too. */
START_TEST(test_older_form)
{
    struct grpc_door d;
    door_open(&d, DOOR_OPEN);
    struct str message = STR("\x0a\x0d\x0a\x06\x0a\x01"
                             "a\x12\x01"
                             "b\x12\x03\x10\x80\x01\x12\x06tenant\x18\x02");
    struct grpc_peer_call *call = send_message(&d, SENDER_THANOS, message);
    ck_assert_uint_eq(grpc_peer_status(call), GRPC_OK);
    ck_assert_uint_eq(d.f.sink.rows, 1);
    ck_assert_str_eq(d.f.sink.tenant, "tenant");
    door_close(&d);
}
END_TEST

START_TEST(test_malformed)
{
    struct grpc_door d;
    door_open(&d, DOOR_OPEN);
    struct grpc_peer_call *call = send_message(&d, SENDER_THANOS, STR("\x22\x05xx"));
    ck_assert_uint_eq(grpc_peer_status(call), GRPC_INVALID_ARGUMENT);
    ck_assert_uint_eq(d.f.sink.calls, 0);
    call = send_message(&d, SENDER_THANOS, STR(""));
    ck_assert_uint_eq(grpc_peer_status(call), GRPC_OK);
    ck_assert_uint_eq(d.f.sink.calls, 0);
    door_close(&d);
}
END_TEST

/* Too many of anything: it will be as many the next time. */
START_TEST(test_too_many)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    struct grpc_door d;
    door_open(&d, DOOR_OPEN);
    for (size_t i = 0; i <= WRITEABLE_TUPLES_MAX; i++)
        buf_append(&message, STR("\x22\x00"));
    struct grpc_peer_call *call = send_message(&d, SENDER_THANOS, buf_str(&message));
    ck_assert_uint_eq(grpc_peer_status(call), GRPC_INVALID_ARGUMENT);
    door_close(&d);
}
END_TEST

/* --- series by number ------------------------------------------------------------------------- */

/* A message of one part: a series with its number, or by its number alone. */
static void
put_numbered(struct buf *message, uint64_t numbering, bool with_labels)
{
    AUTO(buf_fini) struct buf content = BUF_INIT, tuple = BUF_INIT;
    struct numbered_sample sample = {3, {1700000001000, 7}};
    if (with_labels) {
        put_tuple(&tuple, "", "a");
        buf_append(&content, str_skip(buf_str(&tuple), 2)); /* behind tag and length */
        size_t bytes = writeable_numbers_bytes(1);
        buf_reserve(&content, bytes);
        writeable_store_numbers(content.p + content.n, numbering, &sample.number, 1);
        content.n += bytes;
    } else {
        writeable_encode_numbered(&content, numbering, &sample, 1);
    }
    writeable_encode_content(message, buf_str(&content), STR("t"));
    writeable_encode_parts(message, (uint32_t[]){1}, 1);
}

static enum writeable_outcome
outcome_of_message(struct grpc_door *d, enum sender sender, struct str message)
{
    enum writeable_outcome outcome = WRITEABLE_FAILED;
    size_t n = 0;
    struct grpc_peer_call *call = send_message(d, sender, message);
    ck_assert_uint_eq(grpc_peer_status(call), GRPC_OK);
    AUTO(buf_fini) struct buf reply = grpc_peer_message(call);
    CK_OK(writeable_decode_outcomes(buf_str(&reply), &outcome, 1, &n));
    ck_assert_uint_eq(n, 1);
    return outcome;
}

static const struct numbered_case {
    const char *name;
    uint64_t first, second; /* numberings: of a row with labels, then of one without */
    uint64_t rows_unnamed;  /* which the sink tells then */
    enum writeable_outcome outcome;
    size_t rows; /* that the sink was given in all */
} numbered_cases[] = {
    {"learned", 7, 7, 0, WRITEABLE_OK, 2},
    {"another numbering", 7, 8, 0, WRITEABLE_UNNUMBERED, 1},
    {"the head has forgotten it", 7, 7, 1, WRITEABLE_UNNUMBERED, 2},
};

START_TEST(test_numbered)
{
    const struct numbered_case *c = &numbered_cases[_i];
    AUTO(buf_fini) struct buf full = BUF_INIT, terse = BUF_INIT;
    struct grpc_door d;
    door_open(&d, DOOR_OPEN);
    d.f.sink.result = (struct append_result){.fates = {1}};
    put_numbered(&full, c->first, true);
    put_numbered(&terse, c->second, false);
    ROW_ASSERT(c->name, outcome_of_message(&d, SENDER_MNEME, buf_str(&full)) == WRITEABLE_OK);
    d.f.sink.result.rows_unnamed = c->rows_unnamed;
    ROW_ASSERT(c->name, outcome_of_message(&d, SENDER_MNEME, buf_str(&terse)) == c->outcome);
    ROW_ASSERT(c->name, d.f.sink.rows == c->rows);
    door_close(&d);
}
END_TEST

START_TEST(test_not_open)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    struct grpc_door d;
    put_tuple(&message, "t", "a");
    door_open(&d, _i ? DOOR_OPEN : DOOR_STARTING);
    if (_i)
        receiver_drain(d.f.receiver);
    struct grpc_peer_call *call = send_message(&d, SENDER_MNEME, buf_str(&message));
    ck_assert_uint_eq(grpc_peer_status(call), GRPC_UNAVAILABLE);
    ck_assert_uint_eq(d.f.sink.calls, 0);
    door_close(&d);
}
END_TEST

Suite *
write_grpc_suite(void)
{
    Suite *s = suite_create("write_grpc");
    TCase *t = tcase_create("write_grpc");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_answers, 0, 2 * ARRAY_LEN(answer_cases));
    tcase_add_test(t, test_older_form);
    tcase_add_loop_test(t, test_numbered, 0, (int)ARRAY_LEN(numbered_cases));
    tcase_add_test(t, test_malformed);
    tcase_add_test(t, test_too_many);
    tcase_add_loop_test(t, test_not_open, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
