/* http_guard_int.h - what the server asks a guard.
 * Threads: any. */
#pragma once
#include "net/http_guard.h"
#include "net/http_rules.h"
#include "net/jwt_guard.h"
#include "net/passwords.h"

/* The rules that a request which begins now is under; the caller owns a reference. */
struct http_rules *http_guard_rules(struct http_guard *g);
/* False when a request at `now_ns` (monotonic) is above the rate limit. */
bool http_guard_take_turn(struct http_guard *g, const struct http_rules *rules, uint64_t now_ns);
struct passwords *http_guard_passwords(struct http_guard *g);
struct jwt_guard *http_guard_jwt(struct http_guard *g); /* NULL: none */
