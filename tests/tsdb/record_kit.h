/* record_kit.h - decodes records of every type and encodes them again. */
#pragma once
#include "base/str.h"

/* Decodes a record of a known type, which must be sound; returns how many items it has. With `to`
 * they are encoded anew there, as a record of the same type (types 1 to 10 only). */
size_t record_kit_walk(struct str record, struct buf *to);
