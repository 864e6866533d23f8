/* golden.h - where the large golden data lies, which is no part of the tree. */
#pragma once
#include <stddef.h>

/* The path of a file or directory below ../shared/golden beside the source tree, valid until
 * the next call; NULL, with a line on stdout that says "skip", when it is not there. */
const char *golden_path(const char *relative);
