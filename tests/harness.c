/* harness.c - runs the suites of one folder and prints one summary line for ./dev. */
#include "tests/harness.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char base_dir[] = "/tmp/mneme-test-XXXXXX";
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

int
main(void)
{
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
