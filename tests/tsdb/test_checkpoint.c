/* Checkpoints of real and of made logs hold what a naive filter lets through; whatever call fails
 * or is the last one, the log says what it said before or what it is to say afterwards. */
#include "tests/harness.h"

#include <errno.h>
#include <stdio.h>

#include "base/fs_fault.h"
#include "base/mem.h"
#include "tests/tsdb/golden.h"
#include "tests/tsdb/log_facts.h"
#include "tests/tsdb/wal_help.h"
#include "tsdb/wal/checkpoint.h"
#include "tsdb/wal/record.h"
#include "tsdb/wal/wal_reader.h"

static bool
keep_by_bits(void *arg, uint64_t ref)
{
    return *(uint64_t *)arg >> ref % 64 & 1;
}

static void
check_same(const struct log_facts *got, const struct log_facts *want, const char *name)
{
    struct str a = buf_str(&got->text), b = buf_str(&want->text);
    while (a.n > 0 || b.n > 0) {
        struct str x = str_split(&a, '\n'), y = str_split(&b, '\n');
        if (!str_eq(x, y)) /* a check costs a system call */
            ck_abort_msg("%s: got \"%.*s\", want \"%.*s\"", name, STR_FMT(x), STR_FMT(y));
    }
}

/* "<dir>/<name>", valid until the next call. */
static const char *
path_below(const char *dir, const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* On the heap: test_dir() forgets. */
static char *
new_dir(void)
{
    const char *dir = test_dir();
    return mem_dup_text(dir, strlen(dir));
}

static bool
has(const char *dir, const char *name)
{
    return fs_exists(fs_posix(), path_below(dir, name));
}

/* --- logs of Prometheus --------------------------------------------------------------------- */

static void
copy_dir(const char *from, const char *to)
{
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    CK_OK(fs_make_dirs(fs_posix(), to));
    CK_OK(fs_list_dir(fs_posix(), from, &list));
    vec_each (&list, entry) {
        AUTO(mem_free) char *source = fs_path_below(from, str_of_cstr(entry->name));
        AUTO(mem_free) char *target = fs_path_below(to, str_of_cstr(entry->name));
        AUTO(buf_fini) struct buf bytes = BUF_INIT;
        if (entry->kind == FS_DIR) {
            copy_dir(source, target);
            continue;
        }
        CK_OK(fs_read_file(fs_posix(), source, 1 << 20, &bytes));
        AUTO(file_close) struct file *f = NULL; /* not synced: that takes time */
        CK_OK(fs_open(fs_posix(), target, FS_WRITE_NEW, &f));
        CK_OK(file_write_at(f, 0, buf_str(&bytes)));
    }
}

static const struct {
    const char *name, *wal;
    uint64_t last;
    int64_t mint_ms;
    uint64_t keep; /* bit r: series r (modulo 64) */
    bool in_order; /* histograms of all kinds in one record come out as several */
} golden_cases[] = {
    {"plain, all", "kill9-plain/wal", 1, INT64_MIN, UINT64_MAX, true},
    {"plain, half of all", "kill9-plain/wal", 2, 1717215600000, 0x5555555555555555, true},
    {"plain, late", "kill9-plain/wal", 1, 1717212000000, UINT64_MAX, true},
    {"plain, deletions too old", "kill9-plain/wal", 2, 1717216200001, UINT64_MAX, true},
    {"plain, nothing", "kill9-plain/wal", 1, INT64_MAX, 0, true},
    {"zstd", "kill9-zstd/wal", 0, 1717201300000, 0xf0f0f0f0f0f0f0f0, true},
    {"with a checkpoint, all", "kill9-checkpoint/wal", 3, INT64_MIN, UINT64_MAX, true},
    {"with a checkpoint, half", "kill9-checkpoint/wal", 3, 1717226500000, 0xaaaaaaaaaaaaaaaa, true},
    {"with a checkpoint, all of it", "kill9-checkpoint/wal", 4, 1717220000000, UINT64_MAX, true},
    {"start timestamps, all", "kill9-start-timestamps/wal", 0, INT64_MIN, UINT64_MAX, false},
    {"start timestamps, late", "kill9-start-timestamps/wal", 0, 1717202500020, 0xff, false},
    {"out-of-order log", "kill9-plain/wbl", 0, 1717212000000, UINT64_MAX, true},
};

START_TEST(test_golden)
{
    const char *name = golden_cases[_i].name, *dir = test_dir();
    char relative[256];
    snprintf(relative, sizeof relative, "prometheus-3.14/%s", golden_cases[_i].wal);
    const char *golden = golden_path(relative);
    if (!golden)
        return;
    copy_dir(golden, dir);
    uint64_t keep = golden_cases[_i].keep, last = golden_cases[_i].last;
    struct checkpoint_filter filter = {
        .keep_series = keep_by_bits, .arg = &keep, .mint_ms = golden_cases[_i].mint_ms};
    AUTO(log_facts_fini) struct log_facts want = LOG_FACTS_INIT, got = LOG_FACTS_INIT;
    log_facts_add_filtered(&want, dir, last, &filter);
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    opts.compression = _i % 2 ? WAL_SNAPPY : WAL_PLAIN;
    struct checkpoint_stats stats;
    CK_OK(wal_checkpoint(&opts, last, &filter, &stats));
    CK_OK(wal_truncate(fs_posix(), dir, last));
    log_facts_add_log(&got, dir);
    log_facts_end(&want);
    log_facts_end(&got);
    if (!golden_cases[_i].in_order) {
        log_facts_sort(&want);
        log_facts_sort(&got);
    }
    check_same(&got, &want, name);
    ROW_ASSERT(name, stats.samples.total > 0);
    bool all = filter.mint_ms == INT64_MIN && keep == UINT64_MAX;
    ROW_ASSERT(name, all == (stats.samples.dropped + stats.series.dropped == 0));
    wal_close(wal_test_open(&opts));
}
END_TEST

/* --- logs of our own ------------------------------------------------------------------------ */

enum { STEP_MS = 1000 };

/* Every round a series, a deletion, samples and records of a later version, on two segments. */
static void
log_round(struct wal *w, uint64_t round)
{
    enum { RECORDS = 12, SAMPLES_EACH = 50, LATER_BYTES = 7000 };
    AUTO(buf_fini) struct buf series = BUF_INIT, deleted = BUF_INIT;
    static const struct label label = {STR_INIT("a"), STR_INIT("b")};
    record_begin_series(&series);
    record_put_series(&series, round, (struct labels){&label, 1});
    record_begin_tombstones(&deleted);
    record_put_tombstone(&deleted, round, (struct interval){0, (int64_t)round * STEP_MS});
    for (uint64_t i = 0; i < RECORDS; i++) {
        AUTO(buf_fini) struct buf samples = BUF_INIT, later = BUF_INIT;
        struct record_samples_writer s;
        int64_t t_ms = (int64_t)(round * STEP_MS + i);
        record_begin_samples(&s, &samples, round, t_ms, SAMPLES_EACH);
        for (uint64_t j = 0; j < SAMPLES_EACH; j++)
            record_put_sample(&s, j % (round + 1), t_ms + (int64_t)j, i * 1000 + j);
        wal_make_record(&later, round * RECORDS + i, LATER_BYTES);
        later.p[0] = (char)0xf0; /* type */
        struct str records[] = {buf_str(&samples), buf_str(&later), buf_str(&series),
                                buf_str(&deleted)};
        wal_ticket ticket;
        CK_OK(wal_enqueue_dated(w, records, i ? 2 : 4, t_ms + SAMPLES_EACH - 1, &ticket));
        CK_OK(wal_wait(w, ticket));
    }
}

/* Checkpoint 1 and segments behind it; returns the last one that is full. */
static uint64_t
make_log(const char *dir)
{
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    uint64_t all = UINT64_MAX, segment = 0;
    struct checkpoint_stats stats;
    for (uint64_t round = 0; round < 3; round++)
        log_round(w, round);
    CK_OK(wal_checkpoint(
        &opts, 1, &(struct checkpoint_filter){.keep_series = keep_by_bits, .arg = &all}, &stats));
    CK_OK(wal_truncate(fs_posix(), dir, 1));
    CK_OK(wal_cut(w, &segment));
    log_round(w, 4);
    ck_assert_uint_gt(segment, 4);
    return segment - 1;
}

static struct checkpoint_filter
odd_and_late(void)
{
    static uint64_t odd = 0xaaaaaaaaaaaaaaaa;
    return (struct checkpoint_filter){
        .keep_series = keep_by_bits, .arg = &odd, .mint_ms = 2 * STEP_MS + 500};
}

/* All that maintenance does, once the log goes on in another segment. */
static struct err
checkpoint_and_truncate(struct fs *fs, const char *dir, uint64_t last)
{
    struct wal_opts opts = wal_test_opts(fs, dir);
    struct checkpoint_filter filter = odd_and_late();
    struct checkpoint_stats stats;
    TRY(wal_checkpoint(&opts, last, &filter, &stats));
    return wal_truncate(fs, dir, last);
}

static void
read_log(struct log_facts *f, const char *dir)
{
    log_facts_add_log(f, dir);
    log_facts_end(f);
}

/* The log in `dir` is as before or as after; opening it tidies up and changes nothing; doing the
 * whole again ends as after. */
static void
check_either(const char *dir, uint64_t last, const struct log_facts *before,
             const struct log_facts *after)
{
    AUTO(log_facts_fini)
    struct log_facts found = LOG_FACTS_INIT, opened = LOG_FACTS_INIT, again = LOG_FACTS_INIT;
    read_log(&found, dir);
    bool is_after = str_eq(buf_str(&found.text), buf_str(&after->text));
    if (!is_after)
        check_same(&found, before, "crashed");
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    wal_close(wal_test_open(&opts));
    read_log(&opened, dir);
    check_same(&opened, &found, "opened");
    ck_assert(!has(dir, "checkpoint.00000004.tmp"));
    ck_assert(has(dir, "checkpoint.00000001") == !is_after);
    ck_assert(!is_after || !has(dir, "00000002"));
    CK_OK(checkpoint_and_truncate(fs_posix(), dir, last));
    read_log(&again, dir);
    check_same(&again, after, "again");
}

/* --- segments whose samples are all too old --------------------------------------------------- */

struct age {
    struct wal *wal;
    int64_t mint_ms;
};

static uint64_t all_refs = UINT64_MAX;

static bool
keep_all(void *arg, uint64_t ref)
{
    (void)arg;
    return keep_by_bits(&all_refs, ref);
}

static bool
is_older(void *arg, uint64_t segment)
{
    const struct age *age = arg;
    return wal_newest_ms(age->wal, segment) < age->mint_ms;
}

/* Checkpoints the log with and without looking at old samples: the same is left. */
static void
check_older(struct wal *w, const char *dir, uint64_t last, int64_t mint_ms, uint64_t want_older)
{
    struct age age = {w, mint_ms};
    struct checkpoint_filter filter = {
        .keep_series = keep_all, .is_older = is_older, .arg = &age, .mint_ms = mint_ms};
    AUTO(log_facts_fini) struct log_facts want = LOG_FACTS_INIT, got = LOG_FACTS_INIT;
    log_facts_add_filtered(&want, dir, last, &filter);
    log_facts_end(&want);
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    struct checkpoint_stats stats;
    CK_OK(wal_checkpoint(&opts, last, &filter, &stats));
    CK_OK(wal_truncate(fs_posix(), dir, last));
    read_log(&got, dir);
    check_same(&got, &want, "older");
    ck_assert_uint_eq(stats.older_segments, want_older);
}

/* What an earlier process wrote is of unknown age; what this one wrote is known to the
 * millisecond, and what was not dated is not. */
START_TEST(test_older_segments)
{
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    opts.compression = _i ? WAL_SNAPPY : WAL_PLAIN;
    {
        AUTO(wal_close) struct wal *earlier = wal_test_open(&opts);
        log_round(earlier, 0);
    }
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    uint64_t first = wal_segment(w), second, third, last;
    log_round(w, 1);
    CK_OK(wal_cut(w, &second));
    log_round(w, 2);
    CK_OK(wal_cut(w, &third));
    wal_ticket ticket;
    CK_OK(wal_enqueue(w, &STR("\xf0 of a later version"), 1, &ticket)); /* not dated */
    CK_OK(wal_wait(w, ticket));
    CK_OK(wal_cut(w, &last));
    enum { NEWEST = 11 + 49 }; /* of a round, behind its step */
    ck_assert_int_eq(wal_newest_ms(w, first - 1), WAL_TIME_UNKNOWN);
    ck_assert_int_eq(wal_newest_ms(w, second - 1), STEP_MS + NEWEST);
    ck_assert_int_eq(wal_newest_ms(w, third - 1), 2 * STEP_MS + NEWEST);
    ck_assert_int_eq(wal_newest_ms(w, third), WAL_TIME_UNKNOWN);
    ck_assert_int_eq(wal_newest_ms(w, last), WAL_TIME_NONE);
    check_older(w, dir, second - 1, STEP_MS + NEWEST, second - 1 - first); /* one sample is kept */
    check_older(w, dir, third - 1, 2 * STEP_MS + NEWEST + 1, third - second);
}
END_TEST

/* What is passed over is checked all the same. */
START_TEST(test_older_damage)
{
    const char *dir = test_dir();
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    uint64_t next;
    log_round(w, 1);
    CK_OK(wal_cut(w, &next));
    CK_OK(fs_read_file(fs_posix(), path_below(dir, "00000000"), 1 << 20, &bytes));
    bytes.p[100] ^= 1; /* of a sample */
    CK_OK(fs_write_file(fs_posix(), path_below(dir, "00000000"), buf_str(&bytes)));
    struct age age = {w, INT64_MAX};
    struct checkpoint_filter filter = {
        .keep_series = keep_all, .is_older = is_older, .arg = &age, .mint_ms = INT64_MAX};
    struct checkpoint_stats stats;
    CK_ERR(ERR_CORRUPT, wal_checkpoint(&opts, next - 1, &filter, &stats));
}
END_TEST

/* --- failures ------------------------------------------------------------------------------- */

/* Each call fails: it alone, or as the last one of the process, with and without the power. */
START_TEST(test_failures)
{
    static const struct fs_fault_opts ways[] = {
        {.mode = FS_FAULT_ONCE, .errnum = ENOSPC, .torn_bytes = 40000},
        {.mode = FS_FAULT_CRASH, .torn_bytes = 0},
        {.mode = FS_FAULT_CRASH, .torn_bytes = 40000},
    };
    AUTO(mem_free) char *pattern = new_dir();
    AUTO(mem_free) char *whole = new_dir();
    AUTO(log_facts_fini) struct log_facts before = LOG_FACTS_INIT, after = LOG_FACTS_INIT;
    uint64_t last = make_log(pattern);
    ck_assert_uint_eq(last, 4);
    copy_dir(pattern, whole);
    read_log(&before, pattern);
    CK_OK(checkpoint_and_truncate(fs_posix(), whole, last));
    read_log(&after, whole);
    ck_assert_uint_gt(log_facts_count(&before), log_facts_count(&after));
    for (uint64_t n = 1;; n++) {
        const char *dir = test_dir();
        copy_dir(pattern, dir);
        AUTO(fs_fault_close) struct fs *fs = fs_fault_open(fs_posix(), NULL);
        struct fs_fault_opts fault = ways[_i / 2];
        fault.fail_call = n;
        fs_fault_arm(fs, &fault);
        struct err e = checkpoint_and_truncate(fs, dir, last);
        bool fired = fs_fault_fired(fs);
        ck_assert_msg((e.code != ERR_NONE) == fired, "call %ju: %s", (uintmax_t)n, err_text(&e));
        err_drop(e);
        if (_i % 2)
            CK_OK(fs_fault_power_cut(fs));
        check_either(dir, last, &before, &after);
        CK_OK(fs_remove_tree(fs_posix(), dir));
        if (!fired)
            break;
    }
}
END_TEST

/* What the opening of a log has still to do may be cut short as well. */
START_TEST(test_failures_of_opening)
{
    AUTO(mem_free) char *pattern = new_dir();
    AUTO(log_facts_fini) struct log_facts want = LOG_FACTS_INIT;
    uint64_t last = make_log(pattern);
    struct wal_opts opts = wal_test_opts(fs_posix(), pattern);
    struct checkpoint_filter filter = odd_and_late();
    struct checkpoint_stats stats;
    CK_OK(wal_checkpoint(&opts, last, &filter, &stats)); /* and then the process dies */
    CK_OK(fs_make_dirs(fs_posix(), path_below(pattern, "checkpoint.00000009.tmp")));
    read_log(&want, pattern);
    for (uint64_t n = 1;; n++) {
        const char *dir = test_dir();
        copy_dir(pattern, dir);
        AUTO(fs_fault_close)
        struct fs *fs = fs_fault_open(
            fs_posix(), &(struct fs_fault_opts){.fail_call = n, .mode = FS_FAULT_CRASH});
        struct wal_opts broken = wal_test_opts(fs, dir);
        AUTO(wal_close) struct wal *w = NULL;
        err_drop(wal_open(&broken, &w));
        bool fired = fs_fault_fired(fs);
        wal_close(TAKE(w));
        AUTO(log_facts_fini) struct log_facts got = LOG_FACTS_INIT;
        read_log(&got, dir);
        check_same(&got, &want, "opening");
        opts = wal_test_opts(fs_posix(), dir);
        wal_close(wal_test_open(&opts));
        ck_assert(!has(dir, "checkpoint.00000009.tmp") && !has(dir, "checkpoint.00000001"));
        ck_assert(!has(dir, "00000002") && has(dir, "checkpoint.00000004"));
        if (!fired)
            break;
    }
}
END_TEST

/* --- refusals ------------------------------------------------------------------------------- */

/* Names end in "/" when they are directories; text of the error that has to be there. */
static const struct {
    const char *name;
    const char *files[4];
    uint64_t last;
    enum err_code checkpoint, truncate, open;
    const char *text, *open_text; /* in the errors */
} dir_cases[] = {
    {"one segment", {"00000000"}, 0, ERR_NONE, ERR_NONE, ERR_NONE, NULL, NULL},
    {"nothing", {NULL}, 0, ERR_NOT_FOUND, ERR_NONE, ERR_NONE, NULL, NULL},
    {"last is too low", {"00000003"}, 2, ERR_NOT_FOUND, ERR_NONE, ERR_NONE, "00000002", "00000002"},
    {"last is too high", {"00000003"}, 4, ERR_CORRUPT, ERR_NONE, ERR_NONE, "00000004", "00000004"},
    {"gap",
     {"00000003", "00000005"},
     5,
     ERR_CORRUPT,
     ERR_NONE,
     ERR_CORRUPT,
     "00000004",
     "00000004"},
    {"gap behind last",
     {"00000003", "00000005"},
     3,
     ERR_NONE,
     ERR_NONE,
     ERR_CORRUPT,
     "00000004",
     "00000004"},
    {"gap behind the checkpoint",
     {"checkpoint.00000003/", "00000005"},
     5,
     ERR_CORRUPT,
     ERR_CONFLICT,
     ERR_CORRUPT,
     "00000004",
     "no segment between checkpoint.00000003 and 00000005"},
    {"checkpoint alone", {"checkpoint.00000003/"}, 3, ERR_NONE, ERR_NONE, ERR_NONE, NULL, NULL},
    {"checkpoint and what it replaces, with a gap",
     {"checkpoint.00000003/", "00000001", "00000003", "00000004"},
     4,
     ERR_NONE,
     ERR_CONFLICT,
     ERR_NONE,
     NULL,
     NULL},
    {"a newer checkpoint is enough",
     {"checkpoint.00000003/", "00000004"},
     2,
     ERR_NONE,
     ERR_NONE,
     ERR_NONE,
     NULL,
     NULL},
    {"checkpoint that is a file",
     {"checkpoint.00000003", "00000004"},
     4,
     ERR_CORRUPT,
     ERR_CORRUPT,
     ERR_CORRUPT,
     "checkpoint.00000003",
     "checkpoint.00000003"},
};

static void
make_dir_case(const char *dir, const char *const files[4])
{
    for (size_t i = 0; i < 4 && files[i]; i++) {
        const char *path = path_below(dir, files[i]);
        if (str_ends_with(str_of_cstr(path), STR("/")))
            CK_OK(fs_make_dirs(fs_posix(), path));
        else
            CK_OK(fs_write_file(fs_posix(), path, STR("")));
    }
}

static void
check_error(const char *name, struct err e, enum err_code want, const char *text)
{
    ck_assert_msg(e.code == want, "%s: got %s (%s)", name, err_name(e.code), err_text(&e));
    if (text && want != ERR_NONE && want != ERR_CONFLICT)
        ck_assert_msg(strstr(err_text(&e), text) != NULL, "%s: %s", name, err_text(&e));
    err_drop(e);
}

START_TEST(test_directories)
{
    const char *name = dir_cases[_i].name, *text = dir_cases[_i].text;
    uint64_t last = dir_cases[_i].last;
    struct checkpoint_filter filter = odd_and_late();
    struct checkpoint_stats stats;
    for (int what = 0; what < 3; what++) {
        const char *dir = test_dir();
        make_dir_case(dir, dir_cases[_i].files);
        struct wal_opts opts = wal_test_opts(fs_posix(), dir);
        AUTO(wal_close) struct wal *w = NULL;
        if (what == 0)
            check_error(name, wal_checkpoint(&opts, last, &filter, &stats),
                        dir_cases[_i].checkpoint, text);
        else if (what == 1)
            check_error(name, wal_truncate(fs_posix(), dir, last), dir_cases[_i].truncate, text);
        else
            check_error(name, wal_open(&opts, &w), dir_cases[_i].open, dir_cases[_i].open_text);
        ROW_ASSERT(name, what < 2 || (w == NULL) == (dir_cases[_i].open != ERR_NONE));
    }
}
END_TEST

/* Behind a checkpoint whose segments are all gone the log goes on where it ended, not in numbers
 * that the checkpoint stands for. */
START_TEST(test_number_behind_checkpoint)
{
    static const char *const files[] = {"checkpoint.00000007/", "00000006", NULL, NULL};
    const char *dir = test_dir();
    make_dir_case(dir, files);
    struct wal_opts opts = wal_test_opts(fs_posix(), dir);
    AUTO(wal_close) struct wal *w = wal_test_open(&opts);
    ck_assert_uint_eq(wal_segment(w), 8);
    ck_assert(!has(dir, "00000006"));
}
END_TEST

/* A damaged page, a torn record and a malformed body: refused with the place, nothing left. */
START_TEST(test_damage)
{
    const char *dir = test_dir();
    uint64_t last = make_log(dir);
    AUTO(buf_fini) struct buf bytes = BUF_INIT;
    const char *target = _i == 3 ? "checkpoint.00000001/00000000" : "00000003";
    CK_OK(fs_read_file(fs_posix(), path_below(dir, target), 1 << 20, &bytes));
    if (_i == 0)
        bytes.p[100] ^= 1;
    else if (_i == 1)
        bytes.n = 40000;
    else if (_i == 3)
        bytes.p[20] ^= 1;
    if (_i != 2) {
        CK_OK(fs_write_file(fs_posix(), path_below(dir, target), buf_str(&bytes)));
    } else { /* the frame is sound */
        CK_OK(fs_remove_file(fs_posix(), path_below(dir, target)));
        CK_OK(fs_write_file(fs_posix(), path_below(dir, target),
                            STR("\x01\x00\x02\xe2\xc3\xef\xa5\x01\x00")));
    }
    struct err e = checkpoint_and_truncate(fs_posix(), dir, last);
    ck_assert_msg(e.code == ERR_CORRUPT, "%s", err_text(&e));
    ck_assert_msg(strstr(err_text(&e), _i == 3 ? "segment 00000000" : "segment 00000003") &&
                      strstr(err_text(&e), "offset"),
                  "%s", err_text(&e));
    err_drop(e);
    ck_assert(!has(dir, "checkpoint.00000004") && !has(dir, "checkpoint.00000004.tmp"));
    ck_assert(has(dir, "checkpoint.00000001") && has(dir, "00000002"));
}
END_TEST

START_TEST(test_disk_bytes)
{
    const char *dir = test_dir();
    uint64_t bytes = 0, before;
    CK_OK(wal_disk_bytes(fs_posix(), "/nonexistent/wal", &bytes));
    ck_assert_uint_eq(bytes, 0);
    uint64_t last = make_log(dir);
    CK_OK(wal_disk_bytes(fs_posix(), dir, &before));
    ck_assert_uint_gt(before, 6 * WAL_PAGE_BYTES);
    CK_OK(checkpoint_and_truncate(fs_posix(), dir, last));
    CK_OK(wal_disk_bytes(fs_posix(), dir, &bytes));
    ck_assert_uint_gt(bytes, 0);
    ck_assert_uint_lt(bytes, before);
    AUTO(buf_fini) struct buf page = BUF_INIT;
    buf_reserve(&page, 1000);
    memset(page.p, 0, 1000);
    CK_OK(fs_write_file(fs_posix(), path_below(dir, "checkpoint.00000004/00000009"),
                        str_of(page.p, 1000)));
    CK_OK(wal_disk_bytes(fs_posix(), dir, &before));
    ck_assert_uint_eq(before, bytes + 1000);
}
END_TEST

Suite *
checkpoint_suite(void)
{
    Suite *s = suite_create("checkpoint");
    TCase *t = tcase_create("checkpoint");
    tcase_add_loop_test(t, test_golden, 0, ARRAY_LEN(golden_cases));
    tcase_add_loop_test(t, test_failures, 0, 6);
    tcase_add_test(t, test_failures_of_opening);
    tcase_add_loop_test(t, test_directories, 0, ARRAY_LEN(dir_cases));
    tcase_add_test(t, test_number_behind_checkpoint);
    tcase_add_loop_test(t, test_damage, 0, 4);
    tcase_add_loop_test(t, test_older_segments, 0, 2);
    tcase_add_test(t, test_older_damage);
    tcase_add_test(t, test_disk_bytes);
    suite_add_tcase(s, t);
    return s;
}
