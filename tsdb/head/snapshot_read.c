/* snapshot_read.c - a snapshot's records as items, one by one. Contract: snapshot.h. */
#include "base/mem.h"
#include "tsdb/head/snapshot.h"
#include "tsdb/wal/record_exemplars.h"
#include "tsdb/wal/wal_reader.h"

struct snapshot_reader {
    char *path; /* owned */
    struct wal_reader *log;
    struct arena item; /* of the item returned last */
    bool complete;     /* the record of deletions was there: all series came before */

    /* the record that items are taken from; SNAPSHOT_END: the next is to be read */
    enum snapshot_kind kind;
    struct snapshot_deletions deletions;
    struct record_cursor exemplars;
    struct buf record; /* bytes of exemplars */
};

struct err
snapshot_reader_open(struct fs *fs, const char *path, struct snapshot_reader **ret_reader)
{
    AUTO(snapshot_reader_close) struct snapshot_reader *r = mem_alloc_zero(sizeof *r);
    r->path = mem_dup_text(path, strlen(path));
    arena_init(&r->item, 0); /* one record, whose size is limited */
    TRY_IN(wal_reader_open(fs, path, 0, &r->log), "snapshot %s", path);
    *ret_reader = TAKE(r);
    return OK;
}

void
snapshot_reader_close(struct snapshot_reader *r)
{
    if (!r)
        return;
    wal_reader_close(r->log);
    arena_fini(&r->item);
    buf_fini(&r->record);
    mem_free(r->path);
    mem_free(r);
}

/* An item of the open record; SNAPSHOT_END when it has no more. */
static struct err
next_in_record(struct snapshot_reader *r, struct snapshot_item *ret_item)
{
    *ret_item = (struct snapshot_item){.kind = SNAPSHOT_END};
    bool more = false;
    if (r->kind == SNAPSHOT_DELETION) {
        more = snapshot_next_deletion(&r->deletions, &ret_item->deletion);
        if (!more)
            TRY(snapshot_deletions_check(&r->deletions));
    } else if (r->kind == SNAPSHOT_EXEMPLAR) {
        struct snapshot_exemplar *e = &ret_item->exemplar;
        more = record_next_exemplar(&r->exemplars, &r->item, &e->ref, &e->exemplar);
        if (!more)
            TRY(record_cursor_check(&r->exemplars));
    }
    r->kind = more ? r->kind : SNAPSHOT_END;
    ret_item->kind = r->kind;
    return OK;
}

/* Opens the next record; a series is an item by itself. */
static struct err
begin_record(struct snapshot_reader *r, struct str record, struct snapshot_item *ret_item)
{
    switch (record.n > 0 ? (uint8_t)record.p[0] : 0) {
    case SNAPSHOT_RECORD_SERIES:
        if (r->complete)
            return ERR(ERR_CORRUPT, "a series behind the deletions");
        TRY(snapshot_decode_series(record, &r->item, &ret_item->series));
        ret_item->kind = SNAPSHOT_SERIES;
        return OK;
    case SNAPSHOT_RECORD_TOMBSTONES:
        snapshot_read_deletions(&r->deletions, record);
        r->complete = true;
        r->kind = SNAPSHOT_DELETION;
        return OK;
    case SNAPSHOT_RECORD_EXEMPLARS:
        snapshot_read_exemplars(&r->exemplars, record, &r->record);
        r->kind = SNAPSHOT_EXEMPLAR;
        return OK;
    default:
        return ERR(ERR_UNIMPLEMENTED, "a record of a type that is not known");
    }
}

static struct err
next_item(struct snapshot_reader *r, struct snapshot_item *ret_item)
{
    for (;;) {
        struct str record;
        bool more;
        TRY(next_in_record(r, ret_item));
        if (ret_item->kind != SNAPSHOT_END)
            return OK;
        TRY(wal_reader_next(r->log, &record, &more));
        if (!more)
            return r->complete ? OK : ERR(ERR_CORRUPT, "ends too early");
        TRY(begin_record(r, record, ret_item));
        if (ret_item->kind != SNAPSHOT_END)
            return OK;
    }
}

struct err
snapshot_reader_next(struct snapshot_reader *r, struct snapshot_item *ret_item)
{
    arena_reset(&r->item);
    TRY_IN(next_item(r, ret_item), "snapshot %s", r->path);
    return OK;
}
