/* A request of OTLP in protobuf, decoded and mapped; what is mapped is a sound batch. */
#include "base/mem.h"
#include "ingest/otlp.h"
#include "tests/fuzz/batch_check.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str promoted[] = {STR_INIT("a"), STR_INIT("service.name")};
    AUTO(arena_fini) struct arena a = {0};
    struct otlp_request request;
    struct batch batch;
    struct err e = otlp_decode(&a, OTLP_PROTOBUF, str_of((const char *)data, size), &request);
    if (e.code == ERR_NONE)
        e = otlp_to_batch(&a, &request, &(struct otlp_options){true, promoted, 2}, &batch);
    if (e.code == ERR_NONE)
        batch_check(&batch);
    ASSERT(e.code == ERR_NONE || e.code == ERR_INVALID || e.code == ERR_TOO_LARGE);
    err_drop(e);
    return 0;
}
