/* tools.c - the tree of `mneme tools`: finds the tool, prints help and errors. */
#include "cmd/tools.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "conf/flag_sets.h"
#include "conf/nearest.h"

struct tool {
    const struct flag_set *flags; /* its name is all the words from "tools" on */
    struct err (*run)(const struct command_line *line, enum tool_status *status);
};

static const struct tool tools[] = {
    {&tools_list_flag_set, tools_list_run},     {&tools_analyze_flag_set, tools_analyze_run},
    {&tools_dump_flag_set, tools_dump_run},     {&tools_verify_flag_set, tools_verify_run},
    {&tools_owners_flag_set, tools_owners_run}, {&tools_ring_diff_flag_set, tools_ring_diff_run},
};

enum { STDOUT_BYTES = 1 << 16 };

void
tools_print(struct buf *text)
{
    (void)fwrite(text->p, 1, text->n, stdout); /* failures are seen by finish_output() */
    buf_clear(text);
}

void
tools_print_tenant(const struct database_place *place, size_t index)
{
    if (place->tenant[0] != '\0')
        printf("%stenant %s\n", index > 0 ? "\n" : "", place->tenant);
}

static void
print_usage(FILE *to, struct str path)
{
    fprintf(to, "usage: mneme %.*s <command> [<flags>] [<args>]\n\ncommands:\n", STR_FMT(path));
    for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
        struct str name = str_of_cstr(tools[i].flags->command);
        if (str_starts_with(name, path))
            fprintf(to, "  %-14s %s\n", str_skip(name, path.n + 1).p, tools[i].flags->help);
    }
    fprintf(to, "\n  mneme %.*s <command> --help   flags of a command\n", STR_FMT(path));
}

static int
unknown_word(struct str path, const char *word)
{
    struct nearest near = nearest_init(str_of_cstr(word));
    for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
        struct str rest = str_skip(str_of_cstr(tools[i].flags->command), path.n + 1);
        nearest_offer(&near, str_split(&rest, ' '));
    }
    fprintf(stderr, "mneme %.*s: error: unknown command \"%s\"", STR_FMT(path), word);
    if (near.best.n > 0)
        fprintf(stderr, ", did you mean \"%.*s\"?", STR_FMT(near.best));
    fprintf(stderr, "\n");
    return TOOL_USAGE;
}

/* What was printed must have arrived: a full disk is no success. */
static int
finish_output(const char *command, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "mneme %s: error: standard output cannot be written\n", command);
    return TOOL_FOUND;
}

static int
run_tool(const struct tool *tool, int argc, char *const *argv, int first)
{
    if (flags_want_help(argc, argv, first)) {
        AUTO(buf_fini) struct buf text = BUF_INIT;
        flags_write_help(tool->flags, &text);
        tools_print(&text);
        return finish_output(tool->flags->command, TOOL_FINE);
    }
    AUTO(arena_fini) struct arena arena;
    arena_init(&arena, 0);
    setvbuf(stdout, arena_alloc(&arena, STDOUT_BYTES), _IOFBF, STDOUT_BYTES);
    struct command_line line = {tool->flags, argc, argv, first, &arena};
    enum tool_status status = TOOL_USAGE;
    struct err e = tool->run(&line, &status);
    if (e.code != ERR_NONE) {
        (void)fflush(stdout); /* what came before the error stands before it */
        fprintf(stderr, "mneme %s: error: %s\n", tool->flags->command, err_text(&e));
        err_drop(e);
        status = status == TOOL_USAGE ? TOOL_USAGE : TOOL_FOUND;
    }
    int code = finish_output(tool->flags->command, (int)status);
    setvbuf(stdout, NULL, _IONBF, 0); /* the arena's memory goes */
    return code;
}

/* The words so far are `path`; NULL while it names no tool but is the beginning of one. */
static const struct tool *
find_tool(struct str path, bool *ret_begins)
{
    *ret_begins = false;
    for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
        struct str name = str_of_cstr(tools[i].flags->command);
        if (str_eq(name, path))
            return &tools[i];
        *ret_begins |= str_starts_with(name, path) && name.p[path.n] == ' ';
    }
    return NULL;
}

int
tools_main(int argc, char *const *argv)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_append(&path, STR("tools"));
    for (int at = 2; at < argc; at++) {
        bool help = strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0, begins;
        if (help) {
            print_usage(stdout, buf_str(&path));
            return finish_output("tools", TOOL_FINE);
        }
        size_t before = path.n;
        buf_printf(&path, " %s", argv[at]);
        const struct tool *tool = find_tool(buf_str(&path), &begins);
        if (tool)
            return run_tool(tool, argc, argv, at + 1);
        if (!begins)
            return unknown_word(str_of(path.p, before), argv[at]);
    }
    print_usage(stderr, buf_str(&path));
    return TOOL_USAGE;
}
