/* Messages of several parts, what answers say of each, and records of the hand-off. */
#include "replication/peer_wire.h"

#include "base/codec.h"
#include "proto/writeable.h"
#include "tests/harness.h"

/* A part of `tuples` tuples, tenants "a", "b", ...: no rows are needed here. */
static struct peer_part *
part_of(unsigned tuples, uint16_t replica)
{
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    struct append_request nothing = {.row_count = 0};
    for (unsigned i = 0; i < tuples; i++) {
        char tenant[2] = {(char)('a' + i), '\0'};
        writeable_encode_tuple(&bytes, str_of_cstr(tenant), &nothing);
    }
    return peer_part_of_rows(peer_rows_new(shared_take(&bytes), tuples), 7, replica);
}

static const struct message_case {
    const char *name;
    enum peer_kind kind;
    uint16_t replica;
    size_t parts; /* of the message: with 1, 2, ... tuples */
    size_t told;  /* parts that the other side sees */
} message_cases[] = {
    {"to Thanos, one part", PEER_KIND_THANOS, 2, 1, 0},
    {"to Thanos, three parts", PEER_KIND_THANOS, 1, 3, 0},
    {"to mneme, one part", PEER_KIND_MNEME, 0, 1, 1},
    {"to mneme, three parts", PEER_KIND_MNEME, 0, 3, 3},
};

START_TEST(test_message)
{
    const struct message_case *c = &message_cases[_i];
    struct peer_part *parts[3];
    for (size_t i = 0; i < c->parts; i++)
        parts[i] = part_of((unsigned)i + 1, c->replica);
    struct peer_message m = {
        .parts = parts, .count = c->parts, .kind = c->kind, .replica = c->replica};
    AUTO(shared_unref) struct shared *bytes = NULL;
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct writeable_message got;
    size_t plain_bytes = 0;
    struct peer_wire_form form = {.encoding = GRPC_SNAPPY, .encoder = zstd_encoder_open(ZSTD_FAST)};
    CK_OK(peer_wire_message(&m, &form, &bytes, &plain_bytes));
    zstd_encoder_close(form.encoder);
    struct grpc_reader reader; /* as a server reads it */
    struct grpc_payload payload;
    struct str rest = shared_bytes(bytes);
    bool whole = false;
    grpc_reader_init(&reader, 1 << 20, NULL);
    CK_OK(grpc_reader_feed(&reader, &rest, &whole));
    ck_assert(whole && rest.n == 0);
    grpc_reader_take(&reader, &payload);
    CK_OK(grpc_payload_decode(&payload, c->kind == PEER_KIND_MNEME ? GRPC_ZSTD : GRPC_SNAPPY,
                              1 << 20));
    ROW_ASSERT(c->name, payload.bytes.n == plain_bytes);
    CK_OK(writeable_decode(&a, buf_str(&payload.bytes), &got));
    ROW_ASSERT(c->name, got.replica == c->replica);
    ROW_ASSERT(c->name, got.tuple_count == c->parts * (c->parts + 1) / 2);
    ROW_ASSERT(c->name, got.part_count == c->told);
    for (size_t i = 0; i < c->told; i++)
        ROW_ASSERT(c->name, got.part_tuples[i] == i + 1);
    for (size_t i = 0; i < c->parts; i++)
        peer_part_unref(parts[i]);
    grpc_payload_fini(&payload);
    grpc_reader_fini(&reader);
}
END_TEST

START_TEST(test_outcomes)
{
    static const enum writeable_outcome told[] = {WRITEABLE_OK,      WRITEABLE_CONFLICT,
                                                  WRITEABLE_INVALID, WRITEABLE_UNAVAILABLE,
                                                  WRITEABLE_FAILED,  WRITEABLE_UNNUMBERED};
    static const uint8_t want[] = {VOTE_OK,          VOTE_CONFLICT, VOTE_INVALID,
                                   VOTE_UNAVAILABLE, VOTE_FAILED,   PEER_WIRE_UNNUMBERED};
    AUTO(buf_fini) struct buf answer = BUF_INIT;
    uint8_t got[ARRAY_LEN(told)];
    size_t n = 99;
    CK_OK(peer_wire_outcomes(STR(""), got, ARRAY_LEN(got), &n)); /* Thanos says nothing */
    ck_assert_uint_eq(n, 0);
    writeable_encode_outcomes(&answer, told, ARRAY_LEN(told));
    CK_OK(peer_wire_outcomes(buf_str(&answer), got, ARRAY_LEN(got), &n));
    ck_assert_uint_eq(n, ARRAY_LEN(want));
    ck_assert_int_eq(memcmp(got, want, sizeof want), 0);
    CK_ERR(ERR_INVALID, peer_wire_outcomes(buf_str(&answer), got, 2, &n)); /* more than were sent */
}
END_TEST

/* Who may be tried again, and who not. */
START_TEST(test_codes)
{
    ck_assert_int_eq(peer_wire_outcome(GRPC_OK), VOTE_OK);
    ck_assert_int_eq(peer_wire_outcome(GRPC_ALREADY_EXISTS), VOTE_CONFLICT);
    ck_assert_int_eq(peer_wire_outcome(GRPC_INVALID_ARGUMENT), VOTE_INVALID);
    ck_assert_int_eq(peer_wire_outcome(GRPC_UNAVAILABLE), VOTE_UNAVAILABLE);
    ck_assert_int_eq(peer_wire_outcome(GRPC_DEADLINE_EXCEEDED), VOTE_UNAVAILABLE);
    ck_assert_int_eq(peer_wire_outcome(GRPC_UNAUTHENTICATED), VOTE_UNAVAILABLE);
    ck_assert_int_eq(peer_wire_outcome(GRPC_INTERNAL), VOTE_FAILED);
    ck_assert_int_eq(peer_wire_outcome((enum grpc_code)99), VOTE_FAILED);
}
END_TEST

START_TEST(test_record)
{
    AUTO(peer_part_unref) struct peer_part *part = part_of(3, 513), *again = NULL;
    AUTO(buf_fini) struct buf record = BUF_INIT;
    struct zstd_encoder *encoder = zstd_encoder_open(ZSTD_FAST);
    peer_wire_record(part, encoder, &record);
    CK_OK(peer_wire_read_record(buf_str(&record), &again));
    ck_assert(again->replica == 513 && again->ring == 7 && again->tuple_count == 3);
    ck_assert_uint_eq(peer_part_bytes(again), peer_part_bytes(part));
    ck_assert(str_eq(shared_bytes(peer_part_payload(again, encoder)),
                     shared_bytes(peer_part_payload(part, encoder))));
    zstd_encoder_close(encoder);
    struct peer_part *none = NULL;
    for (size_t n = 0; n < PEER_RECORD_HEAD_BYTES; n++)
        CK_ERR(ERR_CORRUPT, peer_wire_read_record(str_of(record.p, n), &none));
    record.p[0] = 2; /* a version to come */
    CK_ERR(ERR_CORRUPT, peer_wire_read_record(buf_str(&record), &none));
    ck_assert_ptr_null(none);
}
END_TEST

Suite *
peer_wire_suite(void)
{
    Suite *s = suite_create("peer_wire");
    TCase *t = tcase_create("peer_wire");
    tcase_add_loop_test(t, test_message, 0, (int)ARRAY_LEN(message_cases));
    tcase_add_test(t, test_outcomes);
    tcase_add_test(t, test_codes);
    tcase_add_test(t, test_record);
    suite_add_tcase(s, t);
    return s;
}
