/* flags.h - command-line flags from tables, spelled as Thanos (kingpin) spells them.
 *
 * A component lists its flags once, as an X-table over X and S (the tag of its struct); struct,
 * parser, --help, man page and docs/flags.md come from it:
 *
 *   #define RECEIVE_FLAGS(X, S) \
 *       X(S, ADDR, http_address, "http-address", "0.0.0.0:10902", "Listen address of ...") \
 *       X(S, ENUM, log_level, "log.level", "info", "Least ...", .choices = "info|error") \
 *       X(S, UINT, depth, "depth", "1", "Levels ...", .min = 1, .max = 9, .notes = FLAG_HIDDEN)
 *   struct receive_flags { RECEIVE_FLAGS(FLAG_FIELD, receive_flags) };
 *   static const struct flag receive_flag_table[] = { RECEIVE_FLAGS(FLAG_ROW, receive_flags) };
 *
 * What follows the help text are initialisers of further members of struct flag.
 *
 * Syntax: --name=value, --name value, booleans --name and --no-name (and --name=true|false), and
 * -x for a boolean with that letter; LIST flags repeat, others may be given once. Rows marked
 * FLAG_ARGUMENT are words without a name, taken in the order of the table; they may stand
 * between flags. Every given value may contain $(ENV), replaced
 * by the environment variable (an error when unset). A CONTENT flag X has a twin X-file, and
 * only one of them may be given; $(ENV) works in the file too.
 * Threads: one. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/str.h"

enum {
    FLAG_NAME_BYTES_MAX = 128,
    FLAG_CONTENT_BYTES_MAX = 4 << 20, /* of X-file, and of a value after $(ENV) */
};

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
    FLAG_LIST,     /* repeatable text; a default is one item, replaced by given ones */
    FLAG_CONTENT,  /* text, or the contents of the file that X-file names */
};

struct flag_list {
    struct str *v;
    size_t n;
};
struct flag_content {
    struct str text; /* as given, or read from the file once */
    struct str path; /* of X-file, for those who read it again; empty when given as text */
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
typedef struct flag_content FLAG_CTYPE_CONTENT;

enum flag_note {
    FLAG_HIDDEN = 1,   /* left out of --help and the man page */
    FLAG_SECRET = 2,   /* its value is never shown */
    FLAG_REQUIRED = 4, /* must be given */
    FLAG_NOT_YET = 8,  /* parsed and checked; what it asks for is not implemented yet */
    FLAG_ARGUMENT = 16, /* a word without dashes; `name` is for messages and help */
};
#define FLAG_NO_MIN (-0x1p63)

struct flag {
    const char *name; /* without the dashes */
    enum flag_type type;
    size_t offset;    /* of the field in the component's struct */
    const char *dflt; /* parsed like a given value; NULL: zero value */
    const char *help;
    const char *choices; /* FLAG_ENUM */
    unsigned notes;      /* enum flag_note */
    double min;          /* INT, UINT, FLOAT, DURATION (ms): smaller is refused */
    double max;          /* the same; 0: no upper limit */
    char letter;         /* BOOL: -x means --name; 0: none */
};

/* The two uses of an X-table: fields of the struct, rows of the table. */
#define FLAG_FIELD(S, type, field, ...) FLAG_CTYPE_##type field;
#define FLAG_ROW(S, type_, field, name_, dflt_, ...)                                               \
    {.name = name_,                                                                                \
     .type = FLAG_##type_,                                                                         \
     .offset = offsetof(struct S, field),                                                          \
     .dflt = dflt_,                                                                                \
     .help = __VA_ARGS__},

struct flag_set {
    const char *command; /* "receive"; "" for flags before the command */
    const char *help;    /* one sentence */
    const struct flag *flags;
    size_t count;
};

/* Fills *to (a zeroed component struct): defaults first, then argv[first..argc). Text given or
 * taken from a default has a NUL behind it and lives in the arena, in argv or in the table.
 * ERR_INVALID for an unknown flag (with the nearest name), a bad value (naming flag, value and
 * what is allowed), a missing value or flag, a repeated flag, and for both X and X-file; a file
 * that cannot be read gives the error of `fs`. */
struct err flags_parse(const struct flag_set *set, struct fs *fs, int argc, char *const *argv,
                       int first, struct arena *a, void *to);
/* What the file of a CONTENT flag has now, with $(ENV) replaced; in the arena. Without a file, the
 * text as given. */
struct err flags_read_content(struct fs *fs, const struct flag_content *content, struct arena *a,
                              struct str *ret_text);
/* True when -h/--help is among argv[first..]. */
bool flags_want_help(int argc, char *const *argv, int first);
/* Calls visit() for each flag marked FLAG_NOT_YET that is given in argv[first..), as often as
 * it stands there: cmd warns about them. */
void flags_each_not_yet(const struct flag_set *set, int argc, char *const *argv, int first,
                        void (*visit)(void *arg, const struct flag *flag), void *arg);

/* --help text; one section of docs/flags.md; one .SS section of the man page. */
void flags_write_help(const struct flag_set *set, struct buf *to);
void flags_write_markdown(const struct flag_set *set, struct buf *to);
void flags_write_man(const struct flag_set *set, struct buf *to);
/* name -> current value as text, for /api/v1/status/flags; secrets as <REDACTED>. X-file is
 * visited behind X. Views are valid during the call. */
void flags_each(const struct flag_set *set, const void *from,
                void (*visit)(void *arg, struct str name, struct str value), void *arg);
