/* verify_snapshot.c - a snapshot of the head's open chunks, chunk_snapshot.<segment>.<offset>.
 *
 * Segments as those of the log; records of their own (spec/tsdb.md section 10, prometheus
 * tsdb/head_wal.go). A server ignores a snapshot that it cannot read. */
#include "base/bytes.h"
#include "base/mem.h"
#include "tsdb/block/tombstones.h"
#include "tsdb/chunk/chunk.h"
#include "tsdb/inspect/verify_int.h"
#include "tsdb/wal/record.h"

enum {
    SNAPSHOT_SERIES = 1,
    SNAPSHOT_TOMBSTONES = 2,
    SNAPSHOT_EXEMPLARS = 3,
    SNAPSHOT_LABELS_MAX = 1 << 16,
};

struct snapshot_check {
    struct arena scratch;
    uint64_t unknown;
};

/* uvarint n, then names and values that ascend */
static struct err
check_labels(struct reader *r)
{
    uint64_t count = reader_uvarint(r);
    struct str before = STR("");
    if (count > SNAPSHOT_LABELS_MAX)
        reader_fail(r);
    for (uint64_t i = 0; i < count && r->code == ERR_NONE; i++) {
        struct str name = reader_ustr(r);
        (void)reader_ustr(r);
        if (r->code == ERR_NONE && i > 0 && str_cmp(before, name) >= 0)
            return ERR(ERR_CORRUPT, "labels do not ascend");
        before = name;
    }
    return OK;
}

/* Behind the type: be64 ref, labels, be64 0, then perhaps the open chunk and the values that its
 * appender needs, of which only the chunk is looked at. */
static struct err
check_series(struct verify_file *f, uint64_t offset, struct reader *r)
{
    uint64_t ref = reader_be64(r);
    TRY(check_labels(r));
    (void)reader_be64(r);
    if (reader_uvarint(r) == 0 || r->code != ERR_NONE)
        return reader_check(r, "series of a snapshot");
    int64_t mint_ms = (int64_t)reader_be64(r), maxt_ms = (int64_t)reader_be64(r);
    unsigned encoding = reader_u8(r);
    struct str data = reader_ustr(r);
    size_t samples;
    bool known;
    if (r->code != ERR_NONE)
        return reader_check(r, "series of a snapshot");
    struct err e = verify_chunk(encoding, data, mint_ms, maxt_ms, &samples, &known);
    if (e.code == ERR_CORRUPT)
        return broken_by(f, RULE_V9, offset, err_wrap(e, "series %ju", (uintmax_t)ref));
    return e;
}

/* A uvarint length, a version, (uvarint ref, varint, varint)... */
static struct err
check_tombstones(struct reader *r)
{
    struct reader body = reader_of(reader_ustr(r));
    if (reader_u8(&body) != TOMBSTONES_VERSION)
        reader_fail(&body);
    while (reader_left(&body) > 0) {
        (void)reader_uvarint(&body);
        (void)reader_varint(&body);
        (void)reader_varint(&body);
    }
    TRY(reader_check(r, "deletions of a snapshot"));
    return reader_check(&body, "deletions of a snapshot");
}

static struct err
ignore_named(void *arg, uint64_t ref, struct labels labels)
{
    (void)arg;
    (void)ref;
    (void)labels;
    return OK;
}

static struct err
ignore_used(void *arg, uint64_t ref)
{
    (void)arg;
    (void)ref;
    return OK;
}

/* The body of an exemplar record of the log behind another type. */
static struct err
check_exemplars(struct snapshot_check *c, struct str record)
{
    static const struct record_visitor visitor = {ignore_named, ignore_used, NULL};
    AUTO(buf_fini) struct buf copy = BUF_INIT;
    bool known;
    buf_put_u8(&copy, RECORD_EXEMPLARS);
    buf_append(&copy, str_skip(record, 1));
    return verify_record(buf_str(&copy), &c->scratch, &visitor, &known);
}

static struct err
check_record(void *arg, struct verify_file *f, uint64_t offset, struct str record)
{
    struct snapshot_check *c = arg;
    struct reader r = reader_of(record);
    struct err e = OK;
    switch (reader_u8(&r)) {
    case SNAPSHOT_SERIES:
        e = check_series(f, offset, &r);
        break;
    case SNAPSHOT_TOMBSTONES:
        e = check_tombstones(&r);
        break;
    case SNAPSHOT_EXEMPLARS:
        e = check_exemplars(c, record);
        break;
    default: /* a byte from outside */
        c->unknown++;
        break;
    }
    return e.code == ERR_CORRUPT ? broken_by(f, RULE_V13, offset, e) : e;
}

struct err
verify_snapshot(struct verify *v, const char *name)
{
    AUTO(verify_file_fini) struct verify_file dir;
    verify_file_init(&dir, v, "%s", name);
    struct snapshot_check c = {.unknown = 0};
    bool whole = true;
    arena_init(&c.scratch, 0);
    struct err e = verify_segments(v, name, 0, check_record, &c, &whole);
    arena_fini(&c.scratch);
    if (c.unknown > 0)
        told(&dir, FINDING_NO_OFFSET, "%ju records are of types that are not known",
             (uintmax_t)c.unknown);
    return verify_file_end(&dir, e, RULE_V13);
}
