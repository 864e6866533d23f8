/* Fields that were read can be written again and then read as the same fields. */
#include "base/assert.h"
#include "base/mem.h"
#include "base/pb.h"
#include "tests/fuzz/fuzz.h"

static void
put_field(struct buf *to, const struct pb_field *f)
{
    pb_put_tag(to, f->number, f->wire);
    if (f->wire == PB_VARINT)
        buf_put_uvarint(to, f->value);
    else if (f->wire == PB_LEN)
        buf_put_ustr(to, f->bytes);
    else
        buf_append(to, str_of((const char *)&f->value, f->wire == PB_I64 ? 8 : 4));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    struct reader r = reader_of(str_of((const char *)data, size));
    struct pb_field f, again;
    while (pb_next(&r, &f)) {
        ASSERT(r.p <= data + size);
        buf_clear(&b);
        put_field(&b, &f);
        struct reader copy = reader_of(buf_str(&b));
        ASSERT(pb_next(&copy, &again) && reader_left(&copy) == 0);
        ASSERT(again.number == f.number && again.wire == f.wire);
        ASSERT(again.value == f.value && str_eq(again.bytes, f.bytes));
    }
    ASSERT(reader_left(&r) == 0);
    return 0;
}
