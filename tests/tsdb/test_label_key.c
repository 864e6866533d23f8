/* Keys of every order and shape decode to the one label set they mean; broken ones are named;
 * a canonical key decodes and encodes to itself. */
#include "tests/harness.h"

#include "base/mem.h"
#include "tsdb/model/label_key.h"

#define A1                                                                                         \
    "\x0a\x06\x0a\x01"                                                                             \
    "a\x12\x01"                                                                                    \
    "1"
#define B2                                                                                         \
    "\x0a\x06\x0a\x01"                                                                             \
    "b\x12\x01"                                                                                    \
    "2"
#define C_EMPTY                                                                                    \
    "\x0a\x03\x0a\x01"                                                                             \
    "c"

static const struct key_case {
    const char *name;
    struct str key;
    enum label_fault fault;
    const char *want; /* labels_format() */
} key_cases[] = {
    {"one", STR_INIT(A1), LABEL_FAULT_NONE, "{a=\"1\"}"},
    {"sorted", STR_INIT(A1 B2), LABEL_FAULT_NONE, "{a=\"1\", b=\"2\"}"},
    {"unsorted", STR_INIT(B2 A1), LABEL_FAULT_NONE, "{a=\"1\", b=\"2\"}"},
    {"without a value", STR_INIT(C_EMPTY A1), LABEL_FAULT_NONE, "{a=\"1\"}"},
    {"empty value twice", STR_INIT(C_EMPTY A1 C_EMPTY), LABEL_FAULT_NONE, "{a=\"1\"}"},
    {"written empty value",
     STR_INIT(A1 "\x0a\x05\x0a\x01"
                 "b\x12\x00"),
     LABEL_FAULT_NONE, "{a=\"1\"}"},
    {"value first",
     STR_INIT("\x0a\x06\x12\x01"
              "1\x0a\x01"
              "a"),
     LABEL_FAULT_NONE, "{a=\"1\"}"},
    {"the last name counts",
     STR_INIT("\x0a\x09\x0a\x01"
              "b\x0a\x01"
              "a\x12\x01"
              "1"),
     LABEL_FAULT_NONE, "{a=\"1\"}"},
    {"unknown field in a label",
     STR_INIT("\x0a\x08\x0a\x01"
              "a\x12\x01"
              "1\x18\x05"),
     LABEL_FAULT_NONE, "{a=\"1\"}"},
    {"long form of a length",
     STR_INIT("\x0a\x87\x00\x0a\x81\x00"
              "a\x12\x01"
              "1"),
     LABEL_FAULT_NONE, "{a=\"1\"}"},
    {"empty key", STR_INIT(""), LABEL_FAULT_EMPTY_SET, NULL},
    {"only empty values", STR_INIT(C_EMPTY), LABEL_FAULT_EMPTY_SET, NULL},
    {"empty label", STR_INIT("\x0a\x00"), LABEL_FAULT_EMPTY_NAME, NULL},
    {"no name",
     STR_INIT("\x0a\x03\x12\x01"
              "1"),
     LABEL_FAULT_EMPTY_NAME, NULL},
    {"twice the same", STR_INIT(A1 A1), LABEL_FAULT_DUPLICATE, NULL},
    {"twice, apart", STR_INIT(A1 B2 A1), LABEL_FAULT_DUPLICATE, NULL},
    {"bad UTF-8 in a name",
     STR_INIT("\x0a\x06\x0a\x01"
              "\xff\x12\x01"
              "1"),
     LABEL_FAULT_NOT_UTF8, NULL},
    {"bad UTF-8 in a value",
     STR_INIT("\x0a\x06\x0a\x01"
              "a\x12\x01"
              "\xc3"),
     LABEL_FAULT_NOT_UTF8, NULL},
    {"cut in the label",
     STR_INIT("\x0a\x06\x0a\x01"
              "a\x12"),
     LABEL_FAULT_MALFORMED, NULL},
    {"cut behind a tag", STR_INIT(A1 "\x0a"), LABEL_FAULT_MALFORMED, NULL},
    {"inner length too long",
     STR_INIT("\x0a\x03\x0a\x05"
              "a"),
     LABEL_FAULT_MALFORMED, NULL},
    {"name is a number", STR_INIT("\x0a\x02\x08\x01"), LABEL_FAULT_MALFORMED, NULL},
    {"other field beside labels", STR_INIT(A1 "\x12\x00"), LABEL_FAULT_MALFORMED, NULL},
    {"group", STR_INIT("\x0b"), LABEL_FAULT_MALFORMED, NULL},
    {"not protobuf", STR_INIT("hello"), LABEL_FAULT_MALFORMED, NULL},
};

START_TEST(test_decode)
{
    const struct key_case *c = &key_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct labels l;
    enum label_fault fault = label_key_decode(&a, c->key, &l);
    ck_assert_msg(fault == c->fault, "%s: %s", c->name, label_fault_text(fault));
    if (fault) {
        ROW_ASSERT(c->name, !label_key_decode_usual(&a, c->key, &l));
        return;
    }
    AUTO(buf_fini) struct buf text = BUF_INIT, key = BUF_INIT;
    labels_format(l, &text);
    ck_assert_str_eq(buf_cstr(&text), c->want);
    label_key_encode(l, &key); /* canonical: decodes to the same, encodes to itself */
    struct labels again;
    if (label_key_decode_usual(&a, c->key, &again)) { /* only canonical keys, to the same labels */
        ROW_ASSERT(c->name, str_eq(c->key, buf_str(&key)));
        ROW_ASSERT(c->name, labels_eq(l, again));
    }

    ck_assert_int_eq(label_key_decode(&a, buf_str(&key), &again), LABEL_FAULT_NONE);
    ROW_ASSERT(c->name, labels_eq(l, again));
    AUTO(buf_fini) struct buf key2 = BUF_INIT;
    label_key_encode(again, &key2);
    ROW_ASSERT(c->name, str_eq(buf_str(&key), buf_str(&key2)));
}
END_TEST

START_TEST(test_canonical)
{
    struct label v[] = {{STR("a"), STR("1")}, {STR("b"), STR("2")}, {STR("c"), STR("")}};
    AUTO(buf_fini) struct buf key = BUF_INIT;
    label_key_encode((struct labels){v, 3}, &key);
    ck_assert(str_eq(buf_str(&key), STR(A1 B2)));
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct labels l;
    ck_assert(label_key_decode_usual(&a, buf_str(&key), &l));
    ck_assert(labels_eq(l, (struct labels){v, 2}));
    ck_assert(!label_key_decode_usual(&a, STR(B2 A1), &l)); /* for label_key_decode() to sort */
}
END_TEST

/* count labels, names n0001.., one of them with a name and value of these lengths. */
static enum label_fault
decode_sized(size_t count, size_t name_bytes, size_t value_bytes)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct label *v = ARENA_ARRAY(&a, struct label, count);
    for (size_t i = 0; i < count; i++)
        v[i] = (struct label){arena_printf(&a, "n%04zu", i), STR("x")};
    char *name = arena_alloc(&a, name_bytes), *value = arena_alloc(&a, value_bytes);
    memset(name, 'z', name_bytes);
    memset(value, 'v', value_bytes);
    v[count - 1] = (struct label){str_of(name, name_bytes), str_of(value, value_bytes)};
    AUTO(buf_fini) struct buf key = BUF_INIT;
    label_key_encode((struct labels){v, count}, &key);
    struct labels l;
    return label_key_decode(&a, buf_str(&key), &l);
}

START_TEST(test_limits)
{
    static const struct {
        const char *name;
        size_t count, name_bytes, value_bytes;
        enum label_fault want;
    } rows[] = {
        {"most labels", LABELS_COUNT_MAX, 1, 1, LABEL_FAULT_NONE},
        {"longest name", 1, LABEL_NAME_BYTES_MAX, 1, LABEL_FAULT_NONE},
        {"longest value", 1, 1, LABEL_VALUE_BYTES_MAX, LABEL_FAULT_NONE},
        {"too many", LABELS_COUNT_MAX + 1, 1, 1, LABEL_FAULT_TOO_MANY},
        {"name too long", 1, LABEL_NAME_BYTES_MAX + 1, 1, LABEL_FAULT_TOO_LONG},
        {"value too long", 1, 1, LABEL_VALUE_BYTES_MAX + 1, LABEL_FAULT_TOO_LONG},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ROW_ASSERT(rows[i].name, decode_sized(rows[i].count, rows[i].name_bytes,
                                              rows[i].value_bytes) == rows[i].want);
}
END_TEST

START_TEST(test_fault_texts)
{
    for (enum label_fault f = LABEL_FAULT_NONE; f < LABEL_FAULT_COUNT; f++)
        ck_assert_uint_gt(strlen(label_fault_text(f)), 0);
}
END_TEST

Suite *
label_key_suite(void)
{
    Suite *s = suite_create("label_key");
    TCase *t = tcase_create("label_key");
    tcase_add_loop_test(t, test_decode, 0, ARRAY_LEN(key_cases));
    tcase_add_test(t, test_canonical);
    tcase_add_test(t, test_limits);
    tcase_add_test(t, test_fault_texts);
    suite_add_tcase(s, t);
    return s;
}
