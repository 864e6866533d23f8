/* flag_docs.c - the frame of docs/flags.md and of mneme.1 around the flag tables. */
#include "conf/flag_docs.h"

#include "conf/flag_sets.h"

static const char markdown_top[] =
    "# Flags\n"
    "\n"
    "Made from the tables in conf/; do not edit. `UPDATE_GOLDEN=1 make check` writes it anew.\n"
    "\n"
    "- `--name=value` or `--name value`; switches `--name` and `--no-name`.\n"
    "- Durations: `15d`, `1h30m`, `1.5h`, `100ms`. Sizes: `512MB`, `1GiB`, both powers of 1024.\n"
    "- `$(NAME)` in a value or file becomes the environment variable; an unset one is an error.\n"
    "- Of `--X` and `--X-file` one may be given: the content itself, or the file it is in.\n"
    "- `<name>`: a word without dashes, by its place, between flags or behind them.\n"
    "- *Not in effect yet*: taken and checked as Thanos does, but nothing obeys it; a warning is\n"
    "  logged when it is given.\n"
    "- *Hidden*: left out of `--help`.\n"
    "\n";

static const char man_synopsis[] =
    ".SH NAME\n"
    "mneme \\- Prometheus-compatible remote-write receiver, time series database and query API\n"
    ".SH SYNOPSIS\n"
    ".B mneme\n"
    ".I COMMAND\n"
    ".RI [ FLAGS ] \" \" [ ARGUMENTS ]\n"
    ".br\n"
    ".B mneme\n"
    ".RB { \\-\\-version | \\-\\-help }\n"
    ".SH DESCRIPTION\n"
    "mneme takes Prometheus remote writes, keeps them in its data directory and answers PromQL\n"
    "queries over HTTP.\n"
    "Its flags are those of Thanos where Thanos has them.\n"
    "Values may be written as \\-\\-name=value or \\-\\-name value, switches as \\-\\-name or\n"
    "\\-\\-no\\-name.\n"
    "$(NAME) in a value becomes the environment variable NAME, which must be set.\n"
    "Durations are written like 15d, 1h30m or 100ms, sizes like 512MB or 1GiB (powers of 1024).\n"
    ".SH COMMANDS\n";

static const char man_end[] =
    ".SH SIGNALS\n"
    ".TP\n"
    ".B SIGTERM, SIGINT\n"
    "No new requests; those in flight are finished, data is written out, exit.\n"
    ".SH EXIT STATUS\n"
    "0 after an orderly stop, 1 after a usage error or a failure.\n"
    "Of mneme tools: 0 when all is well, 1 when something was found or failed, 2 after a usage\n"
    "error.\n"
    ".SH EXAMPLE\n"
    ".nf\n"
    "mneme all \\-\\-data\\-dir=/var/lib/mneme\n"
    "curl 'http://localhost:10902/api/v1/query?query=up'\n"
    ".fi\n"
    ".SH SEE ALSO\n"
    ".BR prometheus (1)\n";

void
flag_docs_write_markdown(struct buf *to)
{
    buf_append(to, str_of_cstr(markdown_top));
    for (size_t i = 0; flag_sets[i]; i++)
        flags_write_markdown(flag_sets[i], to);
    to->n--; /* the blank line behind the last table */
}

void
flag_docs_write_man(struct str version, struct buf *to)
{
    buf_printf(to, ".TH MNEME 1 \"\" \"mneme %.*s\" \"User commands\"\n", STR_FMT(version));
    buf_append(to, str_of_cstr(man_synopsis));
    for (size_t i = 0; flag_sets[i]; i++)
        flags_write_man(flag_sets[i], to);
    buf_append(to, str_of_cstr(man_end));
}
