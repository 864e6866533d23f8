/* Both codes against RFC 4648's examples (section 10), and what is none of them. */
#include "tests/harness.h"

#include "base/mem.h"
#include "net/base64.h"

static const struct text {
    enum base64_code code;
    const char *text, *bytes; /* NULL: refused */
} texts[] = {
    {BASE64_PADDED, "", ""},
    {BASE64_PADDED, "Zg==", "f"},
    {BASE64_PADDED, "Zm8=", "fo"},
    {BASE64_PADDED, "Zm9v", "foo"},
    {BASE64_PADDED, "Zm9vYg==", "foob"},
    {BASE64_PADDED, "+/+/", "\xfb\xff\xbf"},
    {BASE64_PADDED, "-_-_", NULL},
    {BASE64_PADDED, "Zg", NULL},
    {BASE64_PADDED, "Zg=", NULL},
    {BASE64_PADDED, "====", NULL},
    {BASE64_PADDED, "Zg==Zg==", NULL},
    {BASE64_URL, "", ""},
    {BASE64_URL, "Zg", "f"},
    {BASE64_URL, "Zm8", "fo"},
    {BASE64_URL, "Zm9v", "foo"},
    {BASE64_URL, "Zm9vYg", "foob"},
    {BASE64_URL, "-_-_", "\xfb\xff\xbf"},
    {BASE64_URL, "+/+/", NULL},
    {BASE64_URL, "Z", NULL},
    {BASE64_URL, "Zm9vY", NULL},
    {BASE64_URL, "Zg==", NULL},
    {BASE64_URL, "Zh", NULL},  /* a second text of "f" */
    {BASE64_URL, "Zm9", NULL}, /* and of "fo" */
    {BASE64_URL, "Zm 8", NULL},
};

START_TEST(test_text)
{
    const struct text *t = &texts[_i];
    AUTO(arena_fini) struct arena a = {0};
    struct str got = STR("untouched");
    bool good = base64_decode(t->code, &a, str_of_cstr(t->text), &got);
    ROW_ASSERT(t->text, good == (t->bytes != NULL));
    ROW_ASSERT(t->text, str_eq(got, str_of_cstr(t->bytes ? t->bytes : "untouched")));
}
END_TEST

Suite *
base64_suite(void)
{
    Suite *s = suite_create("base64");
    TCase *t = tcase_create("base64");
    tcase_add_loop_test(t, test_text, 0, ARRAY_LEN(texts));
    suite_add_tcase(s, t);
    return s;
}
