/* The ring in force follows its file: what changed is built, what is wrong is told and changes
 * nothing, what is the same is left alone; texts and their absence give the rings that Thanos makes
 * of them. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "replication/ring_watch.h"

enum { NOW_MS = 1700000000000 };

static const char two[] =
    "[{\"hashring\":\"a\",\"tenants\":[\"t\",\"u\"],\"endpoints\":[\"x\",\"y\"]},"
    "{\"hashring\":\"b\",\"endpoints\":[\"z\"]}]";
static const char one[] = "[{\"hashring\":\"a\",\"endpoints\":[\"x\",\"w\",\"v\"]}]";

struct kit {
    char *path;
    struct clock_manual clock;
    struct metrics *metrics;
    struct reloads *reloads;
    struct ring_watch *watch;
    int changes;
    size_t before, now; /* nodes, of the last one */
};

static void
changed(void *arg, const struct ring *before, const struct ring *now)
{
    struct kit *k = arg;
    k->changes++;
    k->before = ring_node_count(before);
    k->now = ring_node_count(now);
}

static void
put(struct kit *k, const char *text)
{
    CK_OK(fs_write_file(fs_posix(), k->path, str_of_cstr(text)));
}

static void
kit_init(struct kit *k)
{
    *k = (struct kit){.metrics = metrics_open()};
    clock_manual_init(&k->clock, NOW_MS);
    k->reloads = reloads_open(
        &(struct reloads_opts){.fs = fs_posix(), .clock = &k->clock.clock, .metrics = k->metrics});
    k->path = fs_path_below(test_dir(), STR("hashrings.json"));
}

static void
kit_fini(struct kit *k)
{
    ring_watch_close(k->watch);
    reloads_close(k->reloads);
    metrics_close(k->metrics);
    mem_free(k->path);
}

static struct err
open_watch(struct kit *k, const char *path, const char *json)
{
    struct ring_watch_opts opts = {.fs = fs_posix(),
                                   .metrics = k->metrics,
                                   .reloads = k->reloads,
                                   .path = path,
                                   .json = str_of_cstr(json),
                                   .address = STR("me:1"),
                                   .algorithm = RING_KETAMA,
                                   .replication_factor = 1,
                                   .changed = changed,
                                   .arg = k};
    return ring_watch_open(&opts, &k->watch);
}

static void
look(struct kit *k)
{
    clock_manual_advance_ms(&k->clock, RELOAD_INTERVAL_MS_DEFAULT);
    reloads_watch(k->reloads);
}

static bool
shows(struct kit *k, const char *line)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_put_u8(&text, '\n');
    metrics_write(k->metrics, METRICS_TEXT, &text);
    return strstr(buf_cstr(&text), line) != NULL;
}

static void
expect(struct kit *k, size_t nodes, const char *changes, const char *errors)
{
    AUTO(ring_unref) struct ring *r = ring_watch_ring(k->watch);
    ck_assert_msg(ring_node_count(r) == nodes, "%zu nodes", ring_node_count(r));
    char line[100];
    snprintf(line, sizeof line, "\nthanos_receive_hashrings_file_changes_total %s\n", changes);
    ck_assert_msg(shows(k, line), "no line %s", line);
    snprintf(line, sizeof line, "\nthanos_receive_hashrings_file_errors_total %s\n", errors);
    ck_assert_msg(shows(k, line), "no line %s", line);
}

START_TEST(test_file)
{
    struct kit k;
    kit_init(&k);
    put(&k, two);
    CK_OK(open_watch(&k, k.path, one));
    AUTO(ring_unref) struct ring *first = ring_watch_ring(k.watch);
    expect(&k, 3, "1", "0");
    ck_assert(shows(&k, "\nthanos_receive_hashring_nodes{name=\"a\"} 2\n"));
    ck_assert(shows(&k, "\nthanos_receive_hashring_tenants{name=\"a\"} 2\n"));
    ck_assert(shows(&k, "\nthanos_receive_hashring_tenants{name=\"b\"} 0\n"));
    look(&k);
    ck_assert(k.changes == 0);

    put(&k, one);
    look(&k);
    expect(&k, 3, "2", "0");
    ck_assert(k.changes == 1 && k.before == 3 && k.now == 3);
    ck_assert(shows(&k, "\nthanos_receive_hashring_nodes{name=\"a\"} 3\n"));
    ck_assert(!shows(&k, "{name=\"b\"}"));
    ck_assert(ring_hashring_count(first) == 2); /* who holds it still has it */

    static const char *const wrong[] = {"[]", "null", "[{}]", "[{\"endpoints\":[\"\"]}]", "["};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        put(&k, wrong[i]);
        look(&k);
        char errors[8];
        snprintf(errors, sizeof errors, "%zu", i + 1);
        expect(&k, 3, "2", errors);
        ck_assert(shows(&k, "\nthanos_receive_config_last_reload_successful 0\n"));
    }
    CK_OK(fs_remove_file(fs_posix(), k.path));
    look(&k);
    expect(&k, 3, "2", "6");

    put(&k, one); /* the same as is in force */
    look(&k);
    expect(&k, 3, "2", "6");
    CK_OK(reloads_run(k.reloads));
    ck_assert(k.changes == 1);
    ck_assert(shows(&k, "\nthanos_receive_config_last_reload_successful 1\n"));
    kit_fini(&k);
}
END_TEST

/* sha256("[{\"endpoints\":[\"a\"]}]") begins with 19 6e 88 54 32 da: the lowest byte first. */
START_TEST(test_hash)
{
    struct kit k;
    kit_init(&k);
    put(&k, "[{\"endpoints\":[\"a\"]}]");
    CK_OK(open_watch(&k, k.path, ""));
    ck_assert(shows(&k, "\nthanos_receive_config_hash 2.39909701447193e+14\n"));
    kit_fini(&k);
}
END_TEST

START_TEST(test_start_fails)
{
    struct kit k;
    kit_init(&k);
    CK_ERR(ERR_NOT_FOUND, open_watch(&k, k.path, one));
    put(&k, "[]");
    CK_ERR(ERR_INVALID, open_watch(&k, k.path, one));
    put(&k, "[{\"endpoints\":[5]}]");
    CK_ERR(ERR_INVALID, open_watch(&k, k.path, one));
    CK_ERR(ERR_INVALID, open_watch(&k, NULL, "[5]"));
    look(&k); /* nothing of them is watched */
    kit_fini(&k);
}
END_TEST

static const struct text_case {
    const char *json;
    size_t nodes, hashrings;
} text_cases[] = {{"", 1, 1}, {" null\n", 1, 1}, {"[]", 0, 0}, {one, 3, 1}};

START_TEST(test_text)
{
    const struct text_case *c = &text_cases[_i];
    struct kit k;
    kit_init(&k);
    CK_OK(open_watch(&k, "", c->json));
    AUTO(ring_unref) struct ring *r = ring_watch_ring(k.watch);
    ROW_ASSERT(c->json, ring_node_count(r) == c->nodes && ring_hashring_count(r) == c->hashrings);
    if (c->nodes == 1)
        ROW_ASSERT(c->json, str_eq(ring_node(r, 0)->address, STR("me:1")));
    ROW_ASSERT(c->json, !shows(&k, "thanos_receive_hashring")); /* as Thanos: of files alone */
    kit_fini(&k);
}
END_TEST

Suite *
ring_watch_suite(void)
{
    Suite *s = suite_create("ring_watch");
    TCase *t = tcase_create("ring_watch");
    tcase_add_test(t, test_file);
    tcase_add_test(t, test_hash);
    tcase_add_test(t, test_start_fails);
    tcase_add_loop_test(t, test_text, 0, ARRAY_LEN(text_cases));
    suite_add_tcase(s, t);
    return s;
}
