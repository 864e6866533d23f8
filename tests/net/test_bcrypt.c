/* Hashes made elsewhere are recognised, and nothing else is. */
#include "tests/harness.h"

#include "base/mem.h"
#include "net/bcrypt.h"

#define X72        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define OF_X       "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i"
#define OF_NOTHING "$2b$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq"
#define OF_U       "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

static const struct match {
    const char *name;
    struct str password, hash;
    bool matches;
} matches[] = {
    {"vector of crypt_blowfish", STR_INIT("U*U"), STR_INIT(OF_U), true},
    {"2y", STR_INIT("fakepassword"),
     STR_INIT("$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"), true},
    {"other", STR_INIT("U*V"), STR_INIT(OF_U), false},
    {"prefix", STR_INIT("U*"), STR_INIT(OF_U), false},
    {"empty", STR_INIT(""), STR_INIT(OF_NOTHING), true},
    {"empty is no prefix", STR_INIT("x"), STR_INIT(OF_NOTHING), false},
    {"all bytes that count", STR_INIT(X72), STR_INIT(OF_X), true},
    {"bytes that do not count", STR_INIT(X72 "y"), STR_INIT(OF_X), true},
    {"one byte less", {X72, 71}, STR_INIT(OF_X), false},
    {"NUL ends nothing", STR_INIT("U*U\0more"), STR_INIT(OF_U), false},
};

START_TEST(test_match)
{
    const struct match *m = &matches[_i];
    CK_OK(bcrypt_check(m->hash));
    ROW_ASSERT(m->name, bcrypt_matches(m->password, m->hash) == m->matches);
}
END_TEST

static const char *const bad_hashes[] = {
    "",
    "secret",
    "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
    OF_U "x",
    "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "$1a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "$2a$19$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "$2a$-5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe:",
    "$6$rounds=5000$usesomesillystri$D4IrlXatmP7rx3P3InaxBeoomnAihCKR"};

START_TEST(test_bad_hash)
{
    struct err e = bcrypt_check(str_of_cstr(bad_hashes[_i]));
    ck_assert_msg(e.code == ERR_INVALID, "%s", bad_hashes[_i]);
    ck_assert(bad_hashes[_i][0] == '\0' || !strstr(err_text(&e), bad_hashes[_i]));
    err_drop(e);
}
END_TEST

Suite *
bcrypt_suite(void)
{
    Suite *s = suite_create("bcrypt");
    TCase *t = tcase_create("bcrypt");
    tcase_add_loop_test(t, test_match, 0, ARRAY_LEN(matches));
    tcase_add_loop_test(t, test_bad_hash, 0, ARRAY_LEN(bad_hashes));
    suite_add_tcase(s, t);
    return s;
}
