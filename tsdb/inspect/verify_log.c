/* verify_log.c - the log of the head: checkpoint, segments, and the log of late samples.
 *
 * A series must be named before anything is said of it (H2), else a replay drops what is said.
 * A log that another process truncates while it is read is read again. */
#include "base/mem.h"
#include "tsdb/inspect/verify_int.h"
#include "tsdb/wal/record.h"
#include "tsdb/wal/wal_reader.h"

enum { READ_TRIES = 5 };

struct log_check {
    struct verify *v;
    struct arena scratch;
    struct ref_table refs;    /* hash of the labels that the log gives each ref */
    bool refs_whole;          /* everything that names series so far could be read */
    struct verify_file *file; /* of the record */
    uint64_t offset;
    uint64_t unknown_types, strays; /* records; refs in the log of late samples */
};

static void
auto_log_check_fini(struct log_check *c)
{
    arena_fini(&c->scratch);
    ref_table_fini(&c->refs);
}

static struct err
note_named(void *arg, uint64_t ref, struct labels labels)
{
    struct log_check *c = arg;
    uint64_t *word, hash = labels_hash(labels) | 1;
    TRY(ref_table_at(&c->refs, ref, &word));
    if (*word != 0 && *word != hash)
        TRY(broken(c->file, RULE_V14, c->offset, "series %ju is given other labels",
                   (uintmax_t)ref));
    *word = hash;
    return OK;
}

static struct err
note_used(void *arg, uint64_t ref)
{
    struct log_check *c = arg;
    const uint64_t *word = ref_table_find(&c->refs, ref);
    bool none = ref == 0; /* tsdb/head/deletions.h, deletion_of_all() */
    if (none || (word && *word != 0) || !c->refs_whole)
        return OK;
    return broken(c->file, RULE_H2, c->offset, "series %ju is used, but no record names it",
                  (uintmax_t)ref);
}

/* Series of late samples may have been collected since: their markers then mean nothing. */
static struct err
count_stray(void *arg, uint64_t ref)
{
    struct log_check *c = arg;
    const uint64_t *word = ref_table_find(&c->refs, ref);
    c->strays += ref != 0 && (!word || *word == 0); /* 0: tsdb/head/ooo_log.h, struct ooo_floor */
    return OK;
}

/* `used` judges references: those of the log, or those of the late log. */
static struct err
check_with(struct log_check *c, struct verify_file *f, uint64_t offset, struct str record,
           struct err (*used)(void *arg, uint64_t ref))
{
    const struct record_visitor visitor = {note_named, used, c};
    bool known;
    c->file = f;
    c->offset = offset;
    struct err e = verify_record(record, &c->scratch, &visitor, &known);
    c->unknown_types += !known;
    return e.code == ERR_CORRUPT ? broken_by(f, RULE_V13, offset, e) : e;
}

static struct err
check_record(void *arg, struct verify_file *f, uint64_t offset, struct str record)
{
    return check_with(arg, f, offset, record, note_used);
}

static struct err
check_late_record(void *arg, struct verify_file *f, uint64_t offset, struct str record)
{
    return check_with(arg, f, offset, record, count_stray);
}

/* The entries of wal/ that are neither the newest checkpoint nor newer than it. */
static struct err
tell_old(struct verify *v, const char *checkpoint, uint64_t first)
{
    AUTO(fs_list_fini) struct fs_list entries = VEC_INIT;
    AUTO(verify_file_fini) struct verify_file dir;
    verify_file_init(&dir, v, "wal");
    TRY(fs_list_dir(v->fs, dir.path, &entries));
    vec_each (&entries, entry) {
        struct str name = str_of_cstr(entry->name);
        uint64_t number;
        struct err e = str_parse_u64(name, &number);
        bool old = e.code == ERR_NONE && number < first;
        err_drop(e);
        old = old ||
              (str_starts_with(name, STR("checkpoint.")) && strcmp(entry->name, checkpoint) != 0);
        if (!old)
            continue;
        AUTO(verify_file_fini) struct verify_file f;
        verify_file_init(&f, v, "wal/%s", entry->name);
        told(&f, FINDING_NO_OFFSET, "left over: a checkpoint replaces it, or it was not finished");
    }
    return OK;
}

static struct err
check_checkpoint(struct log_check *c, const char *wal_dir, uint64_t *ret_first)
{
    AUTO(buf_fini) struct buf path = BUF_INIT, below = BUF_INIT;
    uint64_t number = 0;
    bool none = true;
    *ret_first = 0;
    TRY(wal_last_checkpoint(c->v->fs, wal_dir, &path, &number, &none));
    if (none)
        return tell_old(c->v, "", 0);
    const char *name = strrchr(buf_cstr(&path), '/') + 1;
    *ret_first = number + 1;
    buf_printf(&below, "wal/%s", name);
    TRY(verify_segments(c->v, buf_cstr(&below), 0, check_record, c, &c->refs_whole));
    return tell_old(c->v, name, *ret_first);
}

static struct err
check_once(struct log_check *c, const char *wal_dir)
{
    uint64_t first = 0;
    TRY(check_checkpoint(c, wal_dir, &first));
    return verify_segments(c->v, "wal", first, check_record, c, &c->refs_whole);
}

static struct err
check_late(struct log_check *c)
{
    AUTO(verify_file_fini) struct verify_file dir;
    bool whole = true;
    verify_file_init(&dir, c->v, "wbl");
    if (!fs_exists(c->v->fs, dir.path))
        return OK;
    TRY(verify_segments(c->v, "wbl", 0, check_late_record, c, &whole));
    if (c->strays > 0 && c->refs_whole)
        told(&dir, FINDING_NO_OFFSET, "speaks %ju times of series that the log does not name",
             (uintmax_t)c->strays);
    return OK;
}

struct err
verify_log(struct verify *v)
{
    AUTO(verify_file_fini) struct verify_file dir;
    verify_file_init(&dir, v, "wal");
    if (!fs_exists(v->fs, dir.path))
        return OK; /* a directory of blocks only */
    __attribute__((cleanup(auto_log_check_fini))) struct log_check c = {.v = v};
    arena_init(&c.scratch, 0);
    ref_table_init(&c.refs);
    struct err e = OK;
    for (int i = 0; i < READ_TRIES; i++) { /* a checkpoint may replace segments meanwhile */
        err_drop(e);
        c.refs_whole = true;
        e = check_once(&c, dir.path);
        if (e.code != ERR_NOT_FOUND)
            break;
    }
    TRY(verify_file_end(&dir, e, RULE_V12));
    e = check_late(&c);
    if (c.unknown_types > 0)
        told(&dir, FINDING_NO_OFFSET, "%ju records are of types that are not known",
             (uintmax_t)c.unknown_types);
    return verify_file_end(&dir, e, RULE_V12);
}
