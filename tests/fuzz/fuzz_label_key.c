/* A key that decodes is sorted and unique, and its canonical form decodes to the same. */
#include "base/assert.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/model/label_key.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct labels l, again;
    enum label_fault fault = label_key_decode(&a, str_of((const char *)data, size), &l);
    ASSERT(label_fault_text(fault) != NULL);
    if (fault)
        return 0;
    ASSERT(l.n > 0 && l.n <= LABELS_COUNT_MAX);
    for (size_t i = 0; i < l.n; i++) {
        ASSERT(l.v[i].name.n > 0 && l.v[i].value.n > 0);
        ASSERT(i == 0 || str_cmp(l.v[i - 1].name, l.v[i].name) < 0);
    }
    AUTO(buf_fini) struct buf key = BUF_INIT, key2 = BUF_INIT;
    label_key_encode(l, &key);
    ASSERT(label_key_decode(&a, buf_str(&key), &again) == LABEL_FAULT_NONE);
    ASSERT(labels_eq(l, again));
    label_key_encode(again, &key2);
    ASSERT(str_eq(buf_str(&key), buf_str(&key2)));
    return 0;
}
