/* jwt.c - the parts of a token, and what its claims must be. */
#include "net/jwt.h"

#include "base/mem.h"
#include "net/base64.h"
#include "net/jwt_json.h"

static struct err
bad(const char *why)
{
    return ERR(ERR_UNAUTHORIZED, "%s", why);
}

/* --- JSON ------------------------------------------------------------------------------------- */

/* jansson recurses once a level. */
static bool
is_deep(struct str text)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > JWT_JSON_DEPTH_MAX)
            return true;
    }
    return false;
}

json_t *
jwt_json_object(struct str text)
{
    if (is_deep(text))
        return NULL;
    json_t *json = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
    if (json && !json_is_object(json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static struct str
text_of(const json_t *value)
{
    if (!json_is_string(value))
        return (struct str){NULL, 0};
    return str_of(json_string_value(value), json_string_length(value));
}

struct str
jwt_json_text(const json_t *object, const char *name)
{
    return text_of(json_object_get(object, name));
}

/* --- header ----------------------------------------------------------------------------------- */

/* `crit` names extensions that a reader must know: we know none (RFC 7515 section 4.1.11). */
static struct err
read_header(struct arena *a, struct str text, struct jwt *t)
{
    AUTO(json_decref) json_t *header = jwt_json_object(text);
    if (!header)
        return bad("the token's header is not a JSON object");
    if (json_object_get(header, "crit"))
        return bad("the token's header has critical extensions");
    const json_t *key_id = json_object_get(header, "kid");
    if (key_id && !json_is_string(key_id))
        return bad("the token's kid is not a text");
    t->algorithm = arena_str(a, jwt_json_text(header, "alg"));
    t->key_id = arena_str(a, text_of(key_id));
    return t->algorithm.n > 0 ? OK : bad("the token names no algorithm");
}

struct err
jwt_read(struct arena *a, struct str token, struct jwt *ret_token)
{
    if (token.n > JWT_BYTES_MAX)
        return bad("the token is too long");
    struct str rest = token, header;
    struct str coded_header = str_split(&rest, '.');
    struct str coded_payload = str_split(&rest, '.');
    size_t signed_bytes = coded_header.n + 1 + coded_payload.n;
    if (signed_bytes >= token.n || str_find_byte(rest, '.') < rest.n)
        return bad("not a JSON Web Token of three parts");
    if (!base64_decode(BASE64_URL, a, coded_header, &header) ||
        !base64_decode(BASE64_URL, a, coded_payload, &ret_token->payload) ||
        !base64_decode(BASE64_URL, a, rest, &ret_token->signature))
        return bad("the token is not base64url");
    ret_token->signed_text = str_of(token.p, signed_bytes);
    return read_header(a, header, ret_token);
}

/* --- claims ----------------------------------------------------------------------------------- */

/* A NumericDate: seconds, maybe with a fraction. An absent one leaves *ms as it is. */
static struct err
read_time(const json_t *claims, const char *name, int64_t *ms)
{
    static const double seconds_max = 1e12; /* in ms, far from the ends of int64 */
    const json_t *value = json_object_get(claims, name);
    if (!value)
        return OK;
    if (!json_is_number(value))
        return ERR(ERR_UNAUTHORIZED, "the token's %s is not a number", name);
    double seconds = json_number_value(value);
    seconds = seconds > seconds_max ? seconds_max : seconds < -seconds_max ? -seconds_max : seconds;
    *ms = (int64_t)(seconds * 1000);
    return OK;
}

static struct err
check_times(const json_t *claims, int64_t now_ms, struct jwt_claims *c)
{
    int64_t not_before_ms = INT64_MIN, issued_ms = INT64_MIN, expires_ms = INT64_MAX;
    TRY(read_time(claims, "nbf", &not_before_ms));
    TRY(read_time(claims, "iat", &issued_ms));
    TRY(read_time(claims, "exp", &expires_ms));
    int64_t from_ms = i64_max(not_before_ms, issued_ms);
    c->from_ms = from_ms == INT64_MIN ? from_ms : from_ms - JWT_LEEWAY_MS;
    c->until_ms = expires_ms == INT64_MAX ? expires_ms : expires_ms + JWT_LEEWAY_MS;
    if (now_ms > c->until_ms)
        return bad("the token has expired");
    return now_ms >= c->from_ms ? OK : bad("the token is not valid yet");
}

static bool
names_audience(const json_t *aud, struct str ours)
{
    bool found = json_is_string(aud) && str_eq(text_of(aud), ours);
    for (size_t i = 0; i < json_array_size(aud); i++)
        found |=
            json_is_string(json_array_get(aud, i)) && str_eq(text_of(json_array_get(aud, i)), ours);
    return found;
}

/* A token that was made for somebody must be refused by everybody else (RFC 7519 section 4.1.3). */
static struct err
check_audience(const json_t *claims, struct str ours)
{
    const json_t *aud = json_object_get(claims, "aud");
    if (!aud && ours.n == 0)
        return OK;
    return ours.n > 0 && names_audience(aud, ours) ? OK : bad("the token is for another audience");
}

static struct err
read_identity(struct arena *a, const json_t *claims, struct str name, struct str *ret_identity)
{
    /* Flags and the arena's texts end in NUL. */
    struct str identity = jwt_json_text(claims, arena_str(a, name).p);
    if (identity.n == 0)
        return bad("the token has no text in the claim that names the tenant");
    if (identity.n > JWT_IDENTITY_BYTES_MAX || str_find_byte(identity, '\0') < identity.n)
        return bad("the token's claim is no name of a tenant");
    *ret_identity = arena_str(a, identity);
    return OK;
}

struct err
jwt_claims_read(struct arena *a, struct str payload, const struct jwt_demands *want, int64_t now_ms,
                struct jwt_claims *ret_claims)
{
    AUTO(json_decref) json_t *claims = jwt_json_object(payload);
    if (!claims)
        return bad("the token's claims are not a JSON object");
    TRY(check_times(claims, now_ms, ret_claims));
    if (want->issuer.n > 0 && !str_eq(jwt_json_text(claims, "iss"), want->issuer))
        return bad("the token is of another issuer");
    TRY(check_audience(claims, want->audience));
    return read_identity(a, claims, want->claim, &ret_claims->identity);
}
