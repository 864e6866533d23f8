/* A database with one file of any bytes, whose kind the first byte tells, is verified: findings,
 * never a crash. An index in which nothing is broken is sound for the reader too. */
#include "base/assert.h"
#include "base/fs_overlay.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tsdb/index/index_reader.h"
#include "tsdb/inspect/verify.h"

#define BLOCK "/mneme-fuzz/01M84Q62B8G10XRWV5ZVN8NTTH/"
enum { INDEX = 0 };
static const char *const files[] = {
    BLOCK "index", BLOCK "meta.json", BLOCK "tombstones", "/mneme-fuzz/wal/00000000",
    "/mneme-fuzz/chunks_head/000001", "/mneme-fuzz/chunk_snapshot.000000.0000000000/00000000"};

static void
count_index(void *arg, const struct finding *f)
{
    *(int *)arg += f->kind == FINDING_BROKEN && str_ends_with(str_of_cstr(f->file), STR("/index"));
}

static bool
is_sound(struct str image)
{
    AUTO(index_reader_close) struct index_reader *r = NULL;
    struct err e = index_reader_open(image, &r);
    if (e.code == ERR_NONE)
        e = index_reader_check(r);
    err_drop(e);
    return e.code == ERR_NONE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(fs_overlay_close) struct fs *fs = fs_overlay_open(fs_posix());
    AUTO(buf_fini) struct buf dir = BUF_INIT;
    struct str bytes = str_of((const char *)data, size), kind = str_take(&bytes, size_min(size, 1));
    size_t at = kind.n ? (uint8_t)kind.p[0] % ARRAY_LEN(files) : INDEX;
    int broken = 0;
    uint64_t total;
    buf_append(&dir, str_of(files[at], (size_t)(strrchr(files[at], '/') - files[at])));
    err_drop(fs_make_dirs(fs, buf_cstr(&dir)));
    err_drop(fs_write_file(fs, files[at], bytes));
    const struct verify_opts opts = {.depth = VERIFY_ALL, .visit = count_index, .arg = &broken};
    err_drop(verify_database(fs, "/mneme-fuzz", &opts, &total));
    ASSERT(at != INDEX || broken > 0 || is_sound(bytes));
    return 0;
}
