/* err.c - error values. The tables come from err_codes.h, so no edge maps codes by hand. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

static const struct err_row {
    const char *name;
    short http, grpc;
    bool retryable;
} err_rows[ERR_CODE_COUNT] = {
#define X(code, text, http, grpc, retryable) [code] = {text, http, grpc, retryable},
#include "base/err_codes.h"
#undef X
};

static char *
format_message(const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int need = vsnprintf(NULL, 0, fmt, ap);
    ASSERT(need >= 0); /* only a bad format fails, and the compiler checks those */
    size_t bytes = (size_t)need + 1;
    char *msg = mem_alloc(bytes);
    int wrote = vsnprintf(msg, bytes, fmt, again);
    ASSERT(wrote == need);
    va_end(again);
    return msg;
}

struct err
err_new(enum err_code code, const char *fmt, ...)
{
    ASSERT(code != ERR_NONE); /* success has no message */
    va_list ap;
    va_start(ap, fmt);
    struct err e = {code, format_message(fmt, ap)};
    va_end(ap);
    return e;
}

struct err
err_wrap(struct err e, const char *fmt, ...)
{
    ASSERT(e.code != ERR_NONE);
    va_list ap;
    va_start(ap, fmt);
    char *prefix = format_message(fmt, ap);
    va_end(ap);
    struct err wrapped = err_new(e.code, "%s: %s", prefix, err_text(&e));
    mem_free(prefix);
    err_drop(e);
    return wrapped;
}

struct err
err_errno(int errnum, const char *fmt, ...)
{
    enum err_code code = ERR_IO;
    if (errnum == ENOSPC || errnum == EDQUOT)
        code = ERR_NO_SPACE;
    else if (errnum == ENOENT)
        code = ERR_NOT_FOUND;

    va_list ap;
    va_start(ap, fmt);
    char *what = format_message(fmt, ap);
    va_end(ap);
    char reason[128];
    struct err e = err_new(code, "%s: %s", what, strerror_r(errnum, reason, sizeof reason));
    mem_free(what);
    return e;
}

void
err_drop(struct err e)
{
    mem_free(e.msg);
}

const char *
err_text(const struct err *e)
{
    return e->msg ? e->msg : err_name(e->code);
}

const char *
err_name(enum err_code code)
{
    ASSERT(code < ERR_CODE_COUNT);
    return err_rows[code].name;
}

int
err_http_status(enum err_code code)
{
    ASSERT(code < ERR_CODE_COUNT);
    return err_rows[code].http;
}

int
err_grpc_status(enum err_code code)
{
    ASSERT(code < ERR_CODE_COUNT);
    return err_rows[code].grpc;
}

bool
err_retryable(enum err_code code)
{
    ASSERT(code < ERR_CODE_COUNT);
    return err_rows[code].retryable;
}
