/* log.h - structured logging: a constant message and typed pairs, as logfmt or JSON.
 *
 *   log_warn(log, "upload failed", KV_STR("block", id), KV_ERR(e));
 *
 * Line form as Go programs of this field write it: ts=2026-01-02T03:04:05.678Z
 * caller=file.c:42 level=warn msg="upload failed" block=01J.. err="...". Values are quoted as
 * Go's log/slog quotes them: when empty, with spaces, '=', '"' or what is not printable.
 * error = someone must act, warn = degraded, info = life cycle, debug = free. Libraries
 * return errors; only cmd, faces and background jobs log, once, where the error ends.
 * A NULL log is allowed and drops everything (tests). Threads: any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };
enum { LOG_VALUE_BYTES_MAX = 8 << 10 };

struct log;

struct log_opts {
    enum log_level level;
    enum log_format format;
    int fd;                    /* borrowed; 2 for stderr */
    struct str name;           /* borrowed for life; in each line, unless empty */
    const struct clock *clock; /* borrowed for life */
};
struct log *log_open(const struct log_opts *opts);
void log_close(struct log *log); /* NULL is allowed */
DEFINE_AUTO(struct log *, log_close)

enum log_kv_type { LOG_KV_STR, LOG_KV_I64, LOG_KV_U64, LOG_KV_F64, LOG_KV_BOOL };
struct log_kv {
    const char *key;
    enum log_kv_type type;
    union {
        struct str str;
        int64_t i64;
        uint64_t u64;
        double f64;
        bool flag;
    };
};
#define KV_STR(k, s) ((struct log_kv){.key = (k), .type = LOG_KV_STR, .str = (s)})
#define KV_CSTR(k, s) KV_STR(k, str_of_cstr(s))
#define KV_I64(k, v) ((struct log_kv){.key = (k), .type = LOG_KV_I64, .i64 = (v)})
#define KV_U64(k, v) ((struct log_kv){.key = (k), .type = LOG_KV_U64, .u64 = (v)})
#define KV_F64(k, v) ((struct log_kv){.key = (k), .type = LOG_KV_F64, .f64 = (v)})
#define KV_BOOL(k, v) ((struct log_kv){.key = (k), .type = LOG_KV_BOOL, .flag = (v)})
/* Only shows the error; whoever owns it still has to err_drop() it. */
#define KV_ERR(e) KV_CSTR("err", err_text(&(e)))

/* Whether lines of this level are written; false for a NULL log. */
bool log_writes(const struct log *log, enum log_level level);
/* One line in one write(2). Texts above LOG_VALUE_BYTES_MAX are cut and end in "...". */
void log_line(struct log *log, enum log_level level, const char *file, int line, const char *msg,
              const struct log_kv *kv, size_t kv_count);
/* The pairs are evaluated only when the line is written. */
#define LOG_AT_(to, level, msg, ...)                                                               \
    do {                                                                                           \
        struct log *log_at_ = (to);                                                                \
        if (log_writes(log_at_, (level)))                                                          \
            log_line(log_at_, (level), __FILE__, __LINE__, (msg),                                  \
                     (const struct log_kv[]){__VA_ARGS__},                                         \
                     sizeof((const struct log_kv[]){__VA_ARGS__}) / sizeof(struct log_kv));        \
    } while (0)
#define log_debug(log, msg, ...) LOG_AT_(log, LOG_DEBUG, msg, __VA_ARGS__)
#define log_info(log, msg, ...) LOG_AT_(log, LOG_INFO, msg, __VA_ARGS__)
#define log_warn(log, msg, ...) LOG_AT_(log, LOG_WARN, msg, __VA_ARGS__)
#define log_error(log, msg, ...) LOG_AT_(log, LOG_ERROR, msg, __VA_ARGS__)

/* For messages that requests can cause: at most `burst` lines a second pass; the first line
 * of a later second learns how many were dropped since the last one that passed. Creation: all
 * zero. A NULL log lets nothing pass. */
struct log_throttle {
    _Atomic(uint64_t) window;  /* second << 32 | lines passed in it; relaxed: a figure */
    _Atomic(uint32_t) dropped; /* relaxed: a figure */
};
bool log_throttle_pass(struct log_throttle *t, struct log *log, uint32_t burst,
                       uint32_t *ret_dropped);
bool log_parse_level(struct str text, enum log_level *ret_level);    /* debug info warn error */
bool log_parse_format(struct str text, enum log_format *ret_format); /* logfmt json */
