/* sim_pipe.c - the driver of a pipe: its orders become events, its hand-off a virtual disk.
 *
 * An append is durable when it is reported, or in part when its node crashes meanwhile; an
 * acknowledgement may be forgotten by a crash. */
#include "tests/sim/sim.h"

enum {
    MESSAGE_PARTS = 4, /* about so many in a message */
    QUEUE_PARTS = 12,
    MEMORY_PARTS = 40,
    HAND_ON_POLL_MS = 20,
};

static uint64_t
disk_ns(struct sim *s, const struct sim_pipe *pipe)
{
    uint64_t slow_ms = s->nodes[pipe->from].slow_ms;
    return sim_between(s, 100, 5000) * (MS / 1000) +
           (slow_ms ? sim_between(s, 0, slow_ms) * MS : 0);
}

static void
later(struct sim_pipe *pipe, uint64_t ns, void (*happen)(struct sim *s, const struct sim_event *e))
{
    sim_later(pipe->sim, ns,
              (struct sim_event){.happen = happen,
                                 .a = pipe->from,
                                 .b = pipe->to,
                                 .life = pipe->sim->nodes[pipe->from].life});
}

/* The pipe that the event is for, or NULL when its node crashed since. */
static struct sim_pipe *
pipe_of(struct sim *s, const struct sim_event *e)
{
    struct sim_node *n = &s->nodes[e->a];
    return n->up && n->life == e->life ? &n->pipes[e->b] : NULL;
}

static uint32_t
part_number(const struct peer_part *part)
{
    uint32_t number;
    memcpy(&number, shared_bytes(part->payload).p, sizeof number);
    return number;
}

static struct peer_part *
make_part(uint32_t number, uint32_t ring, uint16_t replica)
{
    char payload[PART_BYTES] = {0};
    memcpy(payload, &number, sizeof number);
    return peer_part_new(shared_new(str_of(payload, sizeof payload)), ring, replica);
}

/* --- the hand-off ------------------------------------------------------------------------------
 */

static void
make_durable(struct sim_pipe *pipe, struct sim_record *r)
{
    r->position = ++pipe->disk.last;
    vec_push(&pipe->disk.records, *r);
    vec_at(&pipe->sim->parts, r->part)->durable = true;
}

/* The oldest records but so many. */
static void
drop_records(struct sim_pipe *pipe, size_t kept)
{
    struct sim_hand_off *d = &pipe->disk;
    size_t gone = d->records.n > kept ? d->records.n - kept : 0;
    for (size_t i = 0; i < gone; i++)
        vec_at(&pipe->sim->parts, d->records.v[i].part)->dropped = true;
    d->records.n -= gone;
    if (gone > 0)
        memmove(d->records.v, d->records.v + gone, d->records.n * sizeof *d->records.v);
}

void
sim_hand_off_forget(struct sim *s, unsigned node)
{
    for (unsigned k = 0; k < s->node_count; k++)
        drop_records(&s->nodes[node].pipes[k], 0);
}

static void
on_append_failed(struct sim *s, const struct sim_event *e)
{
    struct sim_pipe *pipe = pipe_of(s, e);
    if (!pipe)
        return;
    vec_clear(&pipe->appending);
    peer_append_failed(pipe->peer, s->now_ns);
    sim_after_input(pipe);
}

/* Its records may have been read by now. */
static void
on_reported(struct sim *s, const struct sim_event *e)
{
    struct sim_pipe *pipe = pipe_of(s, e);
    if (!pipe)
        return;
    uint64_t positions[1024];
    size_t n = pipe->appending.n;
    SIM_ASSERT(s, n <= ARRAY_LEN(positions), "an append of %zu parts", n);
    for (size_t i = 0; i < n; i++)
        positions[i] = pipe->appending.v[i].position;
    vec_clear(&pipe->appending);
    peer_appended(pipe->peer, s->now_ns, positions, n);
    sim_after_input(pipe);
}

static void
on_appended(struct sim *s, const struct sim_event *e)
{
    struct sim_pipe *pipe = pipe_of(s, e);
    if (!pipe)
        return;
    if (s->nodes[pipe->from].full) {
        on_append_failed(s, e);
        return;
    }
    for (size_t i = 0; i < pipe->appending.n; i++)
        make_durable(pipe, &pipe->appending.v[i]);
    drop_records(pipe, s->hand_off_records_max);
    later(pipe, sim_between(s, 1, 3000) * (MS / 1000), on_reported);
}

static void
op_append(void *driver, struct peer_part *const *parts, size_t count)
{
    struct sim_pipe *pipe = driver;
    SIM_ASSERT(pipe->sim, pipe->appending.n == 0, "two appends at once");
    for (size_t i = 0; i < count; i++)
        vec_push(&pipe->appending, ((struct sim_record){.part = part_number(parts[i]),
                                                        .ring = parts[i]->ring,
                                                        .replica = parts[i]->replica}));
    later(pipe, disk_ns(pipe->sim, pipe), on_appended);
}

static void
on_read(struct sim *s, const struct sim_event *e)
{
    struct sim_pipe *pipe = pipe_of(s, e);
    if (!pipe)
        return;
    if (sim_chance(s, 10)) {
        peer_read_failed(pipe->peer, s->now_ns);
        sim_after_input(pipe);
        return;
    }
    struct peer_record found[MESSAGE_PARTS + 2];
    size_t n = 0, most = sim_between(s, 1, ARRAY_LEN(found));
    vec_each (&pipe->disk.records, r) {
        if (r->position <= pipe->read_after || r->position > pipe->read_upto)
            continue;
        if (n == most)
            break;
        found[n++] = (struct peer_record){r->position, make_part(r->part, r->ring, r->replica)};
    }
    peer_read(pipe->peer, s->now_ns, found, n);
    sim_after_input(pipe);
}

static void
op_read(void *driver, uint64_t after, size_t bytes)
{
    struct sim_pipe *pipe = driver;
    (void)bytes;
    pipe->read_after = after;
    pipe->read_upto = sim_chance(pipe->sim, 500) ? pipe->disk.last : UINT64_MAX;
    later(pipe, disk_ns(pipe->sim, pipe), on_read);
}

static void
op_ack(void *driver, uint64_t through)
{
    struct sim_pipe *pipe = driver;
    struct sim_hand_off *d = &pipe->disk;
    SIM_ASSERT(pipe->sim, through > d->acked && through <= d->last, "acknowledged twice");
    if (sim_chance(pipe->sim, 200))
        return; /* not durable yet; the next one will be */
    d->acked = through;
    size_t gone = 0;
    while (gone < d->records.n && d->records.v[gone].position <= through)
        gone++;
    d->records.n -= gone;
    if (d->records.n > 0)
        memmove(d->records.v, d->records.v + gone, d->records.n * sizeof *d->records.v);
}

/* --- votes, drops, handing on ------------------------------------------------------------------
 */

static void
op_send(void *driver, const struct peer_message *m)
{
    struct sim_pipe *pipe = driver;
    pipe->call = (uint32_t)pipe->sim->calls.n;
    sim_call_begin(pipe, m);
}

static void
op_vote(void *driver, struct votes *v, uint32_t ballot, enum vote_outcome outcome, struct str text)
{
    struct sim *s = ((struct sim_pipe *)driver)->sim;
    if (!votes_cast(v, ballot, outcome, text))
        return;
    for (uint32_t i = (uint32_t)s->writes.n; i-- > 0;) {
        if (s->writes.v[i].votes == v) {
            sim_write_decided(s, i);
            return;
        }
    }
}

static void
op_dropped(void *driver, const struct peer_part *part, enum peer_drop why, struct str text)
{
    struct sim_pipe *pipe = driver;
    struct sim_part *p = vec_at(&pipe->sim->parts, part_number(part));
    SIM_TELL(pipe->sim, "%u->%u  part %u dropped, %d: %.*s", pipe->from, pipe->to,
             part_number(part), (int)why, STR_FMT(text));
    if (why == PEER_DROP_CLOSED) {
        p->lost = !p->durable; /* an append under way may have got there */
        pipe->sim->sums.lost += p->lost;
    } else if (why != PEER_DROP_REFUSED) {
        p->dropped = true;
        pipe->sim->sums.dropped++;
    }
}

static bool
is_settled(const struct sim *s, uint32_t part)
{
    const struct sim_part *p = &s->parts.v[part];
    return p->durable || p->delivered || p->dropped;
}

static void
on_handed_on(struct sim *s, const struct sim_event *e)
{
    struct sim_pipe *pipe = pipe_of(s, e);
    if (!pipe)
        return;
    vec_each (&pipe->handing_on, number) {
        const struct sim_part *p = &s->parts.v[*number];
        for (uint32_t i = 0; i < p->handed_on_count; i++) {
            if (!is_settled(s, p->handed_on_first + i)) {
                later(pipe, HAND_ON_POLL_MS * MS, on_handed_on);
                return;
            }
        }
    }
    struct peer_reply reply = {.outcome = VOTE_OK};
    peer_replied(pipe->peer, s->now_ns, &reply);
    sim_after_input(pipe);
}

/* To those that own its rows now. Rows of the local node go to its store. */
static void
hand_on(struct sim *s, unsigned from, uint32_t number)
{
    uint32_t first = (uint32_t)s->parts.n;
    struct sim_part old = *vec_at(&s->parts, number);
    for (size_t i = 0; i < old.row_count; i++) {
        for (unsigned place = 0; place < s->owner_count; place++) {
            unsigned to = sim_owner(s, s->nodes[from].ring, old.rows[i].series, place);
            if (to == from) {
                sim_store(s, from, &old.rows[i]);
                continue;
            }
            struct sim_part p = {.write = old.write,
                                 .from = (uint16_t)from,
                                 .to = (uint16_t)to,
                                 .rows = {old.rows[i]},
                                 .row_count = 1,
                                 .unordered = true};
            vec_push(&s->parts, p);
        }
    }
    struct sim_part *p = vec_at(&s->parts, number);
    p->handed_on_first = first;
    p->handed_on_count = (uint32_t)s->parts.n - first;
}

static void
on_hand_on(struct sim *s, const struct sim_event *e)
{
    struct sim_pipe *pipe = pipe_of(s, e);
    if (!pipe)
        return;
    for (size_t i = 0; i < pipe->handing_on.n; i++) {
        uint32_t number = pipe->handing_on.v[i];
        hand_on(s, pipe->from, number);
        const struct sim_part *p = &s->parts.v[number];
        for (uint32_t k = p->handed_on_first, n = k + p->handed_on_count; k < n; k++)
            sim_push(s, k, s->nodes[pipe->from].ring, 0, NULL, 0);
    }
    on_handed_on(s, e);
}

static void
op_hand_on(void *driver, const struct peer_message *m)
{
    struct sim_pipe *pipe = driver;
    vec_clear(&pipe->handing_on);
    for (size_t i = 0; i < m->count; i++)
        vec_push(&pipe->handing_on, part_number(m->parts[i]));
    later(pipe, 1, on_hand_on);
}

/* --- the pipe ----------------------------------------------------------------------------------
 */

static void
on_tick(struct sim *s, const struct sim_event *e)
{
    struct sim_pipe *pipe = pipe_of(s, e);
    if (!pipe || !pipe->peer || pipe->tick_ns != e->at_ns)
        return;
    pipe->tick_ns = UINT64_MAX;
    peer_tick(pipe->peer, s->now_ns);
    SIM_ASSERT(s, peer_next_tick_ns(pipe->peer) > s->now_ns, "a tick that does nothing");
    sim_after_input(pipe);
}

void
sim_after_input(struct sim_pipe *pipe)
{
    struct sim *s = pipe->sim;
    oracle_pipe(s, pipe);
    uint64_t at_ns = peer_next_tick_ns(pipe->peer);
    if (at_ns >= pipe->tick_ns)
        return;
    pipe->tick_ns = u64_max(at_ns, s->now_ns);
    later(pipe, pipe->tick_ns - s->now_ns, on_tick);
}

struct sim_pipe *
sim_pipe(struct sim *s, unsigned from, unsigned to)
{
    static const struct peer_ops ops = {op_send, op_hand_on, op_append, op_read,
                                        op_ack,  op_vote,    op_dropped};
    struct sim_pipe *pipe = &s->nodes[from].pipes[to];
    if (pipe->peer)
        return pipe;
    struct peer_part *part = make_part(0, 0, 0);
    size_t bytes = peer_part_bytes(part);
    peer_part_unref(part);
    pipe->tick_ns = UINT64_MAX;
    pipe->bad_ns = s->now_ns;
    pipe->leaves = false;
    pipe->peer = peer_open(&(struct peer_opts){
        .ops = &ops,
        .driver = pipe,
        .seed = rand_u64(&s->g),
        .message_bytes_max = MESSAGE_PARTS * bytes,
        .queue_bytes_max = QUEUE_PARTS * bytes,
        .memory_bytes_max = MEMORY_PARTS * bytes,
        .forward_timeout_ms = FORWARD_TIMEOUT_MS,
        .replay_bytes_per_s = s->replay_bytes_per_s,
        .handoff_acked = pipe->disk.acked,
        .handoff_last = pipe->disk.last,
    });
    peer_tick(pipe->peer, s->now_ns);
    sim_after_input(pipe);
    return pipe;
}

void
sim_push(struct sim *s, uint32_t part, uint32_t ring, uint16_t replica, struct votes *v,
         uint32_t ballot)
{
    const struct sim_part *p = vec_at(&s->parts, part);
    struct sim_pipe *pipe = sim_pipe(s, p->from, p->to);
    peer_push(pipe->peer, s->now_ns, make_part(part, ring, replica), v, ballot);
    sim_after_input(pipe);
}

/* Part of what is being appended may be on disk. */
void
sim_pipes_crash(struct sim *s, unsigned node)
{
    for (unsigned k = 0; k < s->node_count; k++) {
        struct sim_pipe *pipe = &s->nodes[node].pipes[k];
        if (!pipe->peer)
            continue;
        for (size_t i = 0; i < pipe->appending.n && sim_chance(s, 500); i++) {
            if (pipe->appending.v[i].position == 0)
                make_durable(pipe, &pipe->appending.v[i]);
        }
        vec_clear(&pipe->appending);
        peer_close(TAKE(pipe->peer));
    }
}
