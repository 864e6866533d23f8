/* tools_ring_diff.c - `mneme tools ring diff`: what a change of the hashrings would move.
 *
 * Series are those of standard input, or made up: ketama and hashmod look at hashes alone, so that
 * any many series tell the same. */
#include <stdio.h>

#include "base/mem.h"
#include "cmd/tools.h"
#include "cmd/tools_ring.h"
#include "cmd/tools_text.h"
#include "conf/tools_flags.h"
#include "replication/ring_movement.h"
#include "tsdb/model/label_key.h"

struct diff {
    const struct tools_ring_diff_flags *flags;
    struct ring *from, *to;
    struct ring_movement movement;
    struct buf cells, text;
};
static void
auto_diff_fini(struct diff *d)
{
    ring_movement_fini(&d->movement);
    ring_unref(d->from);
    ring_unref(d->to);
    buf_fini(&d->cells);
    buf_fini(&d->text);
}

static struct err
add_line(void *arg, const struct series_line *line)
{
    struct diff *d = arg;
    return ring_movement_add(&d->movement, line->tenant, line->label_key);
}

/* A thousand metrics of each of as many instances as it takes. */
static struct err
make_up(struct diff *d)
{
    AUTO(buf_fini) struct buf key = BUF_INIT;
    for (uint64_t i = 0; i < d->flags->series; i++) {
        char name[40], instance[40];
        snprintf(name, sizeof name, "metric_%ju_total", (uintmax_t)(i % 1000));
        snprintf(instance, sizeof instance, "host-%ju:9100", (uintmax_t)(i / 1000));
        struct label v[] = {{STR("__name__"), str_of_cstr(name)},
                            {STR("instance"), str_of_cstr(instance)},
                            {STR("job"), STR("node")}};
        buf_clear(&key);
        label_key_encode((struct labels){v, ARRAY_LEN(v)}, &key);
        TRY(ring_movement_add(&d->movement, d->flags->default_tenant, buf_str(&key)));
    }
    return OK;
}

static double
percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : 100 * (double)part / (double)whole;
}

static void
put_count(struct diff *d, const char *what, uint64_t part, uint64_t whole)
{
    buf_printf(&d->text, "%-26s %ju (%.2f%%)\n", what, (uintmax_t)part, percent(part, whole));
}

static void
print_movement(struct diff *d)
{
    const struct ring_movement *m = &d->movement;
    buf_printf(&d->text, "%-26s %ju\n", "series", (uintmax_t)m->series);
    put_count(d, "series with a new owner", m->moved, m->series);
    put_count(d, "first copies that move", m->first_moved, m->series);
    put_count(d, "copies that move", m->copies_moved, m->copies);
    if (m->unplaced > 0)
        buf_printf(&d->text, "%-26s %ju\n", "series without owners", (uintmax_t)m->unplaced);
    buf_append(&d->cells, STR("NODE\tBEFORE\tSHARE\tAFTER\tSHARE\n"));
    uint64_t before = m->series * ring_replication_factor(d->from);
    for (size_t i = 0; i < m->place_count; i++) {
        const struct ring_place *p = &m->places[i];
        buf_printf(&d->cells, "%.*s\t%ju\t%.2f%%\t%ju\t%.2f%%\n", STR_FMT(p->address),
                   (uintmax_t)p->before, percent(p->before, before), (uintmax_t)p->after,
                   percent(p->after, m->copies));
    }
    text_put_table(&d->text, buf_str(&d->cells));
    tools_print(&d->text);
}

struct err
tools_ring_diff_run(const struct command_line *line, enum tool_status *status)
{
    struct tools_ring_diff_flags f = {.replication_factor = 0};
    TRY(flags_parse(line->flags, fs_posix(), line->argc, line->argv, line->first, line->arena, &f));
    __attribute__((cleanup(auto_diff_fini))) struct diff d = {
        .flags = &f, .cells = BUF_INIT, .text = BUF_INIT};
    TRY(tools_ring_open(f.before.p, f.algorithm, f.replication_factor, &d.from));
    TRY(tools_ring_open(f.after.p, f.algorithm, f.replication_factor, &d.to));
    *status = TOOL_FOUND;
    ring_movement_init(&d.movement, d.from, d.to);
    TRY(f.from_stdin ? series_lines_read(f.default_tenant, add_line, &d) : make_up(&d));
    print_movement(&d);
    *status = d.movement.unplaced > 0 ? TOOL_FOUND : TOOL_FINE;
    return OK;
}
