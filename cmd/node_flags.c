/* node_flags.c - see node_flags.h. */
#include "cmd/node_flags.h"

#include <unistd.h>


struct err
node_open_log(struct str level, struct str format, struct log **ret_log)
{
    struct log_opts opts = {.fd = STDERR_FILENO, .clock = clock_system()};
    bool known = log_parse_level(level, &opts.level) && log_parse_format(format, &opts.format);
    if (!known) /* the flag's list of choices has let only these through */
        return ERR(ERR_INVALID, "log level \"%.*s\" or format \"%.*s\" is unknown", STR_FMT(level),
                   STR_FMT(format));
    *ret_log = log_open(&opts);
    return OK;
}
