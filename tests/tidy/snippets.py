"""Good and bad snippets: what each rule of tidy must find, and must leave alone."""


def c(body, name="x.c"):
    return "/* %s - a snippet. */\n%s" % (name, body)


def function(lines):
    return c("static int\nlong_one(void)\n{\n" + "    step();\n" * lines + "}\n")


# (path, text, rules that must fire)
FILES = [
    # clean
    ("base/x.c", c("int x;\n"), []),
    ("tsdb/x.c", c('#include "base/str.h"\n#include "tsdb/db.h"\n#include <string.h>\n'), []),
    ("tests/base/test_x.c", "/* A test. */\n", []),
    ("cmd/x.c", c('#include "receiver/write.h"\n#include "querygw/api.h"\n'), []),
    # blanks
    ("base/x.c", c("int x; \n"), ["blanks"]),
    ("base/x.c", c("\tint x;\n"), ["blanks"]),
    ("base/x.c", c("int x;"), ["blanks"]),
    ("base/README.md", "# base \n", ["blanks"]),
    ("base/local.mk", "A = \\\n\tb.c\n", []),
    # lengths
    ("base/x.c", c("int " + "x" * 95 + ";\n"), []),
    ("base/x.c", c("int " + "x" * 96 + ";\n"), ["columns"]),
    ("base/x.c", c('const char *s = "' + "\u00e9" * 81 + '";\n'), []),
    ("base/x.c", function(66), []),
    ("base/x.c", function(68), ["function-length"]),
    ("base/x.c", c("int x;\n" * 1000), ["file-length"]),
    ("conf/x_flags.h", c("#pragma once\n" + "int x;\n" * 1000, "x_flags.h"), []),
    # includes
    ("base/x.c", c('#include "tsdb/db.h"\n'), ["layer"]),
    ("tsdb/x.c", c('#include "net/http.h"\n#include "conf/flags.h"\n'), []),
    ("tsdb/x.c", c('#include "proto/remote_write.h"\n'), ["layer"]),
    ("receiver/x.c", c('#include "querygw/store/store.h"\n'), ["layer"]),
    ("querygw/x.c", c('#include "receiver/write.h"\n'), ["layer"]),
    ("net/x.c", c('#include "tests/harness.h"\n'), ["layer"]),
    ("tests/net/test_x.c", c('#include "tests/harness.h"\n#include "net/http.h"\n'), []),
    ("base/fs.c", c('#include "base/fs_int.h"\n', "fs.c"), []),
    ("net/x.c", c('#include "base/fs_int.h"\n'), ["layer"]),
    ("tsdb/head/x.c", c('#include "tsdb/wal/wal_int.h"\n'), ["layer"]),
    ("base/x.c", c('#include "str.h"\n'), ["include"]),
    ("base/x.c", c('#include "config.h"\n'), []),
    ("tests/base/test_x.c", c('#include "base/str.c"\n'), ["include"]),
    ("base/x.c", c("#include <assert.h>\n"), ["include"]),
    ("net/x.c", c("#include <event2/event.h>\n"), []),
    ("tsdb/x.c", c("#include <openssl/sha.h>\n"), ["layer"]),
    # calls
    ("base/x.c", c("    strcpy(a, b);\n"), ["unsafe-call"]),
    ("tests/base/test_x.c", c("    n = atoi(b);\n"), ["unsafe-call"]),
    ("tsdb/x.c", c("    p = malloc(8);\n"), ["memory"]),
    ("tsdb/x.c", c("    free (p);\n"), ["memory"]),
    ("base/x.c", c("    free(p);\n"), []),
    ("tsdb/x.c", c("    mem_free(p);\n    ops->free(p);\n    ops.free(p);\n"), []),
    ("tsdb/x.c", c("    void (*free)(void *p);\n"), []),
    ("tsdb/x.c", c("    /* malloc(8) */ // free(p)\n"), []),
    ("tsdb/x.c", c('    say("malloc(8) \\" free(p)");\n'), []),
    ("tsdb/x.c", c("    c = '\"'; p = malloc(8); c = '\"';\n"), ["memory"]),
    ("tsdb/x.c", c("    t = time(NULL);\n"), ["clock"]),
    ("base/clock.c", c("    clock_gettime(CLOCK_MONOTONIC, &t);\n", "clock.c"), []),
    ("base/x.c", c("    clock_gettime(CLOCK_MONOTONIC, &t);\n"), ["clock"]),
    ("net/x.c", c("    n = rand();\n"), ["random"]),
    ("base/x.c", c("    fd = open(path, 0);\n"), ["file"]),
    ("base/fs_posix.c", c("    fd = open(path, 0);\n", "fs_posix.c"), []),
    ("conf/x.c", c('    f = fopen(path, "r");\n'), ["file"]),
    ("tsdb/x.c", c("    fs_stat(fs, path, &st);\n    wal_open(fs, &w);\n"), []),
    ("tsdb/x.c", c("    s = socket(1, 2, 3);\n"), ["socket"]),
    ("net/x.c", c("    s = socket(1, 2, 3);\n"), []),
    ("tsdb/x.c", c('    printf("x");\n'), ["output"]),
    ("tsdb/x.c", c('    buf_printf(b, "x");\n'), []),
    ("cmd/x.c", c('    printf("x");\n'), []),
    ("querygw/x.c", c("    system(command);\n"), ["process"]),
    ("tsdb/x.c", c("    pthread_mutex_lock(&m);\n"), ["thread"]),
    ("tsdb/x.c", c('    getenv("HOME");\n'), ["environment"]),
    ("tsdb/x.c", c("    abort();\n"), ["exit"]),
    # language
    ("tsdb/x.c", c("#ifdef X\n#endif\n"), ["conditional"]),
    ("base/x.c", c("#ifdef X\n#endif\n"), []),
    ("tsdb/x.c", c("    goto out;\n"), ["goto"]),
    ("tsdb/x.c", c("static int hits;\n"), ["global"]),
    ("tsdb/x.c", c("static struct cache *cache = NULL;\n"), ["global"]),
    ("tsdb/x.c", c("static const int table[] = {1};\nstatic int\nf(void);\n"), []),
    ("tsdb/x.c", c("static struct err read_one(struct reader *r);\n"), []),
    ("tsdb/x.c", c("/* TODO: later */\n"), ["unfinished"]),
    ("tsdb/x.c", c("/* TODO(#12): later */\n"), []),
    ("tsdb/x.c", c("// FIXME\n"), ["unfinished"]),
    # opening and guard
    ("tsdb/x.c", "int x;\n", ["opening"]),
    ("tsdb/x.c", "/* y.c - of another name. */\n", ["opening"]),
    ("tests/base/test_x.c", "int x;\n", ["opening"]),
    ("tsdb/x.h", c("int x;\n", "x.h"), ["guard"]),
    ("tsdb/x.h", c("#pragma once\n", "x.h"), []),
    ("tsdb/x.h", "/* x.h - a table. No include guard. */\n", []),
]

GOOD_TREE = {
    "tsdb/local.mk": "A = %reldir%/wal/wal.c %reldir%/wal/wal.h\n",
    "tsdb/wal/wal.c": c("", "wal.c"),
    "tsdb/wal/wal.h": c("#pragma once\n", "wal.h"),
    "tsdb/wal/README.md": "# wal\n## Files\n- `wal.c` `wal.h` the log\n## Words\n- `x.c` no\n",
    "tests/tsdb/local.mk": "A = %reldir%/test_wal.c %reldir%/suites.h\n",
    "tests/tsdb/test_wal.c": "/* t */\n",
    "tests/tsdb/suites.h": "/* s */\nX(wal)\n",
}


def tree(changes):
    """The good tree with files replaced or added; None takes one away."""
    files = {**GOOD_TREE, **changes}
    return {path: text for path, text in files.items() if text is not None}


# (name, files, rules that must fire)
TREES = [
    ("good", GOOD_TREE, []),
    ("no readme", tree({"tsdb/wal/README.md": None}), ["readme"]),
    ("unlisted", tree({"tsdb/wal/README.md": "## Files\n- `wal.c` x\n"}), ["readme"]),
    (
        "listed and gone",
        tree({"tsdb/wal/README.md": "## Files\n- `wal.c` x\n- `wal.h` x\n- `old.c` x\n"}),
        ["readme"],
    ),
    ("not built", tree({"tsdb/local.mk": "A = %reldir%/wal/wal.c\n"}), ["dead-file"]),
    ("not shipped", tree({"tests/e2e/kill.py": "x = 1\n"}), ["dead-file"]),
    (
        "test of an aspect",
        tree({
            "tests/tsdb/test_wal_crash.c": "/* t */\n",
            "tests/tsdb/suites.h": "/* s */\nX(wal)\nX(wal_crash)\n",
            "tests/tsdb/local.mk": "A = test_wal.c suites.h test_wal_crash.c\n",
        }),
        [],
    ),
    (
        "no twin",
        tree({
            "tests/tsdb/test_log.c": "/* t */\n",
            "tests/tsdb/suites.h": "/* s */\nX(wal)\nX(log)\n",
            "tests/tsdb/local.mk": "A = test_wal.c suites.h test_log.c\n",
        }),
        ["mirror"],
    ),
    (
        "run by a second program",
        tree({
            "tests/tsdb/test_wal_crash.c": "/* t */\n",
            "tests/tsdb/suites_db.h": "/* s */\nX(wal_crash)\n",
            "tests/tsdb/local.mk": "A = test_wal.c suites.h test_wal_crash.c suites_db.h\n",
        }),
        [],
    ),
    ("never run", tree({"tests/tsdb/suites.h": "/* s */\n"}), ["mirror"]),
]
