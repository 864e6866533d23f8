/* writeable_rows.c - see writeable_rows.h. */
#include "proto/writeable_rows.h"

#include "base/bytes.h"

#define WHOLE_MAX ((double)(INT64_C(1) << 51))
enum { RAW = 1 };

/* Not -0, which has no whole number of its own. */
static bool
is_whole(uint64_t bits, int64_t *ret_whole)
{
    double value = f64_of_bits(bits);
    if (!(value > -WHOLE_MAX && value < WHOLE_MAX)) /* NaN, too */
        return false;
    *ret_whole = (int64_t)value;
    return bits_of_f64((double)*ret_whole) == bits;
}

static char *
store_value(char *at, uint64_t bits)
{
    int64_t whole;
    if (is_whole(bits, &whole))
        return at + store_uvarint(at, zigzag_of_i64(whole) << 1);
    *at++ = RAW;
    store_le64(at, bits);
    return at + sizeof bits;
}

char *
numbered_samples_store(char *at, const struct numbered_sample *samples, size_t n)
{
    uint32_t number = 0;
    uint64_t t_ms = 0; /* differences wrap */
    at += store_uvarint(at, n);
    for (size_t i = 0; i < n; i++) {
        at += store_varint(at, (int64_t)samples[i].number - number);
        number = samples[i].number;
    }
    for (size_t i = 0; i < n; i++) {
        at += store_varint(at, (int64_t)((uint64_t)samples[i].sample.t_ms - t_ms));
        t_ms = (uint64_t)samples[i].sample.t_ms;
    }
    for (size_t i = 0; i < n; i++)
        at = store_value(at, samples[i].sample.bits);
    return at;
}

static struct err
malformed(void)
{
    return ERR(ERR_INVALID, "malformed rows of numbered series");
}

struct err
numbered_samples_count(struct str bytes, size_t *ret_count)
{
    struct reader r = reader_of(bytes);
    uint64_t count = reader_uvarint(&r);
    if (r.code != ERR_NONE || count > reader_left(&r) / NUMBERED_SAMPLE_BYTES_MIN)
        return malformed();
    *ret_count = (size_t)count;
    return OK;
}

static bool
load_number(struct reader *r, uint32_t *number)
{
    int64_t next = (int64_t)((uint64_t)*number + (uint64_t)reader_varint(r));
    if (next < 0 || next > UINT32_MAX)
        return false;
    *number = (uint32_t)next;
    return true;
}

static bool
load_value(struct reader *r, uint64_t *ret_bits)
{
    uint64_t told = reader_uvarint(r);
    if (told & 1) {
        *ret_bits = reader_le64(r);
        return told == RAW;
    }
    *ret_bits = bits_of_f64((double)i64_of_zigzag(told >> 1));
    return true;
}

struct err
numbered_samples_load(struct str bytes, struct numbered_sample *samples, size_t count)
{
    struct reader r = reader_of(bytes);
    uint32_t number = 0;
    uint64_t t_ms = 0;
    bool good = reader_uvarint(&r) == count;
    for (size_t i = 0; i < count && good; i++) {
        good = load_number(&r, &number);
        samples[i].number = number;
    }
    for (size_t i = 0; i < count; i++) {
        t_ms += (uint64_t)reader_varint(&r);
        samples[i].sample.t_ms = (int64_t)t_ms;
    }
    for (size_t i = 0; i < count && good; i++)
        good = load_value(&r, &samples[i].sample.bits);
    return good && r.code == ERR_NONE && reader_left(&r) == 0 ? OK : malformed();
}
