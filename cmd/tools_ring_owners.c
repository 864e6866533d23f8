/* tools_ring_owners.c - `mneme tools ring owners`: where a receiver with these hashrings puts
 * series.
 *
 * A line of JSON for each line of standard input, in its order: tenant, labels, hash, hashring, and
 * the addresses of the owners in replica order; or the error that a write would get. */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "cmd/tools.h"
#include "cmd/tools_ring.h"
#include "conf/tools_flags.h"
#include "replication/ring_config.h"
#include "replication/ring_hash.h"

struct owners {
    struct ring *ring;
    struct buf text;
    bool failed; /* some series has no owners */
};
static void
auto_owners_fini(struct owners *o)
{
    ring_unref(o->ring);
    buf_fini(&o->text);
}

static void
write_labels(struct json_writer *w, struct labels labels)
{
    json_key(w, STR("labels"));
    json_begin_object(w);
    for (size_t i = 0; i < labels.n; i++) {
        json_key(w, labels.v[i].name);
        json_str(w, labels.v[i].value);
    }
    json_end_object(w);
}

static struct err
write_owners(struct json_writer *w, struct ring *ring, const struct series_line *line)
{
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    TRY(ring_part(ring, line->tenant, &part));
    uint64_t hash;
    const uint16_t *nodes;
    TRY(ring_hash(line->tenant, line->label_key, &hash));
    TRY(ring_owners(part, hash, &nodes));
    char hex[17];
    snprintf(hex, sizeof hex, "%016jx", (uintmax_t)hash);
    json_key(w, STR("hash"));
    json_str(w, str_of_cstr(hex));
    json_key(w, STR("hashring"));
    json_str(w, ring_part_hashring(part)->name);
    json_key(w, STR("owners"));
    json_begin_array(w);
    for (unsigned n = 0; n < ring_replication_factor(ring); n++)
        json_str(w, ring_node(ring, nodes[n])->address);
    json_end_array(w);
    return OK;
}

static struct err
print_owners(void *arg, const struct series_line *line)
{
    struct owners *o = arg;
    struct json_writer w;
    json_init(&w, &o->text, JSON_PLAIN);
    json_begin_object(&w);
    json_key(&w, STR("tenant"));
    json_str(&w, line->tenant);
    write_labels(&w, line->labels);
    struct err e = write_owners(&w, o->ring, line);
    if (e.code != ERR_NONE) {
        json_key(&w, STR("error"));
        json_str(&w, str_of_cstr(err_text(&e)));
        err_drop(e);
        o->failed = true;
    }
    json_end_object(&w);
    buf_put_u8(&o->text, '\n');
    tools_print(&o->text);
    return OK;
}

static struct err
open_ring(const struct tools_owners_flags *f, struct ring **ret_ring)
{
    if (f->hashrings_file.n > 0)
        return tools_ring_open(f->hashrings_file.p, f->algorithm, f->replication_factor, ret_ring);
    if (f->hashrings.n == 0)
        return ERR(ERR_INVALID, "--receive.hashrings-file or --receive.hashrings must be given");
    struct ring_opts opts = {.json = f->hashrings,
                             .algorithm = ring_algorithm_of(f->algorithm),
                             .replication_factor = (unsigned)f->replication_factor};
    return ring_open(&opts, ret_ring);
}

struct err
tools_owners_run(const struct command_line *line, enum tool_status *status)
{
    struct tools_owners_flags f = {.replication_factor = 0};
    TRY(flags_parse(line->flags, fs_posix(), line->argc, line->argv, line->first, line->arena, &f));
    __attribute__((cleanup(auto_owners_fini))) struct owners o = {.text = BUF_INIT};
    TRY(open_ring(&f, &o.ring));
    *status = TOOL_FOUND;
    TRY(series_lines_read(f.default_tenant, print_owners, &o));
    *status = o.failed ? TOOL_FOUND : TOOL_FINE;
    return OK;
}
