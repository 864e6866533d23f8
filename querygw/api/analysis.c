/* analysis.c - a node for the query, one for each operator, and below leaves one for each
 * selection. Members of zero are left out, as Go's omitempty does. */
#include "querygw/api/analysis.h"

#include "base/json.h"
#include "base/mem.h"

#define NS_A_SECOND UINT64_C(1000000000)

/* `ns` in units of `unit_ns`, without zeros at the end of the fraction. */
static void
put_in_units(uint64_t ns, uint64_t unit_ns, const char *unit, struct buf *to)
{
    buf_printf(to, "%ju", (uintmax_t)(ns / unit_ns));
    uint64_t rest = ns % unit_ns;
    if (rest > 0)
        buf_put_u8(to, '.');
    for (uint64_t digit_ns = unit_ns / 10; rest > 0; digit_ns /= 10) {
        buf_put_u8(to, (uint8_t)('0' + rest / digit_ns));
        rest %= digit_ns;
    }
    buf_append(to, str_of_cstr(unit));
}

void
analysis_put_duration(uint64_t ns, struct buf *to)
{
    uint64_t minutes = ns / (60 * NS_A_SECOND);
    if (minutes >= 60)
        buf_printf(to, "%juh", (uintmax_t)(minutes / 60));
    if (minutes > 0)
        buf_printf(to, "%jum", (uintmax_t)(minutes % 60));
    if (ns == 0 || ns >= NS_A_SECOND)
        put_in_units(ns % (60 * NS_A_SECOND), NS_A_SECOND, "s", to);
    else if (ns >= 1000000)
        put_in_units(ns, 1000000, "ms", to);
    else if (ns >= 1000)
        put_in_units(ns, 1000, "\xc2\xb5s", to);
    else
        put_in_units(ns, 1, "ns", to);
}

static void
put_duration(struct json_writer *w, const char *key, uint64_t ns)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    analysis_put_duration(ns, &text);
    json_key(w, str_of_cstr(key));
    json_str(w, buf_str(&text));
}

static void
put_count(struct json_writer *w, const char *key, uint64_t count)
{
    if (count == 0)
        return;
    json_key(w, str_of_cstr(key));
    json_u64(w, count);
}

static void
put_name(struct json_writer *w, const struct store_count *c)
{
    AUTO(buf_fini) struct buf name = BUF_INIT;
    buf_append(&name, STR("[select] {"));
    for (size_t i = 0; i < c->matchers.n; i++) {
        buf_append(&name, i > 0 ? STR(", ") : STR(""));
        matcher_format(&c->matchers.v[i], &name);
    }
    buf_append(&name, STR("}"));
    json_key(w, STR("name"));
    json_str(w, buf_str(&name));
}

static void
begin_children(struct json_writer *w, bool *any)
{
    if (*any)
        return;
    json_key(w, STR("children"));
    json_begin_array(w);
    *any = true;
}

static void
put_selection(struct json_writer *w, const struct store_count *c)
{
    json_begin_object(w);
    put_name(w, c);
    put_duration(w, "executionTime", c->ns);
    put_count(w, "totalSamples", c->samples);
    json_key(w, STR("fanout"));
    json_begin_array(w);
    json_begin_object(w);
    json_key(w, STR("endpointAddr"));
    json_str(w, STR("local"));
    put_duration(w, "duration", c->ns);
    put_count(w, "bytesProcessed", c->bytes);
    put_count(w, "numResponses", c->series);
    put_count(w, "series", c->series);
    put_count(w, "chunks", c->chunks);
    put_count(w, "samples", c->samples);
    json_end_object(w);
    json_end_array(w);
    json_end_object(w);
}

static void put_operator(struct json_writer *w, const struct analysis *a, const struct measure *m);

/* Operators below `m`, and the selections that were made for it. */
static void
put_children(struct json_writer *w, const struct analysis *a, const struct measure *m)
{
    bool any = false;
    const void *whom = m == &a->measures->root ? NULL : m;
    for (const struct measure *child = m->children; child; child = child->next) {
        begin_children(w, &any);
        put_operator(w, a, child);
    }
    for (const struct store_count *c = a->counts->first; c; c = c->next) {
        if (c->for_whom != whom)
            continue;
        begin_children(w, &any);
        put_selection(w, c);
    }
    if (any)
        json_end_array(w);
}

static void
put_operator(struct json_writer *w, const struct analysis *a, const struct measure *m)
{
    AUTO(buf_fini) struct buf name = BUF_INIT;
    buf_put_u8(&name, '[');
    measure_name(m, &name);
    buf_put_u8(&name, ']');
    json_begin_object(w);
    json_key(w, STR("name"));
    json_str(w, buf_str(&name));
    put_duration(w, "executionTime", m->ns);
    put_count(w, "series", m->series);
    put_children(w, a, m);
    json_end_object(w);
}

void
analysis_write_json(const struct analysis *a, struct buf *to)
{
    AUTO(buf_fini) struct buf name = BUF_INIT;
    struct json_writer w;
    buf_printf(&name, "[query] %.*s", STR_FMT(a->query));
    json_init(&w, to, JSON_HTML);
    json_begin_object(&w);
    json_key(&w, STR("name"));
    json_str(&w, buf_str(&name));
    put_duration(&w, "executionTime", (uint64_t)(a->seconds * 1e9));
    put_count(&w, "peakSamples", a->stats.samples_peak);
    put_count(&w, "totalSamples", a->stats.samples_total);
    put_children(&w, a, &a->measures->root);
    json_end_object(&w);
}
