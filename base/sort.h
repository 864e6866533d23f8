/* sort.h - numbers in ascending order. Threads: any (pure). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In place; n may be 0 and v NULL then. */
void u32_sort(uint32_t *v, size_t n);
void u64_sort(uint64_t *v, size_t n);
/* In sorted numbers. */
bool u64_contains(const uint64_t *v, size_t n, uint64_t number);
