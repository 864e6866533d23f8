/* judge.c - samples that are not newer than all of their series. */
#include "tsdb/head/judge.h"

enum sample_fate
judge_rest(const struct judge_limits *l, struct judge_last last, int64_t t_ms,
           enum judge_value value)
{
    bool valid = t_ms >= l->min_valid_ms;
    if (valid && last.known && t_ms == last.t_ms)
        return value == JUDGE_SAME_VALUE ? SAMPLE_REPEATED : SAMPLE_DUPLICATE;
    if (l->late_allowed)
        return t_ms >= l->late_min_ms ? SAMPLE_STORED_LATE : SAMPLE_TOO_OLD;
    return valid ? SAMPLE_OUT_OF_ORDER : SAMPLE_OUT_OF_BOUNDS;
}
