/* process_int.h - reading /proc, for the process_*.c. */
#pragma once
#include <stdbool.h>

#include "base/str.h"

/* Appends a file of /proc or /sys; false when it cannot be read or is larger than any known one. */
bool process_read_proc(const char *path, struct buf *to);
