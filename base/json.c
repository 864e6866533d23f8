/* json.c - places commas, escapes strings; everything else is the caller's order of calls,
 * which assertions check: a wrong one is a bug, never a property of data. */
#include "base/json.h"

#include "base/assert.h"

static bool
wrote_item(const struct json_writer *w)
{
    return w->wrote_item >> w->depth & 1;
}

static void
new_line(struct json_writer *w)
{
    if (w->layout == JSON_ONE_LINE)
        return;
    buf_put_u8(w->out, '\n');
    for (unsigned i = 0; i < w->depth; i++)
        buf_put_u8(w->out, '\t');
}

/* Every value and every key begins here. */
static void
begin_item(struct json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (wrote_item(w)) {
        ASSERT(w->depth > 0); /* one value at the top */
        buf_put_u8(w->out, ',');
    }
    if (w->depth > 0)
        new_line(w);
    w->wrote_item |= (uint64_t)1 << w->depth;
}

static void
begin_nested(struct json_writer *w, char bracket)
{
    begin_item(w);
    ASSERT(w->depth + 1 < JSON_DEPTH_MAX);
    w->depth++;
    w->wrote_item &= ~((uint64_t)1 << w->depth);
    buf_put_u8(w->out, (uint8_t)bracket);
}

static void
end_nested(struct json_writer *w, char bracket)
{
    ASSERT(w->depth > 0 && !w->after_key);
    bool empty = !wrote_item(w);
    w->depth--;
    if (!empty)
        new_line(w);
    buf_put_u8(w->out, (uint8_t)bracket);
}

void
json_init(struct json_writer *w, struct buf *out, enum json_escape escape)
{
    *w = (struct json_writer){.out = out, .escape = escape};
}

void
json_init_tabs(struct json_writer *w, struct buf *out, enum json_escape escape)
{
    *w = (struct json_writer){.out = out, .escape = escape, .layout = JSON_TABS};
}

void
json_begin_object(struct json_writer *w)
{
    begin_nested(w, '{');
}

void
json_end_object(struct json_writer *w)
{
    end_nested(w, '}');
}

void
json_begin_array(struct json_writer *w)
{
    begin_nested(w, '[');
}

void
json_end_array(struct json_writer *w)
{
    end_nested(w, ']');
}

void
json_key(struct json_writer *w, struct str key)
{
    ASSERT(w->depth > 0 && !w->after_key);
    json_str(w, key);
    buf_put_u8(w->out, ':');
    if (w->layout == JSON_TABS)
        buf_put_u8(w->out, ' ');
    w->after_key = true;
}

void
json_str(struct json_writer *w, struct str value)
{
    begin_item(w);
    buf_put_u8(w->out, '"');
    json_escape_to(w->out, value, w->escape);
    buf_put_u8(w->out, '"');
}

void
json_i64(struct json_writer *w, int64_t value)
{
    begin_item(w);
    buf_printf(w->out, "%jd", (intmax_t)value);
}

void
json_u64(struct json_writer *w, uint64_t value)
{
    begin_item(w);
    buf_printf(w->out, "%ju", (uintmax_t)value);
}

void
json_bool(struct json_writer *w, bool value)
{
    json_raw(w, value ? STR("true") : STR("false"));
}

void
json_null_value(struct json_writer *w)
{
    json_raw(w, STR("null"));
}

void
json_raw(struct json_writer *w, struct str value)
{
    begin_item(w);
    buf_append(w->out, value);
}

/* --- escaping ----------------------------------------------------------------------------- */

static bool
is_plain(unsigned char c, enum json_escape escape)
{
    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
        return false;
    return escape == JSON_PLAIN || (c != '<' && c != '>' && c != '&');
}

static void
escape_ascii(struct buf *out, unsigned char c)
{
    static const char letters[][2] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
                                      {'\n', 'n'}, {'\r', 'r'},  {'\t', 't'}};
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        if (letters[i][0] == (char)c) {
            buf_put_u8(out, '\\');
            buf_put_u8(out, (uint8_t)letters[i][1]);
            return;
        }
    }
    buf_printf(out, "\\u%04x", c);
}

/* One character above ASCII, or one malformed byte, from the start of *rest. U+2028 and U+2029
 * end lines in JavaScript, so that Go escapes them always. */
static void
escape_wide(struct buf *out, struct str *rest)
{
    size_t n = str_utf8_first(*rest);
    struct str c = str_take(rest, n > 0 ? n : 1);
    if (n == 0)
        buf_append(out, STR("\\ufffd"));
    else if (str_eq(c, STR("\xE2\x80\xA8")))
        buf_append(out, STR("\\u2028"));
    else if (str_eq(c, STR("\xE2\x80\xA9")))
        buf_append(out, STR("\\u2029"));
    else
        buf_append(out, c);
}

void
json_escape_to(struct buf *out, struct str value, enum json_escape escape)
{
    while (value.n > 0) {
        size_t plain = 0;
        while (plain < value.n && is_plain((unsigned char)value.p[plain], escape))
            plain++;
        buf_append(out, str_take(&value, plain));
        if (value.n == 0)
            return;
        if ((unsigned char)value.p[0] >= 0x80)
            escape_wide(out, &value);
        else
            escape_ascii(out, (unsigned char)str_take(&value, 1).p[0]);
    }
}
