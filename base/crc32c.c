/* crc32c.c - CRC-32 Castagnoli: the CPU's instruction, or eight table look-ups for eight bytes.
 *
 * The tables are built by the preprocessor: a CRC is linear, so entry i of a table is the
 * exclusive or of the entries of i's bits, and only those eight are spelled out. They come
 * from table[0][1 << b] = the bitwise CRC of that byte with polynomial 0x82F63B78 (reflected)
 * and table[k][i] = table[0][table[k - 1][i] & 255] ^ (table[k - 1][i] >> 8). */
#include "base/crc32c.h"

#include <stdbool.h>

#include "base/bytes.h"

#if defined(__x86_64__)
#define CRC_HARDWARE __attribute__((target("sse4.2")))
#define CRC_STEP8    (uint32_t) __builtin_ia32_crc32di
#define CRC_STEP1    __builtin_ia32_crc32qi
static bool
has_hardware(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#define CRC_HARDWARE __attribute__((target("+crc")))
#define CRC_STEP8    __crc32cd
#define CRC_STEP1    __crc32cb
static bool
has_hardware(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}
#endif

enum { SLICES = 8 };

#define BIT(i, b, value) (((i) >> (b)) & 1 ? (value) : 0u)
#define ENTRY(i, b0, b1, b2, b3, b4, b5, b6, b7)                                                   \
    BIT(i, 0, b0) ^ BIT(i, 1, b1) ^ BIT(i, 2, b2) ^ BIT(i, 3, b3) ^ BIT(i, 4, b4) ^                \
        BIT(i, 5, b5) ^ BIT(i, 6, b6) ^ BIT(i, 7, b7)
#define ENTRY4(i, ...)                                                                             \
    ENTRY((i), __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__), ENTRY((i) + 2, __VA_ARGS__),             \
        ENTRY((i) + 3, __VA_ARGS__)
#define ENTRY16(i, ...)                                                                            \
    ENTRY4((i), __VA_ARGS__), ENTRY4((i) + 4, __VA_ARGS__), ENTRY4((i) + 8, __VA_ARGS__),          \
        ENTRY4((i) + 12, __VA_ARGS__)
#define ENTRY64(i, ...)                                                                            \
    ENTRY16((i), __VA_ARGS__), ENTRY16((i) + 16, __VA_ARGS__), ENTRY16((i) + 32, __VA_ARGS__),     \
        ENTRY16((i) + 48, __VA_ARGS__)
#define SLICE(...)                                                                                 \
    {                                                                                              \
        ENTRY64(0, __VA_ARGS__), ENTRY64(64, __VA_ARGS__), ENTRY64(128, __VA_ARGS__),              \
            ENTRY64(192, __VA_ARGS__)                                                              \
    }

/* slice[k][i]: the CRC of byte i followed by k zero bytes, without the outer inversions.
 * A row spells out its entries 1, 2, 4 .. 128. */
static const uint32_t slice[SLICES][256] = {
    SLICE(0xf26b8303u, 0xe13b70f7u, 0xc79a971fu, 0x8ad958cfu, 0x105ec76fu, 0x20bd8edeu, 0x417b1dbcu,
          0x82f63b78u),
    SLICE(0x13a29877u, 0x274530eeu, 0x4e8a61dcu, 0x9d14c3b8u, 0x3fc5f181u, 0x7f8be302u, 0xff17c604u,
          0xfbc3faf9u),
    SLICE(0xa541927eu, 0x4f6f520du, 0x9edea41au, 0x38513ec5u, 0x70a27d8au, 0xe144fb14u, 0xc76580d9u,
          0x8b277743u),
    SLICE(0xdd45aab8u, 0xbf672381u, 0x7b2231f3u, 0xf64463e6u, 0xe964b13du, 0xd725148bu, 0xaba65fe7u,
          0x52a0c93fu),
    SLICE(0x38116facu, 0x7022df58u, 0xe045beb0u, 0xc5670b91u, 0x8f2261d3u, 0x1ba8b557u, 0x37516aaeu,
          0x6ea2d55cu),
    SLICE(0xef306b19u, 0xdb8ca0c3u, 0xb2f53777u, 0x6006181fu, 0xc00c303eu, 0x85f4168du, 0x0e045bebu,
          0x1c08b7d6u),
    SLICE(0x68032cc8u, 0xd0065990u, 0xa5e0c5d1u, 0x4e2dfd53u, 0x9c5bfaa6u, 0x3d5b83bdu, 0x7ab7077au,
          0xf56e0ef4u),
    SLICE(0x493c7d27u, 0x9278fa4eu, 0x211d826du, 0x423b04dau, 0x847609b4u, 0x0d006599u, 0x1a00cb32u,
          0x34019664u),
};

uint32_t
crc32c_extend_portable(uint32_t crc, struct str s)
{
    const char *p = s.p;
    size_t left = s.n;
    crc = ~crc;
    for (; left >= SLICES; p += SLICES, left -= SLICES) {
        uint64_t v = load_le64(p) ^ crc;
        crc = 0;
        for (unsigned i = 0; i < SLICES; i++)
            crc ^= slice[SLICES - 1 - i][(v >> (8 * i)) & 255];
    }
    for (; left > 0; p++, left--)
        crc = (crc >> 8) ^ slice[0][(crc ^ (uint8_t)*p) & 255];
    return ~crc;
}

#ifdef CRC_HARDWARE
CRC_HARDWARE static uint32_t
extend_hardware(uint32_t crc, struct str s)
{
    const char *p = s.p;
    size_t left = s.n;
    crc = ~crc;
    for (; left >= 8; p += 8, left -= 8)
        crc = CRC_STEP8(crc, load_le64(p));
    for (; left > 0; p++, left--)
        crc = CRC_STEP1(crc, (uint8_t)*p);
    return ~crc;
}

uint32_t
crc32c_extend(uint32_t crc, struct str s)
{
    return has_hardware() ? extend_hardware(crc, s) : crc32c_extend_portable(crc, s);
}
#else
uint32_t
crc32c_extend(uint32_t crc, struct str s)
{
    return crc32c_extend_portable(crc, s);
}
#endif

uint32_t
crc32c(struct str s)
{
    return crc32c_extend(0, s);
}
