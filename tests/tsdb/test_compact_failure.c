/* Damaged inputs are named with file and place; a crash at any call of a compaction leaves the
 * inputs as they were and no new block, or a whole one. */
#include "tests/tsdb/compact_kit.h"

#include <stdio.h>
#include <string.h>

#include "base/fs_fault.h"
#include "tsdb/compact/compact.h"

enum { BLOCKS = 2, NEW_BLOCK = 99 };

static void
close_all(struct block **blocks)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        block_close(blocks[i]);
        blocks[i] = NULL;
    }
}

static void
open_all(const char *dir, struct block **blocks)
{
    for (size_t i = 0; i < BLOCKS; i++)
        kit_open_block(dir, (uint8_t)i, &blocks[i]);
}

static struct err
compact(struct fs *fs, const char *dir, struct block *const *blocks, bool *ret_empty)
{
    struct compact_opts o = {
        .fs = fs, .dir = dir, .ulid = kit_ulid(NEW_BLOCK), .segment_bytes = 1500};
    return compact_blocks(&o, (const struct block *const *)blocks, BLOCKS, ret_empty);
}

/* The files of a directory, one after the other: whether anything has changed. */
static void
read_tree(const char *dir, struct buf *to)
{
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    CK_OK(fs_list_dir(fs_posix(), dir, &list));
    vec_each (&list, entry) {
        AUTO(mem_free) char *path = fs_path_below(dir, str_of_cstr(entry->name));
        buf_append(to, str_of_cstr(entry->name));
        if (entry->kind == FS_DIR)
            read_tree(path, to);
        else
            CK_OK(fs_read_file(fs_posix(), path, 1 << 20, to));
    }
}

/* --- damage ----------------------------------------------------------------------------------- */

static const struct damage_case {
    const char *name, *file;
    size_t offset; /* of a byte that is changed */
    enum err_code want;
    const char *says;
} damage_cases[] = {
    {"a chunk's data", "chunks/000001", 8 + 5, ERR_CORRUPT, "chunks: file 1: chunk at 8 "},
    {"its length", "chunks/000001", 8, ERR_CORRUPT, "chunks: file 1: chunk at 8 "},
    {"its encoding", "chunks/000001", 9, ERR_CORRUPT, "chunks: file 1: chunk at 8 "},
    {"a series' entry", "index", 0, ERR_CORRUPT, "index: series "},
};

/* A byte within the first entry of the index: behind the symbols, aligned. */
static size_t
first_series(struct str index)
{
    size_t symbols_end = 5 + 4 + load_be32(index.p + 5) + 4;
    return (symbols_end + 15) / 16 * 16 + 2;
}

START_TEST(test_damage)
{
    const struct damage_case *c = &damage_cases[_i];
    const char *dir = test_dir();
    struct block *blocks[BLOCKS];
    AUTO(buf_fini) struct buf bytes = BUF_INIT, before = BUF_INIT, after = BUF_INIT;
    kit_make_row(dir, BLOCKS, blocks);
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    const char *broken = arena_str(&a, str_of_cstr(block_parts_of(blocks[1]).dir)).p;
    close_all(blocks);
    kit_read(&bytes, broken, c->file);
    bytes.p[c->offset > 0 ? c->offset : first_series(buf_str(&bytes))] ^= 1;
    kit_write(broken, c->file, buf_str(&bytes));
    open_all(dir, blocks);
    read_tree(dir, &before);
    bool empty;
    struct err e = compact(fs_posix(), dir, blocks, &empty);
    ck_assert_msg(e.code == c->want, "%s: %s", c->name, err_text(&e));
    ck_assert_msg(strstr(err_text(&e), c->says) != NULL, "%s: %s", c->name, err_text(&e));
    ck_assert_msg(strstr(err_text(&e), broken) != NULL, "%s: %s", c->name, err_text(&e));
    err_drop(e);
    read_tree(dir, &after);
    ROW_ASSERT(c->name, str_eq(buf_str(&before), buf_str(&after)));
    CK_OK(compact_mark((const struct block *const *)blocks, BLOCKS, BLOCK_MARK_FAILED));
    close_all(blocks);
    open_all(dir, blocks);
    ROW_ASSERT(c->name, block_meta_of(blocks[0])->failed && block_meta_of(blocks[1])->failed);
    close_all(blocks);
}
END_TEST

START_TEST(test_mark_goes_on)
{
    const char *dir = test_dir();
    struct block *blocks[BLOCKS];
    kit_make_row(dir, BLOCKS, blocks);
    kit_write(block_parts_of(blocks[0]).dir, "meta.json", STR("{"));
    CK_ERR(ERR_CORRUPT,
           compact_mark((const struct block *const *)blocks, BLOCKS, BLOCK_MARK_FAILED));
    AUTO(block_close) struct block *second = NULL;
    kit_open_block(dir, 1, &second);
    ck_assert(block_meta_of(second)->failed);
    close_all(blocks);
}
END_TEST

/* --- crashes ---------------------------------------------------------------------------------- */

static const struct crash_case {
    const char *name;
    struct fs_fault_opts fault;
    enum { PROCESS_ENDS, POWER_ENDS } end;
} crash_cases[] = {
    {"process dies, torn", {.mode = FS_FAULT_CRASH, .torn_bytes = 7}, PROCESS_ENDS},
    {"power cut", {.mode = FS_FAULT_CRASH}, POWER_ENDS},
    {"power cut, torn", {.mode = FS_FAULT_CRASH, .torn_bytes = 99}, POWER_ENDS},
    {"one failure", {.mode = FS_FAULT_ONCE}, PROCESS_ENDS},
};

/* The new block is whole when it is there; whatever else there is has an unfinished name. */
static bool
check_and_remove_new(const char *dir)
{
    bool there = kit_has_block(dir, NEW_BLOCK);
    if (there) {
        AUTO(block_close) struct block *b = NULL;
        kit_open_block(dir, NEW_BLOCK, &b);
        CK_OK(block_check(b));
        ck_assert_uint_eq(block_meta_of(b)->samples, BLOCKS * KIT_SERIES * KIT_ROW_SAMPLES);
        CK_OK(fs_remove_tree(fs_posix(), block_parts_of(b).dir));
    }
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    CK_OK(fs_list_dir(fs_posix(), dir, &list));
    vec_each (&list, entry) {
        AUTO(mem_free) char *path = fs_path_below(dir, str_of_cstr(entry->name));
        if (strstr(entry->name, ".tmp-for-"))
            CK_OK(fs_remove_tree(fs_posix(), path));
    }
    return there;
}

START_TEST(test_crash)
{
    const struct crash_case *c = &crash_cases[_i];
    const char *dir = test_dir();
    struct block *blocks[BLOCKS];
    AUTO(buf_fini) struct buf before = BUF_INIT, after = BUF_INIT;
    kit_make_row(dir, BLOCKS, blocks);
    read_tree(dir, &before);
    AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
    for (uint64_t n = 1;; n++) {
        struct fs_fault_opts fault = c->fault;
        fault.fail_call = n;
        fs_fault_arm(fs, &fault);
        bool empty, fired;
        struct err e = compact(fs, dir, blocks, &empty);
        bool done = e.code == ERR_NONE;
        err_drop(e);
        fired = fs_fault_fired(fs);
        if (c->end == POWER_ENDS)
            CK_OK(fs_fault_power_cut(fs));
        fs_fault_heal(fs);
        bool there = check_and_remove_new(dir);
        ck_assert_msg(there || !done, "%s, call %ju", c->name, (uintmax_t)n);
        if (c->fault.mode == FS_FAULT_ONCE)
            ck_assert_msg(there == done, "%s, call %ju", c->name, (uintmax_t)n);
        buf_clear(&after);
        read_tree(dir, &after);
        ROW_ASSERT(c->name, str_eq(buf_str(&before), buf_str(&after)));
        if (!fired)
            break;
    }
    close_all(blocks);
}
END_TEST

Suite *
compact_failure_suite(void)
{
    Suite *s = suite_create("compact_failure");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_damage, 0, ARRAY_LEN(damage_cases));
    tcase_add_test(t, test_mark_goes_on);
    tcase_add_loop_test(t, test_crash, 0, ARRAY_LEN(crash_cases));
    suite_add_tcase(s, t);
    return s;
}
