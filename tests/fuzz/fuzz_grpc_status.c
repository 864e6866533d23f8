/* Texts of grpc-message: what is encoded is printable and short, and the decoder gives well-formed
 * UTF-8 back as it was. grpc-timeout: what is read is written as at least as long. */
#include "base/assert.h"
#include "base/mem.h"
#include "net/grpc/grpc_status.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    AUTO(buf_fini) struct buf encoded = BUF_INIT, decoded = BUF_INIT;
    grpc_text_encode(text, &encoded);
    ASSERT(encoded.n <= GRPC_TEXT_BYTES_MAX);
    for (size_t i = 0; i < encoded.n; i++)
        ASSERT(encoded.p[i] >= ' ' && encoded.p[i] <= '~');
    grpc_text_decode(buf_str(&encoded), &decoded);
    if (str_is_utf8(text) && size <= GRPC_TEXT_BYTES_MAX / 3)
        ASSERT(str_eq(buf_str(&decoded), text));
    buf_clear(&decoded);
    grpc_text_decode(text, &decoded);
    ASSERT(decoded.n <= size);

    uint64_t ns, again;
    char shown[GRPC_TIMEOUT_BYTES_MAX];
    if (grpc_timeout_parse(text, &ns)) {
        grpc_timeout_format(ns, shown);
        ASSERT(grpc_timeout_parse(str_of_cstr(shown), &again) && again >= ns);
    }
    enum grpc_code code;
    if (grpc_code_parse(text, &code))
        ASSERT((unsigned)code < GRPC_CODE_COUNT);
    return 0;
}
