/* place.c - what a router costs: rows placed on a ring, encoded for its nodes, compressed.
 *
 *   bench/place [ROWS]     rows of a write (default 5000), one sample each, of bench/loadgen's
 * series
 *
 * A line a ring: CPU in ns a sample, split. "hash" and "owners" are parts of "place", which is all
 * of place_rows(). Payloads that several nodes share are compressed once. Nothing is asserted. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bench/loadgen_series.h"
#include "net/grpc/grpc_message.h"
#include "replication/place.h"
#include "replication/ring_hash.h"

enum { ROUNDS = 200, COMPRESS_ROUNDS = 20 };

static const struct place_bench {
    const char *name;
    enum ring_algorithm algorithm;
    unsigned nodes;
    uint16_t local; /* RING_NODE_NONE: a router alone */
    bool mneme;
} benches[] = {
    {"3 nodes, ketama, router", RING_KETAMA, 3, RING_NODE_NONE, true},
    {"3 nodes, ketama, one of them", RING_KETAMA, 3, 0, true},
    {"10 nodes, ketama, router", RING_KETAMA, 10, RING_NODE_NONE, true},
    {"10 nodes, ketama, one of them", RING_KETAMA, 10, 0, true},
    {"3 nodes, hashmod, Thanos", RING_HASHMOD, 3, RING_NODE_NONE, false},
    {"3 nodes, ketama, Thanos", RING_KETAMA, 3, RING_NODE_NONE, false},
    {"10 nodes, ketama, Thanos", RING_KETAMA, 10, RING_NODE_NONE, false},
};
enum { COPIES = 3 };

/* The write, as a sender's request decodes. */
static struct err
make_write(struct arena *a, size_t rows, struct buf *body, struct rewritten *ret_write)
{
    struct load_spec spec = {
        .seed = 1, .shape = LOAD_MIX, .start_ms = INT64_C(1700000000000), .interval_ms = 15000};
    for (size_t i = 0; i < rows; i++) {
        AUTO(buf_fini) struct buf key = BUF_INIT;
        struct sample s = load_sample(&spec, i, 1);
        load_label_key(&spec, i, 1, &key);
        remote_write_encode_series(body, buf_str(&key), &s, 1);
    }
    struct write_message m;
    TRY(remote_write_decode(a, buf_str(body), &m));
    struct batch *batch = ARENA_NEW(a, struct batch);
    batch->tenant = STR("default-tenant");
    batch->request = write_message_request(&m);
    *ret_write = rewrite_nothing(a, batch, NULL);
    return OK;
}

static struct err
make_ring(const struct place_bench *b, struct ring **ret_ring)
{
    AUTO(buf_fini) struct buf json = BUF_INIT;
    buf_append(&json, STR("[{\"endpoints\":["));
    for (unsigned i = 0; i < b->nodes; i++)
        buf_printf(&json, "%s\"node-%u:10901\"", i ? "," : "", i);
    buf_append(&json, STR("]}]"));
    return ring_open(&(struct ring_opts){.json = buf_str(&json),
                                         .algorithm = b->algorithm,
                                         .replication_factor = COPIES},
                     ret_ring);
}

static struct place_opts
make_opts(const struct place_bench *b, struct arena *a, struct ring *ring)
{
    uint8_t *traits = ARENA_ARRAY(a, uint8_t, b->nodes);
    for (unsigned i = 0; i < b->nodes; i++)
        traits[i] = b->mneme || i == b->local ? VOTES_NODE_WHOLE : 0;
    struct votes_opts votes = {
        .owner_count = COPIES, .node_count = b->nodes, .node_traits = traits};
    return (struct place_opts){
        .ring = ring, .local = b->local, .node_traits = traits, .plan = votes_plan_new(a, &votes)};
}

/* The parts of place_rows() that are the ring's. */
static struct err
time_ring(const struct place_opts *opts, const struct batch *batch, uint64_t *hash_ns,
          uint64_t *owners_ns)
{
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    uint64_t hash = 0, sum = 0, start = clock_process_cpu_ns();
    const uint16_t *owners;
    TRY(ring_part(opts->ring, batch->tenant, &part));
    for (size_t i = 0; i < batch->request.row_count; i++) {
        TRY(ring_hash(batch->tenant, batch->request.rows[i].label_key, &hash));
        sum += hash;
    }
    *hash_ns = u64_min(*hash_ns, clock_process_cpu_ns() - start);
    start = clock_process_cpu_ns();
    for (size_t i = 0; i < batch->request.row_count; i++) {
        TRY(ring_owners(part, sum + i * UINT64_C(0x9e3779b97f4a7c15), &owners));
        hash += votes_plan_class(opts->plan, owners);
    }
    *owners_ns = u64_min(*owners_ns, clock_process_cpu_ns() - start);
    return hash == 1 ? ERR(ERR_INTERNAL, "never") : OK; /* it is used */
}

static void
time_compression(const struct placed *p, enum grpc_encoding encoding, uint64_t *best_ns,
                 size_t *ret_bytes)
{
    uint64_t start = clock_process_cpu_ns();
    size_t bytes = 0;
    for (size_t i = 0; i < p->part_count; i++) {
        bool known = false;
        for (size_t k = 0; k < i; k++)
            known |= peer_rows_tuples(p->parts[k].rows) == peer_rows_tuples(p->parts[i].rows);
        if (known)
            continue;
        struct shared *m =
            grpc_message_new(encoding, shared_bytes(peer_rows_tuples(p->parts[i].rows)));
        bytes += shared_bytes(m).n;
        shared_unref(m);
    }
    *best_ns = u64_min(*best_ns, clock_process_cpu_ns() - start);
    *ret_bytes = bytes;
}

static struct err
run(const struct place_bench *b, const struct rewritten *w)
{
    AUTO(ring_unref) struct ring *ring = NULL;
    TRY(make_ring(b, &ring));
    AUTO(arena_fini) struct arena a = {0};
    uint64_t place = UINT64_MAX, hash = UINT64_MAX, owners = UINT64_MAX, snappy = UINT64_MAX,
             zstd = UINT64_MAX;
    size_t snappy_bytes = 0, zstd_bytes = 0, parts = 0;
    for (int round = 0; round < ROUNDS; round++) {
        AUTO(placed_fini) struct placed p = {0};
        arena_reset(&a);
        uint64_t start = clock_process_cpu_ns();
        struct place_opts opts = make_opts(b, &a, ring);
        TRY(place_rows(&a, &opts, w, &p));
        place = u64_min(place, clock_process_cpu_ns() - start);
        parts = p.part_count;
        TRY(time_ring(&opts, &w->batches[0].batch, &hash, &owners));
        if (round >= COMPRESS_ROUNDS)
            continue;
        time_compression(&p, GRPC_SNAPPY, &snappy, &snappy_bytes);
        time_compression(&p, GRPC_ZSTD, &zstd, &zstd_bytes);
    }
    double n = (double)w->batches[0].batch.request.row_count;
    printf("%-30s %3zu parts  place %5.1f (hash %4.1f owners %4.1f)  snappy %5.1f (%4.1f B)  "
           "zstd %5.1f (%4.1f B)  sum %5.1f / %5.1f\n",
           b->name, parts, (double)place / n, (double)hash / n, (double)owners / n,
           (double)snappy / n, (double)snappy_bytes / n, (double)zstd / n, (double)zstd_bytes / n,
           (double)(place + snappy) / n, (double)(place + zstd) / n);
    return OK;
}

static struct err
run_all(size_t rows)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf body = BUF_INIT;
    struct rewritten w;
    TRY(make_write(&a, rows, &body, &w));
    printf("%zu samples, %zu bytes each, copies %d; ns of CPU and bytes a sample\n", rows,
           body.n / rows, COPIES);
    for (size_t i = 0; i < ARRAY_LEN(benches); i++)
        TRY(run(&benches[i], &w));
    return OK;
}

int
main(int argc, char **argv)
{
    uint64_t rows = 5000;
    struct err e = OK;
    if (argc > 1)
        e = str_parse_u64(str_of_cstr(argv[1]), &rows);
    if (e.code == ERR_NONE && (rows == 0 || rows > WRITE_SERIES_MAX))
        e = ERR(ERR_INVALID, "rows: 1 to %d", WRITE_SERIES_MAX);
    if (e.code == ERR_NONE)
        e = run_all(rows);
    if (e.code == ERR_NONE)
        return EXIT_SUCCESS;
    (void)fprintf(stderr, "bench/place: %s\n", err_text(&e));
    err_drop(e);
    return EXIT_FAILURE;
}
