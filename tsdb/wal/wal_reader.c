/* wal_reader.c - all records of all segments in order, one mapped segment at a time. */
#include "tsdb/wal/wal_reader.h"

#include "base/assert.h"
#include "base/mem.h"
#include "tsdb/wal/wal_frames.h"
#include "tsdb/wal/wal_int.h"

struct wal_reader {
    struct fs *fs;                      /* borrowed */
    char *dir;                          /* owned */
    uint64_t next, end;                 /* segments not yet opened: next .. end-1 */
    uint64_t skip_segment, skip_offset; /* this one is read from there on */

    uint64_t segment; /* the mapped one, or the last that was */
    bool mapped;
    struct fs_map map; /* borrowed by frames */
    struct wal_frames frames;
};

struct err
wal_reader_open(struct fs *fs, const char *dir, uint64_t first, struct wal_reader **ret_reader)
{
    uint64_t lowest, end;
    TRY(wal_live_segments(fs, dir, &lowest, &end));
    *ret_reader = wal_reader_open_range(fs, dir, u64_max(first, lowest), end);
    return OK;
}

struct wal_reader *
wal_reader_open_range(struct fs *fs, const char *dir, uint64_t first, uint64_t end)
{
    struct wal_reader *r = mem_alloc_zero(sizeof *r);
    *r = (struct wal_reader){
        .fs = fs,
        .dir = mem_dup_text(dir, strlen(dir)),
        .next = first,
        .end = end,
        .segment = first,
        .frames = WAL_FRAMES_INIT,
    };
    return r;
}

void
wal_reader_skip(struct wal_reader *r, uint64_t segment, uint64_t offset)
{
    ASSERT(!r->mapped);
    r->next = r->segment = u64_max(r->next, segment);
    r->skip_segment = segment;
    r->skip_offset = offset;
}

void
wal_reader_pass_over(struct wal_reader *r, uint32_t types)
{
    r->frames.unwanted = types;
}

static void
unmap(struct wal_reader *r)
{
    if (r->mapped)
        fs_unmap(r->fs, &r->map);
    r->mapped = false;
}

void
wal_reader_close(struct wal_reader *r)
{
    if (!r)
        return;
    unmap(r);
    wal_frames_fini(&r->frames);
    mem_free(r->dir);
    mem_free(r);
}

static struct err
map_next(struct wal_reader *r)
{
    AUTO(buf_fini) struct buf path = BUF_INIT;
    TRY(fs_map(r->fs, wal_segment_path(&path, r->dir, r->next), &r->map));
    r->segment = r->next++;
    r->mapped = true;
    wal_frames_begin(&r->frames, r->map.bytes);
    if (r->segment == r->skip_segment)
        wal_frames_skip(&r->frames, r->skip_offset);
    return OK;
}

struct err
wal_reader_next_stored(struct wal_reader *r, struct wal_stored *ret_stored, bool *ret_more)
{
    for (;;) {
        *ret_more = false;
        if (r->mapped)
            TRY_IN(wal_frames_next_stored(&r->frames, ret_stored, ret_more),
                   "log %s: segment %08ju", r->dir, (uintmax_t)r->segment);
        if (*ret_more)
            return OK;
        if (r->next >= r->end) {
            *ret_stored = (struct wal_stored){STR(""), 0};
            return OK;
        }
        unmap(r);
        TRY(map_next(r));
    }
}

struct err
wal_reader_next(struct wal_reader *r, struct str *ret_record, bool *ret_more)
{
    struct wal_stored stored;
    bool more;
    TRY(wal_reader_next_stored(r, &stored, &more));
    TRY_IN(wal_frames_open(&r->frames, &stored, ret_record), "log %s: segment %08ju", r->dir,
           (uintmax_t)r->segment);
    *ret_more = more;
    return OK;
}

void
wal_reader_where(const struct wal_reader *r, uint64_t *ret_segment, uint64_t *ret_offset)
{
    *ret_segment = r->segment;
    *ret_offset = r->frames.record_at;
}
