/* What changed is loaded, what cannot be loaded is told and leaves the old; the gauges say so. */
#include "tests/harness.h"

#include "base/mem.h"
#include "conf/reload.h"

enum { NOW_MS = 1700000000000 };

struct part {
    const char *path;
    struct buf loaded; /* what is in force */
    int loads;
};

static struct err
load_part(void *arg)
{
    struct part *p = arg;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    p->loads++;
    TRY(fs_read_file(fs_posix(), p->path, 100, &text));
    if (str_starts_with(buf_str(&text), STR("bad")))
        return ERR(ERR_INVALID, "%.*s", STR_FMT(buf_str(&text)));
    buf_clear(&p->loaded);
    buf_append(&p->loaded, buf_str(&text));
    return OK;
}

static void
show_part(void *arg, struct buf *to)
{
    struct part *p = arg;
    buf_append(to, buf_str(&p->loaded));
}

static void
name_file(void *arg, reload_file_visit visit, void *visit_arg)
{
    struct part *p = arg;
    visit(visit_arg, p->path);
}

/* Two reloadables over two files: the first is listed, the second is named by a function. */
struct kit {
    char *paths[2];
    struct clock_manual clock;
    struct metrics *metrics;
    struct reloads *reloads;
    struct part parts[2];
};

static void
put(struct kit *k, size_t i, const char *text)
{
    CK_OK(fs_write_file(fs_posix(), k->paths[i], str_of_cstr(text)));
}

static void
kit_open(struct kit *k)
{
    *k = (struct kit){.metrics = metrics_open()};
    clock_manual_init(&k->clock, NOW_MS);
    k->reloads = reloads_open(
        &(struct reloads_opts){.fs = fs_posix(), .clock = &k->clock.clock, .metrics = k->metrics});
    static const char *const names[2] = {"one", "two"};
    for (size_t i = 0; i < 2; i++) {
        k->paths[i] = fs_path_below(test_dir(), str_of_cstr(names[i]));
        put(k, i, "first\n");
        k->parts[i].path = k->paths[i];
        struct reloadable one = {.name = names[i],
                                 .load = load_part,
                                 .arg = &k->parts[i],
                                 .show = i == 0 ? show_part : NULL,
                                 .show_key = "one_config"};
        if (i == 0)
            one.files[1] = k->paths[i];
        else
            one.each_file = name_file;
        reloads_add(k->reloads, &one);
        CK_OK(load_part(&k->parts[i]));
        k->parts[i].loads = 0;
    }
}

static void
kit_close(struct kit *k)
{
    reloads_close(k->reloads);
    metrics_close(k->metrics);
    for (size_t i = 0; i < 2; i++) {
        mem_free(k->paths[i]);
        buf_fini(&k->parts[i].loaded);
    }
}

static void
watch_later(struct kit *k)
{
    clock_manual_advance_ms(&k->clock, RELOAD_INTERVAL_MS_DEFAULT);
    reloads_watch(k->reloads);
}

static void
expect(struct kit *k, size_t i, const char *text, int loads)
{
    struct str loaded = buf_str(&k->parts[i].loaded);
    ck_assert_msg(str_eq(loaded, str_of_cstr(text)), "part %zu: %.*s", i, STR_FMT(loaded));
    ck_assert_int_eq(k->parts[i].loads, loads);
}

static void
expect_metric(struct kit *k, const char *line)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_put_u8(&text, '\n');
    metrics_write(k->metrics, METRICS_TEXT, &text);
    ck_assert_msg(strstr(buf_cstr(&text), line), "no line %s in %s", line, buf_cstr(&text));
}

START_TEST(test_told)
{
    struct kit k;
    kit_open(&k);
    put(&k, 0, "second\n");
    CK_OK(reloads_run(k.reloads));
    expect(&k, 0, "second\n", 1);
    expect(&k, 1, "first\n", 1); /* changed or not */
    watch_later(&k);
    expect(&k, 0, "second\n", 1); /* nothing new to the watch */
    kit_close(&k);
}
END_TEST

START_TEST(test_watched)
{
    struct kit k;
    kit_open(&k);
    watch_later(&k);
    expect(&k, 0, "first\n", 0);
    put(&k, 1, "other\n"); /* as long as before, and within the same millisecond or not */
    reloads_watch(k.reloads);
    expect(&k, 1, "first\n", 0); /* not before its time */
    watch_later(&k);
    expect(&k, 0, "first\n", 0); /* only what changed */
    expect(&k, 1, "other\n", 1);
    kit_close(&k);
}
END_TEST

START_TEST(test_failure)
{
    struct kit k;
    kit_open(&k);
    expect_metric(&k, "\nthanos_receive_config_last_reload_successful 1\n");
    put(&k, 0, "bad words");
    watch_later(&k);
    watch_later(&k);
    expect(&k, 0, "first\n", 1); /* tried once, and the old stays */
    expect_metric(&k, "\nthanos_receive_config_last_reload_successful 0\n");
    expect_metric(&k, "\nprometheus_config_last_reload_successful 0\n");
    expect_metric(&k, "\nmneme_config_last_reload_successful{config=\"one\"} 0\n");
    expect_metric(&k, "\nmneme_config_last_reload_successful{config=\"two\"} 1\n");
    expect_metric(&k, "\nmneme_config_reloads_total{config=\"one\",result=\"error\"} 1\n");
    expect_metric(&k, "\nprometheus_config_last_reload_success_timestamp_seconds 1.7e+09\n");
    ck_assert(!reloads_state(k.reloads).successful);
    put(&k, 1, "other\n");
    watch_later(&k);
    ck_assert(!reloads_state(k.reloads).successful); /* one is still as it should not be */
    put(&k, 0, "mended\n");
    watch_later(&k);
    expect(&k, 0, "mended\n", 2);
    expect_metric(&k, "\nthanos_receive_config_last_reload_successful 1\n");
    struct reloads_state state = reloads_state(k.reloads);
    ck_assert(state.successful);
    ck_assert_int_eq(state.success_ms, NOW_MS + 4 * RELOAD_INTERVAL_MS_DEFAULT);
    kit_close(&k);
}
END_TEST

START_TEST(test_failures_joined)
{
    struct kit k;
    kit_open(&k);
    put(&k, 0, "bad one");
    put(&k, 1, "bad two");
    struct err e = reloads_run(k.reloads);
    ck_assert_int_eq(e.code, ERR_INVALID);
    ck_assert_str_eq(err_text(&e), "one: bad one; two: bad two");
    err_drop(e);
    kit_close(&k);
}
END_TEST

START_TEST(test_missing_file)
{
    struct kit k;
    kit_open(&k);
    CK_OK(fs_remove_file(fs_posix(), k.paths[0]));
    watch_later(&k);
    watch_later(&k);
    expect(&k, 0, "first\n", 1);
    expect_metric(&k, "\nmneme_config_last_reload_successful{config=\"one\"} 0\n");
    put(&k, 0, "first\n"); /* back as it was: the gauge has to learn it */
    watch_later(&k);
    expect(&k, 0, "first\n", 2);
    expect_metric(&k, "\nmneme_config_last_reload_successful{config=\"one\"} 1\n");
    kit_close(&k);
}
END_TEST

START_TEST(test_show)
{
    struct kit k;
    kit_open(&k);
    put(&k, 0, "a:\n  - b\n\nc: d");
    watch_later(&k);
    AUTO(buf_fini) struct buf text = BUF_INIT;
    reloads_show(k.reloads, &text);
    ck_assert_str_eq(buf_cstr(&text), "one_config:\n  a:\n    - b\n\n  c: d\n");
    kit_close(&k);
}
END_TEST

Suite *
reload_suite(void)
{
    Suite *s = suite_create("reload");
    TCase *t = tcase_create("reload");
    tcase_add_test(t, test_told);
    tcase_add_test(t, test_watched);
    tcase_add_test(t, test_failure);
    tcase_add_test(t, test_failures_joined);
    tcase_add_test(t, test_missing_file);
    tcase_add_test(t, test_show);
    suite_add_tcase(s, t);
    return s;
}
