/* active_queries.c - see active_queries.h. */
#include "querygw/api/active_queries.h"

#include "base/assert.h"
#include "base/json.h"

enum { LOG_FAILURES_A_SECOND = 1, FILE_BYTES_MAX = 64 << 20 };

struct active_queries {
    struct file *file; /* owned; writes of different places do not meet */
    size_t places;
    const struct clock *clock;
    struct log *log;
    struct log_throttle failures;
};

/* --- what the last run left ------------------------------------------------------------------- */

/* "[{...},{...}]" of what is in the file; false when that is nothing. */
static bool
mend(struct str bytes, struct buf *to)
{
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] != '\0')
            buf_put_u8(to, (uint8_t)bytes.p[i]);
    }
    if (to->n <= 1)
        return false;
    to->p[to->n - 1] = ']'; /* a comma, or the rest of what was cut */
    return true;
}

static struct err
log_unfinished(const struct active_queries_opts *o, const char *path)
{
    AUTO(buf_fini) struct buf bytes = BUF_INIT, queries = BUF_INIT;
    TRY(fs_missing_is_fine(fs_read_file(o->fs, path, FILE_BYTES_MAX, &bytes)));
    if (mend(buf_str(&bytes), &queries))
        log_info(o->log, "these queries did not finish in the last run",
                 KV_STR("queries", buf_str(&queries)));
    return OK;
}

/* --- opening ---------------------------------------------------------------------------------- */

static struct err
write_empty(struct file *f, size_t places)
{
    AUTO(buf_fini) struct buf zeros = BUF_INIT;
    size_t bytes = 1 + places * ACTIVE_QUERY_BYTES;
    buf_reserve(&zeros, bytes);
    memset(zeros.p, 0, bytes);
    zeros.p[0] = '[';
    zeros.n = bytes;
    TRY(file_write_at(f, 0, buf_str(&zeros)));
    return file_sync(f);
}

struct err
active_queries_open(const struct active_queries_opts *opts, struct active_queries **ret_queries)
{
    AUTO(mem_free) char *path = fs_path_below(opts->dir, STR("queries.active"));
    AUTO(file_close) struct file *file = NULL;
    TRY(fs_make_dirs(opts->fs, opts->dir));
    struct err e = log_unfinished(opts, path);
    if (e.code != ERR_NONE)
        log_error(opts->log, "the queries of the last run cannot be told", KV_ERR(e));
    err_drop(e);
    TRY(fs_open(opts->fs, path, FS_WRITE_OVER, &file));
    TRY(write_empty(file, opts->places));
    struct active_queries *q = mem_alloc_zero(sizeof *q);
    q->file = TAKE(file);
    q->places = opts->places;
    q->clock = opts->clock;
    q->log = opts->log;
    *ret_queries = q;
    return OK;
}

void
active_queries_close(struct active_queries *q)
{
    if (!q)
        return;
    file_close(q->file);
    mem_free(q);
}

/* --- places ----------------------------------------------------------------------------------- */

static void
put_entry(struct str query, int64_t now_s, struct buf *to)
{
    struct json_writer w;
    buf_clear(to);
    json_init(&w, to, JSON_HTML);
    json_begin_object(&w);
    json_key(&w, STR("query"));
    json_str(&w, query);
    json_key(&w, STR("timestamp_sec"));
    json_i64(&w, now_s);
    json_end_object(&w);
}

/* At most `bytes` of it, whole characters. */
static struct str
cut_text(struct str text, size_t bytes)
{
    if (text.n <= bytes)
        return text;
    while (bytes > 0 && ((unsigned char)text.p[bytes] & 0xc0) == 0x80)
        bytes--;
    return str_of(text.p, bytes);
}

/* The entry with as much of the query as fits; escapes make it longer than its text. */
static void
fit_entry(struct str query, int64_t now_s, struct buf *to)
{
    put_entry(STR(""), now_s, to);
    struct str shown = cut_text(query, ACTIVE_QUERY_BYTES - 1 - to->n);
    put_entry(shown, now_s, to);
    while (to->n > ACTIVE_QUERY_BYTES - 1) {
        size_t excess = to->n - (ACTIVE_QUERY_BYTES - 1);
        shown = cut_text(shown, shown.n - size_max(excess / 6, 1)); /* \u003c is the longest */
        put_entry(shown, now_s, to);
    }
}

static void
write_place(struct active_queries *q, size_t place, struct str bytes)
{
    ASSERT(place < q->places && bytes.n == ACTIVE_QUERY_BYTES);
    uint32_t dropped;
    struct err e = file_write_at(q->file, 1 + place * ACTIVE_QUERY_BYTES, bytes);
    if (e.code != ERR_NONE &&
        log_throttle_pass(&q->failures, q->log, LOG_FAILURES_A_SECOND, &dropped))
        log_error(q->log, "an active query cannot be noted", KV_ERR(e), KV_U64("dropped", dropped));
    err_drop(e);
}

void
active_queries_begin(struct active_queries *q, size_t place, struct str query)
{
    if (!q)
        return;
    AUTO(buf_fini) struct buf entry = BUF_INIT;
    fit_entry(query, clock_wall_ms(q->clock) / 1000, &entry);
    size_t used = entry.n;
    buf_reserve(&entry, ACTIVE_QUERY_BYTES);
    memset(entry.p + used, 0, ACTIVE_QUERY_BYTES - used);
    entry.p[ACTIVE_QUERY_BYTES - 1] = ',';
    entry.n = ACTIVE_QUERY_BYTES;
    write_place(q, place, buf_str(&entry));
}

void
active_queries_end(struct active_queries *q, size_t place)
{
    static const char zeros[ACTIVE_QUERY_BYTES];
    if (q)
        write_place(q, place, str_of(zeros, sizeof zeros));
}
