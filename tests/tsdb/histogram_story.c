/* histogram_story.c - reading the lines, comparing with them. */
#include "tests/tsdb/histogram_story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "tests/harness.h"

enum { GOLDEN_BYTES_MAX = 1 << 26 };

static struct str
next_part(struct str *rest)
{
    for (size_t i = 0; i + 2 < rest->n; i++)
        if (memcmp(rest->p + i, " | ", 3) == 0) {
            struct str part = str_take(rest, i);
            *rest = str_skip(*rest, 3);
            return part;
        }
    return str_take(rest, rest->n);
}

static struct histogram_story
story_of(struct str line, struct arena *a)
{
    struct histogram_story s = {.a = a};
    struct str words = next_part(&line);
    s.name = str_split(&words, ' ');
    for (size_t i = 0; i < ARRAY_LEN(s.arguments); i++)
        s.arguments[i] = strtod(arena_str(a, str_split(&words, ' ')).p, NULL);
    for (; line.n > 0; s.n++) {
        ck_assert_uint_lt(s.n, HISTOGRAM_STORY_PARTS_MAX);
        s.parts[s.n] = arena_str(a, next_part(&line));
    }
    return s;
}

void
histogram_story_tell(const char *file, struct str name, size_t least,
                     void (*tell)(const struct histogram_story *s))
{
    AUTO(buf_fini) struct buf golden = BUF_INIT;
    char path[512];
    snprintf(path, sizeof path, "%s/tests/data/%s", getenv("srcdir"), file);
    CK_OK(fs_read_file(fs_posix(), path, GOLDEN_BYTES_MAX, &golden));
    size_t told = 0;
    for (struct str rest = buf_str(&golden); rest.n > 0;) {
        AUTO(arena_fini) struct arena a;
        arena_init(&a, 0);
        struct str line = str_split(&rest, '\n');
        if (!str_starts_with(line, name))
            continue;
        struct histogram_story s = story_of(line, &a);
        if (!str_eq(s.name, name))
            continue;
        tell(&s);
        told++;
    }
    ck_assert_uint_ge(told, least);
}

struct float_histogram *
histogram_story_operand(const struct histogram_story *s, size_t i)
{
    ck_assert_uint_lt(i, s->n);
    return kit_float(s->parts[i].p, s->a);
}

void
histogram_story_check(const struct histogram_story *s, size_t i, const char *got)
{
    ck_assert_uint_le(i, s->n);
    const char *want = s->parts[s->n - i].p;
    if (strcmp(got, want) != 0)
        ck_abort_msg("%.*s %.17g %.17g of\n  %s\n  %s\nis\n  %s\nnot\n  %s", STR_FMT(s->name),
                     s->arguments[0], s->arguments[1], s->parts[0].p, s->parts[1].p, want, got);
}

void
histogram_story_check_histogram(const struct histogram_story *s, size_t i,
                                const struct float_histogram *got)
{
    histogram_story_check(s, i, kit_float_text(got, s->a));
}

void
histogram_story_check_number(const struct histogram_story *s, size_t i, double got)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    kit_put_number(&text, "", got);
    histogram_story_check(s, i, buf_cstr(&text));
}
