/* The map does what a plain list of pairs does, for long random sequences of calls and both
 * ways of keeping keys. */
#include "tests/harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"

enum { MODEL_KEYS = 400, MODEL_STEPS = 40000 };

/* Key i is present with value model[i], or absent: NULL. */
struct model {
    char keys[MODEL_KEYS][8];
    size_t key_bytes[MODEL_KEYS];
    void *values[MODEL_KEYS];
    size_t count;
};

static struct str
model_key(struct model *model, size_t i)
{
    return str_of(model->keys[i], model->key_bytes[i]);
}

static void
check_walk(struct map *m, struct model *model)
{
    size_t seen = 0;
    struct map_entry e = MAP_START;
    while (map_next(m, &e)) {
        uint64_t i = MODEL_KEYS;
        CK_OK(str_parse_u64(str_skip(e.key, 1), &i));
        ck_assert(str_eq(e.key, model_key(model, i)));
        ck_assert_ptr_eq(e.value, model->values[i]);
        seen++;
    }
    ck_assert_uint_eq(seen, model->count);
    ck_assert_uint_eq(m->count, model->count);
}

START_TEST(test_against_model)
{
    struct model *model = mem_alloc_zero(sizeof *model);
    for (size_t i = 0; i < MODEL_KEYS; i++)
        model->key_bytes[i] = (size_t)snprintf(model->keys[i], sizeof model->keys[i], "k%zu", i);
    struct rand_gen g = rand_gen_of((uint64_t)_i + 1);
    AUTO(map_fini) struct map m;
    map_init(&m, _i % 2 ? MAP_KEYS_COPIED : MAP_KEYS_BORROWED);
    for (size_t step = 0; step < MODEL_STEPS; step++) {
        size_t i = rand_below(&g, MODEL_KEYS);
        void *value = &model->keys[rand_below(&g, MODEL_KEYS)];
        bool filling = step / 5000 % 2 == 0; /* waves: it grows, then mostly empties */
        if (rand_below(&g, 4) < (filling ? 3 : 1)) {
            ck_assert_ptr_eq(map_put(&m, model_key(model, i), value), model->values[i]);
            model->count += model->values[i] == NULL;
            model->values[i] = value;
        } else {
            ck_assert_ptr_eq(map_remove(&m, model_key(model, i)), model->values[i]);
            model->count -= model->values[i] != NULL;
            model->values[i] = NULL;
        }
        size_t look = rand_below(&g, MODEL_KEYS);
        ck_assert_ptr_eq(map_get(&m, model_key(model, look)), model->values[look]);
        if (step % 1000 == 0)
            check_walk(&m, model);
    }
    check_walk(&m, model);
    mem_free(model);
}
END_TEST

static const struct key_case {
    const char *name;
    struct str a, b;
} key_cases[] = {
    {"empty and not", STR_INIT(""), STR_INIT("a")},
    {"empty and zero byte", STR_INIT(""), STR_INIT("\0")},
    {"prefix", STR_INIT("ab"), STR_INIT("abc")},
    {"zero byte inside", STR_INIT("a\0b"), STR_INIT("a\0c")},
    {"case", STR_INIT("a"), STR_INIT("A")},
};

START_TEST(test_keys_differ)
{
    const struct key_case *c = &key_cases[_i];
    int x, y;
    AUTO(map_fini) struct map m;
    map_init(&m, MAP_KEYS_COPIED);
    ROW_ASSERT(c->name, map_get(&m, c->a) == NULL && map_remove(&m, c->a) == NULL);
    map_put(&m, c->a, &x);
    ROW_ASSERT(c->name, map_get(&m, c->b) == NULL && map_remove(&m, c->b) == NULL);
    map_put(&m, c->b, &y);
    ROW_ASSERT(c->name, map_get(&m, c->a) == &x && map_get(&m, c->b) == &y);
}
END_TEST

START_TEST(test_copied_keys_are_copies)
{
    char key[] = "key";
    AUTO(map_fini) struct map m;
    map_init(&m, MAP_KEYS_COPIED);
    map_put(&m, STR("key"), key);
    map_put(&m, str_of(key, 3), key); /* replaces the value, keeps its own copy */
    key[0] = 'x';
    ck_assert_ptr_eq(map_get(&m, STR("key")), key);
    ck_assert_ptr_null(map_get(&m, STR("xey")));
}
END_TEST

START_TEST(test_put_null_is_a_bug)
{
    struct map m;
    map_init(&m, MAP_KEYS_COPIED);
    map_put(&m, STR("key"), NULL);
}
END_TEST

Suite *
map_suite(void)
{
    Suite *s = suite_create("map");
    TCase *t = tcase_create("map");
    tcase_add_loop_test(t, test_against_model, 0, 4);
    tcase_add_loop_test(t, test_keys_differ, 0, ARRAY_LEN(key_cases));
    tcase_add_test(t, test_copied_keys_are_copies);
    if (test_forks())
        tcase_add_test_raise_signal(t, test_put_null_is_a_bug, SIGABRT);
    suite_add_tcase(s, t);
    return s;
}
