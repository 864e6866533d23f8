/* units.h - durations, byte sizes and addresses as operators write them. Pure functions.
 *
 * Durations are int64 milliseconds here and int64 nanoseconds in Prometheus and Go: what does
 * not fit theirs (about 292 years) is refused here too.
 * All fail with ERR_INVALID naming the text and leave the outputs untouched. Threads: any. */
#pragma once
#include "base/err.h"
#include "base/str.h"

/* Prometheus' model.ParseDuration: "0", or descending units y w d h m s ms, each once. */
struct err duration_parse(struct str text, int64_t *ret_ms);
/* Also Go's time.ParseDuration with sign and fractions ("1.5h", "-5m"), as flags take it.
 * Rounded to the nearest ms, but never to 0: 0 often means "off", and "1ns" does not. */
struct err duration_parse_flag(struct str text, int64_t *ret_ms);
/* Go's form alone, exactly. */
struct err duration_parse_go(struct str text, int64_t *ret_ns);
/* 15d, 1h30m, 500ms, 0s: the form that Prometheus prints; with '-' in front when negative. */
void duration_format(int64_t ms, struct buf *to);
/* 0, 512, 512MB, 1GiB, 1.5GB: both spellings are powers of 1024, from B to EiB, at most
 * INT64_MAX in all; a fraction of a byte is cut off. */
struct err bytes_parse(struct str text, uint64_t *ret_bytes);
/* host:port, :port, [v6]:port; the host may be empty. Views into `text`. */
struct err address_parse(struct str text, struct str *ret_host, uint16_t *ret_port);
