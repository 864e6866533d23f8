/* Order, hash and text of label sets are those of Prometheus. */
#include "tests/harness.h"

#include "base/hash.h"
#include "base/mem.h"
#include "tsdb/model/labels.h"

/* "a=1,b=2" as labels in the arena, in the order given. */
static struct labels
parse_labels(struct arena *a, const char *text)
{
    struct str rest = str_of_cstr(text);
    struct label *v = ARENA_ARRAY(a, struct label, 16);
    size_t n = 0;
    while (rest.n > 0) {
        struct str value = str_split(&rest, ',');
        struct str name = str_split(&value, '=');
        v[n++] = (struct label){name, value};
    }
    return (struct labels){v, n};
}

static const struct cmp_case {
    const char *name, *a, *b;
    int want; /* sign of labels_cmp(a, b) */
} cmp_cases[] = {
    {"both empty", "", "", 0},
    {"same", "a=1,b=2", "a=1,b=2", 0},
    {"prefix first", "a=1", "a=1,b=2", -1},
    {"empty first", "", "a=1", -1},
    {"name before value", "a=9", "b=1", -1},
    {"value", "a=1,b=2", "a=1,b=3", -1},
    {"name that is a prefix", "a=1", "aa=0", -1},
    {"bytes, not letters", "a=Z", "a=a", -1},
    {"bytes above 127 are great", "a=z", "a=\xc3\xa9", -1},
};

START_TEST(test_cmp)
{
    const struct cmp_case *c = &cmp_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct labels x = parse_labels(&a, c->a), y = parse_labels(&a, c->b);
    int forth = labels_cmp(x, y), back = labels_cmp(y, x);
    ROW_ASSERT(c->name, (forth > 0) - (forth < 0) == c->want);
    ROW_ASSERT(c->name, (back > 0) - (back < 0) == -c->want);
    ROW_ASSERT(c->name, labels_eq(x, y) == (c->want == 0));
    ROW_ASSERT(c->name, (labels_hash(x) == labels_hash(y)) == (c->want == 0));
}
END_TEST

START_TEST(test_get_and_copy)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct labels l = parse_labels(&a, "__name__=up,job=x,zone=");
    ck_assert(str_eq(labels_get(l, STR("job")), STR("x")));
    ck_assert_uint_eq(labels_get(l, STR("zone")).n, 0);
    ck_assert_uint_eq(labels_get(l, STR("jo")).n, 0);
    ck_assert_uint_eq(labels_get(l, STR("")).n, 0);
    struct labels copy = labels_copy(&a, l);
    ck_assert(labels_eq(l, copy));
    ck_assert_ptr_ne(copy.v[0].name.p, l.v[0].name.p);
}
END_TEST

START_TEST(test_hash)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    ck_assert_uint_eq(labels_hash(parse_labels(&a, "")), hash64(STR("")));
    ck_assert_uint_eq(labels_hash(parse_labels(&a, "a=1,bc=")), hash64(STR("a\xff"
                                                                           "1\xff"
                                                                           "bc\xff\xff")));
    AUTO(buf_fini) struct buf text = BUF_INIT; /* above what is hashed on the stack */
    for (int i = 0; i < 5000; i++)
        buf_put_u8(&text, (uint8_t)('a' + i % 26));
    struct label one = {STR("name"), buf_str(&text)};
    AUTO(buf_fini) struct buf want = BUF_INIT;
    buf_printf(&want, "name\xff%s\xff", buf_cstr(&text));
    ck_assert_uint_eq(labels_hash((struct labels){&one, 1}), hash64(buf_str(&want)));
}
END_TEST

static const struct format_case {
    const char *labels, *want;
    const char *braces; /* NULL: the same */
} format_cases[] = {
    {"", "{}", NULL},
    {"__name__=up", "up", "{__name__=\"up\"}"},
    {"__name__=up,job=x", "up{job=\"x\"}", "{__name__=\"up\", job=\"x\"}"},
    {"job=x,zone=y", "{job=\"x\", zone=\"y\"}", NULL},
    {"__name__=a b,job=x", "{__name__=\"a b\", job=\"x\"}", NULL},
    {"__name__=a:b,with space=x", "a:b{\"with space\"=\"x\"}",
     "{__name__=\"a:b\", \"with space\"=\"x\"}"},
    {"1a=x", "{\"1a\"=\"x\"}", NULL},
    {"a=\"\\\n\xff", "{a=\"\\\"\\\\\\n\\xff\"}", NULL},
};

START_TEST(test_format)
{
    const struct format_case *c = &format_cases[_i];
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    AUTO(buf_fini) struct buf got = BUF_INIT;
    labels_format(parse_labels(&a, c->labels), &got);
    ck_assert_str_eq(buf_cstr(&got), c->want);
    buf_clear(&got);
    labels_format_braces(parse_labels(&a, c->labels), &got);
    ck_assert_str_eq(buf_cstr(&got), c->braces ? c->braces : c->want);
}
END_TEST

START_TEST(test_sort)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"a=1", "a=1"},
        {"b=2,a=1", "a=1,b=2"},
        {"c=3,b=2,a=1,aa=4,B=5", "B=5,a=1,aa=4,b=2,c=3"},
        {"b=2,a=1,b=1,a=2", "a=1,a=2,b=2,b=1"}, /* stable */
    };
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct labels l = parse_labels(&a, rows[i][0]);
        labels_sort((struct label *)l.v, l.n);
        ROW_ASSERT(rows[i][0], labels_eq(l, parse_labels(&a, rows[i][1])));
    }
}
END_TEST

START_TEST(test_legacy_names)
{
    static const struct {
        const char *text;
        bool label, metric;
    } rows[] = {
        {"a", true, true},          {"_", true, true},     {"A_1", true, true},
        {"a:b", false, true},       {":", false, true},    {"", false, false},
        {"1a", false, false},       {"a-b", false, false}, {"a b", false, false},
        {"\xc3\xa9", false, false}, {"a.b", false, false}, {"a\n", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str s = str_of_cstr(rows[i].text);
        ROW_ASSERT(rows[i].text, label_is_legacy_name(s) == rows[i].label);
        ROW_ASSERT(rows[i].text, label_is_legacy_metric_name(s) == rows[i].metric);
    }
}
END_TEST

Suite *
labels_suite(void)
{
    Suite *s = suite_create("labels");
    TCase *t = tcase_create("labels");
    tcase_add_loop_test(t, test_cmp, 0, ARRAY_LEN(cmp_cases));
    tcase_add_test(t, test_get_and_copy);
    tcase_add_test(t, test_hash);
    tcase_add_loop_test(t, test_format, 0, ARRAY_LEN(format_cases));
    tcase_add_test(t, test_sort);
    tcase_add_test(t, test_legacy_names);
    suite_add_tcase(s, t);
    return s;
}
