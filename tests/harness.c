/* harness.c - runs the suites of one folder and prints one summary line for ./dev. */
#include "tests/harness.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MEMORY_BYTES_MIN = 1 << 30 };

static char base_dir[200];
static char dir_of_test[256];
static char data_path[1024];

const char *
test_dir(void)
{
    int n = snprintf(dir_of_test, sizeof dir_of_test, "%s/t-XXXXXX", base_dir);
    if (n < 0 || (size_t)n >= sizeof dir_of_test || !mkdtemp(dir_of_test))
        ck_abort_msg("cannot make a directory in %s", base_dir);
    return dir_of_test;
}

const char *
test_data(const char *relative)
{
    const char *srcdir = getenv("srcdir");
    snprintf(data_path, sizeof data_path, "%s/tests/data/%s", srcdir ? srcdir : ".", relative);
    return data_path;
}

bool
test_forks(void)
{
    const char *mode = getenv("CK_FORK");
    return !mode || strcmp(mode, "no") != 0;
}

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

/* Where files go: TMPDIR, or memory where there is room. Tests sync thousands of times, which says
 * nothing about us and keeps a disk busy for minutes. */
static const char *
parent_dir(void)
{
    static const char memory[] = "/dev/shm";
    struct statvfs s;
    const char *chosen = getenv("TMPDIR");
    if (chosen && chosen[0] != '\0')
        return chosen;
    bool room = access(memory, W_OK) == 0 && statvfs(memory, &s) == 0 &&
                (uint64_t)s.f_bavail * s.f_frsize >= MEMORY_BYTES_MIN;
    return room ? memory : "/tmp";
}

int
main(void)
{
    snprintf(base_dir, sizeof base_dir, "%s/mneme-test-XXXXXX", parent_dir());
    if (!mkdtemp(base_dir)) {
        perror(base_dir);
        return 1;
    }
    SRunner *runner = srunner_create(NULL);
#define X(name) srunner_add_suite(runner, name##_suite());
#include TEST_SUITES
#undef X
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner), run = srunner_ntests_run(runner);
    srunner_free(runner);
    nftw(base_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    printf("count: %d passed, %d failed, 0 skipped\n", run - failed, failed);
    return failed || run == 0;
}
