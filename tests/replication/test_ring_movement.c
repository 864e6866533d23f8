/* What ketama is for: every node gets its share, and a node that comes or goes moves little more
 * than its own share; zones hold a copy each. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "replication/ring_hash.h"
#include "replication/ring_movement.h"
#include "tsdb/model/label_key.h"

enum { SERIES = 30000 };

static struct ring *
open_ring(size_t nodes, size_t zones, enum ring_algorithm algorithm, unsigned rf)
{
    AUTO(buf_fini) struct buf json = BUF_INIT;
    buf_append(&json, STR("[{\"endpoints\":["));
    for (size_t i = 0; i < nodes; i++) {
        buf_printf(&json, "%s{\"address\":\"node-%zu:10901\"", i ? "," : "", i);
        if (zones > 0)
            buf_printf(&json, ",\"az\":\"%zu\"", i % zones);
        buf_put_u8(&json, '}');
    }
    buf_append(&json, STR("]}]"));
    struct ring_opts opts = {buf_str(&json), algorithm, rf};
    struct ring *r;
    CK_OK(ring_open(&opts, &r));
    return r;
}

static void
put_key(size_t i, struct buf *key)
{
    char instance[32], name[32];
    snprintf(instance, sizeof instance, "10.0.%zu.%zu:9100", i / 200 % 250, i % 200);
    snprintf(name, sizeof name, "metric_%zu_total", i % 997);
    struct label v[] = {{STR("__name__"), str_of_cstr(name)},
                        {STR("instance"), str_of_cstr(instance)}};
    buf_clear(key);
    label_key_encode((struct labels){v, 2}, key);
}

static void
run(struct ring_movement *m)
{
    AUTO(buf_fini) struct buf key = BUF_INIT;
    for (size_t i = 0; i < SERIES; i++) {
        put_key(i, &key);
        CK_OK(ring_movement_add(m, STR("default-tenant"), buf_str(&key)));
    }
    ck_assert(m->series == SERIES && m->unplaced == 0);
}

static const struct change_case {
    const char *name;
    size_t from, to, zones;
    enum ring_algorithm algorithm;
    unsigned rf;
    double moved_min, moved_max; /* share of copies */
    double share_off;            /* of a node, from the even one */
} change_cases[] = {
    {"same", 10, 10, 0, RING_KETAMA, 3, 0, 0, 0.2},
    {"one more", 10, 11, 0, RING_KETAMA, 1, 0.07, 0.11, 0.2},
    {"one less", 10, 9, 0, RING_KETAMA, 1, 0.08, 0.12, 0.2},
    {"one more of copies", 10, 11, 0, RING_KETAMA, 3, 0.07, 0.11, 0.2},
    {"zones", 9, 12, 3, RING_KETAMA, 3, 0.2, 0.3, 0.2},
    {"hashmod moves nearly all", 10, 11, 0, RING_HASHMOD, 1, 0.85, 0.95, 0.1},
};

START_TEST(test_change)
{
    const struct change_case *c = &change_cases[_i];
    AUTO(ring_unref) struct ring *from = open_ring(c->from, c->zones, c->algorithm, c->rf);
    AUTO(ring_unref) struct ring *to = open_ring(c->to, c->zones, c->algorithm, c->rf);
    AUTO(ring_movement_fini) struct ring_movement m;
    ring_movement_init(&m, from, to);
    run(&m);
    double moved = (double)m.copies_moved / (double)m.copies;
    ck_assert_msg(moved >= c->moved_min && moved <= c->moved_max, "%s: %f", c->name, moved);
    ck_assert(m.moved >= m.copies_moved / c->rf && m.moved <= m.copies_moved);
    ck_assert(m.place_count == (c->from > c->to ? c->from : c->to));
    uint64_t before = 0, after = 0;
    for (size_t i = 0; i < m.place_count; i++) {
        double even = (double)SERIES * c->rf / (double)c->from;
        double off = (double)m.places[i].before / even - 1;
        before += m.places[i].before;
        after += m.places[i].after;
        if (i < c->from)
            ck_assert_msg(off < c->share_off && off > -c->share_off, "%s: node %zu: %f", c->name, i,
                          off);
    }
    ck_assert(before == SERIES * c->rf && after == before);
}
END_TEST

START_TEST(test_zones)
{
    AUTO(ring_unref) struct ring *r = open_ring(7, 3, RING_KETAMA, 3);
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    CK_OK(ring_part(r, STR("t"), &part));
    AUTO(buf_fini) struct buf key = BUF_INIT;
    for (size_t i = 0; i < SERIES; i++) {
        uint64_t hash;
        const uint16_t *owners;
        put_key(i, &key);
        CK_OK(ring_hash(STR("t"), buf_str(&key), &hash));
        CK_OK(ring_owners(part, hash, &owners));
        unsigned zones = 0;
        for (int n = 0; n < 3; n++)
            zones |= 1u << (ring_node(r, owners[n])->zone.p[0] - '0');
        ck_assert(zones == 7);
    }
}
END_TEST

/* A node keeps its series when it is told to be in another zone; tenants that one of the rings does
 * not take are counted apart. */
START_TEST(test_odd)
{
    AUTO(ring_unref) struct ring *from = NULL, *to = NULL;
    struct ring_opts opts = {STR("[{\"endpoints\":[\"a\"]}]"), RING_KETAMA, 1};
    CK_OK(ring_open(&opts, &from));
    opts.json = STR("[{\"tenants\":[\"t\"],\"endpoints\":[{\"address\":\"a\",\"az\":\"z\"}]}]");
    CK_OK(ring_open(&opts, &to));
    AUTO(ring_movement_fini) struct ring_movement m;
    ring_movement_init(&m, from, to);
    CK_OK(ring_movement_add(&m, STR("t"), STR("")));
    CK_OK(ring_movement_add(&m, STR("other"), STR("")));
    CK_ERR(ERR_INVALID, ring_movement_add(&m, STR("t"), STR("x")));
    ck_assert(m.series == 1 && m.moved == 0 && m.unplaced == 1 && m.place_count == 1);
}
END_TEST

Suite *
ring_movement_suite(void)
{
    Suite *s = suite_create("ring_movement");
    TCase *t = tcase_create("ring_movement");
    tcase_add_loop_test(t, test_change, 0, ARRAY_LEN(change_cases));
    tcase_add_test(t, test_zones);
    tcase_add_test(t, test_odd);
    suite_add_tcase(s, t);
    return s;
}
