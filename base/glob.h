/* glob.h - patterns as Go's path/filepath.Match reads them on Unix.
 *
 *   *       any text without '/'
 *   ?       any character but '/'
 *   [a-z]   a character of a class, '/' too; [^a-z] one that is not in it
 *   \c      c itself
 * The pattern has to match all of the text. Source: path/filepath of Go.
 * Threads: any (pure). */
#pragma once
#include "base/str.h"

enum glob_result {
    GLOB_NO,
    GLOB_YES,
    GLOB_BAD, /* "syntax error in pattern": seen only as far as the text made it necessary to look
               */
};
enum glob_result glob_match(struct str pattern, struct str text);
