/* yaml_show.h - a tree as YAML text again, for people to look at: without comments, with aliases
 * and merges written out, and with <secret> in the place of what must not be seen.
 *
 * Secret are the values of keys that name a secret (yaml_show.c), all below them, and URLs that
 * carry a user. Threads: any (pure). */
#pragma once
#include "conf/yaml.h"

enum { YAML_SHOW_BYTES_MAX = 1 << 20 };

/* Appends block YAML that reads as the same tree, but for secrets. A longer text than
 * YAML_SHOW_BYTES_MAX (aliases multiply) is cut, and a comment says so. NULL is an empty document.
 */
void yaml_show(const struct yaml_node *root, struct buf *to);
