/* json.h - a small streaming JSON writer (reading is jansson's).
 *
 * Commas are placed by the writer. Strings are escaped as Go's encoding/json does it:
 * JSON_HTML also turns < > & into \u003c \u003e \u0026. Invalid UTF-8 becomes \ufffd.
 * Threads: one at a time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { JSON_DEPTH_MAX = 64 };
enum json_escape { JSON_PLAIN, JSON_HTML };
enum json_layout {
    JSON_ONE_LINE,
    JSON_TABS, /* as Go's MarshalIndent(v, "", "\t") */
};

struct json_writer {
    struct buf *out;        /* borrowed */
    enum json_escape escape;
    enum json_layout layout;
    uint64_t wrote_item;    /* a bit a nesting level: a comma is due before the next item */
    unsigned depth;
    bool after_key;
};

void json_init(struct json_writer *w, struct buf *out, enum json_escape escape);
/* The same with a line for each item. */
void json_init_tabs(struct json_writer *w, struct buf *out, enum json_escape escape);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, struct str key);
void json_str(struct json_writer *w, struct str value);
void json_i64(struct json_writer *w, int64_t value);
void json_u64(struct json_writer *w, uint64_t value);
void json_bool(struct json_writer *w, bool value);
void json_null_value(struct json_writer *w); /* json_null() is jansson's */
/* Bytes that are a JSON value already. */
void json_raw(struct json_writer *w, struct str value);
/* Appends the escaped text without quotes. */
void json_escape_to(struct buf *out, struct str value, enum json_escape escape);
