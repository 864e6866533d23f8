/* yaml_read.h - from a YAML map to a struct, strictly, by a table.
 *
 *   static const struct yaml_field http_fields[] = {
 *       YAML_FIELD(http, url, "url", TEXT, .notes = YAML_REQUIRED)
 *       YAML_FIELD(http, timeout_ms, "timeout", DURATION, .dflt = "30s")
 *   };
 *   TRY(yaml_read(node, YAML_FIELDS(http_fields), arena, &http));
 *
 * Values are read as Go's yaml.v2 reads them into fields of these types: any scalar is a text;
 * truth values are those of YAML 1.1 (yes, on, ...). A null empties a text or a list of texts and
 * leaves every other field as it was. Whatever goes wrong is ERR_INVALID with line and column.
 * Threads: any (pure). */
#pragma once
#include "conf/yaml.h"

enum yaml_type {
    YAML_TEXT,     /* struct str                                            */
    YAML_BOOL,     /* bool                                                  */
    YAML_I64,      /* int64_t                                               */
    YAML_U64,      /* uint64_t                                              */
    YAML_F64,      /* double, finite                                        */
    YAML_DURATION, /* int64_t ms, in Prometheus' form (units.h)             */
    YAML_TEXTS,    /* struct yaml_texts: a list of scalars                  */
    YAML_STRUCT,   /* `fields` of the struct at the offset                  */
    YAML_ANY,      /* const struct yaml_node *, for the caller to look into */
};

enum yaml_note { YAML_REQUIRED = 1 };

struct yaml_texts {
    const struct str *v;
    size_t n;
};

struct yaml_fields {
    const struct yaml_field *v;
    size_t n;
};
#define YAML_FIELDS(table) ((struct yaml_fields){(table), sizeof(table) / sizeof((table)[0])})

struct yaml_field {
    const char *name;
    enum yaml_type type;
    size_t offset;
    const char *dflt;          /* of an absent scalar; NULL: what is there stays */
    unsigned notes;            /* enum yaml_note */
    struct yaml_fields fields; /* YAML_STRUCT */
    double min, max;           /* of numbers; equal: any */
};

/* A row: tag of the struct, field, key, type without YAML_, initialisers of further members. */
#define YAML_FIELD(S, field_, name_, type_, ...)                                                   \
    {.name = name_, .type = YAML_##type_, .offset = offsetof(struct S, field_), __VA_ARGS__},

/* Fills *to, whose fields without default the caller has set. An unknown key is an error that names
 * the nearest known one. Texts are views into the tree. NULL for `node` is an empty map. */
struct err yaml_read(const struct yaml_node *node, struct yaml_fields fields, struct arena *a,
                     void *to);
/* An error about this place: "line 3, column 5: ...". Consumes e. */
struct err yaml_err_at(const struct yaml_node *n, struct err e);
