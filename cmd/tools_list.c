/* tools_list.c - `mneme tools tsdb list`: blocks, and the sizes of what is not in blocks yet.
 *
 * The first eight columns are promtool's; the level stands behind them. Rows below the blocks
 * have a size only. */
#include <stdio.h>

#include "base/mem.h"
#include "cmd/tools.h"
#include "cmd/tools_text.h"
#include "conf/tools_flags.h"

struct list {
    const struct tools_list_flags *flags;
    struct buf cells, text;
    bool unreadable; /* some meta.json was */
};
static void
auto_list_fini(struct list *l)
{
    buf_fini(&l->cells);
    buf_fini(&l->text);
}

static void
put_time(struct list *l, int64_t ms)
{
    if (l->flags->human_readable)
        text_put_time(&l->cells, ms);
    else
        buf_printf(&l->cells, "%jd", (intmax_t)ms);
    buf_put_u8(&l->cells, '\t');
}

static void
put_bytes(struct list *l, uint64_t bytes)
{
    if (l->flags->human_readable)
        text_put_bytes(&l->cells, bytes);
    else
        buf_printf(&l->cells, "%ju", (uintmax_t)bytes);
    buf_put_u8(&l->cells, '\t');
}

static void
put_block(struct list *l, const struct database_block *b)
{
    const struct block_meta *m = &b->meta;
    buf_printf(&l->cells, "%s\t", b->name);
    if (b->unreadable.code != ERR_NONE) {
        (void)fflush(stdout);
        fprintf(stderr, "block %s: %s\n", b->name, err_text(&b->unreadable));
        l->unreadable = true;
        buf_append(&l->cells, STR("-\t-\t-\t-\t-\t-\t"));
        put_bytes(l, b->bytes);
        buf_append(&l->cells, STR("-\n"));
        return;
    }
    put_time(l, m->mint_ms);
    put_time(l, m->maxt_ms);
    text_put_duration(&l->cells, (int64_t)((uint64_t)m->maxt_ms - (uint64_t)m->mint_ms));
    buf_printf(&l->cells, "\t%ju\t%ju\t%ju\t", (uintmax_t)m->samples, (uintmax_t)m->chunks,
               (uintmax_t)m->series);
    put_bytes(l, b->bytes);
    buf_printf(&l->cells, "%u\n", m->level);
}

static void
put_part(struct list *l, const struct database *d, enum database_part part)
{
    if (!d->parts[part].exists)
        return;
    buf_printf(&l->cells, "%s\t-\t-\t-\t-\t-\t-\t", database_part_name(part));
    put_bytes(l, d->parts[part].bytes);
    buf_append(&l->cells, STR("-\n"));
}

static struct err
list_database(struct list *l, const struct database_place *place)
{
    AUTO(database_fini) struct database d = DATABASE_INIT;
    TRY(database_scan(fs_posix(), place->dir, &d));
    buf_clear(&l->cells);
    buf_append(&l->cells, STR("BLOCK ULID\tMIN TIME\tMAX TIME\tDURATION\tNUM SAMPLES\tNUM CHUNKS\t"
                              "NUM SERIES\tSIZE\tLEVEL\n"));
    vec_each (&d.blocks, block)
        put_block(l, block);
    for (int part = 0; part < DATABASE_PART_COUNT; part++)
        put_part(l, &d, (enum database_part)part);
    text_put_table(&l->text, buf_str(&l->cells));
    tools_print(&l->text);
    return OK;
}

struct err
tools_list_run(const struct command_line *line, enum tool_status *status)
{
    struct tools_list_flags f = {.human_readable = false};
    TRY(flags_parse(line->flags, fs_posix(), line->argc, line->argv, line->first, line->arena, &f));
    AUTO(database_places_fini) struct database_places places = VEC_INIT;
    TRY(database_find(fs_posix(), f.dir.p, f.tenant, &places));
    *status = TOOL_FOUND;
    __attribute__((cleanup(auto_list_fini))) struct list l = {
        .flags = &f, .cells = BUF_INIT, .text = BUF_INIT};
    for (size_t i = 0; i < places.n; i++) {
        tools_print_tenant(&places.v[i], i);
        TRY(list_database(&l, &places.v[i]));
    }
    *status = l.unreadable ? TOOL_FOUND : TOOL_FINE;
    return OK;
}
