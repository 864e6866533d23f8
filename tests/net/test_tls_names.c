/* Every name has its row, and what has none is refused by name. */
#include "tests/harness.h"

#include <openssl/ssl.h>

#include "net/tls_names.h"

START_TEST(test_lists)
{
    char list[TLS_LIST_BYTES_MAX];
    struct str names[] = {STR("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
                          STR("TLS_AES_128_GCM_SHA256"),
                          STR("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"), STR("TLS_NULL")};
    CK_OK(tls_cipher_list((struct tls_names){names, 3}, list));
    ck_assert_str_eq(list, "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA");
    CK_OK(tls_cipher_list((struct tls_names){names + 1, 1}, list));
    ck_assert_str_eq(list, "");
    CK_OK(tls_cipher_list((struct tls_names){NULL, 0}, list));
    ck_assert_ptr_nonnull(strstr(list, ":ECDHE-RSA-AES256-SHA"));
    CK_ERR(ERR_INVALID, tls_cipher_list((struct tls_names){names, 4}, list));

    struct str groups[] = {STR("X25519"), STR("CurveP521"), STR("P-256")};
    CK_OK(tls_group_list((struct tls_names){groups, 2}, list));
    ck_assert_str_eq(list, "X25519:P-521");
    CK_OK(tls_group_list((struct tls_names){NULL, 0}, list));
    ck_assert_str_eq(list, "");
    CK_ERR(ERR_INVALID, tls_group_list((struct tls_names){groups, 3}, list));
}
END_TEST

START_TEST(test_too_long)
{
    char list[TLS_LIST_BYTES_MAX];
    struct str names[400];
    for (size_t i = 0; i < 400; i++)
        names[i] = STR("CurveP256");
    CK_OK(tls_group_list((struct tls_names){names, 100}, list));
    CK_ERR(ERR_INVALID, tls_group_list((struct tls_names){names, 400}, list));
}
END_TEST

START_TEST(test_words)
{
    int version = 0;
    enum tls_client_auth auth = TLS_CLIENT_NONE;
    CK_OK(tls_version_of(STR("TLS11"), &version));
    ck_assert_int_eq(version, TLS1_1_VERSION);
    CK_OK(tls_version_of(STR("1.3"), &version));
    ck_assert_int_eq(version, TLS1_3_VERSION);
    CK_ERR(ERR_INVALID, tls_version_of(STR("TLS14"), &version));
    CK_ERR(ERR_INVALID, tls_version_of(STR(""), &version));
    CK_OK(tls_client_auth_of(STR("RequireClientCert"), &auth));
    ck_assert_int_eq(auth, TLS_CLIENT_REQUIRE_ANY);
    CK_ERR(ERR_INVALID, tls_client_auth_of(STR("requireclientcert"), &auth));
    ck_assert_int_eq(auth, TLS_CLIENT_REQUIRE_ANY);
}
END_TEST

Suite *
tls_names_suite(void)
{
    Suite *s = suite_create("tls_names");
    TCase *t = tcase_create("tls_names");
    tcase_add_test(t, test_lists);
    tcase_add_test(t, test_too_long);
    tcase_add_test(t, test_words);
    suite_add_tcase(s, t);
    return s;
}
