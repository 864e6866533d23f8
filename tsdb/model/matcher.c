/* matcher.c - label matchers; regexes take the cheapest form that says the same. */
#include "tsdb/model/matcher.h"

#include "base/assert.h"
#include "base/quote.h"
#include "base/regex.h"
#include "tsdb/model/labels.h"
#include "tsdb/model/pattern.h"

struct matcher_program {
    enum pattern_kind kind;
    union {
        struct pattern_set set;
        struct pattern_globs globs;
        struct regex *regex; /* of PATTERN_OTHER; released by the arena */
    };
    struct pattern_set prefixes; /* what matches starts with one of these */
};

static const struct str empty = STR_INIT("");
static const struct pattern_set no_prefix = {&empty, 1};

static void
release_regex(void *regex)
{
    regex_free(regex);
}

static struct err
compile(struct arena *a, struct str pattern, const struct matcher_program **ret_program)
{
    struct matcher_program *p = ARENA_NEW(a, struct matcher_program);
    p->kind = pattern_parse(a, pattern, &p->set, &p->globs);
    switch (p->kind) {
    case PATTERN_SET:
        p->prefixes = no_prefix; /* it is looked up */
        break;
    case PATTERN_GLOBS:
        p->prefixes = p->globs.prefixes;
        break;
    case PATTERN_OTHER: {
        TRY(regex_compile(pattern, &p->regex));
        arena_defer(a, release_regex, p->regex);
        struct str *prefix = ARENA_NEW(a, struct str);
        *prefix = regex_prefix(p->regex);
        p->prefixes = (struct pattern_set){prefix, 1};
        break;
    }
    }
    *ret_program = p;
    return OK;
}

struct err
matcher_make(struct arena *a, enum matcher_type type, struct str name, struct str value,
             struct matcher *ret_matcher)
{
    struct matcher m = {type, arena_str(a, name), arena_str(a, value), NULL};
    if (type == MATCH_REGEX || type == MATCH_NOT_REGEX)
        TRY(compile(a, m.value, &m.program));
    *ret_matcher = m;
    return OK;
}

static bool
program_match(const struct matcher_program *p, struct str text)
{
    switch (p->kind) {
    case PATTERN_SET:
        return pattern_set_match(&p->set, text);
    case PATTERN_GLOBS:
        return pattern_globs_match(&p->globs, text);
    case PATTERN_OTHER:
        return regex_match(p->regex, text);
    }
    UNREACHABLE("every kind stands above");
}

bool
matcher_match(const struct matcher *m, struct str value)
{
    switch (m->type) {
    case MATCH_EQUAL:
        return str_eq(m->value, value);
    case MATCH_NOT_EQUAL:
        return !str_eq(m->value, value);
    case MATCH_REGEX:
        return program_match(m->program, value);
    case MATCH_NOT_REGEX:
        return !program_match(m->program, value);
    }
    UNREACHABLE("every type stands above");
}

/* The side on which the text of the matcher is: what equals it, or what the regex matches. */
static enum matcher_side
text_side(const struct matcher *m)
{
    bool positive = m->type == MATCH_EQUAL || m->type == MATCH_REGEX;
    return positive ? MATCHER_SELECTS : MATCHER_REFUSES;
}

bool
matcher_values(const struct matcher *m, enum matcher_side side, const struct str **ret_values,
               size_t *ret_count)
{
    bool on_text_side = side == text_side(m);
    if (!m->program) {
        *ret_values = &m->value;
        *ret_count = 1;
        return on_text_side;
    }
    if (on_text_side && m->program->kind == PATTERN_SET) {
        *ret_values = m->program->set.v;
        *ret_count = m->program->set.n;
        return true;
    }
    *ret_values = NULL;
    *ret_count = 0;
    return !on_text_side && m->program->kind == PATTERN_GLOBS &&
           pattern_globs_match_all(&m->program->globs);
}

void
matcher_prefixes(const struct matcher *m, enum matcher_side side, const struct str **ret_prefixes,
                 size_t *ret_count)
{
    struct pattern_set prefixes = no_prefix;
    if (side == text_side(m))
        prefixes = m->program ? m->program->prefixes : (struct pattern_set){&m->value, 1};
    *ret_prefixes = prefixes.v;
    *ret_count = prefixes.n;
}

const char *
matcher_type_text(enum matcher_type type)
{
    switch (type) {
    case MATCH_EQUAL:
        return "=";
    case MATCH_NOT_EQUAL:
        return "!=";
    case MATCH_REGEX:
        return "=~";
    case MATCH_NOT_REGEX:
        return "!~";
    }
    UNREACHABLE("every type stands above");
}

void
matcher_format(const struct matcher *m, struct buf *to)
{
    if (label_is_legacy_name(m->name))
        buf_append(to, m->name);
    else
        quote_text(m->name, to);
    buf_append(to, str_of_cstr(matcher_type_text(m->type)));
    quote_text(m->value, to);
}
