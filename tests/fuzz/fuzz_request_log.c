/* A configuration of the request log that is taken decides about every path and port. */
#include "base/assert.h"
#include "base/mem.h"
#include "net/request_log.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_fini) struct arena a = {0};
    struct request_log_config c;
    struct err e = request_log_config_read(&a, str_of((const char *)data, size), &c);
    if (e.code == ERR_NONE) {
        ASSERT(c.rule_count <= REQUEST_LOG_RULES_MAX);
        ASSERT(c.rule_count > 0 || request_log_decide(&c, STR("/x"), 1) == c.decision);
        for (size_t i = 0; i < c.rule_count; i++) {
            ASSERT(c.rules[i].port <= 65535);
            ASSERT(request_log_decide(&c, c.rules[i].path, (unsigned)c.rules[i].port) ==
                   c.decision);
        }
    }
    err_drop(e);
    return 0;
}
