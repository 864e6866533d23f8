/* main.c - the binary: picks the subcommand, prints help, version and errors. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cmd/command.h"
#include "cmd/tools.h"
#include "conf/flag_sets.h"
#include "conf/nearest.h"
#include "version.h"

/* Read by jemalloc (its documented name) before main(): pages that requests leave behind go back
 * to the kernel after a second, by a thread of the allocator's own. Another allocator ignores it;
 * the environment's MALLOC_CONF goes before it. 100,000 series: 640 -> 580 resident bytes each. */
extern const char *malloc_conf;
const char *malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";

static const struct command commands[] = {
    {"all", NULL, &all_flag_set, all_run, NULL},
    {"receive", NULL, &receive_flag_set, receive_run, NULL},
    {"tools", "Looks at databases without changing them.", NULL, NULL, tools_main},
};

static void
print_usage(FILE *to)
{
    fprintf(to, "usage: mneme <command> [<flags>]\n\n"
                "  mneme --version          version of the binary\n"
                "  mneme <command> --help   flags of a command\n\ncommands:\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(to, "  %-10s %s\n", commands[i].name,
                commands[i].help ? commands[i].help : commands[i].flags->help);
}

static const struct command *
find_command(const char *name)
{
    struct nearest near = nearest_init(str_of_cstr(name));
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
        nearest_offer(&near, str_of_cstr(commands[i].name));
    }
    fprintf(stderr, "mneme: error: unknown command \"%s\"", name);
    if (near.best.n > 0)
        fprintf(stderr, ", did you mean \"%.*s\"?", STR_FMT(near.best));
    fprintf(stderr, "\n");
    return NULL;
}

static int
print_help(const struct command *command)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    flags_write_help(command->flags, &text);
    fputs(buf_cstr(&text), stdout);
    return 0;
}

static void
warn_flag(void *arg, const struct flag *flag)
{
    log_warn(arg, "flag is accepted but has no effect in this version",
             KV_CSTR("flag", flag->name));
}

void
command_warn_not_yet(const struct command_line *line, struct log *log)
{
    flags_each_not_yet(line->flags, line->argc, line->argv, line->first, warn_flag, log);
}

/* Signals of the process are taken by the command's main thread only (node.c); every thread
 * that is started later inherits this mask. */
static void
block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int
main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        printf("mneme, version %s\n", MNEME_VERSION);
        return 0;
    }
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_usage(stdout);
        return 0;
    }
    if (argc < 2) {
        print_usage(stderr);
        return 1;
    }
    const struct command *command = find_command(argv[1]);
    if (!command)
        return 1;
    if (command->run_tree)
        return command->run_tree(argc, argv);
    if (flags_want_help(argc, argv, 2))
        return print_help(command);

    block_signals();
    AUTO(arena_fini) struct arena arena;
    arena_init(&arena, 0);
    struct command_line line = {command->flags, argc, argv, 2, &arena};
    struct err e = command->run(&line);
    if (e.code == ERR_NONE)
        return 0;
    fprintf(stderr, "mneme %s: error: %s\n", argv[1], err_text(&e));
    err_drop(e);
    return 1;
}
