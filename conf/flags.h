/* flags.h - command-line flags from tables, spelled as Thanos (kingpin) spells them.
 *
 * A component lists its flags once, as an X-table; struct, parser, --help, man page and
 * docs/flags.md come from it:
 *
 *   #define RECEIVE_FLAGS(X) \
 *       X(ADDR, http_address, "http-address", "0.0.0.0:10902", "Listen address of ...")
 *   struct receive_flags { RECEIVE_FLAGS(FLAG_FIELD) };
 *   static const struct flag receive_flag_table[] = { RECEIVE_FLAGS(FLAG_ROW_OF(receive_flags)) };
 *
 * Syntax: --name=value, --name value, booleans --name and --no-name; LIST flags repeat. Every
 * value may contain $(ENV), replaced by the environment variable (an error when unset). A
 * CONTENT flag X has a twin X-file, and only one of them may be given.
 * Threads: one. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/str.h"

enum flag_type {
    FLAG_STRING,
    FLAG_BOOL,
    FLAG_INT,
    FLAG_UINT,
    FLAG_FLOAT,
    FLAG_DURATION, /* Prometheus' (15d, 1h30m) and Go's (1.5h, 100ms) forms -> int64 ms  */
    FLAG_BYTES,    /* 512MB, 1GiB, 0 -> uint64; units are powers of 1024 as in Prometheus */
    FLAG_ADDR,     /* host:port; text */
    FLAG_ENUM,     /* text; the table's `choices` lists "a|b|c" */
    FLAG_LIST,     /* repeatable text */
    FLAG_CONTENT,  /* text, or the contents of the file that X-file names */
};

struct flag_list {
    struct str *v;
    size_t n;
};
typedef struct str FLAG_CTYPE_STRING;
typedef bool FLAG_CTYPE_BOOL;
typedef int64_t FLAG_CTYPE_INT;
typedef uint64_t FLAG_CTYPE_UINT;
typedef double FLAG_CTYPE_FLOAT;
typedef int64_t FLAG_CTYPE_DURATION;
typedef uint64_t FLAG_CTYPE_BYTES;
typedef struct str FLAG_CTYPE_ADDR;
typedef struct str FLAG_CTYPE_ENUM;
typedef struct flag_list FLAG_CTYPE_LIST;
typedef struct str FLAG_CTYPE_CONTENT;

enum flag_note { FLAG_SHOWN = 0, FLAG_HIDDEN = 1, FLAG_SECRET = 2 }; /* secret: shown as <secret> */

struct flag {
    const char *name; /* without the dashes */
    enum flag_type type;
    size_t offset;    /* of the field in the component's struct */
    const char *dflt; /* parsed like a given value; NULL: zero value */
    const char *help;
    const char *choices; /* FLAG_ENUM */
    unsigned notes;
};

struct flag_set {
    const char *command; /* "receive"; "" for flags before the command */
    const char *help;    /* one sentence */
    const struct flag *flags;
    size_t count;
};

/* Fills *to (a zeroed component struct): defaults first, then argv[first..argc). Text lives in
 * the arena. ERR_INVALID for an unknown flag (with the nearest name), a bad value (naming flag,
 * value and what is allowed), a missing value, or both X and X-file. */
struct err flags_parse(const struct flag_set *set, struct fs *fs, int argc, char *const *argv,
                       int first, struct arena *a, void *to);
/* True when -h/--help is among argv[first..]. */
bool flags_want_help(int argc, char *const *argv, int first);
/* --help text; one entry of docs/flags.md; one .SS section of the man page. */
void flags_write_help(const struct flag_set *set, struct buf *to);
void flags_write_markdown(const struct flag_set *set, struct buf *to);
void flags_write_man(const struct flag_set *set, struct buf *to);
/* name -> current value as text, for /api/v1/status/flags; secrets hidden. */
void flags_each(const struct flag_set *set, const void *from,
                void (*visit)(void *arg, struct str name, struct str value), void *arg);
