/* nearest.h - "did you mean ...?": the offered name that differs least from a mistyped one.
 *
 *   struct nearest near = nearest_init(word);
 *   nearest_offer(&near, name1); nearest_offer(&near, name2);
 *   if (near.best.n) ...
 * Distance is Levenshtein's. A name is only suggested when at most a third of the longer text
 * differs. Threads: any (a value). */
#pragma once
#include "base/str.h"

enum { NEAREST_BYTES_MAX = 128 }; /* longer words and names have no neighbours */

struct nearest {
    struct str word;
    struct str best; /* borrowed from nearest_offer(); empty while nothing is near */
    size_t distance; /* of best */
};

struct nearest nearest_init(struct str word);
void nearest_offer(struct nearest *near, struct str name);
