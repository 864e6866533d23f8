/* fuzz_promql.c - query texts. What parses is printed; the text parses again, to the same text.
 * A selector is tried as well. */
#include "base/assert.h"
#include "base/mem.h"
#include "querygw/promql/parse.h"
#include "querygw/promql/print.h"
#include "tests/fuzz/fuzz.h"

enum { QUERY_BYTES_MAX = 4096, ARENA_BYTES_MAX = 16 << 20 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct promql_parse_opts all = {true, true, true, true};
    struct str text = str_of((const char *)data, size_min(size, QUERY_BYTES_MAX));
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf once = BUF_INIT;
    AUTO(buf_fini) struct buf twice = BUF_INIT;
    struct promql_node *root, *again;
    struct matchers matchers;

    arena_init(&a, ARENA_BYTES_MAX);
    err_drop(promql_parse_selector(&a, text, &matchers));
    err_drop(promql_parse(&a, text, NULL, &root));
    struct err e = promql_parse(&a, text, &all, &root);
    if (e.code == ERR_NONE) {
        promql_print(root, &once);
        e = promql_parse(&a, buf_str(&once), &all, &again);
        if (e.code == ERR_NONE)
            promql_print(again, &twice);
        /* Guarding parentheses may pass the limit of depth. */
        ASSERT(e.code == ERR_LIMIT || str_eq(buf_str(&once), buf_str(&twice)));
    }
    err_drop(e);
    return 0;
}
