/* A text of samples, in OpenMetrics when the first byte is odd: every line is in the batch,
 * refused, or says nothing; labels are well-formed texts. */
#include "base/mem.h"
#include "ingest/text_import.h"
#include "tests/fuzz/batch_check.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    enum exposition_format format =
        size > 0 && data[0] & 1 ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
    struct str text = str_of((const char *)data + (size > 0), size - (size > 0));
    struct batch batch;
    struct err e = text_import(&a, format, text, 0, &batch);
    if (e.code == ERR_NONE) {
        batch_check(&batch);
        ASSERT(batch.refused.items_taken == batch.request.row_count);
    }
    ASSERT(e.code == ERR_NONE || e.code == ERR_TOO_LARGE);
    err_drop(e);
    return 0;
}
