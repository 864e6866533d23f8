/* binary_log.h - binary logarithms and powers of 2 that round as Go's do.
 *
 * The C library's are nearer to the truth in the last digit, so results would differ from
 * Prometheus' there. The method is fdlibm's (e_log.c, e_exp.c) in the order of Go's amd64 code; the
 * folder is compiled with -ffp-contract=off for it. Threads: any. */
#pragma once

/* Exact for powers of 2; -Inf for 0, NaN below. */
double binary_log(double v);
/* 2^v; exact for whole numbers. */
double binary_power(double v);
