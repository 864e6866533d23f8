/* Tokens that PyJWT and its cryptography have signed, and some that attackers would send
 * (tests/data/net/make_jwt.py): who is let in, and why others are not. */
#include "tests/harness.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/jwt_keys.h"

static json_t *data;

static void
load(void)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    json_error_t fault;
    buf_printf(&path, "%s/tests/data/net/jwt.json", getenv("srcdir") ? getenv("srcdir") : ".");
    data = json_load_file(buf_cstr(&path), 0, &fault);
    ck_assert_msg(data, "%s: %s", buf_cstr(&path), fault.text);
}

static void
unload(void)
{
    json_decref(data);
}

/* "" when there is none. */
static struct str
text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return str_of_cstr(text ? text : "");
}

static struct jwt_keys *
keys_of(const json_t *row)
{
    struct jwt_keys *keys = NULL;
    CK_OK(jwt_keys_parse(text_of(json_object_get(data, "sets"), text_of(row, "keys").p), &keys));
    return keys;
}

/* A token by a row's keys and demands. */
static struct err
judge(const json_t *row, const struct jwt_keys *keys, struct str token, struct arena *a,
      struct str *ret_identity)
{
    struct str claim = text_of(row, "claim");
    struct jwt_demands want = {.claim = claim.n > 0 ? claim : STR("tenant"),
                               .issuer = text_of(row, "issuer"),
                               .audience = text_of(row, "audience")};
    int64_t now_ms = json_integer_value(json_object_get(data, "now_ms"));
    struct jwt t;
    struct jwt_claims claims;
    TRY(jwt_read(a, token, &t));
    TRY(jwt_keys_verify(keys, &t));
    TRY(jwt_claims_read(a, t.payload, &want, now_ms, &claims));
    ck_assert(claims.from_ms <= now_ms && now_ms <= claims.until_ms);
    *ret_identity = claims.identity;
    return OK;
}

START_TEST(test_tokens)
{
    const json_t *rows = json_object_get(data, "rows");
    ck_assert_uint_gt(json_array_size(rows), 100);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        AUTO(arena_fini) struct arena a = {0};
        const json_t *row = json_array_get(rows, i);
        const char *name = text_of(row, "name").p;
        AUTO(jwt_keys_unref) struct jwt_keys *keys = keys_of(row);
        struct str want = text_of(row, "want"), got = STR("");
        struct err e = judge(row, keys, text_of(row, "token"), &a, &got);
        ck_assert_msg(e.code == (want.n > 0 ? ERR_NONE : ERR_UNAUTHORIZED), "row \"%s\": %s", name,
                      err_text(&e));
        ck_assert_msg(str_eq(got, want), "row \"%s\": %.*s", name, STR_FMT(got));
        ck_assert_msg(want.n > 0 || strstr(err_text(&e), text_of(row, "why").p), "row \"%s\": %s",
                      name, err_text(&e));
        err_drop(e);
    }
}
END_TEST

/* Whatever byte of a token is another one, it is refused. */
START_TEST(test_flipped)
{
    const json_t *rows = json_object_get(data, "rows");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (text_of(row, "want").n == 0 || !strstr(text_of(row, "name").p, "by PEM"))
            continue;
        struct str token = text_of(row, "token");
        AUTO(jwt_keys_unref) struct jwt_keys *keys = keys_of(row);
        char *bent = mem_dup_text(token.p, token.n);
        for (size_t at = 0; at < token.n - 1; at += 7) {
            AUTO(arena_fini) struct arena a = {0};
            struct str got;
            bent[at] = token.p[at] == 'B' ? 'C' : 'B';
            struct err e = judge(row, keys, str_of(bent, token.n), &a, &got);
            ck_assert_msg(e.code == ERR_UNAUTHORIZED, "%s: byte %zu", text_of(row, "name").p, at);
            err_drop(e);
            bent[at] = token.p[at];
        }
        mem_free(bent);
    }
}
END_TEST

START_TEST(test_key_files)
{
    const json_t *sets = json_object_get(data, "sets"), *faults = json_object_get(data, "faults");
    AUTO(jwt_keys_unref) struct jwt_keys *all = NULL, *set = NULL;
    CK_OK(jwt_keys_parse(text_of(sets, "every"), &all));
    CK_OK(jwt_keys_parse(text_of(sets, "jwks"), &set));
    ck_assert_uint_eq(jwt_keys_count(all), 5);
    ck_assert_uint_eq(jwt_keys_count(set), 6); /* and one each of no use: type, use, length */
    for (size_t i = 0; i < json_array_size(faults); i++) {
        const json_t *pair = json_array_get(faults, i);
        const char *text = json_string_value(json_array_get(pair, 0));
        const char *why = json_string_value(json_array_get(pair, 1));
        struct jwt_keys *none = NULL;
        struct err e = jwt_keys_parse(str_of_cstr(text), &none);
        ck_assert_msg(e.code == ERR_INVALID && strstr(err_text(&e), why), "%.80s: %s, want %s",
                      text, err_text(&e), why);
        err_drop(e);
    }
}
END_TEST

Suite *
jwt_suite(void)
{
    Suite *s = suite_create("jwt");
    TCase *t = tcase_create("jwt");
    tcase_add_checked_fixture(t, load, unload);
    tcase_add_test(t, test_key_files);
    tcase_add_test(t, test_tokens);
    tcase_add_test(t, test_flipped);
    suite_add_tcase(s, t);
    return s;
}
