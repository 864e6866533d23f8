/* snapshot_write.c - a snapshot, written whole or not at all.
 *
 * Everything goes to <name>.tmp, a log of its own; a rename makes it a snapshot. Contract:
 * snapshot.h. */
#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/head/snapshot_int.h"

/* What may come next. */
enum phase { PHASE_SERIES, PHASE_DELETIONS, PHASE_EXEMPLARS, PHASE_FINISHED };

struct snapshot_writer {
    struct fs *fs; /* borrowed */
    char *dir;     /* owned, as the buffers */
    struct snapshot_pos pos;
    struct buf path, tmp; /* of the directory when it is whole, and until then */
    struct wal *log;      /* in tmp */
    enum phase phase;

    struct buf batch; /* records, one behind the other */
    VEC(size_t) ends;
    struct buf triples;                     /* deletions */
    struct record_samples_writer exemplars; /* into the batch */
    size_t exemplar_count;                  /* in the record that is open at its end; 0: none is */
};

struct err
snapshot_writer_open(const struct snapshot_opts *opts, struct snapshot_writer **ret_writer)
{
    AUTO(snapshot_writer_close) struct snapshot_writer *w = mem_alloc_zero(sizeof *w);
    w->fs = opts->fs;
    w->dir = mem_dup_text(opts->dir, strlen(opts->dir));
    w->pos = opts->pos;
    snapshot_put_path(&w->path, w->dir, w->pos);
    buf_printf(&w->tmp, "%s.tmp", buf_cstr(&w->path));
    TRY(fs_remove_tree(w->fs, buf_cstr(&w->tmp)));
    struct wal_opts log = {
        .fs = w->fs,
        .dir = buf_cstr(&w->tmp),
        .segment_bytes = WAL_SEGMENT_BYTES_DEFAULT,
        .sync = WAL_SYNC_NONE, /* all at once, in the end */
        .compression = opts->compression,
    };
    TRY(wal_open(&log, &w->log));
    *ret_writer = TAKE(w);
    return OK;
}

void
snapshot_writer_close(struct snapshot_writer *w)
{
    if (!w)
        return;
    wal_close(w->log);
    if (w->phase != PHASE_FINISHED)
        err_drop(fs_remove_tree(w->fs, buf_cstr(&w->tmp))); /* if not: the next start does */
    buf_fini(&w->path);
    buf_fini(&w->tmp);
    buf_fini(&w->batch);
    vec_fini(&w->ends);
    buf_fini(&w->triples);
    mem_free(w->dir);
    mem_free(w);
}

/* --- records ---------------------------------------------------------------------------------- */

static struct err
write_batch(struct snapshot_writer *w)
{
    AUTO(arena_fini) struct arena a;
    arena_init(&a, 0);
    struct str *records = arena_alloc(&a, w->ends.n * sizeof *records);
    size_t start = 0;
    for (size_t i = 0; i < w->ends.n; i++) {
        records[i] = str_of(w->batch.p + start, w->ends.v[i] - start);
        start = w->ends.v[i];
    }
    wal_ticket ticket;
    TRY(wal_enqueue(w->log, records, w->ends.n, &ticket));
    TRY(wal_wait(w->log, ticket));
    buf_clear(&w->batch);
    vec_clear(&w->ends);
    return OK;
}

/* What was appended to the batch is a record. */
static struct err
end_record(struct snapshot_writer *w)
{
    vec_push(&w->ends, w->batch.n);
    return w->batch.n >= SNAPSHOT_BATCH_BYTES ? write_batch(w) : OK;
}

struct err
snapshot_add_series(struct snapshot_writer *w, const struct snapshot_series *s)
{
    ASSERT(w->phase == PHASE_SERIES);
    snapshot_encode_series(s, &w->batch);
    return end_record(w);
}

void
snapshot_add_deletion(struct snapshot_writer *w, const struct snapshot_deletion *d)
{
    ASSERT(w->phase <= PHASE_DELETIONS);
    w->phase = PHASE_DELETIONS;
    snapshot_put_deletion(&w->triples, d);
}

/* One record always: it tells that all series are there (N2). */
static struct err
end_deletions(struct snapshot_writer *w)
{
    if (w->phase > PHASE_DELETIONS)
        return OK;
    w->phase = PHASE_EXEMPLARS;
    snapshot_encode_deletions(buf_str(&w->triples), &w->batch);
    return end_record(w);
}

static struct err
end_exemplars(struct snapshot_writer *w)
{
    if (w->exemplar_count == 0)
        return OK;
    w->exemplar_count = 0;
    return end_record(w);
}

struct err
snapshot_add_exemplar(struct snapshot_writer *w, const struct snapshot_exemplar *e)
{
    ASSERT(w->phase != PHASE_FINISHED);
    TRY(end_deletions(w));
    if (w->exemplar_count == SNAPSHOT_EXEMPLARS_MAX)
        TRY(end_exemplars(w));
    if (w->exemplar_count == 0)
        snapshot_begin_exemplars(&w->exemplars, &w->batch, e);
    snapshot_put_exemplar(&w->exemplars, e);
    w->exemplar_count++;
    return OK;
}

/* --- the end ---------------------------------------------------------------------------------- */

struct err
snapshot_writer_finish(struct snapshot_writer *w)
{
    if (fs_exists(w->fs, buf_cstr(&w->path))) /* made at the same place, it says the same */
        return snapshot_delete_but(w->fs, w->dir, &w->pos);
    TRY(end_deletions(w));
    TRY(end_exemplars(w));
    if (w->ends.n > 0)
        TRY(write_batch(w));
    TRY(wal_finish(w->log));
    TRY(fs_sync_dir(w->fs, buf_cstr(&w->tmp)));
    TRY(fs_rename(w->fs, buf_cstr(&w->tmp), buf_cstr(&w->path)));
    w->phase = PHASE_FINISHED;
    TRY(fs_sync_dir(w->fs, w->dir));
    return snapshot_delete_but(w->fs, w->dir, &w->pos);
}
