/* story_delete.c - random deletions of a story, and their samples off the disk. */
#include "tests/tsdb/story.h"

/* --- which series ----------------------------------------------------------------------------- */

static void
add_matcher(struct story *s, struct matcher *v, size_t *n, enum matcher_type type, const char *name,
            struct str value)
{
    STORY_OK(s, matcher_make(&s->arena, type, str_of_cstr(name), value, &v[*n]));
    (*n)++;
}

static struct str
random_id(struct story *s)
{
    return arena_printf(&s->arena, "%ju", (uintmax_t)rand_below(&s->g, s->series + 1));
}

static struct matchers
random_matchers(struct story *s)
{
    struct matcher *v = ARENA_ARRAY(&s->arena, struct matcher, 2);
    size_t n = 0;
    struct str id = random_id(s);
    switch (rand_below(&s->g, 10)) {
    case 0: /* all */
        add_matcher(s, v, &n, MATCH_REGEX, "id", STR(".+"));
        break;
    case 1:
        add_matcher(s, v, &n, MATCH_EQUAL, "__name__",
                    arena_printf(&s->arena, "m%d", (int)rand_below(&s->g, 7)));
        break;
    case 2:
        add_matcher(s, v, &n, MATCH_EQUAL, "zone", STR("z"));
        add_matcher(s, v, &n, MATCH_NOT_EQUAL, "job",
                    arena_printf(&s->arena, "j%d", (int)rand_below(&s->g, 5)));
        break;
    case 3:
        add_matcher(s, v, &n, MATCH_REGEX, "id",
                    arena_printf(&s->arena, "%.*s|%d|clock", STR_FMT(id),
                                 (int)rand_below(&s->g, 10)));
        break;
    case 4:
        add_matcher(s, v, &n, MATCH_NOT_REGEX, "zone", STR("z"));
        add_matcher(s, v, &n, MATCH_REGEX, "__name__", STR("m[0-3]"));
        break;
    default:
        add_matcher(s, v, &n, MATCH_EQUAL, "id", id);
    }
    return (struct matchers){v, n};
}

/* --- which times ------------------------------------------------------------------------------ */

/* Of some sample that there is. */
static int64_t
any_time_ms(struct story *s)
{
    const struct model *m = &s->model;
    if (m->series.n == 0)
        return s->now_ms;
    const struct model_series *series = &m->series.v[rand_below(&s->g, m->series.n)];
    return series->held.n > 0 ? series->held.v[rand_below(&s->g, series->held.n)].t_ms : s->now_ms;
}

static struct interval
random_range(struct story *s)
{
    int64_t at_ms = any_time_ms(s), length_ms = between(s, 0, 6 * s->unit_ms);
    switch (rand_below(&s->g, 8)) {
    case 0:
        return (struct interval){INT64_MIN, INT64_MAX};
    case 1:
        return (struct interval){at_ms, INT64_MAX};
    case 2:
        return (struct interval){INT64_MIN, at_ms};
    case 3:
        return (struct interval){at_ms, at_ms};
    case 4:
        return (struct interval){s->now_ms - length_ms, s->now_ms};
    case 5: /* none */
        return (struct interval){at_ms, at_ms - 1};
    default:
        return (struct interval){at_ms, at_ms + length_ms / (chance(s, 50) ? 1 : 100)};
    }
}

/* ---------------------------------------------------------------------------------------------- */

/* With MODEL_TELL=1. */
static void
tell_deletion(const struct story *s, struct matchers matchers, struct interval span,
              enum err_code code)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    for (size_t i = 0; i < matchers.n; i++)
        matcher_format(&matchers.v[i], &text);
    if (s->log)
        fprintf(stderr, "deleted %s, %jd to %jd%s\n", buf_cstr(&text), (intmax_t)span.mint_ms,
                (intmax_t)span.maxt_ms, code == ERR_NONE ? "" : ": failed");
}

void
story_delete(struct story *s)
{
    if (!s->deletes)
        return;
    arena_reset(&s->arena);
    struct matchers matchers = random_matchers(s);
    struct interval span = random_range(s);
    struct delete_result result;
    struct err e = db_delete(s->db, matchers, span.mint_ms, span.maxt_ms, &result);
    STORY_ASSERT(s, s->faulty || e.code == ERR_NONE, "delete: %s", err_text(&e));
    if (span.mint_ms <= span.maxt_ms)
        model_delete(&s->model, matchers, span,
                     e.code == ERR_NONE ? MODEL_DELETED : MODEL_DELETED_PERHAPS);
    s->has_hidden = true;
    tell_deletion(s, matchers, span, e.code);
    err_drop(e);
}

void
story_clean(struct story *s)
{
    size_t blocks;
    struct err e = db_clean_deletions(s->db, &blocks);
    STORY_ASSERT(s, s->faulty || e.code == ERR_NONE, "clean: %s", err_text(&e));
    err_drop(e);
}
