/* label_name.h - label names in paths: U__ and then the name, with what is no letter, digit or
 * colon written as _HEX_ and an underscore doubled.
 * Source: prometheus/common model.UnescapeName, value encoding. Pure function. */
#pragma once
#include "base/arena.h"
#include "base/str.h"

/* The name that `text` stands for: `text` itself when it does not begin with U__ or breaks the
 * rules behind it. */
struct str label_name_unescape(struct arena *a, struct str text);
