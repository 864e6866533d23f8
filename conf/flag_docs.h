/* flag_docs.h - the documents made of all flag tables: docs/flags.md and the man page.
 * Threads: any. */
#pragma once
#include "base/str.h"

/* docs/flags.md, whole. It is committed; a unit test says when it is out of date. */
void flag_docs_write_markdown(struct buf *to);
/* mneme.1, whole. */
void flag_docs_write_man(struct str version, struct buf *to);
