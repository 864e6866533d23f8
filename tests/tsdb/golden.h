/* golden.h - where the large golden data lies, which is no part of the tree. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The path of a file or directory below ../shared/golden beside the source tree, valid until
 * the next call; NULL, with a line on stdout that says "skip", when it is not there. */
const char *golden_path(const char *relative);
/* The value that the golden listings write as `text` ("stale", "NaN", shortest decimal). */
bool golden_value_is(const char *text, uint64_t bits);
