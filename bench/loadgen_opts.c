/* loadgen_opts.c - a table of options and the checks that need more than one of them. */
#include "bench/loadgen_opts.h"

#include <stdio.h>

#include "base/mem.h"

/* X(name, field, least, most, default, what) */
#define NUMBERS(X)                                                                                 \
    X("series", series, 1, 100000000, 1000, "how many series")                                     \
    X("first-series", first_series, 0, 1000000000, 0, "index of the first one")                    \
    X("samples-per-series", samples_per_series, 1, 100000000, 10, "samples of each in all")        \
    X("first-sample", first_sample, 0, 1000000000, 0, "index of the first one")                    \
    X("samples-per-row", samples_per_row, 1, 1000, 1, "samples of a series in one request")        \
    X("request-samples", request_samples, 1, 1000000, 2000, "samples of one request")              \
    X("connections", connections, 1, 1024, 4, "threads, each with a connection")                   \
    X("rate", rate, 0, 1000000000, 0, "samples a second in all; 0: no limit")                      \
    X("tenants", tenants, 1, 1000000, 1, "requests go to NAME-0, NAME-1, ... in turn")             \
    X("seconds", seconds, 0, 86400, 0, "send it all over again until then; 0: once")               \
    X("timeout-ms", timeout_ms, 1, 3600000, 30000, "of a send or a receive")                       \
    X("seed", load.seed, 0, UINT64_MAX, 1, "decides names of pods and the noise of values")        \
    X("families", load.families, 1, 10, 10, "metric names of a pod, with ten series each")         \
    X("churn", load.churn_percent, 0, 100, 0, "percent of the pods that are renamed")              \
    X("churn-every", load.churn_every, 1, 1000000000, 10, "samples between two renamings")         \
    X("retry-ms", retry_ms, 0, 86400000, 0, "how long to retry; 0: never; --retry: 60000")

static const struct number_row {
    const char *name;
    size_t offset;
    uint64_t least, most, dflt;
    const char *what;
} numbers[] = {
#define X(name, field, least, most, dflt, what)                                                    \
    {name, offsetof(struct loadgen_opts, field), least, most, dflt, what},
    NUMBERS(X)
#undef X
};

static const struct shape_row {
    const char *name;
    enum load_shape shape;
} shapes[] = {{"index", LOAD_INDEX},
              {"counter", LOAD_COUNTER},
              {"gauge", LOAD_GAUGE},
              {"const", LOAD_CONST},
              {"mix", LOAD_MIX}};

static const struct protocol_row {
    const char *name;
    enum load_protocol protocol;
} protocols[] = {{"1.0", LOAD_REMOTE_WRITE_1}, {"2.0", LOAD_REMOTE_WRITE_2}, {"otlp", LOAD_OTLP}};

static uint64_t *
number_at(struct loadgen_opts *o, const struct number_row *row)
{
    return (uint64_t *)(void *)((char *)o + row->offset);
}

static struct err
help(void)
{
    printf("loadgen: remote-write or OTLP load; prints one line of JSON\n"
           "  --url URL               http://host:port/path (needed); given again: requests and\n"
           "                          tries of a connection go to each in turn\n"
           "  --protocol NAME         1.0 or 2.0 (remote write), otlp (1.0)\n"
           "  --shape NAME            index, counter, gauge, const, mix (mix)\n"
           "  --start-ms MS           time of sample 0 (now, less the samples' span)\n"
           "  --interval-ms MS        between two samples of a series (15000)\n"
           "  --label NAME=VALUE      one more label for every series\n"
           "  --tenant NAME           sent as THANOS-TENANT\n"
           "  --ack-log FILE          append what was acknowledged\n"
           "  --retry                 as --retry-ms 60000\n"
           "  --print-series          list the label sets as JSON and stop\n");
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        printf("  --%-21s %s (%ju)\n", numbers[i].name, numbers[i].what,
               (uintmax_t)numbers[i].dflt);
    return ERR_CODE(ERR_CANCELED);
}

static struct err
set_number(struct loadgen_opts *o, const struct number_row *row, struct str value)
{
    uint64_t n;
    TRY(str_parse_u64(value, &n));
    if (n < row->least || n > row->most)
        return ERR(ERR_INVALID, "%ju is not between %ju and %ju", (uintmax_t)n,
                   (uintmax_t)row->least, (uintmax_t)row->most);
    *number_at(o, row) = n;
    return OK;
}

static struct err
set_shape(struct loadgen_opts *o, struct str value)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        if (str_eq(value, str_of_cstr(shapes[i].name))) {
            o->load.shape = shapes[i].shape;
            return OK;
        }
    }
    return ERR(ERR_INVALID, "unknown shape \"%.*s\"", STR_FMT(value));
}

static struct err
set_protocol(struct loadgen_opts *o, struct str value)
{
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        if (str_eq(value, str_of_cstr(protocols[i].name))) {
            o->protocol = protocols[i].protocol;
            return OK;
        }
    }
    return ERR(ERR_INVALID, "unknown protocol \"%.*s\"", STR_FMT(value));
}

/* The name keeps its NUL in the argument itself: load_labels() wants a C string. */
static struct err
set_label(struct loadgen_opts *o, char *value)
{
    char *equals = strchr(value, '=');
    if (!equals || equals == value || strlen(equals + 1) >= sizeof((struct load_label *)0)->value)
        return ERR(ERR_INVALID, "want NAME=VALUE, got \"%s\"", value);
    *equals = '\0';
    o->load.extra_name = str_of_cstr(value);
    o->load.extra_value = str_of_cstr(equals + 1);
    return OK;
}

static struct err
add_target(struct loadgen_opts *o, struct str url)
{
    if (o->target_count == LOAD_TARGETS_MAX)
        return ERR(ERR_INVALID, "more than %d", LOAD_TARGETS_MAX);
    struct http_target *t = &o->targets[o->target_count];
    TRY(http_target_parse(url, t));
    if (strcmp(t->path, o->targets[0].path) != 0)
        return ERR(ERR_INVALID, "another path than the first one's");
    o->target_count++;
    return OK;
}

static struct err
set_value(struct loadgen_opts *o, struct str name, char *argument)
{
    struct str value = str_of_cstr(argument);
    if (str_eq(name, STR("url")))
        return add_target(o, value);
    if (str_eq(name, STR("shape")))
        return set_shape(o, value);
    if (str_eq(name, STR("protocol")))
        return set_protocol(o, value);
    if (str_eq(name, STR("label")))
        return set_label(o, argument);
    if (str_eq(name, STR("start-ms")))
        return str_parse_i64(value, &o->load.start_ms);
    if (str_eq(name, STR("interval-ms")))
        return str_parse_i64(value, &o->load.interval_ms);
    if (str_eq(name, STR("tenant"))) {
        o->tenant = value;
        return OK;
    }
    if (str_eq(name, STR("ack-log"))) {
        o->ack_log = argument;
        return OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (str_eq(name, str_of_cstr(numbers[i].name)))
            return set_number(o, &numbers[i], value);
    return ERR(ERR_INVALID, "unknown option");
}

/* Options without a value; false when the name is none of them. */
static bool
set_switch(struct loadgen_opts *o, struct str name)
{
    if (str_eq(name, STR("print-series")))
        o->print_series = true;
    else if (str_eq(name, STR("retry")))
        o->retry_ms = 60000;
    else
        return false;
    return true;
}

static struct err
check(const struct loadgen_opts *o)
{
    if (o->target_count == 0 && !o->print_series)
        return ERR(ERR_INVALID, "--url is missing");
    if (o->load.interval_ms <= 0)
        return ERR(ERR_INVALID, "--interval-ms must be above 0");
    if (o->request_samples < o->samples_per_row)
        return ERR(ERR_INVALID, "--request-samples is below --samples-per-row");
    if (o->tenants > 1 && o->tenant.n == 0)
        return ERR(ERR_INVALID, "--tenants needs --tenant");
    if (o->seconds > 0 && o->samples_per_series > o->samples_per_row)
        return ERR(ERR_INVALID, "--seconds with more samples than --samples-per-row: what comes "
                                "again would be out of order");
    bool split = o->load.churn_every % o->samples_per_row || o->first_sample % o->samples_per_row;
    if (o->load.churn_percent > 0 && split)
        return ERR(ERR_INVALID, "--churn-every and --first-sample must be multiples of "
                                "--samples-per-row: a row has one name");
    return OK;
}

struct err
loadgen_opts_parse(int argc, char **argv, int64_t now_ms, struct loadgen_opts *ret_opts)
{
    struct loadgen_opts o = {
        .load = {.shape = LOAD_MIX, .start_ms = INT64_MIN, .interval_ms = 15000}};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        *number_at(&o, &numbers[i]) = numbers[i].dflt;
    for (int i = 1; i < argc; i++) {
        struct str name = str_of_cstr(argv[i]);
        if (str_eq(name, STR("--help")))
            return help();
        if (!str_starts_with(name, STR("--")))
            return ERR(ERR_INVALID, "unexpected argument \"%s\"", argv[i]);
        if (set_switch(&o, str_skip(name, 2)))
            continue;
        if (i + 1 == argc)
            return ERR(ERR_INVALID, "%s wants a value", argv[i]);
        TRY_IN(set_value(&o, str_skip(name, 2), argv[i + 1]), "%s", argv[i]);
        i++;
    }
    TRY(check(&o));
    if (o.load.start_ms == INT64_MIN)
        o.load.start_ms =
            now_ms - (int64_t)(o.first_sample + o.samples_per_series) * o.load.interval_ms;
    *ret_opts = o;
    return OK;
}
