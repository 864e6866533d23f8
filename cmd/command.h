/* command.h - one subcommand of the binary: its flags and what it runs.
 *
 * A command fills its flag struct, turns it into the options of its parts (node.h) and runs
 * them until a signal ends the process. Threads: main. */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "conf/flags.h"

struct log;

struct command_line {
    const struct flag_set *flags;
    int argc; /* of the whole line */
    char *const *argv;
    int first; /* first argument behind the command's name */
    struct arena *arena;
};

struct command {
    const char *name;
    const char *help;             /* NULL: that of the flags */
    const struct flag_set *flags; /* NULL for a tree of commands, as is `run` */
    struct err (*run)(const struct command_line *line);
    int (*run_tree)(int argc, char *const *argv); /* returns the exit code */
};

struct err all_run(const struct command_line *line);
struct err receive_run(const struct command_line *line);

/* Warns about flags that are accepted and have no effect yet. */
void command_warn_not_yet(const struct command_line *line, struct log *log);
