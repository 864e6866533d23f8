/* relabel.c - runs rules over one label set.
 *
 * The set is kept as Prometheus' builder keeps it: labels as given, in their order, then those
 * that rules have set, in the order in which they did. labelmap walks it in that order, so that of
 * two labels with one new name the same one wins. */
#include "ingest/relabel_int.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/case.h"
#include "base/md5.h"

struct label_builder {
    struct arena *arena;
    size_t n, given;  /* labels; how many of them, the first ones, are as given */
    size_t bytes_set; /* by all rules so far: bounds the arena */
    bool changed;
    enum label_fault fault; /* sticky: nothing changes any more */
    struct label v[LABELS_COUNT_MAX];
};

/* Where a name stands, or n. */
static size_t
find(const struct label_builder *b, struct str name)
{
    size_t i = 0;
    while (i < b->n && !str_eq(b->v[i].name, name))
        i++;
    return i;
}

static struct str
get(const struct label_builder *b, struct str name)
{
    size_t i = find(b, name);
    return i < b->n ? b->v[i].value : STR("");
}

static void
remove_at(struct label_builder *b, size_t i)
{
    memmove(&b->v[i], &b->v[i + 1], (b->n - i - 1) * sizeof b->v[0]);
    b->n--;
    b->given -= i < b->given;
}

static void
del(struct label_builder *b, struct str name)
{
    size_t i = find(b, name);
    if (i == b->n)
        return;
    remove_at(b, i);
    b->changed = true;
}

static enum label_fault
fault_of(struct str name, struct str value)
{
    return name.n > LABEL_NAME_BYTES_MAX || value.n > LABEL_VALUE_BYTES_MAX ? LABEL_FAULT_TOO_LONG
                                                                            : LABEL_FAULT_NONE;
}

/* Both are copied where they are new. */
static void
set(struct label_builder *b, struct str name, struct str value)
{
    if (value.n == 0) {
        del(b, name);
        return;
    }
    size_t i = find(b, name);
    bool same = i < b->n && str_eq(b->v[i].value, value);
    struct label l = same ? b->v[i] : (struct label){.name = name};
    if (!same) {
        b->fault = fault_of(name, value);
        if (b->fault == LABEL_FAULT_NONE && i == b->n && b->n == LABELS_COUNT_MAX)
            b->fault = LABEL_FAULT_TOO_MANY;
        b->bytes_set += value.n;
        if (b->fault == LABEL_FAULT_NONE && b->bytes_set > RELABEL_WORKING_BYTES_MAX)
            b->fault = LABEL_FAULT_TOO_LONG;
        if (b->fault != LABEL_FAULT_NONE)
            return;
        l.name = i < b->n ? b->v[i].name : arena_str(b->arena, name);
        l.value = arena_str(b->arena, value);
        b->changed = true;
    }
    if (i < b->given) {
        remove_at(b, i);
        i = b->n;
    }
    b->v[i] = l;
    b->n += i == b->n;
}

/* --- rules ------------------------------------------------------------------------------------ */

/* The values of the source labels; in `room` when there are several. */
static struct str
join_sources(const struct relabel_rule *r, const struct label_builder *b, struct buf *room)
{
    if (r->source_count == 1)
        return get(b, r->sources[0]);
    for (size_t i = 0; i < r->source_count; i++) {
        if (i > 0)
            buf_append(room, r->separator);
        buf_append(room, get(b, r->sources[i]));
    }
    return buf_str(room);
}

/* At most that many bytes come of a template: each dollar may stand for the whole text. */
static size_t
expanded_bytes_max(struct str template, struct str text)
{
    size_t dollars = 0;
    for (size_t i = 0; i < template.n; i++)
        dollars += template.p[i] == '$';
    return template.n + dollars * text.n; /* both are bounded far below an overflow */
}

/* False, and a fault, when a template could expand to too much. */
static bool
may_expand(struct label_builder *b, struct str template, struct str text)
{
    if (expanded_bytes_max(template, text) <= RELABEL_WORKING_BYTES_MAX)
        return true;
    b->fault = LABEL_FAULT_TOO_LONG;
    return false;
}

static void
replace(const struct relabel_rule *r, struct label_builder *b, struct str text)
{
    AUTO(buf_fini) struct buf target = BUF_INIT, value = BUF_INIT;
    if (!may_expand(b, r->target, text) || !may_expand(b, r->replacement, text))
        return;
    if (!regex_expand(r->regex, text, r->target, &target))
        return;
    if (target.n == 0 || !str_is_utf8(buf_str(&target)))
        return; /* names nothing: the rule does nothing */
    (void)regex_expand(r->regex, text, r->replacement, &value); /* it matches */
    set(b, buf_str(&target), buf_str(&value));
}

static void
set_remainder(const struct relabel_rule *r, struct label_builder *b, struct str text)
{
    struct md5 sum = md5_of(text);
    uint64_t remainder = load_be64(sum.bytes + MD5_BYTES - sizeof(uint64_t)) % r->modulus;
    set(b, r->target, arena_printf(b->arena, "%ju", (uintmax_t)remainder));
}

static void
set_cased(const struct relabel_rule *r, struct label_builder *b, struct str text)
{
    AUTO(buf_fini) struct buf room = BUF_INIT;
    if (r->action == RELABEL_LOWERCASE)
        case_lower(text, &room);
    else
        case_upper(text, &room);
    set(b, r->target, buf_str(&room));
}

/* Every label as it was before the rule. */
static void
map_labels(const struct relabel_rule *r, struct label_builder *b)
{
    AUTO(buf_fini) struct buf name = BUF_INIT;
    struct label before[LABELS_COUNT_MAX];
    size_t n = b->n;
    memcpy(before, b->v, n * sizeof before[0]);
    for (size_t i = 0; i < n && b->fault == LABEL_FAULT_NONE; i++) {
        buf_clear(&name);
        if (may_expand(b, r->replacement, before[i].name) &&
            regex_expand(r->regex, before[i].name, r->replacement, &name))
            set(b, buf_str(&name), before[i].value);
    }
}

static void
sift_labels(const struct relabel_rule *r, struct label_builder *b)
{
    bool drop_matching = r->action == RELABEL_LABEL_DROP;
    for (size_t i = 0; i < b->n;) {
        if (regex_match(r->regex, b->v[i].name) != drop_matching) {
            i++;
            continue;
        }
        remove_at(b, i);
        b->changed = true;
    }
}

/* False: the series is dropped. */
static bool
run_rule(const struct relabel_rule *r, struct label_builder *b, struct buf *room)
{
    struct str text = join_sources(r, b, room);
    switch (r->action) {
    case RELABEL_KEEP:
        return regex_match(r->regex, text);
    case RELABEL_DROP:
        return !regex_match(r->regex, text);
    case RELABEL_KEEP_EQUAL:
        return str_eq(get(b, r->target), text);
    case RELABEL_DROP_EQUAL:
        return !str_eq(get(b, r->target), text);
    case RELABEL_REPLACE:
        replace(r, b, text);
        return true;
    case RELABEL_HASHMOD:
        set_remainder(r, b, text);
        return true;
    case RELABEL_LOWERCASE:
    case RELABEL_UPPERCASE:
        set_cased(r, b, text);
        return true;
    case RELABEL_LABEL_MAP:
        map_labels(r, b);
        return true;
    case RELABEL_LABEL_DROP:
    case RELABEL_LABEL_KEEP:
        sift_labels(r, b);
        return true;
    case RELABEL_ACTION_COUNT:
        break;
    }
    UNREACHABLE("every action is above");
}

/* Room for values is asked for before they are joined. */
static bool
may_join(const struct relabel_rule *r, struct label_builder *b)
{
    size_t bytes = 0;
    for (size_t i = 0; i < r->source_count; i++)
        bytes += get(b, r->sources[i]).n + r->separator.n;
    if (bytes > RELABEL_WORKING_BYTES_MAX)
        b->fault = LABEL_FAULT_TOO_LONG;
    return b->fault == LABEL_FAULT_NONE;
}

struct relabel_result
relabel_apply(const struct relabel_rules *rules, struct arena *a, struct labels labels)
{
    AUTO(buf_fini) struct buf room = BUF_INIT;
    struct label_builder b;
    ASSERT(labels.n <= LABELS_COUNT_MAX);
    b.arena = a;
    b.n = b.given = labels.n;
    b.bytes_set = 0;
    b.changed = false;
    b.fault = LABEL_FAULT_NONE;
    if (labels.n > 0)
        memcpy(b.v, labels.v, labels.n * sizeof b.v[0]);
    for (size_t i = 0; i < rules->n && b.fault == LABEL_FAULT_NONE; i++) {
        buf_clear(&room);
        if (may_join(&rules->v[i], &b) && !run_rule(&rules->v[i], &b, &room))
            return (struct relabel_result){.outcome = RELABEL_DROPPED};
    }
    if (b.fault == LABEL_FAULT_NONE && find(&b, STR("")) < b.n)
        b.fault = LABEL_FAULT_EMPTY_NAME; /* labelmap's; a later rule may have dropped it */
    if (b.fault != LABEL_FAULT_NONE)
        return (struct relabel_result){.outcome = RELABEL_REFUSED, .fault = b.fault};
    if (!b.changed)
        return (struct relabel_result){.outcome = RELABEL_KEPT, .labels = labels};
    labels_sort(b.v, b.n);
    struct label *v = ARENA_ARRAY(a, struct label, b.n);
    memcpy(v, b.v, b.n * sizeof *v);
    return (struct relabel_result){.outcome = RELABEL_CHANGED, .labels = {v, b.n}};
}
