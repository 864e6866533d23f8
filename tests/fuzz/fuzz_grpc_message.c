/* The bytes of a stream, cut in pieces: every message within the limit, all memory given back. The
 * first byte chooses encoding and pieces. */
#include "base/assert.h"
#include "net/grpc/grpc_message.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT_BYTES = 1 << 16 };

/* False: the stream is bad. */
static bool
read_some(struct grpc_reader *r, struct str *rest, enum grpc_encoding e)
{
    bool whole = false;
    struct err failed = grpc_reader_feed(r, rest, &whole);
    if (failed.code == ERR_NONE && whole) {
        struct grpc_payload p;
        grpc_reader_take(r, &p);
        failed = grpc_payload_decode(&p, e, LIMIT_BYTES);
        ASSERT(failed.code != ERR_NONE || p.bytes.n <= LIMIT_BYTES);
        grpc_payload_fini(&p);
    }
    bool good = failed.code == ERR_NONE;
    err_drop(failed);
    return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct budget budget = {.limit_bytes = 4 * LIMIT_BYTES};
    enum grpc_encoding e = (enum grpc_encoding)(data[0] % GRPC_ENCODING_COUNT);
    size_t step = data[0] / GRPC_ENCODING_COUNT + 1u;
    struct str wire = str_of((const char *)data + 1, size - 1);
    struct grpc_reader r;
    grpc_reader_init(&r, LIMIT_BYTES, &budget);
    for (bool good = true; good && wire.n > 0;) {
        struct str rest = str_take(&wire, size_min(step, wire.n));
        while (good && rest.n > 0)
            good = read_some(&r, &rest, e);
    }
    grpc_reader_fini(&r);
    ASSERT(budget_used(&budget) == 0);
    return 0;
}
