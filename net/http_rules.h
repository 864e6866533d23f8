/* http_rules.h - a web file's users, tokens and headers as the server needs them: immutable and
 * counted, so that a request keeps those it began under.
 * Threads: any. */
#pragma once
#include <stdbool.h>

#include "base/mem.h"
#include "conf/web_config.h"

struct http_rules;

enum { HTTP_TOKEN_FILE_BYTES_MAX = 64 << 10 };

/* Checks the hashes and reads the token files; white space around a token does not count. The
 * caller owns one reference. */
struct err http_rules_new(const struct web_config *c, struct http_rules **ret_rules);
struct http_rules *http_rules_ref(struct http_rules *r);
void http_rules_unref(struct http_rules *r); /* NULL is allowed */
DEFINE_AUTO(struct http_rules *, http_rules_unref)

bool http_rules_has_users(const struct http_rules *r);
bool http_rules_has_tokens(const struct http_rules *r);
/* The bcrypt hash of a user. For a name that is none it is that of some user, always the same for
 * the same name, so that its password is as costly to check; *ret_known says which. There must be
 * users. */
struct str http_rules_hash(const struct http_rules *r, struct str user, bool *ret_known);
/* One of the tokens, compared in a time that tells nothing. */
bool http_rules_is_token(const struct http_rules *r, struct str token);

struct http_rules_headers {
    const struct web_header *v;
    size_t n;
};
struct http_rules_headers http_rules_headers(const struct http_rules *r);
/* At most `burst` requests at once and one an interval; interval 0: no limit. */
uint64_t http_rules_rate_interval_ns(const struct http_rules *r);
uint64_t http_rules_rate_burst(const struct http_rules *r);
