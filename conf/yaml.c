/* yaml.c - libyaml's events to a tree.
 *
 * A node is built from its first event on by one function a kind; they call each other as deep as
 * YAML_DEPTH_MAX. An anchor is known once its node is complete, so no node contains itself. */
#include "conf/yaml.h"

#include <yaml.h>

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"

struct anchor {
    const struct yaml_node *node;
    size_t nodes; /* that it stands for */
};

struct builder {
    yaml_parser_t parser;
    struct arena *arena;
    struct map anchors; /* name -> struct anchor, in the arena */
    size_t nodes;       /* so far, aliases followed */
    unsigned depth;
};

/* Fails as the parser does, with the place where it was. */
static struct err
next_event(struct builder *b, yaml_event_t *ret_event)
{
    if (yaml_parser_parse(&b->parser, ret_event))
        return OK;
    const yaml_parser_t *p = &b->parser;
    const char *problem = p->problem ? p->problem : "malformed";
    if (p->error == YAML_READER_ERROR) /* knows an offset only */
        return ERR(ERR_INVALID, "yaml: offset %zu: %s", p->problem_offset, problem);
    return ERR(ERR_INVALID, "yaml: line %zu, column %zu: %s%s%s", p->problem_mark.line + 1,
               p->problem_mark.column + 1, problem, p->context ? " " : "",
               p->context ? p->context : "");
}

static struct err
fault_at(yaml_mark_t at, const char *what)
{
    return ERR(ERR_INVALID, "yaml: line %zu, column %zu: %s", at.line + 1, at.column + 1, what);
}

static struct err
count_nodes(struct builder *b, size_t more, yaml_mark_t at)
{
    b->nodes += more; /* both are at most YAML_NODES_MAX */
    if (b->nodes > YAML_NODES_MAX)
        return fault_at(at, "too many values, aliases followed");
    return OK;
}

static struct yaml_node *
new_node(struct builder *b, enum yaml_kind kind, yaml_mark_t at)
{
    struct yaml_node *n = ARENA_NEW(b->arena, struct yaml_node);
    n->kind = kind;
    n->line = u32_of_size(at.line + 1); /* bounded by YAML_BYTES_MAX, as the column */
    n->column = u32_of_size(at.column + 1);
    return n;
}

static void
name_anchor(struct builder *b, const yaml_char_t *name, const struct yaml_node *n, size_t nodes)
{
    if (!name)
        return;
    struct anchor *anchor = ARENA_NEW(b->arena, struct anchor);
    *anchor = (struct anchor){n, nodes};
    (void)map_put(&b->anchors, str_of_cstr((const char *)name), anchor); /* the last one counts */
}

static struct err build(struct builder *b, const yaml_event_t *first,
                        const struct yaml_node **ret_node);

/* --- scalars and aliases ---------------------------------------------------------------------- */

static struct err
build_scalar(struct builder *b, const yaml_event_t *e, const struct yaml_node **ret_node)
{
    const char *tag = (const char *)e->data.scalar.tag;
    bool known = !tag || strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, "!") == 0;
    if (!known)
        return fault_at(e->start_mark, "tags other than !!str are not understood");
    struct yaml_node *n = new_node(b, YAML_SCALAR, e->start_mark);
    n->plain = e->data.scalar.plain_implicit && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    n->text =
        arena_str(b->arena, str_of((const char *)e->data.scalar.value, e->data.scalar.length));
    name_anchor(b, e->data.scalar.anchor, n, 1);
    *ret_node = n;
    return count_nodes(b, 1, e->start_mark);
}

static struct err
follow_alias(struct builder *b, const yaml_event_t *e, const struct yaml_node **ret_node)
{
    const struct anchor *anchor =
        map_get(&b->anchors, str_of_cstr((const char *)e->data.alias.anchor));
    if (!anchor)
        return fault_at(e->start_mark, "unknown anchor, or one that contains its alias");
    if (b->depth + anchor->node->height > YAML_DEPTH_MAX)
        return fault_at(e->start_mark, "nested too deep");
    *ret_node = anchor->node;
    return count_nodes(b, anchor->nodes, e->start_mark);
}

/* --- lists ------------------------------------------------------------------------------------ */

struct item_list {
    const struct yaml_node **v;
    size_t n, cap;
};

/* Items up to the end of the list. */
static struct err
collect_items(struct builder *b, struct item_list *to, uint8_t *height)
{
    for (;;) {
        yaml_event_t e;
        TRY(next_event(b, &e));
        if (e.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&e);
            return OK;
        }
        const struct yaml_node *item = NULL;
        struct err failed = build(b, &e, &item);
        yaml_event_delete(&e);
        TRY(failed);
        *height = item->height > *height ? item->height : *height;
        to->v = arena_more(b->arena, to->v, sizeof *to->v, to->n, &to->cap);
        to->v[to->n++] = item;
    }
}

static struct err
build_list(struct builder *b, const yaml_event_t *first, const struct yaml_node **ret_node)
{
    size_t nodes_before = b->nodes;
    struct item_list items = {.n = 0};
    uint8_t height = 0;
    struct yaml_node *n = new_node(b, YAML_LIST, first->start_mark);
    TRY(count_nodes(b, 1, first->start_mark));
    TRY(collect_items(b, &items, &height));
    n->items = items.v;
    n->count = items.n;
    n->height = (uint8_t)(height + 1);
    name_anchor(b, first->data.sequence_start.anchor, n, b->nodes - nodes_before);
    *ret_node = n;
    return OK;
}

/* --- maps ------------------------------------------------------------------------------------- */

struct pair_list {
    struct yaml_pair *v;
    size_t n, cap;
    struct map keys;                /* text -> key */
    const struct yaml_node *merged; /* value of "<<" */
};

static void
add_pair(struct builder *b, struct pair_list *to, struct yaml_pair pair)
{
    to->v = arena_more(b->arena, to->v, sizeof *to->v, to->n, &to->cap);
    to->v[to->n++] = pair;
    (void)map_put(&to->keys, pair.key->text, (void *)(uintptr_t)pair.key);
}

static struct err
fault_of(const struct yaml_node *n, const char *what)
{
    return ERR(ERR_INVALID, "yaml: line %u, column %u: %s", n->line, n->column, what);
}

static struct err
collect_pair(struct builder *b, const yaml_event_t *key_event, struct pair_list *to,
             uint8_t *height)
{
    struct yaml_pair pair = {NULL, NULL};
    TRY(build(b, key_event, &pair.key));
    if (pair.key->kind != YAML_SCALAR)
        return fault_of(pair.key, "a key must be a text");
    const struct yaml_node *before = map_get(&to->keys, pair.key->text);
    if (before)
        return ERR(ERR_INVALID, "yaml: line %u, column %u: key \"%.*s\" already set in line %u",
                   pair.key->line, pair.key->column, STR_FMT(pair.key->text), before->line);
    yaml_event_t e;
    TRY(next_event(b, &e));
    struct err failed = build(b, &e, &pair.value);
    yaml_event_delete(&e);
    TRY(failed);
    *height = pair.value->height > *height ? pair.value->height : *height;
    if (!pair.key->plain || !str_eq(pair.key->text, STR("<<"))) {
        add_pair(b, to, pair);
        return OK;
    }
    if (to->merged)
        return fault_of(pair.key, "key \"<<\" stands twice");
    to->merged = pair.value;
    return OK;
}

static struct err
collect_pairs(struct builder *b, struct pair_list *to, uint8_t *height)
{
    for (;;) {
        yaml_event_t e;
        TRY(next_event(b, &e));
        if (e.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&e);
            return OK;
        }
        struct err failed = collect_pair(b, &e, to, height);
        yaml_event_delete(&e);
        TRY(failed);
    }
}

/* Keys of another map that are not there yet. Its values are counted as those of an alias are. */
static struct err
merge_map(struct builder *b, struct pair_list *to, const struct yaml_node *from)
{
    if (from->kind != YAML_MAP)
        return fault_of(from, "only maps can be merged");
    b->nodes += from->count;
    if (b->nodes > YAML_NODES_MAX)
        return fault_of(from, "too many values, aliases followed");
    for (size_t i = 0; i < from->count; i++) {
        if (!map_get(&to->keys, from->pairs[i].key->text))
            add_pair(b, to, from->pairs[i]);
    }
    return OK;
}

static struct err
merge(struct builder *b, struct pair_list *to)
{
    const struct yaml_node *from = to->merged;
    if (!from || yaml_is_null(from))
        return OK;
    if (from->kind != YAML_LIST)
        return merge_map(b, to, from);
    for (size_t i = 0; i < from->count; i++)
        TRY(merge_map(b, to, from->items[i]));
    return OK;
}

static struct err
build_map(struct builder *b, const yaml_event_t *first, const struct yaml_node **ret_node)
{
    size_t nodes_before = b->nodes;
    struct pair_list pairs = {.n = 0};
    uint8_t height = 0;
    struct yaml_node *n = new_node(b, YAML_MAP, first->start_mark);
    TRY(count_nodes(b, 1, first->start_mark));
    map_init(&pairs.keys, MAP_KEYS_BORROWED);
    struct err failed = collect_pairs(b, &pairs, &height);
    if (failed.code == ERR_NONE)
        failed = merge(b, &pairs);
    map_fini(&pairs.keys);
    TRY(failed);
    n->pairs = pairs.v;
    n->count = pairs.n;
    n->height = (uint8_t)(height + 1);
    name_anchor(b, first->data.mapping_start.anchor, n, b->nodes - nodes_before);
    *ret_node = n;
    return OK;
}

/* The node that begins with this event, which stays the caller's. */
static struct err
build(struct builder *b, const yaml_event_t *first, const struct yaml_node **ret_node)
{
    if (first->type == YAML_SCALAR_EVENT)
        return build_scalar(b, first, ret_node);
    if (first->type == YAML_ALIAS_EVENT)
        return follow_alias(b, first, ret_node);
    bool is_list = first->type == YAML_SEQUENCE_START_EVENT;
    ASSERT(is_list || first->type == YAML_MAPPING_START_EVENT); /* libyaml checks the grammar */
    if (++b->depth > YAML_DEPTH_MAX)
        return fault_at(first->start_mark, "nested too deep");
    TRY(is_list ? build_list(b, first, ret_node) : build_map(b, first, ret_node));
    b->depth--;
    return OK;
}

/* --- the document ----------------------------------------------------------------------------- */

static struct err
build_document(struct builder *b, const struct yaml_node **ret_root)
{
    const struct yaml_node *root = NULL;
    for (bool over = false; !over;) {
        yaml_event_t e;
        struct err failed = OK;
        TRY(next_event(b, &e));
        over = e.type == YAML_STREAM_END_EVENT;
        bool is_node = e.type == YAML_SCALAR_EVENT || e.type == YAML_ALIAS_EVENT ||
                       e.type == YAML_SEQUENCE_START_EVENT || e.type == YAML_MAPPING_START_EVENT;
        if (is_node && root)
            failed = fault_at(e.start_mark, "more than one document");
        else if (is_node)
            failed = build(b, &e, &root);
        yaml_event_delete(&e);
        TRY(failed);
    }
    *ret_root = root && yaml_is_null(root) ? NULL : root;
    return OK;
}

struct err
yaml_parse(struct arena *a, struct str text, const struct yaml_node **ret_root)
{
    if (text.n > YAML_BYTES_MAX)
        return ERR(ERR_TOO_LARGE, "yaml: %zu bytes, limit %d", text.n, YAML_BYTES_MAX);
    struct builder b = {.arena = a};
    if (!yaml_parser_initialize(&b.parser))
        return ERR(ERR_OVERLOAD, "yaml: out of memory");
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    map_init(&b.anchors, MAP_KEYS_COPIED);
    struct err e = build_document(&b, ret_root);
    map_fini(&b.anchors);
    yaml_parser_delete(&b.parser);
    return e;
}

bool
yaml_is_null(const struct yaml_node *n)
{
    if (n->kind != YAML_SCALAR || !n->plain)
        return false;
    return n->text.n == 0 || str_eq(n->text, STR("~")) || str_eq(n->text, STR("null")) ||
           str_eq(n->text, STR("Null")) || str_eq(n->text, STR("NULL"));
}

const struct yaml_node *
yaml_get(const struct yaml_node *map, struct str key)
{
    ASSERT(map->kind == YAML_MAP);
    for (size_t i = 0; i < map->count; i++) {
        if (str_eq(map->pairs[i].key->text, key))
            return map->pairs[i].value;
    }
    return NULL;
}
