/* web_config.h - the web file of a listener: who may come in, and how.
 *
 * The file of the Prometheus exporter toolkit (its docs/web-configuration.md), read as strictly,
 * and bearer_tokens, which is ours. What needs OpenSSL or bcrypt to be judged (names of suites,
 * PEM texts, hashes) is judged by who uses it. No error quotes a secret.
 * Threads: any (pure). */
#pragma once
#include "conf/yaml_read.h"

enum { WEB_ENTRIES_MAX = 10000, WEB_SHA256_BYTES = 32 };

struct web_tls {
    struct str cert_file, key_file, client_ca_file; /* relative ones are below the file's folder */
    struct str cert, key, client_ca;                /* PEM; where no file is named */
    struct str client_auth_type;
    struct yaml_texts client_allowed_sans; /* v NULL: not given, which allows any */
    struct str min_version, max_version;   /* "TLS12" */
    struct yaml_texts cipher_suites, curve_preferences;
    bool prefer_server_cipher_suites;
};

struct web_header {
    struct str name, value;
};
struct web_user {
    struct str name, hash; /* bcrypt */
};
struct web_token {
    struct str name; /* for humans */
    struct str file; /* empty: `sha256` counts */
    unsigned char sha256[WEB_SHA256_BYTES];
};

/* Views of the tree, NUL-terminated; all in the arena. */
struct web_config {
    struct web_tls tls; /* in use where web_config_has_tls() */
    struct web_header *headers;
    size_t header_count;
    int64_t rate_interval_ns; /* between two requests; 0 or less: no limit */
    int64_t rate_burst;
    struct web_user *users;
    size_t user_count;
    struct web_token *tokens;
    size_t token_count;
};

/* `dir`: of the file. ERR_INVALID with line and column where there is a place. */
struct err web_config_parse(struct arena *a, struct str text, struct str dir,
                            struct web_config *ret_config);
/* A certificate, key, CA or client policy is given; versions alone ask for nothing. */
bool web_config_has_tls(const struct web_config *c);
