/* histogram_chunk.h - the open histogram chunk of a series: encodings 2 and 3.
 *
 * It is opened with its first sample. A sample that does not continue it (histogram_rules.h)
 * opens the next one. Appending never reads the bytes again, but for new buckets: then all
 * samples are written anew, with room for them.
 *
 *   a = histogram_appender_open(NULL, t0, h0);
 *   next = histogram_append(a, t1, h1);     next != a: finish a, go on with next
 *   next = histogram_appender_open(a, t2, h2);   cut for size or time: the flag still compares
 *
 * Bytes are those of Prometheus' appenders for the same calls: README.md. Threads: the lock of
 * the series. Memory: what the chunk holds, and a few words a bucket. */
#pragma once
#include "base/mem.h"
#include "tsdb/chunk/chunk.h"
#include "tsdb/chunk/histogram_rules.h"

enum {
    /* An appender cuts before; a chunk with more buckets than usual may be far above the 1 KiB
     * that Prometheus aims for. */
    HISTOGRAM_CHUNK_BYTES_MAX = 16 << 20,
    /* Samples times buckets that new buckets may make us write again; above, a new chunk begins
     * that says "no reset". Prometheus has no such limit. */
    HISTOGRAM_RECODE_BUCKETS_MAX = 1 << 22,
};

struct histogram_appender;

/* A chunk that begins with `h`, which keeps the rules of histogram_validate(). `before` is the
 * chunk of the series before this one, whatever kind it has, or NULL when it is not known. The
 * caller owns the result. */
struct histogram_appender *histogram_appender_open(const struct histogram_appender *before,
                                                   int64_t t_ms, const struct histogram *h);
void histogram_appender_close(struct histogram_appender *a); /* NULL is allowed */
DEFINE_AUTO(struct histogram_appender *, histogram_appender_close)
/* From the bytes of encodings 2, 3, 5 or 6, by appending again what is in them: bytes may differ
 * from the chunk's, start timestamps are gone. ERR_CORRUPT also for samples that no single chunk
 * can hold. */
struct err histogram_appender_reopen(const struct chunk_view *c, struct histogram_appender **ret);

/* Appends `h`, of the chunk's kind and later than its last sample. Returns `a`, or a new chunk
 * that begins with `h`, owned by the caller; then nothing may be appended to `a` any more. */
struct histogram_appender *histogram_append(struct histogram_appender *a, int64_t t_ms,
                                            const struct histogram *h);

enum histogram_kind histogram_appender_kind(const struct histogram_appender *a);
enum chunk_flag histogram_appender_flag(const struct histogram_appender *a);
int64_t histogram_appender_mint(const struct histogram_appender *a);
int64_t histogram_appender_maxt(const struct histogram_appender *a);
size_t histogram_appender_count(const struct histogram_appender *a);
/* Bytes that the finished chunk would have now. */
size_t histogram_appender_bytes(const struct histogram_appender *a);
/* What the chunk takes of memory. */
size_t histogram_appender_memory(const struct histogram_appender *a);
/* The newest sample in the chunk's layout, borrowed until the next append. Of a stale marker only
 * the sum means something. */
const struct histogram *histogram_appender_newest(const struct histogram_appender *a);
/* The finished chunk; its bytes are borrowed until the next append. Appends may go on. */
struct chunk_view histogram_appender_seal(struct histogram_appender *a);
/* Copies the finished chunk to `to`, histogram_appender_bytes() long. */
void histogram_appender_snapshot(const struct histogram_appender *a, uint8_t *to);
