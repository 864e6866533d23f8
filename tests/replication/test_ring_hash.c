/* The hash of a series is Thanos', whatever form its key has; what is no key is refused. */
#include "tests/harness.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/pb.h"
#include "base/rand.h"
#include "replication/ring_hash.h"
#include "tests/replication/golden.h"
#include "tsdb/model/label_key.h"

START_TEST(test_golden)
{
    json_t *root = golden_load("hash.json", (enum golden)_i);
    if (!root)
        return;
    size_t at, series = 0;
    const json_t *c;
    json_array_foreach(json_object_get(root, "cases"), at, c)
    {
        uint64_t want = golden_hex(c, "hash"), got;
        if (str_eq(golden_text(c, "kind"), STR("bytes"))) {
            ck_assert_msg(hash64(golden_text(c, "input")) == want, "case %zu", at);
            continue;
        }
        AUTO(buf_fini) struct buf key = BUF_INIT;
        golden_label_key(json_object_get(c, "labels"), &key);
        CK_OK(ring_hash(golden_text(c, "tenant"), buf_str(&key), &got));
        ck_assert_msg(got == want, "case %zu", at);
        series++;
    }
    ck_assert(series >= 10);
    json_decref(root);
}
END_TEST

#define LONG_25  "xxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_100 LONG_25 LONG_25 LONG_25 LONG_25

/* Tenant "t"; the bytes that are hashed behind "t\xff", or NULL: refused. */
static const struct key_case {
    const char *name;
    struct str key, hashed;
} key_cases[] = {
    {"no label", STR_INIT(""), STR_INIT("")},
    {"one label",
     STR_INIT("\x0a\x06\x0a\x01"
              "a"
              "\x12\x01"
              "b"),
     STR_INIT("a\xff"
              "b\xff")},
    {"unsorted",
     STR_INIT("\x0a\x06\x0a\x01"
              "b\x12\x01"
              "2\x0a\x06\x0a\x01"
              "a\x12\x01"
              "1"),
     STR_INIT("b\xff"
              "2\xff"
              "a\xff"
              "1\xff")},
    {"empty value",
     STR_INIT("\x0a\x05\x0a\x01"
              "a\x12\x00"),
     STR_INIT("a\xff\xff")},
    {"value left out",
     STR_INIT("\x0a\x03\x0a\x01"
              "a"),
     STR_INIT("a\xff\xff")},
    {"name left out",
     STR_INIT("\x0a\x03\x12\x01"
              "b"),
     STR_INIT("\xff"
              "b\xff")},
    {"empty label", STR_INIT("\x0a\x00"), STR_INIT("\xff\xff")},
    {"value first",
     STR_INIT("\x0a\x06\x12\x01"
              "b\x0a\x01"
              "a"),
     STR_INIT("a\xff"
              "b\xff")},
    {"the last name counts",
     STR_INIT("\x0a\x09\x0a\x01"
              "x\x0a\x01"
              "a\x12\x01"
              "b"),
     STR_INIT("a\xff"
              "b\xff")},
    {"unknown field of a label",
     STR_INIT("\x0a\x08\x0a\x01"
              "a\x12\x01"
              "b\x18\x01"),
     STR_INIT("a\xff"
              "b\xff")},
    {"long lengths",
     STR_INIT("\x0a\x87\x00\x0a\x81\x00"
              "a"
              "\x12\x01"
              "b"),
     STR_INIT("a\xff"
              "b\xff")},
    {"long name",
     STR_INIT("\x0a\x69\x0a\x64" LONG_100 "\x12\x01"
              "b"),
     STR_INIT(LONG_100 "\xff"
                       "b\xff")},
    {"no tag", STR_INIT("a"), {NULL, 0}},
    {"cut in a length", STR_INIT("\x0a"), {NULL, 0}},
    {"cut in a label",
     STR_INIT("\x0a\x06\x0a\x01"
              "a\x12\x01"),
     {NULL, 0}},
    {"cut between name and value",
     STR_INIT("\x0a\x06\x0a\x01"
              "a"),
     {NULL, 0}},
    {"name longer than label",
     STR_INIT("\x0a\x06\x0a\x07"
              "a\x12\x01"
              "b"),
     {NULL, 0}},
    {"value longer than label",
     STR_INIT("\x0a\x06\x0a\x01"
              "a\x12\x02"
              "bc"),
     {NULL, 0}},
    {"another field",
     STR_INIT("\x12\x02"
              "ab"),
     {NULL, 0}},
    {"a number for a label", STR_INIT("\x08\x01"), {NULL, 0}},
    {"a number for a name", STR_INIT("\x0a\x02\x08\x01"), {NULL, 0}},
    {"rubbish behind a label",
     STR_INIT("\x0a\x06\x0a\x01"
              "a\x12\x01"
              "b\xff"),
     {NULL, 0}},
};

START_TEST(test_forms)
{
    const struct key_case *c = &key_cases[_i];
    AUTO(mem_free) char *exact = mem_alloc(c->key.n); /* ASan sees a byte too many */
    memcpy(exact, c->key.p, c->key.n);
    uint64_t got = 7;
    struct err e = ring_hash(STR("t"), str_of(exact, c->key.n), &got);
    if (!c->hashed.p) {
        ROW_ASSERT(c->name, e.code == ERR_INVALID && got == 7);
        err_drop(e);
        return;
    }
    CK_OK(e);
    AUTO(buf_fini) struct buf b = BUF_INIT;
    buf_append(&b, STR("t\xff"));
    buf_append(&b, c->hashed);
    ROW_ASSERT(c->name, got == hash64(buf_str(&b)));
}
END_TEST

/* Random labels of every length around what is copied in blocks and what is one byte long, in
 * buffers that end where the key does. */
START_TEST(test_lengths)
{
    struct rand_gen r = rand_gen_of(1);
    for (int round = 0; round < 3000; round++) {
        AUTO(buf_fini) struct buf want = BUF_INIT, key = BUF_INIT;
        char text[300], tenant[40];
        memset(tenant, 't', sizeof tenant);
        size_t tenant_n = rand_below(&r, 40);
        buf_append(&want, str_of(tenant, tenant_n));
        buf_put_u8(&want, 0xff);
        size_t longest = round % 3 == 0 ? 200 : 40;
        for (size_t i = rand_below(&r, round % 5 == 0 ? 62 : 9); i > 0; i--) {
            for (size_t at = 0; at < sizeof text; at++)
                text[at] = (char)('a' + rand_below(&r, 26));
            struct label l = {str_of(text, 1 + rand_below(&r, longest)),
                              str_of(text + 80, 1 + rand_below(&r, longest))};
            buf_append(&want, l.name);
            buf_put_u8(&want, 0xff);
            buf_append(&want, l.value);
            buf_put_u8(&want, 0xff);
            label_key_encode((struct labels){&l, 1}, &key);
        }
        AUTO(mem_free) char *exact = mem_alloc(key.n);
        if (key.n > 0)
            memcpy(exact, key.p, key.n);
        uint64_t got;
        CK_OK(ring_hash(str_of(tenant, tenant_n), str_of(exact, key.n), &got));
        ck_assert_msg(got == hash64(buf_str(&want)), "round %d", round);
    }
}
END_TEST

Suite *
ring_hash_suite(void)
{
    Suite *s = suite_create("ring_hash");
    TCase *t = tcase_create("ring_hash");
    tcase_add_loop_test(t, test_golden, 0, GOLDEN_COUNT);
    tcase_add_loop_test(t, test_forms, 0, ARRAY_LEN(key_cases));
    tcase_add_test(t, test_lengths);
    suite_add_tcase(s, t);
    return s;
}
