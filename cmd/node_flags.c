/* node_flags.c - see node_flags.h. */
#include "cmd/node_flags.h"

#include <unistd.h>

#include "base/assert.h"
#include "base/process.h"
#include "querygw/promql/lex.h"

struct err
node_open_log(struct str level, struct str format, struct str name, struct log **ret_log)
{
    struct log_opts opts = {.fd = STDERR_FILENO, .clock = clock_system(), .name = name};
    bool known = log_parse_level(level, &opts.level) && log_parse_format(format, &opts.format);
    if (!known) /* the flag's list of choices has let only these through */
        return ERR(ERR_INVALID, "log level \"%.*s\" or format \"%.*s\" is unknown", STR_FMT(level),
                   STR_FMT(format));
    *ret_log = log_open(&opts);
    return OK;
}

/* As Go's strconv.Unquote, but for characters in single quotes. */
static bool
unquote(struct str text, struct arena *a, struct str *ret_value)
{
    struct lexer l;
    if (text.n < 2 || (text.p[0] != '"' && text.p[0] != '`'))
        return false;
    lex_init(&l, a, text);
    struct lex_token t = lex_next(&l);
    if (t.kind != LEX_STRING || t.text.n != text.n)
        return false;
    *ret_value = lex_unquote(a, text);
    return true;
}

static struct err
parse_label(struct str text, struct arena *a, struct label *ret_label)
{
    struct str rest = text;
    struct label l = {.name = str_split(&rest, '=')};
    if (l.name.n == 0 || l.name.n == text.n || !str_is_utf8(l.name) || !unquote(rest, a, &l.value))
        return ERR(ERR_INVALID, "%.*s is not of the form name=\"value\"", STR_FMT(text));
    *ret_label = l;
    return OK;
}

struct err
node_parse_labels(const struct flag_list *texts, struct arena *a, struct labels *ret_labels)
{
    struct label *v = ARENA_ARRAY(a, struct label, texts->n);
    size_t n = 0;
    for (size_t i = 0; i < texts->n; i++) {
        TRY(parse_label(texts->v[i], a, &v[n]));
        if (v[n].value.n > 0)
            n++;
    }
    labels_sort(v, n);
    for (size_t i = 1; i < n; i++) {
        if (str_eq(v[i - 1].name, v[i].name))
            return ERR(ERR_INVALID, "%.*s is given twice", STR_FMT(v[i].name));
    }
    *ret_labels = (struct labels){v, n};
    return OK;
}

static void
log_feature(struct log *log, struct str name, enum api_feature_word word)
{
    switch (word) {
    case API_FEATURE_ON:
        log_info(log, "feature enabled", KV_STR("option", name));
        return;
    case API_FEATURE_PERMANENT:
        log_warn(log,
                 "this option of --enable-feature is permanently enabled and therefore a no-op",
                 KV_STR("option", name));
        return;
    case API_FEATURE_GONE:
        log_warn(log, "this option of --enable-feature is deprecated and therefore ignored",
                 KV_STR("option", name));
        return;
    case API_FEATURE_NOT_YET:
        log_warn(log, "this option of --enable-feature has no effect in this version",
                 KV_STR("option", name));
        return;
    case API_FEATURE_UNKNOWN:
        log_warn(log, "unknown option of --enable-feature", KV_STR("option", name));
        return;
    }
    UNREACHABLE("every word is listed");
}

uint64_t
node_memory_limit(uint64_t bytes, double share)
{
    return bytes > 0 ? bytes : (uint64_t)((double)process_cgroup_memory_bytes() * share);
}

struct api_features
node_features(const struct flag_list *lists, struct log *log)
{
    struct api_features features = api_features_default();
    for (size_t i = 0; i < lists->n; i++) {
        struct str rest = lists->v[i];
        while (rest.n > 0) {
            struct str name = str_trim(str_split(&rest, ','));
            if (name.n > 0)
                log_feature(log, name, api_features_enable(&features, name));
        }
    }
    return features;
}
