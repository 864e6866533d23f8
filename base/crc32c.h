/* crc32c.h - CRC-32 Castagnoli (RFC 3720 appendix B.4), in hardware where the CPU has it.
 * Threads: any. */
#pragma once
#include <stdint.h>

#include "base/str.h"

/* Of one string. */
uint32_t crc32c(struct str s);
/* Continues: crc32c(ab) == crc32c_extend(crc32c(a), b). */
uint32_t crc32c_extend(uint32_t crc, struct str s);
/* The table-driven form, for tests against the hardware one. */
uint32_t crc32c_extend_portable(uint32_t crc, struct str s);
