/* promqltest.h - runs the test scripts of PromQL: load, clear, eval, expect.
 *
 * The language is that of prometheus promql/promqltest/README.md, with the older eval_fail,
 * eval_warn, eval_info and eval_ordered. Each query is also run on several threads, each instant
 * one as the middle step of a range query and at other times with its selectors fixed by @.
 * ERR_UNIMPLEMENTED is no failure that a script may expect.
 *
 * Prometheus runs all its scripts with delayed name removal (promql/promqltest, NewTestEngine). */
#pragma once
#include <stddef.h>

#include "base/str.h"

struct promqltest_report {
    size_t passed, failed; /* eval commands */
    struct buf failures;   /* a line each: file:line: query: why */
};

enum promqltest_names { PROMQLTEST_NAMES_DROP, PROMQLTEST_NAMES_DELAY };

/* Runs the script in `text`; `name` stands in the lines of the report. */
void promqltest_run(const char *name, struct str text, enum promqltest_names names,
                    struct promqltest_report *report);
void promqltest_report_fini(struct promqltest_report *report);
