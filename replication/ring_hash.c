/* ring_hash.c - names and values of a key gathered on the stack and hashed at once.
 *
 * This runs once a row. In a key of usual form every length is one byte: where the next label
 * starts and where its texts go follows from one length alone, so that the processor copies
 * several labels at a time. Keys of any other form, and long ones, take the stream. */
#include "replication/ring_hash.h"

#include "base/hash.h"
#include "base/pb.h"

enum {
    GATHER_BYTES = 2048, /* tenant and key together; longer ones are streamed */
    GATHER_SLACK = 32,   /* copies write whole blocks */
    KEY_LABELS = 1,      /* field numbers of label_key.h */
    LABEL_NAME = 1,
    LABEL_VALUE = 2,
};
static const char separator = (char)0xff;

/* --- any form ------------------------------------------------------------------------------ */

static struct err
malformed(void)
{
    return ERR(ERR_INVALID, "label bytes are malformed");
}

static struct err
read_label(struct str bytes, struct str *ret_name, struct str *ret_value)
{
    struct reader r = reader_of(bytes);
    struct pb_field f;
    struct str name = STR(""), value = STR("");
    while (pb_next(&r, &f)) {
        if (f.number != LABEL_NAME && f.number != LABEL_VALUE)
            continue;
        if (f.wire != PB_LEN)
            return malformed();
        *(f.number == LABEL_NAME ? &name : &value) = f.bytes;
    }
    if (r.code)
        return malformed();
    *ret_name = name;
    *ret_value = value;
    return OK;
}

static void
stream_text(struct hash64_stream *h, struct str text)
{
    hash64_add(h, text);
    hash64_add(h, str_of(&separator, 1));
}

static struct err
hash_any(struct str tenant, struct str label_key, uint64_t *ret_hash)
{
    struct hash64_stream h;
    hash64_begin(&h);
    stream_text(&h, tenant);
    struct reader r = reader_of(label_key);
    struct pb_field f;
    while (pb_next(&r, &f)) {
        if (f.number != KEY_LABELS || f.wire != PB_LEN)
            return malformed();
        struct str name, value;
        TRY(read_label(f.bytes, &name, &value));
        stream_text(&h, name);
        stream_text(&h, value);
    }
    if (r.code)
        return malformed();
    *ret_hash = hash64_end(&h);
    return OK;
}

/* --- the usual form ------------------------------------------------------------------------ */

/* Copies n bytes and the separator; reads up to `end` at most, writes up to GATHER_SLACK
 * bytes more. */
static inline void
gather(char *to, const char *from, size_t n, const char *end)
{
    enum { BLOCK = 32 };
    /* A block is copied even where there is nothing to copy. */
    if (__builtin_expect((size_t)(end - from) >= n / BLOCK * BLOCK + BLOCK, 1)) {
        size_t at = 0;
        do
            memcpy(to + at, from + at, BLOCK);
        while ((at += BLOCK) < n);
    } else {
        memcpy(to, from, n);
    }
    to[n] = separator;
}

/* False: the key has another form. */
static bool
hash_usual(struct str tenant, struct str label_key, uint64_t *ret_hash)
{
    char bytes[GATHER_BYTES + GATHER_SLACK];
    char *to = bytes;
    if (tenant.n > 0)
        memcpy(to, tenant.p, tenant.n);
    to[tenant.n] = separator;
    to += tenant.n + 1;
    const char *at = label_key.p, *end = label_key.p + label_key.n;
    while (at != end) {
        size_t left = (size_t)(end - at);
        if (left < 6 || load_le16(at) >= 0x8000 || at[0] != 0x0a || at[2] != 0x0a)
            return false;
        size_t label_n = (uint8_t)at[1], name_n = (uint8_t)at[3];
        if (label_n + 2 > left || name_n + 4 > label_n)
            return false;
        const char *value = at + 4 + name_n;
        size_t value_n = label_n - 4 - name_n;
        if (value[0] != 0x12 || (uint8_t)value[1] != value_n)
            return false;
        gather(to, at + 4, name_n, end);
        gather(to + name_n + 1, value + 2, value_n, end);
        to += label_n - 2;
        at += label_n + 2;
    }
    *ret_hash = hash64(str_of(bytes, (size_t)(to - bytes)));
    return true;
}

struct err
ring_hash(struct str tenant, struct str label_key, uint64_t *ret_hash)
{
    /* What is gathered of a label is shorter than the label, and one byte follows the tenant. */
    if (tenant.n + label_key.n < GATHER_BYTES && hash_usual(tenant, label_key, ret_hash))
        return OK;
    return hash_any(tenant, label_key, ret_hash);
}
