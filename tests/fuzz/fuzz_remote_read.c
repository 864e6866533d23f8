/* What decodes as a read request keeps its limits, and its matchers can be used. */
#include "base/assert.h"
#include "base/mem.h"
#include "proto/remote_read.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    struct read_request request = {0};
    struct err e = read_request_decode(&a, str_of((const char *)data, size), &request);
    ASSERT(e.code == ERR_NONE || e.code == ERR_INVALID);
    ASSERT(request.query_count <= READ_QUERIES_MAX);
    for (size_t i = 0; i < request.query_count; i++) {
        ASSERT(request.queries[i].matchers.n <= READ_MATCHERS_MAX);
        for (size_t k = 0; k < request.queries[i].matchers.n; k++)
            matcher_match(&request.queries[i].matchers.v[k], STR("node"));
    }
    err_drop(e);
    return 0;
}
