/* tools_verify.c - `mneme tools tsdb verify`: what is wrong with the files of a database.
 *
 *   broken: 01J../index: I2 symbols do not ascend: "b" behind "c" at 1234
 *   info: wal/00000007: last record is torn ... at 98304 */
#include <stdio.h>

#include "base/mem.h"
#include "cmd/tools.h"
#include "conf/tools_flags.h"
#include "tsdb/inspect/verify.h"

struct report {
    const struct tools_verify_flags *flags;
    struct buf line;
};

static void
print_finding(void *arg, const struct finding *f)
{
    struct report *r = arg;
    if (f->kind == FINDING_TOLD && r->flags->quiet)
        return;
    const char *rule = verify_rule_name(f->rule);
    buf_printf(&r->line, "%s: %s: %s%s%s", f->kind == FINDING_TOLD ? "info" : "broken", f->file,
               rule, *rule ? " " : "", f->text);
    if (f->offset != FINDING_NO_OFFSET)
        buf_printf(&r->line, " at %ju", (uintmax_t)f->offset);
    buf_put_u8(&r->line, '\n');
    tools_print(&r->line);
    (void)fflush(stdout); /* the next one may take long */
}

struct err
tools_verify_run(const struct command_line *line, enum tool_status *status)
{
    struct tools_verify_flags f = {.all = false};
    TRY(flags_parse(line->flags, fs_posix(), line->argc, line->argv, line->first, line->arena, &f));
    AUTO(database_places_fini) struct database_places places = VEC_INIT;
    TRY(database_find(fs_posix(), f.dir.p, f.tenant, &places));
    *status = TOOL_FOUND;
    struct report r = {.flags = &f, .line = BUF_INIT};
    const struct verify_opts opts = {
        .depth = f.all ? VERIFY_ALL : VERIFY_FIRST, .visit = print_finding, .arg = &r};
    uint64_t total = 0;
    struct err e = OK;
    for (size_t i = 0; i < places.n && e.code == ERR_NONE; i++) {
        uint64_t broken = 0;
        tools_print_tenant(&places.v[i], i);
        e = verify_database(fs_posix(), places.v[i].dir, &opts, &broken);
        total += broken;
        if (e.code == ERR_NONE && broken == 0 && !f.quiet)
            printf("fine\n");
    }
    buf_fini(&r.line);
    TRY(e);
    *status = total > 0 ? TOOL_FOUND : TOOL_FINE;
    return OK;
}
