/* log.c - lines are built on the side and reach the kernel in one write, so that lines of
 * several threads (and of processes that share a pipe) do not mix. */
#include "base/log.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/numtext.h"
#include "base/quote.h"

struct log {
    struct log_opts opts; /* immutable */
    struct lock lock;     /* one line at a time, also when the kernel takes it in parts */
};

static const struct str level_names[] = {
    [LOG_DEBUG] = STR_INIT("debug"),
    [LOG_INFO] = STR_INIT("info"),
    [LOG_WARN] = STR_INIT("warn"),
    [LOG_ERROR] = STR_INIT("error"),
};

static const struct str format_names[] = {
    [LOG_LOGFMT] = STR_INIT("logfmt"),
    [LOG_JSON] = STR_INIT("json"),
};

struct log *
log_open(const struct log_opts *opts)
{
    ASSERT(opts->clock);
    ASSERT(opts->level < ARRAY_LEN(level_names));
    ASSERT(opts->format < ARRAY_LEN(format_names));
    struct log *log = mem_alloc_zero(sizeof *log);
    log->opts = *opts;
    lock_init(&log->lock, LOCK_RANK_LOG);
    return log;
}

void
log_close(struct log *log)
{
    if (!log)
        return;
    lock_fini(&log->lock);
    mem_free(log);
}

bool
log_writes(const struct log *log, enum log_level level)
{
    return log && level >= log->opts.level;
}

/* --- values --------------------------------------------------------------------------------- */

/* Cuts between characters; the "..." goes to the caller's buffer. */
static struct str
cut_value(struct str s, struct buf *scratch)
{
    if (s.n <= LOG_VALUE_BYTES_MAX)
        return s;
    size_t n = LOG_VALUE_BYTES_MAX;
    while (n > 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    buf_append(scratch, str_of(s.p, n));
    buf_append(scratch, STR("..."));
    return buf_str(scratch);
}

static bool
needs_quotes(struct str s)
{
    if (s.n == 0)
        return true;
    while (s.n > 0) {
        uint32_t rune;
        s = str_skip(s, rune_decode(s, &rune));
        if (rune == ' ' || rune == '=' || rune == '"' || rune == RUNE_BAD ||
            !rune_is_printable(rune))
            return true;
    }
    return false;
}

static void
put_logfmt_text(struct buf *line, struct str value)
{
    if (needs_quotes(value))
        quote_text(value, line);
    else
        buf_append(line, value);
}

static void
put_logfmt_value(struct buf *line, const struct log_kv *kv)
{
    char digits[NUMTEXT_BYTES_MAX];
    AUTO(buf_fini) struct buf scratch = BUF_INIT;
    switch (kv->type) {
    case LOG_KV_STR:
        put_logfmt_text(line, cut_value(kv->str, &scratch));
        return;
    case LOG_KV_I64:
        buf_printf(line, "%jd", (intmax_t)kv->i64);
        return;
    case LOG_KV_U64:
        buf_printf(line, "%ju", (uintmax_t)kv->u64);
        return;
    case LOG_KV_F64:
        buf_append(line, str_of(digits, numtext_g(kv->f64, digits)));
        return;
    case LOG_KV_BOOL:
        buf_append(line, kv->flag ? STR("true") : STR("false"));
        return;
    }
    UNREACHABLE("a log_kv_type outside the enum");
}

static void
put_json_value(struct json_writer *w, const struct log_kv *kv)
{
    char digits[NUMTEXT_BYTES_MAX];
    AUTO(buf_fini) struct buf scratch = BUF_INIT;
    switch (kv->type) {
    case LOG_KV_STR:
        json_str(w, cut_value(kv->str, &scratch));
        return;
    case LOG_KV_I64:
        json_i64(w, kv->i64);
        return;
    case LOG_KV_U64:
        json_u64(w, kv->u64);
        return;
    case LOG_KV_F64:
        if (isfinite(kv->f64))
            json_raw(w, str_of(digits, numtext_g(kv->f64, digits)));
        else /* JSON has no numbers for NaN and the infinities */
            json_str(w, str_of(digits, numtext_g(kv->f64, digits)));
        return;
    case LOG_KV_BOOL:
        json_bool(w, kv->flag);
        return;
    }
    UNREACHABLE("a log_kv_type outside the enum");
}

/* --- lines ---------------------------------------------------------------------------------- */

/* RFC 3339 in UTC with milliseconds. */
static void
put_time(struct buf *to, int64_t wall_ms)
{
    int64_t ms = wall_ms % 1000;
    if (ms < 0)
        ms += 1000;
    time_t seconds = (time_t)((wall_ms - ms) / 1000);
    struct tm t;
    char text[64];
    if (!gmtime_r(&seconds, &t) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &t) == 0)
        UNREACHABLE("milliseconds in 64 bits give years that struct tm holds");
    buf_printf(to, "%s.%03dZ", text, (int)ms);
}

static void
put_logfmt_line(struct buf *line, const struct log_kv *kv, size_t kv_count)
{
    for (size_t i = 0; i < kv_count; i++) {
        if (i > 0)
            buf_put_u8(line, ' ');
        buf_append(line, str_of_cstr(kv[i].key));
        buf_put_u8(line, '=');
        put_logfmt_value(line, &kv[i]);
    }
}

static void
put_json_line(struct json_writer *w, const struct log_kv *kv, size_t kv_count)
{
    for (size_t i = 0; i < kv_count; i++) {
        json_key(w, str_of_cstr(kv[i].key));
        put_json_value(w, &kv[i]);
    }
}

/* A log that cannot be written has nobody to tell: the rest of the line is dropped. */
static void
write_all(struct log *log, struct str line)
{
    LOCKED(&log->lock);
    while (line.n > 0) {
        ssize_t n = write(log->opts.fd, line.p, line.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        line = str_skip(line, (size_t)n);
    }
}

void
log_line(struct log *log, enum log_level level, const char *file, int line, const char *msg,
         const struct log_kv *kv, size_t kv_count)
{
    if (!log_writes(log, level))
        return;
    const char *slash = strrchr(file, '/');
    AUTO(buf_fini) struct buf time = BUF_INIT;
    AUTO(buf_fini) struct buf caller = BUF_INIT;
    put_time(&time, clock_wall_ms(log->opts.clock));
    buf_printf(&caller, "%s:%d", slash ? slash + 1 : file, line);
    const struct log_kv all[] = {
        KV_STR("name", log->opts.name),
        KV_STR("ts", buf_str(&time)),
        KV_STR("caller", buf_str(&caller)),
        KV_STR("level", level_names[level]),
        KV_CSTR("msg", msg),
    };
    const size_t unnamed = log->opts.name.n == 0;
    const struct log_kv *head = all + unnamed;
    const size_t head_count = ARRAY_LEN(all) - unnamed;

    AUTO(buf_fini) struct buf out = BUF_INIT;
    if (log->opts.format == LOG_JSON) {
        struct json_writer w;
        json_init(&w, &out, JSON_PLAIN);
        json_begin_object(&w);
        put_json_line(&w, head, head_count);
        put_json_line(&w, kv, kv_count);
        json_end_object(&w);
    } else {
        put_logfmt_line(&out, head, head_count);
        if (kv_count > 0)
            buf_put_u8(&out, ' ');
        put_logfmt_line(&out, kv, kv_count);
    }
    buf_put_u8(&out, '\n');
    write_all(log, buf_str(&out));
}

/* --- throttle and flags --------------------------------------------------------------------- */

bool
log_throttle_pass(struct log_throttle *t, struct log *log, uint32_t burst, uint32_t *ret_dropped)
{
    ASSERT(burst > 0);
    if (!log)
        return false;
    uint64_t second = (clock_mono_ns(log->opts.clock) / UINT64_C(1000000000)) & UINT32_MAX;
    uint64_t window = atomic_load_explicit(&t->window, memory_order_relaxed);
    for (;;) { /* another thread's success is the only reason to go round again */
        bool same = window >> 32 == second;
        uint64_t passed = same ? window & UINT32_MAX : 0;
        if (passed >= burst) {
            atomic_fetch_add_explicit(&t->dropped, 1, memory_order_relaxed);
            return false;
        }
        if (!atomic_compare_exchange_weak_explicit(&t->window, &window, second << 32 | (passed + 1),
                                                   memory_order_relaxed, memory_order_relaxed))
            continue;
        *ret_dropped = same ? 0 : atomic_exchange_explicit(&t->dropped, 0, memory_order_relaxed);
        return true;
    }
}

/* Position of `text` among the names, or `count`. */
static size_t
find_name(const struct str *names, size_t count, struct str text)
{
    size_t i = 0;
    while (i < count && !str_eq(names[i], text))
        i++;
    return i;
}

bool
log_parse_level(struct str text, enum log_level *ret_level)
{
    size_t i = find_name(level_names, ARRAY_LEN(level_names), text);
    if (i == ARRAY_LEN(level_names))
        return false;
    *ret_level = (enum log_level)i;
    return true;
}

bool
log_parse_format(struct str text, enum log_format *ret_format)
{
    size_t i = find_name(format_names, ARRAY_LEN(format_names), text);
    if (i == ARRAY_LEN(format_names))
        return false;
    *ret_format = (enum log_format)i;
    return true;
}
