/* Every text that is a number, and every double, prints in each form as text that reads back
 * to the same value. */
#include <math.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/numtext.h"
#include "tests/fuzz/fuzz.h"

static void
check_value(double v)
{
    static size_t (*const writers[])(double, char *) = {numtext_f, numtext_e, numtext_g,
                                                        numtext_api};
    for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
        char text[NUMTEXT_BYTES_MAX];
        double back = 0;
        struct err e = numtext_parse(str_of(text, writers[i](v, text)), &back);
        ASSERT(e.code == ERR_NONE);
        ASSERT(isnan(v) ? isnan(back) : bits_of_f64(v) == bits_of_f64(back));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    double v;
    struct err e = numtext_parse(str_of((const char *)data, size), &v);
    if (e.code == ERR_NONE)
        check_value(v);
    err_drop(e);
    if (size >= 8)
        check_value(f64_of_bits(load_le64(data)));
    return 0;
}
