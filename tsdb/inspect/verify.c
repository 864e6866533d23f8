/* verify.c - the order of the checks of a directory; files and findings. */
#include "tsdb/inspect/verify.h"

#include <stdarg.h>

#include "base/mem.h"
#include "tsdb/inspect/verify_int.h"

static const char *const rule_names[RULE_COUNT] = {[RULE_NONE] = "",
#define X(id) [RULE_##id] = #id,
                                                   VERIFY_RULES(X)
#undef X
};

const char *
verify_rule_name(enum verify_rule rule)
{
    return rule_names[rule];
}

/* --- files and findings ----------------------------------------------------------------------- */

void
verify_file_init(struct verify_file *f, struct verify *v, const char *fmt, ...)
{
    struct buf path = BUF_INIT;
    va_list ap;
    buf_printf(&path, "%s/", v->dir);
    *f = (struct verify_file){.v = v, .below = path.n};
    va_start(ap, fmt);
    buf_vprintf(&path, fmt, ap);
    va_end(ap);
    f->path = mem_dup_text(path.p, path.n);
    buf_fini(&path);
}

void
verify_file_fini(struct verify_file *f)
{
    if (f->mapped)
        fs_unmap(f->v->fs, &f->map);
    f->mapped = false;
    mem_free(f->path);
    f->path = NULL;
}

struct err
verify_file_map(struct verify_file *f)
{
    TRY(fs_map(f->v->fs, f->path, &f->map));
    f->mapped = true;
    return OK;
}

static void report(struct verify_file *f, enum finding_kind kind, enum verify_rule rule,
                   uint64_t offset, const char *fmt, va_list ap) PRINTF_LIKE(5, 0);

static void
report(struct verify_file *f, enum finding_kind kind, enum verify_rule rule, uint64_t offset,
       const char *fmt, va_list ap)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    buf_vprintf(&text, fmt, ap);
    struct finding finding = {kind, rule, f->path + f->below, offset, buf_cstr(&text)};
    f->v->opts->visit(f->v->opts->arg, &finding);
    if (kind != FINDING_BROKEN)
        return;
    f->findings++;
    f->v->broken++;
}

static bool
is_done_with(const struct verify_file *f)
{
    size_t most = f->v->opts->depth == VERIFY_FIRST ? 1 : VERIFY_FILE_FINDINGS_MAX;
    return f->findings >= most;
}

struct err
broken(struct verify_file *f, enum verify_rule rule, uint64_t offset, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (!is_done_with(f))
        report(f, FINDING_BROKEN, rule, offset, fmt, ap);
    va_end(ap);
    return is_done_with(f) ? ERR_CODE(ERR_CANCELED) : OK;
}

struct err
broken_end(struct verify_file *f, enum verify_rule rule, uint64_t offset, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (!is_done_with(f))
        report(f, FINDING_BROKEN, rule, offset, fmt, ap);
    va_end(ap);
    return ERR_CODE(ERR_CANCELED);
}

struct err
broken_by(struct verify_file *f, enum verify_rule rule, uint64_t offset, struct err e)
{
    struct err result = broken(f, rule, offset, "%s", err_text(&e));
    err_drop(e);
    return result;
}

void
told(struct verify_file *f, uint64_t offset, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(f, FINDING_TOLD, RULE_NONE, offset, fmt, ap);
    va_end(ap);
}

/* That of the file. */
static bool
directory_exists(const struct verify_file *f)
{
    const char *name = strrchr(f->path, '/');
    char *dir = mem_dup_text(f->path, (size_t)(name - f->path));
    bool exists = fs_exists(f->v->fs, dir);
    mem_free(dir);
    return exists;
}

struct err
verify_file_end(struct verify_file *f, struct err e, enum verify_rule rule)
{
    if (e.code == ERR_NOT_FOUND) {
        err_drop(e);
        e = OK;
        if (f->absence == ABSENCE_IS_BROKEN && directory_exists(f))
            e = broken(f, rule, FINDING_NO_OFFSET, "is missing");
        else
            told(f, FINDING_NO_OFFSET, "is gone meanwhile");
    }
    if (e.code == ERR_CORRUPT || e.code == ERR_UNIMPLEMENTED || e.code == ERR_INVALID)
        e = broken_by(f, rule, FINDING_NO_OFFSET, e);
    if (e.code != ERR_CANCELED)
        return e;
    err_drop(e);
    return OK;
}

/* --- the directory ---------------------------------------------------------------------------- */

static void
tell_state(struct verify *v, struct database *d)
{
    AUTO(verify_file_fini) struct verify_file lock;
    verify_file_init(&lock, v, "lock");
    if (d->locked_by > 0)
        told(&lock, FINDING_NO_OFFSET, "in use by process %ju", (uintmax_t)d->locked_by);
    else if (fs_exists(v->fs, lock.path))
        told(&lock, FINDING_NO_OFFSET, "in use, or left by a process that did not stop in order");
    vec_each (&d->leftovers, name) {
        AUTO(verify_file_fini) struct verify_file f;
        verify_file_init(&f, v, "%s", *name);
        told(&f, FINDING_NO_OFFSET, "being written or deleted, or left over by who did not finish");
    }
}

/* Blocks ascend by mint: one that begins before the farthest end so far overlaps that one. */
static void
tell_overlaps(struct verify *v, struct database *d)
{
    const struct database_block *farthest = NULL;
    for (size_t i = 0; i < d->blocks.n; i++) {
        const struct database_block *b = &d->blocks.v[i];
        if (b->unreadable.code != ERR_NONE)
            continue;
        if (farthest && b->meta.mint_ms < farthest->meta.maxt_ms) {
            AUTO(verify_file_fini) struct verify_file f;
            verify_file_init(&f, v, "%s", b->name);
            told(&f, FINDING_NO_OFFSET, "overlaps block %s: from %jd to %jd", farthest->name,
                 (intmax_t)b->meta.mint_ms, (intmax_t)farthest->meta.maxt_ms);
        }
        if (!farthest || b->meta.maxt_ms > farthest->meta.maxt_ms)
            farthest = b;
    }
}

static struct err
verify_parts(struct verify *v, struct database *d)
{
    tell_state(v, d);
    vec_each (&d->blocks, block)
        TRY(verify_block(v, block));
    tell_overlaps(v, d);
    TRY(verify_log(v));
    TRY(verify_chunks_head(v));
    vec_each (&d->snapshots, name)
        TRY(verify_snapshot(v, *name));
    return OK;
}

struct err
verify_database(struct fs *fs, const char *dir, const struct verify_opts *opts,
                uint64_t *ret_broken)
{
    AUTO(database_fini) struct database d = DATABASE_INIT;
    TRY(database_scan(fs, dir, &d));
    struct verify v = {.fs = fs, .dir = dir, .opts = opts};
    TRY(verify_parts(&v, &d));
    *ret_broken = v.broken;
    return OK;
}
