/* Bodies are decompressed within the memory of a request, asked for before it is taken. */
#include "tests/harness.h"

#include "base/budget.h"
#include "base/codec.h"
#include "base/mem.h"
#include "ingest/unpack.h"

enum { PLAIN_BYTES = 1 << 20, LIMIT_BYTES = 4 << 20 };

static void
pack(enum unpack_coding coding, struct str plain, struct buf *to)
{
    if (coding == UNPACK_SNAPPY)
        snappy_encode(plain, to);
    else if (coding == UNPACK_ZSTD)
        zstd_encode(plain, to);
    else
        gzip_encode(plain, to);
}

static struct buf
plain_text(void)
{
    struct buf plain = BUF_INIT;
    for (size_t i = 0; plain.n < PLAIN_BYTES; i++)
        buf_append(&plain, STR("the same text again and again;\n"));
    return plain;
}

START_TEST(test_counts)
{
    struct budget shared = {.limit_bytes = 64 << 20};
    struct arena a;
    arena_init_shared(&a, 0, &shared);
    AUTO(buf_fini) struct buf plain = plain_text(), packed = BUF_INIT, out = BUF_INIT;
    pack((enum unpack_coding)_i, buf_str(&plain), &packed);
    buf_append(&out, STR("of the request before"));
    CK_OK(unpack(&a, (enum unpack_coding)_i, buf_str(&packed), LIMIT_BYTES, &out));
    ck_assert(str_eq(buf_str(&out), buf_str(&plain)));
    ck_assert_uint_eq(budget_used(&shared), out.cap);
    arena_reset(&a); /* without a block, too */
    ck_assert_uint_eq(budget_used(&shared), 0);
    ck_assert_uint_eq(a.used_bytes, 0);
}
END_TEST

static const struct refusal_case {
    const char *name;
    size_t limit_bytes, arena_bytes, shared_bytes, used_bytes;
    enum err_code want;
} refusal_cases[] = {
    {"above the limit", PLAIN_BYTES / 2, 0, 64 << 20, 0, ERR_TOO_LARGE},
    {"never fits the arena", LIMIT_BYTES, PLAIN_BYTES / 2, 64 << 20, 0, ERR_TOO_LARGE},
    {"others have it", LIMIT_BYTES, 0, 64 << 20, 64 << 20, ERR_UNAVAILABLE},
};

START_TEST(test_refusals)
{
    for (enum unpack_coding coding = 0; coding < UNPACK_CODING_COUNT; coding++) {
        const struct refusal_case *c = &refusal_cases[_i];
        struct budget shared = {.limit_bytes = c->shared_bytes};
        struct arena a;
        arena_init_shared(&a, c->arena_bytes, &shared);
        AUTO(buf_fini) struct buf plain = plain_text(), packed = BUF_INIT, out = BUF_INIT;
        pack(coding, buf_str(&plain), &packed);
        budget_charge(&shared, c->used_bytes);
        struct err e = unpack(&a, coding, buf_str(&packed), c->limit_bytes, &out);
        ROW_ASSERT(c->name, e.code == c->want);
        ROW_ASSERT(c->name, out.cap < PLAIN_BYTES);
        err_drop(e);
        arena_fini(&a);
        ck_assert_uint_eq(budget_used(&shared), c->used_bytes);
    }
}
END_TEST

/* What lies about its size is malformed, however much memory there is. */
START_TEST(test_lies)
{
    struct arena a;
    arena_init(&a, 1 << 10);
    AUTO(buf_fini) struct buf out = BUF_INIT;
    struct str lie = STR("\x80\x80\x40\x00x"); /* 1 MiB of five bytes */
    CK_ERR(ERR_INVALID, unpack(&a, UNPACK_SNAPPY, lie, LIMIT_BYTES, &out));
    CK_ERR(ERR_INVALID, unpack(&a, UNPACK_ZSTD, STR("no frame"), LIMIT_BYTES, &out));
    arena_fini(&a);
}
END_TEST

Suite *
unpack_suite(void)
{
    Suite *s = suite_create("unpack");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, test_counts, 0, UNPACK_CODING_COUNT);
    tcase_add_loop_test(t, test_refusals, 0, ARRAY_LEN(refusal_cases));
    tcase_add_test(t, test_lies);
    suite_add_tcase(s, t);
    return s;
}
