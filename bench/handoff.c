/* handoff.c - how fast messages go into a hand-off queue and come out again.
 *
 *   bench/handoff [DIR]
 *
 * Queues in DIR (a temporary directory below it, "." without one): 512 MiB of messages of 100 kB,
 * by one thread and by eight, with and without a sync a batch; then all of them again. Beside it
 * what the disk does with plain writes of that size. The last line is one JSON object. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/rand.h"
#include "replication/handoff.h"

/* As cmd/main.c. */
extern const char *malloc_conf;
const char *malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";

enum { MESSAGE_BYTES = 100000, MESSAGES = 5368, THREADS_MAX = 8, READ_BYTES = 4 << 20 };

struct bench {
    char dir[512];
    struct str message;
    struct handoff *handoff;
    _Atomic(int) left;
    struct buf json;
};

static void
must(struct err e, const char *what)
{
    if (e.code == ERR_NONE)
        return;
    fprintf(stderr, "%s: %s\n", what, err_text(&e));
    exit(1);
}

static double
seconds_since(uint64_t start_ns)
{
    return (double)(clock_mono_ns(clock_system()) - start_ns) / 1e9;
}

static void
figure(struct bench *b, const char *name, double seconds)
{
    double mb_a_second = (double)MESSAGES * MESSAGE_BYTES / 1e6 / seconds;
    printf("%-32s %8.0f MB/s\n", name, mb_a_second);
    buf_printf(&b->json, "%s\"%s_mb_per_second\": %.1f", b->json.n ? ", " : "", name, mb_a_second);
}

static void *
append_some(void *arg)
{
    struct bench *b = arg;
    while (b->left-- > 0) {
        uint64_t seq;
        must(handoff_append(b->handoff, &b->message, 1, clock_wall_ms(clock_system()), &seq),
             "append");
    }
    return NULL;
}

static void
append_all(struct bench *b, int threads)
{
    pthread_t running[THREADS_MAX];
    b->left = MESSAGES;
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&running[i], NULL, append_some, b) != 0)
            must(ERR(ERR_INTERNAL, "no thread"), "append");
    }
    for (int i = 0; i < threads; i++)
        (void)pthread_join(running[i], NULL);
}

static void
replay_all(struct bench *b)
{
    size_t count = 0;
    struct arena a;
    arena_init(&a, 0);
    for (;;) {
        struct handoff_batch batch;
        must(handoff_read(b->handoff, &a, READ_BYTES, &batch), "read");
        if (batch.count == 0)
            break;
        count += batch.count;
        handoff_ack(b->handoff, batch.seqs[batch.count - 1]);
        arena_reset(&a);
    }
    arena_fini(&a);
    if (count != MESSAGES)
        must(ERR(ERR_INTERNAL, "%zu of %d messages", count, MESSAGES), "replay");
}

static void
run(struct bench *b, const char *name, enum wal_sync_mode sync, int threads)
{
    struct metrics *metrics = metrics_open();
    struct handoffs *hs;
    must(handoffs_open(
             &(struct handoffs_opts){
                 .fs = fs_posix(),
                 .dir = b->dir,
                 .clock = clock_system(),
                 .metrics = metrics,
                 .sync = sync,
             },
             &hs),
         "open");
    must(handoffs_of(hs, STR("peer:10901"), &b->handoff), "open");
    char line[64];
    uint64_t start_ns = clock_mono_ns(clock_system());
    append_all(b, threads);
    snprintf(line, sizeof line, "append_%s", name);
    figure(b, line, seconds_since(start_ns));
    start_ns = clock_mono_ns(clock_system());
    replay_all(b);
    snprintf(line, sizeof line, "replay_%s", name);
    figure(b, line, seconds_since(start_ns));
    must(handoff_drop(b->handoff), "drop");
    handoffs_close(hs);
    metrics_close(metrics);
}

/* What there is to win: the same bytes written one behind the other, and synced at the end, or each
 * of them. */
static void
measure_disk(struct bench *b, const char *name, bool sync_each)
{
    AUTO(file_close) struct file *f = NULL;
    AUTO(buf_fini) struct buf path = BUF_INIT;
    buf_printf(&path, "%s/plain", b->dir);
    must(fs_open(fs_posix(), buf_cstr(&path), FS_WRITE_OVER, &f), "disk");
    uint64_t start_ns = clock_mono_ns(clock_system());
    for (uint64_t i = 0; i < MESSAGES; i++) {
        must(file_write_at(f, i * MESSAGE_BYTES, b->message), "disk");
        if (sync_each)
            must(file_sync(f), "disk");
    }
    must(file_sync(f), "disk");
    figure(b, name, seconds_since(start_ns));
    must(fs_remove_file(fs_posix(), buf_cstr(&path)), "disk");
}

int
main(int argc, char **argv)
{
    struct bench b = {.json = BUF_INIT};
    snprintf(b.dir, sizeof b.dir, "%s/handoff-XXXXXX", argc > 1 ? argv[1] : ".");
    if (!mkdtemp(b.dir))
        must(ERR(ERR_IO, "cannot make %s", b.dir), "directory");
    char *bytes = mem_alloc(MESSAGE_BYTES);
    rand_bytes(bytes, MESSAGE_BYTES); /* messages are compressed already */
    b.message = str_of(bytes, MESSAGE_BYTES);
    measure_disk(&b, "disk", false);
    measure_disk(&b, "disk_sync_each", true);
    run(&b, "1_thread", WAL_SYNC_NONE, 1);
    run(&b, "8_threads", WAL_SYNC_NONE, 8);
    run(&b, "sync_1_thread", WAL_SYNC_BATCH, 1);
    run(&b, "sync_8_threads", WAL_SYNC_BATCH, 8);
    must(fs_remove_tree(fs_posix(), b.dir), "directory");
    printf("{%s}\n", buf_cstr(&b.json));
    buf_fini(&b.json);
    mem_free(bytes);
    return 0;
}
