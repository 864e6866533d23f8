/* fuzz.h - what every target defines: one call with one input, which must neither crash nor
 * break a promise that the target asserts. Called by libFuzzer, or by replay.c. */
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
