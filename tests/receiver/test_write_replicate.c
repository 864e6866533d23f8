/* Writes of which three receivers have a copy each: this one, and two that are gRPC servers here
 * and answer what a row says. */
#include "tests/harness.h"

#include "base/mem.h"
#include "net/grpc/grpc_server.h"
#include "proto/writeable.h"
#include "replication/replicator.h"
#include "tests/receiver/fixture.h"
#include "tests/receiver/messages.h"

enum { PEERS = 2, TIMEOUT_MS = 1000 };

struct fake_peer {
    struct grpc_server *server;
    struct grpc_method method;
    _Atomic(int) code; /* enum grpc_code; below 0: nothing is there */
    _Atomic(unsigned) samples;
};

struct cluster {
    struct fixture f;
    struct handoffs *handoffs;
    struct peer_metrics metrics;
    struct peers *peers;
    struct replicator *replicator;
    struct fake_peer peer[PEERS];
};

static void
serve(void *arg, struct grpc_call *call)
{
    struct fake_peer *p = arg;
    struct writeable_message m;
    enum grpc_code code = (enum grpc_code)atomic_load(&p->code);
    CK_OK(writeable_decode(grpc_call_arena(call), grpc_call_message(call), &m));
    if (code == GRPC_OK)
        atomic_fetch_add(&p->samples, (unsigned)m.all.sample_count);
    grpc_finish(call, code, code == GRPC_OK ? STR("") : STR("as the row says"));
}

static void
start_peer(struct cluster *c, struct fake_peer *p, enum grpc_code code)
{
    atomic_init(&p->code, (int)code);
    p->method = (struct grpc_method){.service = "thanos.WriteableStore",
                                     .name = "RemoteWrite",
                                     .kind = GRPC_UNARY,
                                     .handler = serve,
                                     .arg = p,
                                     .pool = c->f.pool};
    CK_OK(grpc_server_start(&(struct grpc_server_opts){.address = STR("127.0.0.1:0"),
                                                       .loops = c->f.loops,
                                                       .metrics = c->f.metrics,
                                                       .clock = clock_system(),
                                                       .methods = &p->method,
                                                       .method_count = 1},
                            &p->server));
}

static void
set_ring(struct cluster *c)
{
    AUTO(buf_fini) struct buf json = BUF_INIT;
    buf_printf(&json, "[{\"endpoints\": [\"self:1\", \"127.0.0.1:%u\", \"127.0.0.1:%u\"]}]",
               grpc_server_port(c->peer[0].server), grpc_server_port(c->peer[1].server));
    AUTO(ring_unref) struct ring *ring = NULL;
    CK_OK(ring_open(&(struct ring_opts){.json = buf_str(&json), .replication_factor = 3}, &ring));
    CK_OK(replicator_set_ring(c->replicator, ring));
}

static void
cluster_open(struct cluster *c, const enum grpc_code codes[PEERS], enum votes_quorum quorum)
{
    *c = (struct cluster){.handoffs = NULL};
    fixture_start(&c->f);
    for (int i = 0; i < PEERS; i++)
        start_peer(c, &c->peer[i], codes[i]);
    CK_OK(handoffs_open(
        &(struct handoffs_opts){
            .fs = fs_posix(), .dir = test_dir(), .clock = clock_system(), .metrics = c->f.metrics},
        &c->handoffs));
    peer_metrics_init(&c->metrics, c->f.metrics);
    c->peers = peers_open(&(struct peers_opts){.loops = c->f.loops,
                                               .link = {.handoffs = c->handoffs,
                                                        .metrics = &c->metrics,
                                                        .registry = c->f.metrics,
                                                        .clock = clock_system(),
                                                        .encoding = GRPC_SNAPPY,
                                                        .forward_timeout_ms = TIMEOUT_MS,
                                                        .backoff_max_ms = 200}});
    c->replicator = replicator_open(&(struct replicator_opts){.peers = c->peers,
                                                              .local_endpoint = STR("self:1"),
                                                              .quorum = quorum,
                                                              .forward_timeout_ms = TIMEOUT_MS,
                                                              .loop = loops_at(c->f.loops, 0),
                                                              .metrics = c->f.metrics,
                                                              .clock = clock_system()});
    set_ring(c);
    receiver_start(c->f.receiver, &c->f.sink.sink, c->replicator);
}

static void
cluster_close(struct cluster *c)
{
    http_server_stop(TAKE(c->f.server), 1000);
    replicator_close(c->replicator);
    peers_close(c->peers, 1000);
    handoffs_close(c->handoffs);
    for (int i = 0; i < PEERS; i++)
        grpc_server_stop(c->peer[i].server, 1000);
    fixture_stop(&c->f);
}

static const struct vote_case {
    const char *name;
    enum err_code local; /* of this machine's append, or what it makes of the sample: */
    enum sample_fate fate;
    enum grpc_code peers[PEERS];
    enum votes_quorum quorum;
    int receive, write; /* statuses of the two doors */
    const char *text;   /* in the answer */
} vote_cases[] = {
    {"all", ERR_NONE, SAMPLE_STORED, {GRPC_OK, GRPC_OK}, VOTES_QUORUM_MAJORITY, 200, 204, NULL},
    {"one is down",
     ERR_NONE,
     SAMPLE_STORED,
     {GRPC_UNAVAILABLE, GRPC_OK},
     VOTES_QUORUM_MAJORITY,
     200,
     204,
     NULL},
    {"two are down",
     ERR_NONE,
     SAMPLE_STORED,
     {GRPC_UNAVAILABLE, GRPC_UNAVAILABLE},
     VOTES_QUORUM_MAJORITY,
     503,
     503,
     "as the row says"},
    {"two are down, one is enough",
     ERR_NONE,
     SAMPLE_STORED,
     {GRPC_UNAVAILABLE, GRPC_UNAVAILABLE},
     VOTES_QUORUM_ONE,
     200,
     204,
     NULL},
    {"one is down, all are asked for",
     ERR_NONE,
     SAMPLE_STORED,
     {GRPC_OK, GRPC_UNAVAILABLE},
     VOTES_QUORUM_ALL,
     503,
     503,
     "as the row says"},
    {"a full disk here",
     ERR_NO_SPACE,
     SAMPLE_STORED,
     {GRPC_OK, GRPC_OK},
     VOTES_QUORUM_MAJORITY,
     200,
     204,
     NULL},
    {"a full disk here, and one is down",
     ERR_NO_SPACE,
     SAMPLE_STORED,
     {GRPC_OK, GRPC_UNAVAILABLE},
     VOTES_QUORUM_MAJORITY,
     503,
     503,
     NULL},
    {"refused here alone",
     ERR_NONE,
     SAMPLE_OUT_OF_ORDER,
     {GRPC_OK, GRPC_OK},
     VOTES_QUORUM_MAJORITY,
     200,
     204,
     NULL},
    {"refused here and there",
     ERR_NONE,
     SAMPLE_OUT_OF_ORDER,
     {GRPC_ALREADY_EXISTS, GRPC_OK},
     VOTES_QUORUM_MAJORITY,
     409,
     400,
     "out of order sample"},
    {"refused here and there, one is down",
     ERR_NONE,
     SAMPLE_OUT_OF_ORDER,
     {GRPC_ALREADY_EXISTS, GRPC_UNAVAILABLE},
     VOTES_QUORUM_MAJORITY,
     409,
     400,
     "out of order sample"},
    {"refused by both others",
     ERR_NONE,
     SAMPLE_STORED,
     {GRPC_ALREADY_EXISTS, GRPC_ALREADY_EXISTS},
     VOTES_QUORUM_MAJORITY,
     409,
     400,
     "as the row says"},
    {"malformed to both others",
     ERR_NONE,
     SAMPLE_STORED,
     {GRPC_INVALID_ARGUMENT, GRPC_INVALID_ARGUMENT},
     VOTES_QUORUM_MAJORITY,
     400,
     400,
     "as the row says"},
    {"refused by one, one is down",
     ERR_NONE,
     SAMPLE_STORED,
     {GRPC_ALREADY_EXISTS, GRPC_UNAVAILABLE},
     VOTES_QUORUM_MAJORITY,
     503,
     503,
     NULL},
};

START_TEST(test_votes)
{
    const struct vote_case *v = &vote_cases[_i / 2];
    bool receive = _i % 2 == 0;
    struct cluster c;
    cluster_open(&c, v->peers, v->quorum);
    c.f.sink.fail = v->local;
    c.f.sink.result.fates[v->fate] = 1;
    struct reply r = ask_packed(&c.f, receive ? RECEIVE : WRITE, PROTOBUF, STR(SERIES_A_B));
    int want = receive ? v->receive : v->write;
    ck_assert_msg(r.status == want, "%s: %d, want %d: %s", v->name, r.status, want,
                  buf_cstr(&r.body));
    if (v->text)
        ck_assert_msg(strstr(buf_cstr(&r.body), v->text) != NULL, "%s: %s", v->name,
                      buf_cstr(&r.body));
    reply_fini(&r);
    cluster_close(&c);
}
END_TEST

Suite *
write_replicate_suite(void)
{
    Suite *s = suite_create("write_replicate");
    TCase *t = tcase_create("replicate");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_votes, 0, 2 * (int)ARRAY_LEN(vote_cases));
    suite_add_tcase(s, t);
    return s;
}
