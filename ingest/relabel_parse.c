/* relabel_parse.c - rules from YAML, checked as Prometheus checks them and in its words. */
#include "ingest/relabel_int.h"

#include "base/case.h"
#include "base/quote.h"
#include "conf/yaml_read.h"

#define REGEX_DEFAULT       "(.*)"
#define SEPARATOR_DEFAULT   ";"
#define REPLACEMENT_DEFAULT "$1"

static const char *const action_names[RELABEL_ACTION_COUNT] = {
    [RELABEL_REPLACE] = "replace",
    [RELABEL_KEEP] = "keep",
    [RELABEL_DROP] = "drop",
    [RELABEL_KEEP_EQUAL] = "keepequal",
    [RELABEL_DROP_EQUAL] = "dropequal",
    [RELABEL_HASHMOD] = "hashmod",
    [RELABEL_LABEL_MAP] = "labelmap",
    [RELABEL_LABEL_DROP] = "labeldrop",
    [RELABEL_LABEL_KEEP] = "labelkeep",
    [RELABEL_LOWERCASE] = "lowercase",
    [RELABEL_UPPERCASE] = "uppercase",
};

/* What an action demands and forbids. */
enum action_trait {
    NEEDS_TARGET = 1,
    TARGET_IS_NAME = 2,
    NO_REPLACEMENT = 4,
    ONLY_SOURCES_AND_TARGET = 8,
    ONLY_REGEX = 16,
    WITH_GROUPS = 32,
};
static const unsigned action_traits[RELABEL_ACTION_COUNT] = {
    [RELABEL_REPLACE] = NEEDS_TARGET | TARGET_IS_NAME | WITH_GROUPS,
    [RELABEL_KEEP_EQUAL] = NEEDS_TARGET | TARGET_IS_NAME | NO_REPLACEMENT | ONLY_SOURCES_AND_TARGET,
    [RELABEL_DROP_EQUAL] = NEEDS_TARGET | TARGET_IS_NAME | NO_REPLACEMENT | ONLY_SOURCES_AND_TARGET,
    [RELABEL_HASHMOD] = NEEDS_TARGET | TARGET_IS_NAME,
    [RELABEL_LABEL_MAP] = WITH_GROUPS,
    [RELABEL_LABEL_DROP] = ONLY_REGEX,
    [RELABEL_LABEL_KEEP] = ONLY_REGEX,
    [RELABEL_LOWERCASE] = NEEDS_TARGET | TARGET_IS_NAME | NO_REPLACEMENT,
    [RELABEL_UPPERCASE] = NEEDS_TARGET | TARGET_IS_NAME | NO_REPLACEMENT,
};

/* A rule as it is written. */
struct rule_text {
    struct yaml_texts source_labels;
    struct str separator, target_label, replacement, action;
    const struct yaml_node *regex; /* NULL: not there */
    uint64_t modulus;
};

static const struct yaml_field rule_fields[] = {
    YAML_FIELD(rule_text, source_labels, "source_labels",
               TEXTS) YAML_FIELD(rule_text, separator, "separator", TEXT, .dflt = SEPARATOR_DEFAULT)
        YAML_FIELD(rule_text, regex, "regex", ANY) YAML_FIELD(rule_text, modulus, "modulus", U64,
                                                              .dflt = "0")
            YAML_FIELD(rule_text, target_label, "target_label", TEXT, .dflt = "")
                YAML_FIELD(rule_text, replacement, "replacement", TEXT, .dflt = REPLACEMENT_DEFAULT)
                    YAML_FIELD(rule_text, action, "action", TEXT, .dflt = "replace")};

static bool
is_name(struct str s)
{
    return s.n > 0 && str_is_utf8(s);
}

static struct err
not_valid(struct str what, const char *field, enum relabel_action action)
{
    AUTO(buf_fini) struct buf quoted = BUF_INIT;
    quote_text(what, &quoted);
    return ERR(ERR_INVALID, "%s is invalid '%s' for %s action", buf_cstr(&quoted), field,
               action_names[action]);
}

static struct err
parse_action(struct str text, enum relabel_action *ret_action)
{
    AUTO(buf_fini) struct buf room = BUF_INIT;
    if (text.n == 0)
        return ERR(ERR_INVALID, "relabel action cannot be empty");
    case_lower(text, &room);
    for (enum relabel_action i = 0; i < RELABEL_ACTION_COUNT; i++) {
        if (str_eq(buf_str(&room), str_of_cstr(action_names[i]))) {
            *ret_action = i;
            return OK;
        }
    }
    buf_clear(&room);
    quote_text(text, &room);
    return ERR(ERR_INVALID, "unknown relabel action %s", buf_cstr(&room));
}

static struct err
check_sources(const struct yaml_texts *sources)
{
    if (sources->n > RELABEL_SOURCES_MAX)
        return ERR(ERR_INVALID, "%zu source_labels, limit %d", sources->n, RELABEL_SOURCES_MAX);
    for (size_t i = 0; i < sources->n; i++) {
        if (!is_name(sources->v[i]))
            return ERR(ERR_INVALID, "\"\" is not a valid label name");
    }
    return OK;
}

/* What is given beside the fields that an action knows. */
static struct err
check_only(const struct rule_text *t, enum relabel_action action)
{
    unsigned traits = action_traits[action];
    bool shaped = t->modulus != 0 || !str_eq(t->separator, STR(SEPARATOR_DEFAULT)) ||
                  !str_eq(t->replacement, STR(REPLACEMENT_DEFAULT));
    if ((traits & ONLY_SOURCES_AND_TARGET) && (shaped || t->regex))
        return ERR(ERR_INVALID,
                   "%s action requires only 'source_labels' and `target_label`, and no other "
                   "fields",
                   action_names[action]);
    if ((traits & ONLY_REGEX) && (shaped || t->source_labels.v || t->target_label.n > 0))
        return ERR(ERR_INVALID, "%s action requires only 'regex', and no other fields",
                   action_names[action]);
    return OK;
}

/* In Prometheus' order: the first thing that is wrong is told. */
static struct err
check_rule(const struct rule_text *t, enum relabel_action action)
{
    unsigned traits = action_traits[action];
    if (action == RELABEL_HASHMOD && t->modulus == 0)
        return ERR(ERR_INVALID, "relabel configuration for hashmod requires non-zero modulus");
    if ((traits & NEEDS_TARGET) && t->target_label.n == 0)
        return ERR(ERR_INVALID, "relabel configuration for %s action requires 'target_label' value",
                   action_names[action]);
    if ((traits & TARGET_IS_NAME) && !is_name(t->target_label))
        return not_valid(t->target_label, "target_label", action);
    if ((traits & NO_REPLACEMENT) && !str_eq(t->replacement, STR(REPLACEMENT_DEFAULT)))
        return ERR(ERR_INVALID, "'replacement' can not be set for %s action", action_names[action]);
    if (action == RELABEL_LABEL_MAP && !is_name(t->replacement))
        return not_valid(t->replacement, "replacement", action);
    TRY(check_only(t, action));
    size_t bytes = size_max(t->target_label.n, t->replacement.n);
    if (bytes > RELABEL_TEMPLATE_BYTES_MAX)
        return ERR(ERR_INVALID, "'target_label' or 'replacement' of %zu bytes, limit %d", bytes,
                   RELABEL_TEMPLATE_BYTES_MAX);
    return OK;
}

static struct err
compile_regex(const struct yaml_node *n, enum relabel_action action, struct regex **ret_regex)
{
    struct str pattern = STR(REGEX_DEFAULT);
    if (n && n->kind != YAML_SCALAR)
        return yaml_err_at(n, ERR(ERR_INVALID, "regex: a single value is expected"));
    if (n)
        pattern = yaml_is_null(n) ? STR("") : n->text; /* as in Go, where a null is no text */
    return action_traits[action] & WITH_GROUPS ? regex_compile_groups(pattern, ret_regex)
                                               : regex_compile(pattern, ret_regex);
}

static struct err
parse_rule(const struct yaml_node *n, struct arena *a, struct relabel_rule *ret_rule)
{
    struct rule_text t = {.regex = NULL};
    enum relabel_action action = RELABEL_REPLACE;
    struct regex *regex = NULL;
    TRY(yaml_read(n, YAML_FIELDS(rule_fields), a, &t));
    TRY_IN(parse_action(t.action, &action), "line %u", n->line);
    TRY_IN(check_sources(&t.source_labels), "line %u", n->line);
    TRY_IN(check_rule(&t, action), "line %u", n->line);
    TRY_IN(compile_regex(t.regex, action, &regex), "line %u", n->line);
    *ret_rule = (struct relabel_rule){
        .action = action,
        .sources = t.source_labels.v,
        .source_count = t.source_labels.n,
        .separator = t.separator,
        .regex = regex,
        .target = t.target_label,
        .replacement = t.replacement,
        .modulus = t.modulus,
    };
    return OK;
}

struct err
relabel_parse(struct str yaml, struct relabel_rules **ret_rules)
{
    AUTO(relabel_free) struct relabel_rules *rules = mem_alloc_zero(sizeof *rules);
    arena_init(&rules->arena, 0); /* bounded by the text */
    const struct yaml_node *root = NULL;
    TRY(yaml_parse(&rules->arena, yaml, &root));
    size_t count = root ? root->count : 0;
    if (root && root->kind != YAML_LIST)
        return yaml_err_at(root, ERR(ERR_INVALID, "a list of relabelling rules is expected"));
    if (count > RELABEL_RULES_MAX)
        return ERR(ERR_INVALID, "%zu relabelling rules, limit %d", count, RELABEL_RULES_MAX);
    rules->v = ARENA_ARRAY(&rules->arena, struct relabel_rule, count);
    for (; rules->n < count; rules->n++)
        TRY(parse_rule(root->items[rules->n], &rules->arena, &rules->v[rules->n]));
    *ret_rules = TAKE(rules);
    return OK;
}

void
relabel_free(struct relabel_rules *rules)
{
    if (!rules)
        return;
    for (size_t i = 0; i < rules->n; i++)
        regex_free(rules->v[i].regex);
    arena_fini(&rules->arena);
    mem_free(rules);
}

size_t
relabel_count(const struct relabel_rules *rules)
{
    return rules->n;
}
