/* Rules up to the first "\n\n", then a label key: what comes out is a label set that encodes and
 * decodes to itself. */
#include "base/assert.h"
#include "ingest/relabel.h"
#include "tests/fuzz/fuzz.h"

static void
check(const struct relabel_rules *rules, struct labels labels)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf key = BUF_INIT;
    struct labels again;
    struct relabel_result r = relabel_apply(rules, &a, labels);
    ASSERT((r.outcome == RELABEL_REFUSED) == (r.fault != LABEL_FAULT_NONE));
    if (r.outcome != RELABEL_CHANGED)
        return;
    label_key_encode(r.labels, &key);
    enum label_fault fault = label_key_decode(&a, buf_str(&key), &again);
    ASSERT(fault == (r.labels.n > 0 ? LABEL_FAULT_NONE : LABEL_FAULT_EMPTY_SET));
    ASSERT(r.labels.n == 0 || labels_eq(r.labels, again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(relabel_free) struct relabel_rules *rules = NULL;
    struct str text = str_of((const char *)data, size), key = STR("");
    const char *end = memmem(text.p, text.n, "\n\n", 2);
    if (end) {
        size_t n = (size_t)(end - text.p);
        key = str_skip(text, n + 2);
        text.n = n;
    }
    struct labels labels;
    struct err e = relabel_parse(text, &rules);
    ASSERT(e.code == ERR_NONE || e.msg);
    if (rules && label_key_decode(&a, key, &labels) == LABEL_FAULT_NONE)
        check(rules, labels);
    err_drop(e);
    return 0;
}
