/* meta_unknown.c - finds the members of meta.json that meta.h does not name, and keeps their text.
 *
 * The text was parsed before: what stands here only finds where members begin and end, and need
 * not judge them. */
#include <jansson.h>

#include "base/assert.h"
#include "tsdb/block/meta_int.h"

/* A member of an object, or an item of an array (without a key), as written. */
struct member {
    struct str key; /* with its quotes */
    struct str whole, value;
};

static void
skip_to_token(struct str *rest)
{
    while (rest->n > 0 && strchr(" \t\r\n,:", rest->p[0]))
        *rest = str_skip(*rest, 1);
}

/* Bytes of the string that `s` starts with, quotes included. */
static size_t
string_bytes(struct str s)
{
    size_t n = 1;
    while (n < s.n && s.p[n] != '"')
        n += s.p[n] == '\\' ? 2 : 1;
    return size_min(n + 1, s.n);
}

/* Bytes of the value that `s` starts with. */
static size_t
value_bytes(struct str s)
{
    size_t n = 0, depth = 0;
    while (n < s.n) {
        char c = s.p[n];
        if (depth == 0 && n > 0 && strchr(" \t\r\n,]}", c))
            break;
        n += c == '"' ? string_bytes(str_skip(s, n)) : 1;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        if (depth == 0 && strchr("]}\"", c))
            break;
    }
    return n;
}

/* The next member behind *rest, which stands within an object or an array. */
static bool
next_item(struct str *rest, struct member *ret_item)
{
    skip_to_token(rest);
    if (rest->n == 0 || rest->p[0] == '}' || rest->p[0] == ']')
        return false;
    const char *start = rest->p;
    ret_item->value = str_take(rest, value_bytes(*rest));
    ret_item->whole = str_of(start, ret_item->value.n);
    return true;
}

static bool
next_member(struct str *rest, struct member *ret_member)
{
    if (!next_item(rest, ret_member))
        return false;
    ret_member->key = ret_member->value;
    skip_to_token(rest);
    ret_member->value = str_take(rest, value_bytes(*rest));
    ret_member->whole.n = (size_t)(rest->p - ret_member->whole.p);
    return true;
}

/* `text`, with its quotes, is a string of JSON for `name`. */
static bool
text_is(struct str text, const char *name)
{
    if (memchr(text.p, '\\', text.n) == NULL)
        return text.n == strlen(name) + 2 && memcmp(text.p + 1, name, text.n - 2) == 0;
    json_t *value = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    bool is = json_is_string(value) && json_string_length(value) == strlen(name) &&
              strcmp(json_string_value(value), name) == 0;
    json_decref(value);
    return is;
}

static bool
is_known(struct str key, const char *const *names)
{
    while (*names && !text_is(key, *names))
        names++;
    return *names != NULL;
}

/* Separated as the writer separates them at that depth. */
static void
keep(struct buf *to, struct str text, size_t depth)
{
    if (to->n > 0)
        buf_append(to, STR(",\n"));
    for (size_t i = 0; i < depth && to->n > 0; i++)
        buf_put_u8(to, '\t');
    buf_append(to, text);
}

static void
keep_members(struct str object, const char *const *names, size_t depth, struct buf *to)
{
    struct member m;
    if (object.n == 0 || object.p[0] != '{') /* null */
        return;
    object = str_skip(object, 1);
    while (next_member(&object, &m)) {
        if (!is_known(m.key, names))
            keep(to, m.whole, depth);
    }
}

static void
keep_hints(struct str array, struct buf *to)
{
    struct member m;
    if (array.n == 0 || array.p[0] != '[')
        return;
    array = str_skip(array, 1);
    while (next_item(&array, &m)) {
        bool known = false;
        for (size_t i = 0; i < block_hint_name_count; i++)
            known = known || (m.value.p[0] == '"' && text_is(m.value, block_hint_names[i].text.p));
        if (!known)
            keep(to, m.value, 3);
    }
}

static void
keep_compaction(struct str object, struct block_meta *m)
{
    static const char *const names[] = {"level",   "sources", "deletable", "parents",
                                        "failed", "hints",   NULL};
    struct member member;
    keep_members(object, names, 2, &m->unknown_compaction);
    if (object.n == 0 || object.p[0] != '{')
        return;
    object = str_skip(object, 1);
    while (next_member(&object, &member)) {
        if (text_is(member.key, "hints"))
            keep_hints(member.value, &m->unknown_hints);
    }
}

void
block_meta_keep_unknown(struct str text, struct block_meta *m)
{
    static const char *const names[] = {"ulid",       "minTime", "maxTime", "stats",
                                        "compaction", "version", NULL};
    static const char *const stats[] = {"numSamples", "numFloatSamples", "numHistogramSamples",
                                        "numSeries",  "numChunks",       "numTombstones",
                                        NULL};
    struct str rest = str_trim(text);
    ASSERT(rest.n > 0 && rest.p[0] == '{');
    m->line_end = str_ends_with(text, STR("\n"));
    keep_members(rest, names, 1, &m->unknown);
    struct member member;
    rest = str_skip(rest, 1);
    while (next_member(&rest, &member)) {
        if (text_is(member.key, "stats"))
            keep_members(member.value, stats, 2, &m->unknown_stats);
        if (text_is(member.key, "compaction"))
            keep_compaction(member.value, m);
    }
}
