/* Numbers inside bit streams: every border of every width, at every position of the bits, equals
 * a plain encoder that writes bit by bit. */
#include "tests/harness.h"

#include "base/mem.h"
#include "tests/tsdb/histogram_kit.h"
#include "tsdb/chunk/varbit.h"
#include "tsdb/chunk/xor_window.h"

enum { NUMBERS = 400 };

struct plain {
    uint8_t bytes[NUMBERS * 10 + 8];
    size_t bits;
};

static void
plain_bits(struct plain *p, uint64_t v, int n)
{
    for (int i = n - 1; i >= 0; i--, p->bits++)
        p->bytes[p->bits / 8] |= (uint8_t)((v >> i & 1) << (7 - p->bits % 8));
}

static const int widths[] = {3, 6, 9, 12, 18, 25, 56};

static void
plain_number(struct plain *p, uint64_t v, bool is_signed)
{
    if (v == 0) {
        plain_bits(p, 0, 1);
        return;
    }
    for (int i = 0; i < 7; i++) {
        int64_t top = INT64_C(1) << (widths[i] - 1), x = (int64_t)v;
        if (is_signed ? x > -top && x <= top : v >> widths[i] == 0) {
            plain_bits(p, UINT64_MAX, i + 1);
            plain_bits(p, 0, 1);
            plain_bits(p, v, widths[i]);
            return;
        }
    }
    plain_bits(p, UINT64_MAX, 8);
    plain_bits(p, v, 64);
}

/* Borders first, then any size. */
static uint64_t
number_at(size_t i, uint64_t *seed)
{
    static const int64_t around[] = {-2, -1, 0, 1, 2};
    if (i < 7 * 5 * 3) {
        int64_t power = INT64_C(1) << (widths[i / 15] - (i % 3 == 0));
        return (uint64_t)((i % 3 == 2 ? -power : power) + around[i / 3 % 5]);
    }
    return kit_random(seed) >> (kit_random(seed) % 64);
}

START_TEST(test_numbers)
{
    uint64_t v[NUMBERS], seed = 5;
    struct plain *plain = mem_alloc_zero(sizeof *plain);
    struct bit_out out = {.acc = 0};
    for (size_t i = 0; i < NUMBERS; i++) {
        v[i] = number_at(i, &seed);
        plain_number(plain, v[i], i % 2);
        if (i % 2)
            varbit_put_int(&out, (int64_t)v[i]);
        else
            varbit_put_uint(&out, v[i]);
        ck_assert_uint_eq(bit_out_bytes(&out), (plain->bits + 7) / 8);
    }
    bit_out_put(&out, 0, 64); /* what waited is in the bytes now */
    ck_assert_mem_eq(out.bytes.p, plain->bytes, (plain->bits + 7) / 8);
    struct bit_reader r = bit_reader_of(str_of((char *)plain->bytes, (plain->bits + 7) / 8));
    for (size_t i = 0; i < NUMBERS; i++)
        ck_assert_uint_eq(i % 2 ? (uint64_t)varbit_take_int(&r) : varbit_take_uint(&r), v[i]);
    ck_assert_uint_eq(r.at, plain->bits);
    ck_assert(!bit_reader_overrun(&r));
    ck_assert_uint_eq(bit_reader_left(&r), r.bytes * 8 - r.at);
    buf_fini(&out.bytes);
    mem_free(plain);
}
END_TEST

/* bits.h reads zeros past the end, and says so. */
START_TEST(test_cut)
{
    static const struct {
        const char *name;
        struct str bytes;
    } rows[] = {
        {"nothing", STR_INIT("")},
        {"3 bits missing", STR_INIT("\xfe")},
        {"56 bits missing", STR_INIT("\xfe\0\0\0\0\0\0")},
        {"64 bits missing", STR_INIT("\xff\0\0\0\0\0\0\0")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bit_reader r = bit_reader_of(rows[i].bytes), s = r;
        varbit_take_uint(&r);
        ROW_ASSERT(rows[i].name, bit_reader_overrun(&r) && bit_reader_left(&r) == 0);
        varbit_take_int(&s);
        ROW_ASSERT(rows[i].name, bit_reader_overrun(&s));
    }
}
END_TEST

START_TEST(test_uvarint)
{
    static const struct {
        const char *name;
        struct str bytes;
        uint64_t want;
        bool bad;
    } rows[] = {
        {"zero", STR_INIT("\0"), 0, false},
        {"two bytes", STR_INIT("\xac\x02"), 300, false},
        {"64 bits", STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), UINT64_MAX, false},
        {"65 bits", STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), 0, true},
        {"endless", STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0, true},
        {"cut", STR_INIT("\x80"), 0, true},
        {"nothing", STR_INIT(""), 0, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (unsigned shift = 0; shift < 8; shift++) { /* at any position */
            struct plain p = {.bits = 0};
            plain_bits(&p, 0, (int)shift);
            for (size_t k = 0; k < rows[i].bytes.n; k++)
                plain_bits(&p, (uint8_t)rows[i].bytes.p[k], 8);
            struct bit_reader r = {p.bytes, (p.bits + 7) / 8, shift};
            uint64_t got = bit_reader_take_uvarint(&r);
            bool cut = rows[i].bytes.n < 2 && rows[i].bad; /* padding may stand in */
            if (!cut || shift == 0) {
                ROW_ASSERT(rows[i].name, bit_reader_overrun(&r) == rows[i].bad);
                ROW_ASSERT(rows[i].name, rows[i].bad || got == rows[i].want);
            }
        }
    }
}
END_TEST

/* V: changes go through a window and back, whatever they are. */
START_TEST(test_windows)
{
    uint64_t change[NUMBERS], seed = 9;
    struct bit_out out = {.acc = 0};
    struct xor_window w = {XOR_LEAD_UNSET, 0}, back = {0, 0};
    for (size_t i = 0; i < NUMBERS; i++) {
        change[i] = kit_random(&seed) % 4
                        ? kit_random(&seed) >> (kit_random(&seed) % 64) << (kit_random(&seed) % 64)
                        : 0;
        xor_window_put(&out, &w, change[i]);
    }
    size_t bytes = bit_out_bytes(&out);
    bit_out_put(&out, 0, 64);
    struct bit_reader r = bit_reader_of(str_of(out.bytes.p, bytes));
    for (size_t i = 0; i < NUMBERS; i++)
        ck_assert_uint_eq(xor_window_take(&r, &back), change[i]);
    ck_assert(!bit_reader_overrun(&r));
    buf_fini(&out.bytes);
    /* 11, lead 31, 63 significant bits: more than there are */
    r = bit_reader_of(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
    xor_window_take(&r, &back);
    ck_assert(bit_reader_overrun(&r));
    /* readers start with a window of 64 bits */
    r = bit_reader_of(STR("\xbf\xff\xff\xff\xff\xff\xff\xff\xc0"));
    back = (struct xor_window){0, 0};
    ck_assert_uint_eq(xor_window_take(&r, &back), UINT64_MAX);
}
END_TEST

Suite *
varbit_suite(void)
{
    Suite *s = suite_create("varbit");
    TCase *t = tcase_create("core");
    tcase_add_test(t, test_numbers);
    tcase_add_test(t, test_cut);
    tcase_add_test(t, test_uvarint);
    tcase_add_test(t, test_windows);
    suite_add_tcase(s, t);
    return s;
}
