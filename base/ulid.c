/* ulid.c - five bits a character; the first holds only the upper three of 128. */
#include "base/ulid.h"

#include "base/assert.h"
#include "base/bytes.h"

enum { ULID_TIME_BYTES = ULID_BYTES - ULID_RANDOM_BYTES };

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

_Static_assert(sizeof alphabet == 32 + 1, "five bits a character");
_Static_assert(ULID_TEXT_BYTES * 5 == ULID_BYTES * 8 + 2, "two bits of the text are always 0");

struct ulid
ulid_of(int64_t time_ms, const uint8_t random[ULID_RANDOM_BYTES])
{
    ASSERT(time_ms >= 0 && time_ms < (int64_t)1 << 48);
    struct ulid u;
    store_be64(u.bytes, (uint64_t)time_ms << 16);
    memcpy(u.bytes + ULID_TIME_BYTES, random, ULID_RANDOM_BYTES);
    return u;
}

int64_t
ulid_time_ms(const struct ulid *u)
{
    return (int64_t)(load_be64(u->bytes) >> 16);
}

int
ulid_cmp(const struct ulid *a, const struct ulid *b)
{
    return memcmp(a->bytes, b->bytes, ULID_BYTES);
}

struct err
ulid_parse(struct str text, struct ulid *ret_ulid)
{
    if (text.n != ULID_TEXT_BYTES)
        return ERR(ERR_INVALID, "ulid \"%.*s\": %zu bytes, must be %d", STR_FMT(text), text.n,
                   ULID_TEXT_BYTES);
    unsigned __int128 value = 0;
    for (size_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] ? strchr(alphabet, text.p[i]) : NULL;
        if (!at)
            return ERR(ERR_INVALID, "ulid \"%.*s\": bad character at %zu", STR_FMT(text), i);
        if (i == 0 && at - alphabet > 7)
            return ERR(ERR_INVALID, "ulid \"%.*s\": above 128 bits", STR_FMT(text));
        value = value << 5 | (unsigned)(at - alphabet);
    }
    store_be64(ret_ulid->bytes, (uint64_t)(value >> 64));
    store_be64(ret_ulid->bytes + 8, (uint64_t)value);
    return OK;
}

bool
ulid_is(struct str text)
{
    struct ulid u;
    struct err e = ulid_parse(text, &u);
    bool is = e.code == ERR_NONE;
    err_drop(e);
    return is;
}

void
ulid_format(const struct ulid *u, char to[ULID_TEXT_BYTES])
{
    unsigned __int128 value =
        (unsigned __int128)load_be64(u->bytes) << 64 | load_be64(u->bytes + 8);
    for (size_t i = ULID_TEXT_BYTES; i-- > 0; value >>= 5)
        to[i] = alphabet[(unsigned)value & 31];
}
