/* case.h - texts in lower and upper case, as Go's strings.ToLower and ToUpper: character by
 * character, by the tables of Unicode 15.0, for no language in particular. Malformed bytes of a
 * text that is not ASCII become U+FFFD. Threads: any (pure). */
#pragma once
#include "base/str.h"

/* Append to *to. */
void case_lower(struct str s, struct buf *to);
void case_upper(struct str s, struct buf *to);
