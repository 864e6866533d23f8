/* http_admit.c - may this request come in? Asked when its head is complete and routed, before a
 * byte of its body is read, and before anybody learns whether there is such a path.
 *
 * A password or token that nobody remembers is checked on another thread: the connection is
 * AUTHORIZING until the verdict is posted to its loop, and reads nothing meanwhile. */
#include "net/http_int.h"

#include "base/assert.h"
#include "base/mem.h"
#include "net/http_authorization.h"

/* Whose share of the checks it is: the address without the port. */
static struct str
address_in(struct str peer)
{
    size_t n = peer.n;
    while (n > 0 && peer.p[n - 1] != ':')
        n--;
    return n > 0 ? str_of(peer.p, n - 1) : peer;
}

/* On a thread of the checker; the request waits for nothing else. */
static void
on_verdict(struct password_wait *w, enum password_verdict verdict)
{
    struct http_request *r = container_of(w, struct http_request, password_wait);
    r->verdict = verdict;
    loop_post(r->part->loop, http_conn_on_verdict, r);
}

static enum password_verdict
judge_password(struct http_conn *c, const struct http_authorization *said)
{
    struct http_request *r = c->request;
    struct password_ask ask = {
        .user = said->user, .password = said->password, .address = address_in(r->peer)};
    ask.hash = http_rules_hash(r->rules, said->user, &ask.known);
    r->verdict = PASSWORD_LATER;
    r->password_wait.done = on_verdict;
    return passwords_ask(http_guard_passwords(c->part->server->opts.guard), &ask,
                         &r->password_wait);
}

/* On a thread of the guard; the request waits for nothing else. */
static void
on_token_verdict(struct jwt_ask *ask, enum password_verdict verdict)
{
    struct http_request *r = container_of(ask, struct http_token, ask)->request;
    r->verdict = verdict;
    loop_post(r->part->loop, http_conn_on_verdict, r);
}

static enum password_verdict
judge_token(struct http_conn *c, struct jwt_guard *jwt)
{
    struct http_request *r = c->request;
    struct http_authorization said =
        http_authorization_parse(&r->arena, http_head_find(&r->head, STR("Authorization")));
    if (said.scheme != HTTP_SCHEME_BEARER)
        return PASSWORD_BAD;
    r->token = ARENA_NEW(&r->arena, struct http_token);
    r->token->request = r;
    r->token->ask.token = said.token;
    r->token->ask.address = address_in(r->peer);
    r->token->ask.done = on_token_verdict;
    r->verdict = PASSWORD_LATER;
    return jwt_guard_ask(jwt, &r->token->ask);
}

static enum password_verdict
judge(struct http_conn *c)
{
    struct http_request *r = c->request;
    struct jwt_guard *jwt = http_guard_jwt(c->part->server->opts.guard);
    if (jwt)
        return judge_token(c, jwt);
    bool users = http_rules_has_users(r->rules), tokens = http_rules_has_tokens(r->rules);
    if (!users && !tokens)
        return PASSWORD_GOOD;
    struct http_authorization said =
        http_authorization_parse(&r->arena, http_head_find(&r->head, STR("Authorization")));
    switch (said.scheme) {
    case HTTP_SCHEME_NONE:
        return PASSWORD_BAD;
    case HTTP_SCHEME_BASIC:
        return users ? judge_password(c, &said) : PASSWORD_BAD;
    case HTTP_SCHEME_BEARER:
        return http_rules_is_token(r->rules, said.token) ? PASSWORD_GOOD : PASSWORD_BAD;
    }
    UNREACHABLE("not a scheme");
}

/* The connection is kept when no body would have to be read first. */
static enum http_step
turn_away(struct http_conn *c, enum http_refusal why, int status, struct str text)
{
    struct http_request *r = c->request;
    if (r->head.framing != HTTP_BODY_NONE)
        c->close_after = true;
    http_metrics_refused(c->part->server->metrics, why);
    http_conn_enter(c, HTTP_CONN_HANDLING, 0);
    http_reply_text(r, status, text);
    return HTTP_STEP_MORE;
}

/* RFC 6750 section 3; why a token is bad holds no word of it (jwt.h). */
static struct str
challenge_token(struct http_request *r)
{
    if (!r->token) {
        http_set_header(r, "WWW-Authenticate", STR("Bearer"));
        return STR("Unauthorized: a bearer token is wanted");
    }
    const char *why = err_text(&r->token->ask.why);
    http_set_header(
        r, "WWW-Authenticate",
        arena_printf(&r->arena, "Bearer error=\"invalid_token\", error_description=\"%s\"", why));
    return arena_printf(&r->arena, "Unauthorized: %s", why);
}

/* Says how to come in; returns the text of the answer. */
static struct str
challenge(const struct http_conn *c)
{
    struct http_request *r = c->request;
    if (http_guard_jwt(c->part->server->opts.guard))
        return challenge_token(r);
    if (http_rules_has_users(r->rules))
        http_set_header(r, "WWW-Authenticate", STR("Basic"));
    if (http_rules_has_tokens(r->rules))
        http_set_header(r, "WWW-Authenticate", STR("Bearer"));
    return STR("Unauthorized");
}

static enum http_step
follow_verdict(struct http_conn *c, enum password_verdict verdict)
{
    struct http_request *r = c->request;
    switch (verdict) {
    case PASSWORD_GOOD:
        r->admitted = true;
        return http_input_admitted(c);
    case PASSWORD_BAD:
        return turn_away(c, HTTP_REFUSAL_UNAUTHORIZED, 401, challenge(c));
    case PASSWORD_BUSY:
        http_set_header(r, "Retry-After", STR("1"));
        return turn_away(c, HTTP_REFUSAL_PASSWORDS, 503,
                         STR("too many passwords or tokens are checked"));
    case PASSWORD_LATER:
        http_conn_enter(c, HTTP_CONN_AUTHORIZING, 0);
        transport_want(c->transport, TRANSPORT_INPUT_OFF);
        return HTTP_STEP_WAIT;
    }
    UNREACHABLE("not a verdict");
}

enum http_step
http_admit(struct http_conn *c)
{
    struct http_request *r = c->request;
    const struct http_server *s = c->part->server;
    if (!s->opts.guard) {
        r->admitted = true;
        return http_input_admitted(c);
    }
    r->rules = http_guard_rules(s->opts.guard);
    if (!http_guard_take_turn(s->opts.guard, r->rules, r->start_ns)) {
        http_set_header(r, "Retry-After", STR("1"));
        return turn_away(c, HTTP_REFUSAL_RATE, 429, STR("Too Many Requests"));
    }
    return follow_verdict(c, judge(c));
}

enum http_step
http_admit_step(struct http_conn *c)
{
    ASSERT(c->state == HTTP_CONN_AUTHORIZING);
    if (!c->request->judged)
        return HTTP_STEP_WAIT;
    transport_want(c->transport, TRANSPORT_INPUT_ON);
    return follow_verdict(c, c->request->verdict);
}
