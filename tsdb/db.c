/* db.c - one tenant's directory: its lock, its blocks, and the head that goes on behind them. */
#include "tsdb/db_int.h"

#include "base/mem.h"
#include "tsdb/head/deletions.h"
#include "tsdb/head/exemplars.h"
#include "tsdb/head/metadata_store.h"
#include "tsdb/head/ooo_chunk.h"
#include "tsdb/merge.h"

enum {
    BLOCK_RANGE_MS = 2 * 3600 * 1000,
    REPLAY_CREW_BYTES = 8 << 20, /* below it threads would cost more than they save */
};

struct db_opts
db_opts_default(void)
{
    return (struct db_opts){
        .wal_segment_bytes = WAL_SEGMENT_BYTES_DEFAULT,
        .wal_sync = WAL_SYNC_NONE,
        .wal_compression = WAL_SNAPPY,
        .block_range_ms = BLOCK_RANGE_MS,
        .block_range_max_ms = BLOCK_RANGE_MS,
        .replay_crew_bytes = REPLAY_CREW_BYTES,
    };
}

static struct err
open_parts(struct db *db)
{
    __attribute__((cleanup(auto_blocks_close))) struct blocks blocks = BLOCKS_INIT;
    TRY(blocks_open(db->opts.fs, db->opts.log, db->dir, &blocks));
    for (size_t i = 0; db->opts.match_cache && i < blocks.v.n; i++)
        block_use_cache(blocks.v.v[i], db->opts.match_cache);
    int64_t min_valid_ms = blocks_min_valid_ms(&blocks);
    TRY(head_open(&db->opts, min_valid_ms, &db->head));
    min_valid_ms = i64_max(min_valid_ms, head_emptied_ms(db->head));
    struct view_bounds head = {min_valid_ms, 0, head_deletions(db->head)};
    views_init(&db->views, &blocks, head);
    return OK;
}

struct err
db_open(const struct db_opts *opts, struct db **ret_db)
{
    if (opts->exemplars_max > EXEMPLARS_CAPACITY_MAX)
        return ERR(ERR_INVALID, "room for %zu exemplars: the limit is %d", opts->exemplars_max,
                   EXEMPLARS_CAPACITY_MAX);
    if (opts->ooo_chunk_max > OOO_SAMPLES_MAX)
        return ERR(ERR_INVALID, "late chunks of %u samples: the limit is %d", opts->ooo_chunk_max,
                   OOO_SAMPLES_MAX);
    AUTO(db_close) struct db *db = mem_alloc_zero(sizeof *db);
    db->opts = *opts;
    db->dir = mem_dup_text(opts->dir, strlen(opts->dir));
    db->opts.dir = db->dir;
    db->lock_path = fs_path_below(db->dir, STR("lock"));
    lock_init(&db->maintain_lock, LOCK_RANK_DB_MAINTAIN);
    db->truncate_to_ms = INT64_MIN;
    db->untidy = true;
    TRY(fs_make_dirs(db->opts.fs, db->dir));
    TRY_IN(fs_lock_file(db->opts.fs, db->lock_path, &db->lock_file), "database %s is in use",
           db->dir);
    TRY_IN(open_parts(db), "database %s", db->dir);
    *ret_db = TAKE(db);
    return OK;
}

struct err
db_finish(struct db *db)
{
    TRY(head_finish(db->head));
    return fs_remove_file(db->opts.fs, db->lock_path); /* its absence: the stop was clean */
}

void
db_close(struct db *db)
{
    if (!db)
        return;
    head_close(db->head);
    views_fini(&db->views);
    file_close(db->lock_file);
    vec_fini(&db->unwanted);
    lock_fini(&db->maintain_lock);
    mem_free(db->lock_path);
    mem_free(db->dir);
    mem_free(db);
}

struct err
db_append(struct db *db, const struct append_request *request, struct arena *a,
          struct append_result *ret_result)
{
    return head_append(db->head, request, a, ret_result);
}

/* --- reading: every block that the query reaches, and the head -------------------------------- */

/* What merge_series_sets() takes; closes what it still has. */
struct set_list {
    struct series_set **v; /* in an arena */
    size_t n;
};

static void
auto_set_list_close(struct set_list *l)
{
    while (l->n > 0)
        series_set_close(l->v[--l->n]);
}

/* What a query gets: the merge, and the view that keeps its blocks and series where they are. */
struct db_set {
    struct series_set set;
    struct db *db;
    const struct view *view;
    struct series_set *merged; /* owned */
};

static struct err
db_set_next(struct series_set *set, struct series_view *ret_series, bool *ret_more)
{
    return series_set_next(container_of(set, struct db_set, set)->merged, ret_series, ret_more);
}

static void
db_set_close(struct series_set *set)
{
    struct db_set *s = container_of(set, struct db_set, set);
    series_set_close(s->merged);
    views_release(&s->db->views, s->view);
    mem_free(s);
}

static struct err
select_in_blocks(const struct view *view, unsigned late, const struct select_query *q,
                 struct matchers matchers, struct arena *a, struct set_list *sets)
{
    for (size_t i = 0; i < view->blocks.v.n; i++) {
        const struct block *block = view->blocks.v.v[i];
        bool wanted = (block_meta_of(block)->hints & BLOCK_FROM_OUT_OF_ORDER) == late;
        if (!wanted || !block_overlaps(block, q->mint_ms, q->maxt_ms))
            continue;
        TRY(block_select(block, q, matchers, a, &sets->v[sets->n]));
        sets->n++;
    }
    return OK;
}

/* Of two samples at one time the first source's stays, and that is to be the one that came in
 * order: the head may have late ones at times of blocks, and blocks of late ones at the head's. */
static struct err
select_in_view(struct db *db, const struct view *view, const struct select_query *q,
               struct matchers matchers, struct arena *a, struct series_set **ret_set)
{
    __attribute__((cleanup(auto_set_list_close))) struct set_list sets = {
        ARENA_ARRAY(a, struct series_set *, view->blocks.v.n + 1), 0};
    const struct view_bounds *head = &view->head;
    TRY(select_in_blocks(view, 0, q, matchers, a, &sets));
    if (head->head_mint_ms <= q->maxt_ms || head_has_late(db->head)) {
        struct head_since since = {head->head_mint_ms, head->late_ref, head->deletions};
        TRY(head_select(db->head, q, since, matchers, a, &sets.v[sets.n]));
        sets.n++;
    }
    TRY(select_in_blocks(view, BLOCK_FROM_OUT_OF_ORDER, q, matchers, a, &sets));
    *ret_set = sets.n == 1 ? sets.v[0] : merge_series_sets(sets.v, sets.n, q->series_limit);
    sets.n = 0; /* the merge has them */
    return OK;
}

struct err
db_select(struct db *db, const struct select_query *q, struct matchers matchers, struct arena *a,
          struct series_set **ret_set)
{
    static const struct series_set_ops ops = {db_set_next, db_set_close};
    const struct view *view = views_acquire(&db->views);
    struct series_set *merged = NULL;
    struct err e = select_in_view(db, view, q, matchers, a, &merged);
    if (e.code != ERR_NONE) {
        views_release(&db->views, view);
        return e;
    }
    struct db_set *s = mem_alloc_zero(sizeof *s);
    *s = (struct db_set){.set = {&ops}, .db = db, .view = view, .merged = merged};
    *ret_set = &s->set;
    return OK;
}

/* Names and values of the head are not tied to a time, but to that of the head: as Prometheus. */
static bool
head_overlaps(const struct db *db, const struct select_query *q)
{
    struct db_stats s;
    head_stats(db->head, &s);
    bool late = head_has_late(db->head) && s.late_mint_ms <= q->maxt_ms &&
                q->mint_ms <= s.late_maxt_ms;
    return late || (s.mint_ms <= q->maxt_ms && q->mint_ms <= s.maxt_ms);
}

/* The union, its strings copied: the view that keeps them where they are ends with the call. */
static struct str_list
merged_copy(struct arena *a, const struct str_list *lists, size_t n)
{
    struct str_list merged = merge_str_lists(a, lists, n);
    for (size_t i = 0; i < merged.n; i++)
        merged.v[i] = arena_str(a, merged.v[i]);
    return merged;
}

static struct err
names_in_view(struct db *db, const struct view *view, const struct select_query *q,
              struct matchers matchers, struct arena *a, struct str_list *ret_names)
{
    struct str_list *lists = ARENA_ARRAY(a, struct str_list, view->blocks.v.n + 1);
    size_t n = 0;
    if (head_overlaps(db, q))
        TRY(head_label_names(db->head, q, matchers, a, &lists[n++]));
    for (size_t i = 0; i < view->blocks.v.n; i++) {
        if (block_overlaps(view->blocks.v.v[i], q->mint_ms, q->maxt_ms))
            TRY(block_label_names(view->blocks.v.v[i], matchers, a, &lists[n++]));
    }
    *ret_names = merged_copy(a, lists, n);
    return arena_check(a);
}

struct err
db_label_names(struct db *db, const struct select_query *q, struct matchers matchers,
               struct arena *a, struct str_list *ret_names)
{
    const struct view *view = views_acquire(&db->views);
    struct err e = names_in_view(db, view, q, matchers, a, ret_names);
    views_release(&db->views, view);
    return e;
}

static struct err
values_in_view(struct db *db, const struct view *view, const struct select_query *q,
               struct str name, struct matchers matchers, struct arena *a,
               struct str_list *ret_values)
{
    struct str_list *lists = ARENA_ARRAY(a, struct str_list, view->blocks.v.n + 1);
    size_t n = 0;
    if (head_overlaps(db, q))
        TRY(head_label_values(db->head, q, name, matchers, a, &lists[n++]));
    for (size_t i = 0; i < view->blocks.v.n; i++) {
        if (block_overlaps(view->blocks.v.v[i], q->mint_ms, q->maxt_ms))
            TRY(block_label_values(view->blocks.v.v[i], name, matchers, a, &lists[n++]));
    }
    *ret_values = merged_copy(a, lists, n);
    return arena_check(a);
}

struct err
db_label_values(struct db *db, const struct select_query *q, struct str name,
                struct matchers matchers, struct arena *a, struct str_list *ret_values)
{
    const struct view *view = views_acquire(&db->views);
    struct err e = values_in_view(db, view, q, name, matchers, a, ret_values);
    views_release(&db->views, view);
    return e;
}

struct err
db_exemplars(struct db *db, const struct exemplar_query *q, struct arena *a,
             struct series_exemplars_list *ret_list)
{
    return exemplars_select(head_exemplars(db->head), q, a, ret_list);
}

struct err
db_metadata(struct db *db, struct str family, size_t limit, struct arena *a,
            struct family_metadata_list *ret_list)
{
    return metadata_store_list(head_metadata(db->head), family, limit, a, ret_list);
}

struct err
db_cardinality(struct db *db, size_t limit, struct arena *a, struct cardinality *ret_cardinality)
{
    return head_cardinality(db->head, limit, a, ret_cardinality);
}

void
db_block_metas(struct db *db, struct arena *a, struct str_list *ret_metas)
{
    AUTO(buf_fini) struct buf line = BUF_INIT;
    const struct view *view = views_acquire(&db->views);
    struct str_list metas = {.v = ARENA_ARRAY(a, struct str, view->blocks.v.n)};
    for (size_t i = 0; i < view->blocks.v.n; i++) {
        buf_clear(&line);
        block_meta_format_line(block_meta_of(view->blocks.v.v[i]), &line);
        metas.v[metas.n++] = arena_str(a, buf_str(&line));
    }
    views_release(&db->views, view);
    *ret_metas = metas;
}

/* --- upkeep ----------------------------------------------------------------------------------- */

struct err
db_maintain(struct db *db)
{
    LOCKED(&db->maintain_lock);
    TRY(head_maintain(db->head));
    TRY(db_cut(db, CUT_WHEN_DUE));
    TRY(db_cut_late(db, CUT_WHEN_DUE));
    return db_tidy(db);
}

struct err
db_flush(struct db *db, bool *ret_empty)
{
    LOCKED(&db->maintain_lock);
    TRY(head_maintain(db->head));
    TRY(db_cut(db, CUT_ALL));
    TRY(db_cut_late(db, CUT_ALL));
    struct db_stats s;
    head_stats(db->head, &s);
    *ret_empty = s.mint_ms > s.maxt_ms && db->cut.stage == CUT_NONE && !head_has_late(db->head) &&
                 db->late_cut.stage == LATE_CUT_NONE;
    return OK;
}

static void
add_exemplars(struct db *db, struct db_stats *to)
{
    struct exemplars_stats s;
    exemplars_stats(head_exemplars(db->head), &s);
    to->exemplars = s.count;
    to->exemplars_max = s.capacity;
    to->exemplar_series = s.series;
    to->exemplars_appended = s.appended;
    to->oldest_exemplar_ms = s.oldest_ms;
}

void
db_stats(struct db *db, struct db_stats *ret_stats)
{
    head_stats(db->head, ret_stats);
    add_exemplars(db, ret_stats);
    if (head_has_late(db->head)) {
        ret_stats->mint_ms = i64_min(ret_stats->mint_ms, ret_stats->late_mint_ms);
        ret_stats->maxt_ms = i64_max(ret_stats->maxt_ms, ret_stats->late_maxt_ms);
    }
    const struct view *view = views_acquire(&db->views);
    ret_stats->blocks = view->blocks.v.n;
    ret_stats->head_deletions = deletions_count(view->head.deletions);
    for (size_t i = 0; i < view->blocks.v.n; i++) {
        const struct block_meta *m = block_meta_of(view->blocks.v.v[i]);
        ret_stats->mint_ms = i64_min(ret_stats->mint_ms, m->mint_ms);
        ret_stats->maxt_ms = i64_max(ret_stats->maxt_ms, m->maxt_ms - 1);
        ret_stats->block_bytes += block_bytes(view->blocks.v.v[i]);
    }
    views_release(&db->views, view);
    ret_stats->cuts = atomic_load_explicit(&db->cuts, memory_order_relaxed);
    ret_stats->compactions = atomic_load_explicit(&db->compactions, memory_order_relaxed);
    ret_stats->cuts_failed = atomic_load_explicit(&db->cuts_failed, memory_order_relaxed);
}

struct err
db_check(struct db *db)
{
    return head_check(db->head);
}
