#!/usr/bin/env python3
"""Checks the tree against the house style (docs/ARCHITECTURE.md) and prints what breaks it.

    tests/tidy/tidy.py [ROOT]

Each finding is `file:line: rule: message`.
The rules run first over good and bad snippets (tests/tidy/snippets.py), so that a rule which
finds nothing any more is itself found. Ends with `count: N passed, N failed, 0 skipped`,
one a file and one a snippet.
"""

import os
import re
import sys

sys.dont_write_bytecode = True  # the source tree may be read-only

import source  # noqa: E402
import snippets  # noqa: E402

FILE_LINES_MAX = 1000
FILE_LINES_WARN = 500
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

# Lowest first. A file includes from its own folder and from lower rows only.
LAYERS = [
    ["base"], ["conf"], ["net"], ["tsdb"], ["proto"], ["objstore"], ["ingest"],
    ["replication"], ["receiver", "querygw"], ["cmd"],
]
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}
# Tests that are not named after a product file, and what they are about.
TESTS_WITHOUT_TWIN = {
    "tests/net/test_curl.c": "the server against the real curl",
    "tests/tsdb/test_model.c": "a database against a naive model",
    "tests/tsdb/test_model_threads.c": "a database that many threads write to",
}
TOOLS = ["docs", "bench", "tests"]  # may include every layer, are included by none

UNSAFE = "strcpy strncpy strcat strncat sprintf vsprintf gets strtok atoi atol atoll atof alloca"
MEMORY = "malloc calloc realloc free strdup strndup asprintf vasprintf posix_memalign aligned_alloc"
TIME = "time gettimeofday clock_gettime clock nanosleep clock_nanosleep usleep sleep ftime"
RANDOM = "rand srand random srandom drand48 getrandom"
FILES = (
    "open openat creat fopen fdopen freopen opendir fdopendir unlink unlinkat remove rename "
    "renameat mkdir rmdir mkdtemp mkstemp stat fstat lstat access truncate ftruncate fsync "
    "fdatasync mmap munmap pread pwrite preadv pwritev flock fallocate link symlink readlink"
)
SOCKETS = "socket connect bind listen accept accept4 setsockopt getaddrinfo"
OUTPUT = "printf vprintf fprintf vfprintf puts fputs putchar fputc perror fwrite"
PROCESS = "fork vfork system popen execv execve execvp execl execlp posix_spawn"
THREADS = (
    "pthread_create pthread_mutex_init pthread_mutex_lock pthread_cond_init pthread_cond_wait "
    "pthread_rwlock_init"
)


class Ban:
    """Calls that only some files may make."""

    def __init__(self, rule, names, allowed, advice):
        self.rule = rule
        self.advice = advice
        self.allowed = re.compile(allowed) if allowed else None
        self.pattern = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(names.split()))


TOOL_PATHS = r"(tests|bench|docs)/"
BANS = [
    Ban("unsafe-call", UNSAFE, None, "use base/str.h"),
    Ban("memory", MEMORY, r"base/|" + TOOL_PATHS, "use base/mem.h or an arena"),
    Ban("clock", TIME, r"base/clock\.c$|" + TOOL_PATHS, "take a struct clock"),
    Ban("random", RANDOM, r"base/(rand|hash)\.c$|" + TOOL_PATHS, "use base/rand.h"),
    Ban("file", FILES, r"base/((fs|process|log|mem)\w*\.c)$|" + TOOL_PATHS, "use base/fs.h"),
    Ban("socket", SOCKETS, r"net/|" + TOOL_PATHS, "sockets live in net/"),
    Ban("output", OUTPUT, r"cmd/|base/(assert|mem)\.c$|" + TOOL_PATHS, "return an err, or log"),
    Ban("process", PROCESS, TOOL_PATHS, "the program runs no others"),
    Ban("thread", THREADS, r"(base|net)/|" + TOOL_PATHS, "use base/lock.h and base/pool.h"),
    Ban("environment", "getenv setenv", r"conf/|" + TOOL_PATHS, "settings are flags"),
    Ban("exit", "exit _exit abort", r"cmd/|base/(assert|mem)\.c$|" + TOOL_PATHS,
        "return an err, or ASSERT"),
]
LIBRARIES = re.compile(r"<(event2|openssl|nghttp2|curl)/")
TABLE_FILE = re.compile(r"(_flags\.h|\.def)$")


def folder_of(path):
    return path.split("/", 1)[0]


def is_product(path):
    return folder_of(path) in RANK


def check_text(file):
    """Blanks, tabs, lengths: every text file."""
    for number, line in enumerate(file.lines, 1):
        if line.rstrip() != line:
            yield number, "blanks", "blanks at the end of the line"
        if file.is_code and "\t" in line:
            yield number, "blanks", "a tab"
        if file.is_code and len(line) > COLUMNS_MAX:
            yield number, "columns", "%d columns, at most %d" % (len(line), COLUMNS_MAX)
    if file.text and not file.text.endswith("\n"):
        yield len(file.lines), "blanks", "no line end at the end of the file"


def check_size(file):
    if not file.is_c:
        return
    if len(file.lines) > FILE_LINES_MAX and not TABLE_FILE.search(file.path):
        yield 1, "file-length", "%d lines, at most %d" % (len(file.lines), FILE_LINES_MAX)
    for name, first, last in file.functions():
        if last - first + 1 > FUNCTION_LINES_MAX:
            yield (first, "function-length", "%s() has %d lines, at most %d"
                   % (name, last - first + 1, FUNCTION_LINES_MAX))


def check_include(file, number, target):
    here = folder_of(file.path)
    if "/" not in target:
        if target not in ("config.h", "version.h"):
            yield number, "include", '"%s": write the path from the root' % target
        return
    there = folder_of(target)
    if target.endswith(".c"):
        yield number, "include", '"%s": a .c file is never included' % target
    if target.endswith("_int.h") and os.path.dirname(target) != os.path.dirname(file.path):
        yield number, "layer", '"%s" belongs to its own folder' % target
    if here in RANK and there != here:
        if there in TOOLS or there not in RANK:
            yield number, "layer", "%s/ includes %s/" % (here, there)
        elif RANK[there] >= RANK[here]:
            yield number, "layer", "%s/ includes %s/, which is not below it" % (here, there)


def check_includes(file):
    for number, line in enumerate(file.lines, 1):
        m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if m:
            yield from check_include(file, number, m.group(1))
        if "#include <assert.h>" in line:
            yield number, "include", "<assert.h>: use base/assert.h"
        if LIBRARIES.search(line) and is_product(file.path) and folder_of(file.path) != "net":
            yield number, "layer", "this library is seen by net/ only"


def check_calls(file):
    for number, line in enumerate(file.code_lines, 1):
        if line.lstrip().startswith("#"):
            continue
        for ban in BANS:
            if ban.allowed and ban.allowed.match(file.path):
                continue
            m = ban.pattern.search(line)
            if m:
                yield number, ban.rule, "%s(): %s" % (m.group(1), ban.advice)


def check_language(file):
    """What the language allows and the house does not."""
    product = is_product(file.path)
    conditional = folder_of(file.path) in ("base", "net")
    for number, line in enumerate(file.code_lines, 1):
        if product and not conditional and re.match(r"\s*#\s*(if|ifdef|ifndef|elif|else)\b", line):
            yield number, "conditional", "#if lives in base/ and net/ only"
        if product and re.match(r"\s*goto\s", line):
            yield number, "goto", "use AUTO and TRY"
        if product and re.match(r"static (?!const\b|inline\b|_Thread_local\b)[^(]*(=|;)", line):
            yield number, "global", "mutable state of the whole program"
    for number, comment in file.comments:
        if re.search(r"\b(FIXME|XXX)\b", comment):
            yield number, "unfinished", "FIXME and XXX never land"
        if re.search(r"\bTODO\b(?!\(#\d+\))", comment):
            yield number, "unfinished", "a TODO carries its issue: TODO(#12)"


def check_opening(file):
    name = os.path.basename(file.path)
    first = file.lines[0] if file.lines else ""
    if is_product(file.path) and not first.startswith("/* %s - " % name):
        yield 1, "opening", "opens with /* %s - what it is" % name
    elif not first.startswith("/*"):
        yield 1, "opening", "opens with a comment: what it is"
    if (name.endswith(".h") and not is_suites(name) and "#pragma once" not in file.lines
            and "No include guard" not in file.text):
        yield 1, "guard", "#pragma once is missing"


FILE_CHECKS = [check_text, check_size]
C_CHECKS = [check_includes, check_calls, check_language, check_opening]


def check_file(file):
    for check in FILE_CHECKS + (C_CHECKS if file.is_c else []):
        for number, rule, message in check(file):
            yield file.path, number, rule, message


# --- rules about folders ------------------------------------------------------------------------


def readme_files(text):
    """(line, name) of each file that the list under "## Files" opens a line with."""
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("## "):
            inside = line.startswith("## Files")
        m = inside and re.match(r"- ((`[^`]+`[, ]*)+)", line)
        for name in re.findall(r"`([\w./-]+\.(?:c|h|cc))`", m.group(1)) if m else []:
            yield number, name


def check_readme(tree, folder):
    path = folder + "/README.md"
    there = {f for f in tree.names(folder) if re.search(r"\.(c|h|cc)$", f)}
    if path not in tree.files:
        yield path, 1, "readme", "is missing"
        return
    listed = set()
    for number, name in readme_files(tree.files[path].text):
        listed.add(name)
        if folder + "/" + name not in tree.files:
            yield path, number, "readme", "lists %s, which is not there" % name
    missing = sorted(there - listed)
    if missing:
        yield path, 1, "readme", "no line \"- `x.c` ...\" under ## Files for " + ", ".join(missing)


def is_suites(name):
    """Lists of test suites: suites.h, suites_x.h; each of one program."""
    return re.match(r"suites(_\w+)?\.h$", name)


def check_test_folder(tree, folder):
    """tests/<folder>/test_x.c or test_x_aspect.c mirrors <folder>/.../x.c; a suites*.h runs it."""
    product = folder.split("/", 1)[1]
    stems = {
        os.path.splitext(os.path.basename(p))[0]
        for p in tree.files
        if p.startswith(product + "/")
    }
    suites = [tree.files[folder + "/" + n] for n in tree.names(folder) if is_suites(n)]
    for name in tree.names(folder):
        m = re.match(r"test_(\w+)\.c$", name)
        if not m:
            continue
        path, stem = folder + "/" + name, m.group(1)
        prefixes = {stem[:i] for i, letter in enumerate(stem) if letter == "_"} | {stem}
        if not prefixes & stems and path not in TESTS_WITHOUT_TWIN:
            yield path, 1, "mirror", "%s/ has no %s.c or %s.h" % (product, stem, stem)
        if suites and not any("X(%s)" % stem in s.text for s in suites):
            yield path, 1, "mirror", "no suites*.h has X(%s): it never runs" % stem


def check_built(tree):
    """Every source and script stands in a local.mk: else it is neither built nor shipped."""
    makefiles = "\n".join(f.text for p, f in tree.files.items() if p.endswith("local.mk"))
    known = set(re.findall(r"[\w%./-]+\.(?:c|h|cc|py)\b", makefiles))
    known = {re.sub(r"^%reldir%/", "", name) for name in known}
    for path, file in sorted(tree.files.items()):
        if not file.is_code:
            continue
        parts = path.split("/")
        if not any("/".join(parts[i:]) in known for i in range(len(parts))):
            yield path, 1, "dead-file", "stands in no local.mk"


def check_tree(tree):
    for folder in tree.folders():
        if is_product(folder) and any(n.endswith(".c") for n in tree.names(folder)):
            yield from check_readme(tree, folder)
        if folder.startswith("tests/") and folder.split("/", 1)[1] in RANK:
            yield from check_test_folder(tree, folder)
    yield from check_built(tree)


# --- running -------------------------------------------------------------------------------------


def test_snippets():
    """How many snippets gave what they should, and a line for each that did not."""
    passed, problems = 0, []
    for path, text, want in snippets.FILES:
        got = sorted({rule for _, _, rule, _ in check_file(source.File(path, text))})
        if got == sorted(want):
            passed += 1
        else:
            problems.append("snippet %s: found %s, want %s:\n%s" % (path, got, want, text))
    for name, files, want in snippets.TREES:
        tree = source.Tree({path: source.File(path, text) for path, text in files.items()})
        got = sorted({rule for _, _, rule, _ in check_tree(tree)})
        if got == sorted(want):
            passed += 1
        else:
            problems.append("snippet tree %s: found %s, want %s" % (name, got, want))
    return passed, problems


def main(args):
    here = os.path.dirname(os.path.abspath(__file__))
    root = args[0] if args else os.path.join(here, "..", "..")
    passed, problems = test_snippets()
    for problem in problems:
        print(problem)

    tree = source.read_tree(root, list(RANK) + TOOLS)
    findings = [finding for file in tree.files.values() for finding in check_file(file)]
    findings += check_tree(tree)
    for path, number, rule, message in sorted(findings):
        print("%s:%d: %s: %s" % (path, number, rule, message))
    for path, file in sorted(tree.files.items()):
        if file.is_c and len(file.lines) > FILE_LINES_WARN and not TABLE_FILE.search(path):
            print("note: %s has %d lines: is it one idea?" % (path, len(file.lines)))

    dirty = {path for path, _, _, _ in findings}
    passed += len(set(tree.files) - dirty)
    failed = len(problems) + len(dirty)
    print("count: %d passed, %d failed, 0 skipped" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
