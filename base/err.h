/* err.h - the one error convention: fallible functions return `struct err`.
 *
 * An err is 16 bytes and travels in two registers; zero is success. A message is a heap
 * string owned by the err, and an err is consumed exactly once: returned, wrapped, logged,
 * sent, or err_drop()ped.
 * Threads: any (a value). */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum err_code {
#define X(code, text, http, grpc, retryable) code,
#include "base/err_codes.h"
#undef X
    ERR_CODE_COUNT
};

#ifdef __clang__
#define MUST_USE __attribute__((warn_unused_result))
#define MUST_USE_TYPE
#else
#define MUST_USE __attribute__((warn_unused_result))
#define MUST_USE_TYPE __attribute__((nodiscard))
#endif
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

struct err {
    enum err_code code;
    char *msg; /* NULL, or a heap string owned by this err */
};

#define OK ((struct err){.code = ERR_NONE, .msg = NULL})
/* An expected, hot failure: no allocation. */
#define ERR_CODE(c) ((struct err){.code = (c), .msg = NULL})
/* A failure with a message for humans. */
#define ERR(c, ...) err_new((c), __VA_ARGS__)

/* Returns a failure to the caller unchanged. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        struct err try_err_ = (call);                                                              \
        if (__builtin_expect(try_err_.code != ERR_NONE, 0))                                        \
            return try_err_;                                                                       \
    } while (0)
/* Returns a failure with "<context>: " put in front of its message. */
#define TRY_IN(call, ...)                                                                          \
    do {                                                                                           \
        struct err try_err_ = (call);                                                              \
        if (__builtin_expect(try_err_.code != ERR_NONE, 0))                                        \
            return err_wrap(try_err_, __VA_ARGS__);                                                \
    } while (0)

struct err err_new(enum err_code code, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;
/* Consumes `e` and returns it with a prefix; the code stays. */
struct err err_wrap(struct err e, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;
/* The failure that errno value `errnum` stands for: ENOSPC and EDQUOT give ERR_NO_SPACE,
 * ENOENT gives ERR_NOT_FOUND, the rest ERR_IO. The message ends in strerror(errnum). */
struct err err_errno(int errnum, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;
/* Consumes `e`. */
void err_drop(struct err e);

/* The text of the error: its message, or the name of its code. Borrowed until consumed. */
const char *err_text(const struct err *e);
const char *err_name(enum err_code code);
int err_http_status(enum err_code code);
int err_grpc_status(enum err_code code);
bool err_retryable(enum err_code code);
