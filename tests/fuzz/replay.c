/* replay.c - runs a target over its corpus without libFuzzer: fuzz_<x>_replay reads every file
 * of tests/data/fuzz/<x>, and of small ones every prefix too. Part of `make check`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/fs.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"

enum { CORPUS_FILE_BYTES_MAX = 1 << 20, PREFIXES_FILE_BYTES_MAX = 512 };

/* In memory of exactly its size, so that a sanitizer sees the first byte past the end. */
static void
run(struct str input)
{
    uint8_t *copy = mem_alloc(input.n);
    if (input.n > 0)
        memcpy(copy, input.p, input.n);
    LLVMFuzzerTestOneInput(copy, input.n);
    mem_free(copy);
}

static struct err
replay_file(const char *path)
{
    AUTO(buf_fini) struct buf b = BUF_INIT;
    TRY(fs_read_file(fs_posix(), path, CORPUS_FILE_BYTES_MAX, &b));
    for (size_t n = 0; b.n <= PREFIXES_FILE_BYTES_MAX && n < b.n; n++)
        run(str_of(b.p, n));
    run(buf_str(&b));
    return OK;
}

static struct err
replay_dir(const char *dir, size_t *ret_count)
{
    AUTO(fs_list_fini) struct fs_list list = VEC_INIT;
    TRY(fs_list_dir(fs_posix(), dir, &list));
    vec_each (&list, entry) {
        AUTO(buf_fini) struct buf path = BUF_INIT;
        buf_printf(&path, "%s/%s", dir, entry->name);
        TRY(replay_file(buf_cstr(&path)));
    }
    *ret_count = list.n;
    return list.n > 0 ? OK : ERR(ERR_NOT_FOUND, "%s: no files", dir);
}

/* "codec" of ".../fuzz_codec_replay". */
static struct str
target_name(const char *program)
{
    const char *slash = strrchr(program, '/');
    struct str name = str_of_cstr(slash ? slash + 1 : program);
    struct str before = STR("fuzz_"), behind = STR("_replay");
    ASSERT(str_starts_with(name, before) && str_ends_with(name, behind));
    return str_of(name.p + before.n, name.n - before.n - behind.n);
}

int
main(int argc, char **argv)
{
    ASSERT(argc > 0);
    const char *srcdir = getenv("srcdir");
    AUTO(buf_fini) struct buf dir = BUF_INIT;
    struct str name = target_name(argv[0]);
    buf_printf(&dir, "%s/tests/data/fuzz/%.*s", srcdir ? srcdir : ".", STR_FMT(name));
    size_t count = 0;
    struct err e = replay_dir(buf_cstr(&dir), &count);
    bool failed = e.code != ERR_NONE;
    if (failed)
        fprintf(stderr, "%s\n", err_text(&e));
    err_drop(e);
    printf("count: %zu passed, %d failed, 0 skipped\n", count, failed);
    return failed;
}
