/* url.h - percent escapes of URLs, read as Go's net/url reads them.
 * Threads: any. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* 0 to 15, or -1. */
int url_hex_digit(char c);

enum url_part { URL_PATH, URL_QUERY }; /* in a query '+' is a space */

/* *ret_text is `text` itself when nothing is escaped, else a copy in the arena. ERR_INVALID:
 * invalid URL escape "%zz" (Go's wording). */
struct err url_unescape(struct arena *a, struct str text, enum url_part part, struct str *ret_text);
