/* tls_names.h - what Go and its users call versions, cipher suites, curves and client policies,
 * and what OpenSSL calls them. ERR_INVALID names what is unknown.
 * Source: Go's crypto/tls (constants, CipherSuites()). Threads: any (pure). */
#pragma once
#include "net/tls.h"

enum tls_client_auth {
    TLS_CLIENT_NONE,
    TLS_CLIENT_REQUEST,            /* ask, take any or none, verify nothing */
    TLS_CLIENT_REQUIRE_ANY,        /* take any, verify nothing */
    TLS_CLIENT_VERIFY_IF_GIVEN,    /* none, or one that is signed by our CA */
    TLS_CLIENT_REQUIRE_AND_VERIFY, /* one that is signed by our CA */
};
struct err tls_client_auth_of(struct str name, enum tls_client_auth *ret_auth);

struct err tls_version_of(struct str name, int *ret_version); /* TLS1_2_VERSION, ... */

enum { TLS_LIST_BYTES_MAX = 1024 };
/* OpenSSL's list for TLS up to 1.2, with a NUL; suites of TLS 1.3 are always on, and left out. An
 * empty list stands for Go's default suites, and makes an empty one of suites of 1.3 alone. */
struct err tls_cipher_list(struct tls_names names, char ret_list[TLS_LIST_BYTES_MAX]);
struct err tls_group_list(struct tls_names names, char ret_list[TLS_LIST_BYTES_MAX]);
