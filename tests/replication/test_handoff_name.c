/* Every name of a peer has a directory of its own that tells it; what cannot be one is refused. */
#include "tests/harness.h"

#include "base/mem.h"
#include "base/rand.h"
#include "replication/handoff.h"
#include "replication/handoff_name.h"

static const struct name_case {
    struct str peer, name;
} name_cases[] = {
    {STR_INIT("a"), STR_INIT("a")},
    {STR_INIT("receive-0.receive.svc:10901"), STR_INIT("receive-0.receive.svc%3A10901")},
    {STR_INIT("[2001:db8::1]:10901"), STR_INIT("%5B2001%3Adb8%3A%3A1%5D%3A10901")},
    {STR_INIT("."), STR_INIT("%2E")},
    {STR_INIT(".."), STR_INIT("%2E.")},
    {STR_INIT("a.b"), STR_INIT("a.b")},
    {STR_INIT("../x"), STR_INIT("%2E.%2Fx")},
    {STR_INIT("a%3A"), STR_INIT("a%253A")},
    {STR_INIT("#gone-x"), STR_INIT("%23gone-x")},
    {STR_INIT("nul\0\xff\n"), STR_INIT("nul%00%FF%0A")},
};

START_TEST(test_names)
{
    const struct name_case *c = &name_cases[_i];
    AUTO(buf_fini) struct buf name = BUF_INIT;
    AUTO(buf_fini) struct buf peer = BUF_INIT;
    CK_OK(handoff_name_escape(c->peer, &name));
    ck_assert_msg(str_eq(buf_str(&name), c->name), "%s", buf_cstr(&name));
    ck_assert(handoff_name_unescape(c->name, &peer));
    ck_assert(str_eq(buf_str(&peer), c->peer));
}
END_TEST

static const struct str no_names[] = {
    STR_INIT(""),    STR_INIT("."),   STR_INIT("a:b"),   STR_INIT("%"),
    STR_INIT("%3"),  STR_INIT("%3a"), STR_INIT("%41"),   STR_INIT("a%2Eb"),
    STR_INIT("%G0"), STR_INIT("a/b"), STR_INIT("lock "), STR_INIT("#gone-x"),
};

START_TEST(test_no_names)
{
    AUTO(buf_fini) struct buf peer = BUF_INIT;
    ck_assert(!handoff_name_unescape(no_names[_i], &peer));
    ck_assert_uint_eq(peer.n, 0);
}
END_TEST

START_TEST(test_length)
{
    char text[HANDOFF_NAME_BYTES_MAX + 1];
    memset(text, 'x', sizeof text);
    AUTO(buf_fini) struct buf name = BUF_INIT;
    CK_OK(handoff_name_escape(str_of(text, sizeof text - 1), &name));
    ck_assert_uint_eq(name.n, HANDOFF_NAME_BYTES_MAX);
    CK_ERR(ERR_INVALID, handoff_name_escape(str_of(text, sizeof text), &name));
    text[7] = ':';
    CK_ERR(ERR_INVALID, handoff_name_escape(str_of(text, sizeof text - 1), &name));
    CK_ERR(ERR_INVALID, handoff_name_escape(STR(""), &name));
    ck_assert_uint_eq(name.n, HANDOFF_NAME_BYTES_MAX); /* untouched by failures */
}
END_TEST

START_TEST(test_any_bytes)
{
    struct rand_gen g = rand_gen_of(3);
    for (int i = 0; i < 20000; i++) {
        char bytes[40];
        size_t n = 1 + rand_below(&g, sizeof bytes);
        for (size_t j = 0; j < n; j++)
            bytes[j] = (char)rand_u64(&g);
        AUTO(buf_fini) struct buf name = BUF_INIT;
        AUTO(buf_fini) struct buf peer = BUF_INIT;
        CK_OK(handoff_name_escape(str_of(bytes, n), &name));
        ck_assert(handoff_name_unescape(buf_str(&name), &peer));
        ck_assert(str_eq(buf_str(&peer), str_of(bytes, n)));
    }
}
END_TEST

Suite *
handoff_name_suite(void)
{
    Suite *s = suite_create("handoff_name");
    TCase *t = tcase_create("handoff_name");
    tcase_add_loop_test(t, test_names, 0, ARRAY_LEN(name_cases));
    tcase_add_loop_test(t, test_no_names, 0, ARRAY_LEN(no_names));
    tcase_add_test(t, test_length);
    tcase_add_test(t, test_any_bytes);
    suite_add_tcase(s, t);
    return s;
}
