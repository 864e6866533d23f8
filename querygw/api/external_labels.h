/* external_labels.h - labels of this server that its answers to other servers carry, though nothing
 * is stored with them. Source: prometheus storage/remote, filterExtLabelsFromMatchers and
 * MergeLabels. Pure. Threads: any. */
#pragma once
#include "base/arena.h"
#include "base/vec.h"
#include "tsdb/model/labels.h"
#include "tsdb/model/matcher.h"

VEC_TYPE(label_list, struct label);

/* What is asked of an external label by equality is asked of its absence in the store. In `a`. */
struct matchers external_labels_strip(struct arena *a, struct matchers matchers,
                                      struct labels external);
/* Both, sorted; a stored label goes before an external one of its name. The result is in *scratch
 * or `stored` itself, until the next call. */
struct labels external_labels_merge(struct label_list *scratch, struct labels stored,
                                    struct labels external);
