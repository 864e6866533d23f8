/* Messages come out as they went in, however they are cut; what announces too much, or is no
 * message, is refused before memory is taken, and all memory is given back. */
#include "tests/harness.h"

#include "base/bytes.h"
#include "base/rand.h"
#include "net/grpc/grpc_message.h"

enum { LIMIT_BYTES = 1 << 20 };

/* Feeds all of `wire`, at most `step` bytes at a time, and appends every plain message to *to with
 * a '|' behind it. */
static struct err
read_all(struct str wire, size_t step, enum grpc_encoding e, size_t message_bytes_max,
         struct budget *budget, struct buf *to)
{
    struct grpc_reader r;
    grpc_reader_init(&r, message_bytes_max, budget);
    struct err failed = OK;
    while (wire.n > 0 && failed.code == ERR_NONE) {
        struct str rest = str_take(&wire, size_min(step, wire.n));
        while (rest.n > 0 && failed.code == ERR_NONE) {
            bool whole = false;
            failed = grpc_reader_feed(&r, &rest, &whole);
            if (failed.code != ERR_NONE || !whole)
                continue;
            struct grpc_payload p;
            grpc_reader_take(&r, &p);
            failed = grpc_payload_decode(&p, e, message_bytes_max);
            buf_append(to, buf_str(&p.bytes));
            buf_put_u8(to, '|');
            grpc_payload_fini(&p);
        }
    }
    if (failed.code == ERR_NONE && !grpc_reader_is_idle(&r))
        failed = ERR(ERR_INTERNAL, "cut short");
    grpc_reader_fini(&r);
    return failed;
}

START_TEST(test_names)
{
    for (int i = 0; i < GRPC_ENCODING_COUNT; i++) {
        enum grpc_encoding e;
        ck_assert(grpc_encoding_parse(grpc_encoding_name((enum grpc_encoding)i), &e));
        ck_assert_int_eq(e, i);
    }
    enum grpc_encoding e;
    ck_assert(!grpc_encoding_parse(STR("deflate"), &e));
    ck_assert(!grpc_encoding_parse(STR(""), &e));
}
END_TEST

/* Each encoding, byte by byte and in one. */
START_TEST(test_round_trip)
{
    enum grpc_encoding encoding = (enum grpc_encoding)(_i % GRPC_ENCODING_COUNT);
    size_t step = _i < GRPC_ENCODING_COUNT ? 1 : SIZE_MAX;
    AUTO(buf_fini) struct buf plain = BUF_INIT, wire = BUF_INIT, want = BUF_INIT, got = BUF_INIT;
    struct rand_gen r = rand_gen_of(7);
    static const size_t sizes[] = {0, 1, 100, 200 * 1000, 0, 70 * 1000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        buf_clear(&plain);
        for (size_t k = 0; k < sizes[i]; k++)
            buf_put_u8(&plain, (uint8_t)(rand_u64(&r) % 5 ? 'x' : rand_u64(&r)));
        AUTO(shared_unref) struct shared *m = grpc_message_new(encoding, buf_str(&plain));
        ck_assert_int_eq(shared_bytes(m).p[0], encoding != GRPC_IDENTITY && plain.n > 0);
        buf_append(&wire, shared_bytes(m));
        buf_append(&want, buf_str(&plain));
        buf_put_u8(&want, '|');
    }
    struct budget budget = {.limit_bytes = 64 << 20};
    CK_OK(read_all(buf_str(&wire), step, encoding, LIMIT_BYTES, &budget, &got));
    ck_assert(str_eq(buf_str(&got), buf_str(&want)));
    ck_assert_uint_eq(budget_used(&budget), 0);
}
END_TEST

#define SNAPPY_HEAD "\xff\x06\x00\x00sNaPpY"
static const struct read_case {
    const char *name;
    struct str wire;
    enum grpc_encoding encoding;
    enum err_code code;
    struct str want;
} read_cases[] = {
    {"plain", STR_INIT("\0\0\0\0\3abc"), GRPC_IDENTITY, ERR_NONE, STR_INIT("abc|")},
    {"empty, then one more", STR_INIT("\0\0\0\0\0\0\0\0\0\1a"), GRPC_IDENTITY, ERR_NONE,
     STR_INIT("|a|")},
    {"not compressed in a stream that may be", STR_INIT("\0\0\0\0\1a"), GRPC_ZSTD, ERR_NONE,
     STR_INIT("a|")},
    {"snappy of nothing", STR_INIT("\1\0\0\0\0"), GRPC_SNAPPY, ERR_NONE, STR_INIT("|")},
    {"snappy", STR_INIT("\1\0\0\0\x15" SNAPPY_HEAD "\x01\x07\x00\x00\x6e\x57\xf1\x21\x61\x62\x63"),
     GRPC_SNAPPY, ERR_NONE, STR_INIT("abc|")},
    {"snappy block",
     STR_INIT("\1\0\0\0\5\x03\x08"
              "abc"),
     GRPC_SNAPPY, ERR_INTERNAL, STR_INIT("")},
    {"gzip of nothing", STR_INIT("\1\0\0\0\0"), GRPC_GZIP, ERR_INTERNAL, STR_INIT("")},
    {"zstd of nothing", STR_INIT("\1\0\0\0\0"), GRPC_ZSTD, ERR_INTERNAL, STR_INIT("")},
    {"rubbish for zstd", STR_INIT("\1\0\0\0\4abcd"), GRPC_ZSTD, ERR_INTERNAL, STR_INIT("")},
    {"compressed without an encoding", STR_INIT("\1\0\0\0\1a"), GRPC_IDENTITY, ERR_INTERNAL,
     STR_INIT("")},
    {"unknown flag", STR_INIT("\2\0\0\0\1a"), GRPC_IDENTITY, ERR_INTERNAL, STR_INIT("")},
    {"prefix cut short", STR_INIT("\0\0\0\0"), GRPC_IDENTITY, ERR_INTERNAL, STR_INIT("")},
    {"payload cut short", STR_INIT("\0\0\0\0\2a"), GRPC_IDENTITY, ERR_INTERNAL, STR_INIT("")},
    {"a byte above the limit", STR_INIT("\0\0\x10\0\1"), GRPC_IDENTITY, ERR_TOO_LARGE,
     STR_INIT("")},
    {"4 GiB", STR_INIT("\0\xff\xff\xff\xff"), GRPC_IDENTITY, ERR_TOO_LARGE, STR_INIT("")},
};

START_TEST(test_read)
{
    const struct read_case *c = &read_cases[_i];
    for (size_t step = 1; step <= c->wire.n; step++) {
        AUTO(buf_fini) struct buf got = BUF_INIT;
        struct budget budget = {.limit_bytes = 64 << 20};
        struct err e = read_all(c->wire, step, c->encoding, LIMIT_BYTES, &budget, &got);
        ck_assert_msg(e.code == c->code, "%s: %s", c->name, err_text(&e));
        if (c->code == ERR_NONE)
            ROW_ASSERT(c->name, str_eq(buf_str(&got), c->want));
        ROW_ASSERT(c->name, budget_used(&budget) == 0);
        err_drop(e);
    }
}
END_TEST

/* Zeros that pack well: a bomb. */
static struct shared *
bomb(enum grpc_encoding e, size_t bytes)
{
    AUTO(buf_fini) struct buf plain = BUF_INIT;
    buf_reserve(&plain, bytes);
    memset(plain.p, 0, bytes);
    plain.n = bytes;
    return grpc_message_new(e, buf_str(&plain));
}

START_TEST(test_bombs)
{
    enum grpc_encoding e = (enum grpc_encoding)(_i + GRPC_GZIP);
    AUTO(buf_fini) struct buf got = BUF_INIT;
    AUTO(shared_unref) struct shared *wide = bomb(e, LIMIT_BYTES + 1);
    CK_ERR(ERR_TOO_LARGE, read_all(shared_bytes(wide), SIZE_MAX, e, LIMIT_BYTES, NULL, &got));
    AUTO(shared_unref) struct shared *fits = bomb(e, LIMIT_BYTES);
    CK_OK(read_all(shared_bytes(fits), SIZE_MAX, e, LIMIT_BYTES, NULL, &got));

    struct budget small = {.limit_bytes = LIMIT_BYTES};
    CK_ERR(ERR_TOO_LARGE, read_all(shared_bytes(fits), SIZE_MAX, e, LIMIT_BYTES, &small, &got));
    struct budget busy = {.limit_bytes = 64 << 20, .used_bytes = (64 << 20) - LIMIT_BYTES / 2};
    CK_ERR(ERR_UNAVAILABLE, read_all(shared_bytes(fits), SIZE_MAX, e, LIMIT_BYTES, &busy, &got));
    ck_assert_uint_eq(budget_used(&small), 0);
    ck_assert_uint_eq(budget_used(&busy), (64 << 20) - LIMIT_BYTES / 2);
}
END_TEST

/* A prefix alone holds nothing, a byte more holds ROOM_BYTES_MIN; the rest is there when it comes.
 */
START_TEST(test_memory_follows_what_came)
{
    struct budget budget = {.limit_bytes = 64 << 20};
    struct grpc_reader r;
    grpc_reader_init(&r, LIMIT_BYTES, &budget);
    struct str prefix = STR("\0\0\x10\0\0"), byte = STR("a");
    bool whole = true;
    CK_OK(grpc_reader_feed(&r, &prefix, &whole));
    ck_assert(!whole);
    ck_assert_uint_eq(budget_used(&budget), 0);
    CK_OK(grpc_reader_feed(&r, &byte, &whole));
    ck_assert_uint_eq(budget_used(&budget), 64 << 10);
    AUTO(buf_fini) struct buf much = BUF_INIT;
    buf_reserve(&much, LIMIT_BYTES);
    memset(much.p, 'b', LIMIT_BYTES);
    struct str rest = str_of(much.p, LIMIT_BYTES);
    CK_OK(grpc_reader_feed(&r, &rest, &whole));
    ck_assert(whole);
    ck_assert_uint_eq(rest.n, 1);
    ck_assert_uint_eq(budget_used(&budget), LIMIT_BYTES);
    grpc_reader_fini(&r);
    ck_assert_uint_eq(budget_used(&budget), 0);
}
END_TEST

Suite *
grpc_message_suite(void)
{
    Suite *s = suite_create("grpc_message");
    TCase *t = tcase_create("grpc_message");
    tcase_add_test(t, test_names);
    tcase_add_loop_test(t, test_round_trip, 0, 2 * GRPC_ENCODING_COUNT);
    tcase_add_loop_test(t, test_read, 0, ARRAY_LEN(read_cases));
    tcase_add_loop_test(t, test_bombs, 0, GRPC_ENCODING_COUNT - 1);
    tcase_add_test(t, test_memory_follows_what_came);
    suite_add_tcase(s, t);
    return s;
}
