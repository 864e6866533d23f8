/* tools.h - `mneme tools ...`: commands that look at data and end; what they share.
 *
 * They never change what they look at, take no lock, print to standard output and end with
 * 0 when all is well, 1 when something was found or failed, 2 when the command line is wrong.
 * Threads: main. */
#pragma once
#include "cmd/command.h"
#include "tsdb/inspect/database.h"

enum tool_status { TOOL_FINE = 0, TOOL_FOUND = 1, TOOL_USAGE = 2 };

/* The command line from argv[1] ("tools") on; returns the exit code. */
int tools_main(int argc, char *const *argv);

/* Each parses its flags and finds what they name, which fails with *status == TOOL_USAGE, then
 * runs. */
struct err tools_list_run(const struct command_line *line, enum tool_status *status);
struct err tools_dump_run(const struct command_line *line, enum tool_status *status);
struct err tools_analyze_run(const struct command_line *line, enum tool_status *status);
struct err tools_verify_run(const struct command_line *line, enum tool_status *status);
struct err tools_owners_run(const struct command_line *line, enum tool_status *status);
struct err tools_ring_diff_run(const struct command_line *line, enum tool_status *status);

/* Writes to standard output and empties the buffer. */
void tools_print(struct buf *text);
/* A line between databases when there are several: "tenant NAME". */
void tools_print_tenant(const struct database_place *place, size_t index);
