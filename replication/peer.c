/* peer.c - the inputs of a pipe, and the one function that decides what to do next.
 *
 * Every input changes the state and ends in pump(), which starts whatever can be started: an
 * append, a read, a message. Nothing else calls these ops. What is in memory only is in the queue
 * or loose in the message under way; when it has to go to disk, the message's parts go first, so
 * that they are in front of what comes behind them should the message fail. */
#include "replication/peer.h"

#include "replication/peer_int.h"

enum {
    MESSAGE_BYTES_MAX = 4 << 20,
    QUEUE_BYTES_MAX = 32 << 20,
    MEMORY_BYTES_MAX = 64 << 20,
    APPEND_BYTES_MAX = 16 << 20, /* of one append */
    FORWARD_TIMEOUT_MS = 5000,
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 5000,
    FAILED_TRIES_MAX = 5,
    WAITING_MAX = 65536,
    SCAN_MAX = 4096, /* items looked at for one message: those between may have other numbers */
    DISK_RETRY_MS = 1000,
    SWEEP_MS = 1000,
};

static const uint64_t NS_PER_MS = 1000000;
static const uint64_t NS_PER_S = 1000000000;

static size_t
size_or(size_t given, size_t otherwise)
{
    return given ? given : otherwise;
}

struct peer *
peer_open(const struct peer_opts *opts)
{
    struct peer *p = mem_alloc_zero(sizeof *p);
    p->opts = *opts;
    p->opts.message_bytes_max = size_or(opts->message_bytes_max, MESSAGE_BYTES_MAX);
    p->opts.queue_bytes_max = size_or(opts->queue_bytes_max, QUEUE_BYTES_MAX);
    p->opts.memory_bytes_max = size_or(opts->memory_bytes_max, MEMORY_BYTES_MAX);
    p->opts.forward_timeout_ms = size_or(opts->forward_timeout_ms, FORWARD_TIMEOUT_MS);
    p->opts.backoff_min_ms = size_or(opts->backoff_min_ms, BACKOFF_MIN_MS);
    p->opts.backoff_max_ms = size_or(opts->backoff_max_ms, BACKOFF_MAX_MS);
    p->opts.failed_tries_max = opts->failed_tries_max ? opts->failed_tries_max : FAILED_TRIES_MAX;
    p->opts.waiting_max = opts->waiting_max ? opts->waiting_max : WAITING_MAX;
    p->gen = rand_gen_of(opts->seed);
    p->queue.place = ITEM_QUEUE;
    p->appending.place = ITEM_APPENDING;
    p->on_disk.place = ITEM_ON_DISK;
    p->window.place = ITEM_WINDOW;
    p->disk_read = opts->handoff_acked;
    p->disk_last = opts->handoff_last;
    p->state = p->disk_read < p->disk_last ? PEER_BEHIND : PEER_DIRECT;
    return p;
}

/* --- what can be started ---------------------------------------------------------------------- */

void
peer_fall_behind(struct peer *p)
{
    p->state = PEER_BEHIND;
}

static bool
all_is_read(const struct peer *p)
{
    return p->disk_read >= p->disk_last;
}

/* Nothing that is older than the queue is anywhere else. */
static bool
may_send_directly(const struct peer *p)
{
    return all_is_read(p) && p->appending.count == 0 && p->window.count == 0;
}

/* Nothing succeeded since a failure. When the wait is over and nothing is on disk, the first part
 * of the queue may be the one to try with. */
static bool
is_backing_off(const struct peer *p, uint64_t now_ns)
{
    bool may_try = now_ns >= p->send_at_ns && may_send_directly(p) && p->message.n == 0;
    return p->attempt > 0 && !may_try;
}

static bool
queue_must_spill(const struct peer *p, uint64_t now_ns)
{
    if (is_backing_off(p, now_ns) || p->flushing || p->opts.order == PEER_DURABLE_FIRST)
        return true;
    return p->queue.bytes > p->opts.queue_bytes_max ||
           (p->queue.first &&
            now_ns >= p->queue.first->pushed_ns + p->opts.forward_timeout_ms * NS_PER_MS);
}

/* The message under way has parts that are nowhere else. */
static bool
message_is_loose(const struct peer *p)
{
    for (size_t i = 0; i < p->message.n; i++) {
        if (p->message.v[i]->place == ITEM_LOOSE)
            return true;
    }
    return false;
}

static bool
has_to_append(const struct peer *p)
{
    return p->state == PEER_BEHIND && p->appending.count == 0 &&
           (p->queue.count > 0 || (p->flushing && message_is_loose(p)));
}

static void
start_append(struct peer *p, uint64_t now_ns)
{
    if (!has_to_append(p) || now_ns < p->append_at_ns)
        return;
    for (size_t i = 0; i < p->message.n; i++) {
        if (p->message.v[i]->place == ITEM_LOOSE)
            item_append(&p->appending, p->message.v[i]);
    }
    while (p->queue.first && p->appending.bytes < APPEND_BYTES_MAX) {
        struct item *it = p->queue.first;
        item_unlink(it);
        item_append(&p->appending, it);
    }
    vec_clear(&p->batch);
    for (struct item *it = p->appending.first; it; it = it->next)
        vec_push(&p->batch, it->part);
    p->opts.ops->append(p->opts.driver, p->batch.v, p->batch.n);
}

/* Records in front that are done with. */
static void
acknowledge(struct peer *p)
{
    uint64_t through = 0;
    while (p->window.first && p->window.first->done && !p->window.first->sent) {
        through = p->window.first->position;
        item_remove(p, p->window.first);
    }
    if (through > 0)
        p->opts.ops->ack(p->opts.driver, through);
}

static bool
has_to_read(const struct peer *p)
{
    return !all_is_read(p) && !p->reading && !p->flushing &&
           p->window.bytes <= p->opts.message_bytes_max;
}

static void
start_read(struct peer *p, uint64_t now_ns)
{
    if (!has_to_read(p) || now_ns < p->read_at_ns || now_ns < p->send_at_ns)
        return;
    p->reading = true;
    p->read_upto = p->disk_last;
    p->opts.ops->read(p->opts.driver, p->disk_read, p->opts.message_bytes_max);
}

/* The first item of the list, and those behind it that can go with it. */
static size_t
gather(struct peer *p, struct item_list *list)
{
    const struct item *first = NULL;
    size_t bytes = 0, scanned = 0;
    for (struct item *it = list->first; it && scanned < SCAN_MAX; it = it->next, scanned++) {
        if (it->done)
            continue;
        first = first ? first : it;
        if (p->kind == PEER_KIND_THANOS && it->part->ring != first->part->ring)
            break;
        if (p->kind == PEER_KIND_THANOS && it->part->replica != first->part->replica) {
            if (it->part->replica == 0 || first->part->replica == 0)
                break; /* it has rows of every number: none overtakes it, nor does it */
            continue;
        }
        size_t more = peer_part_bytes(it->part);
        if (it != first && (it->alone || bytes + more > p->opts.message_bytes_max))
            break;
        bytes += more;
        it->sent = true;
        vec_push(&p->message, it);
        vec_push(&p->parts, it->part);
        if (it->alone)
            break;
    }
    return bytes;
}

static void
send_message(struct peer *p, size_t bytes)
{
    struct peer_message m = {
        .parts = p->parts.v,
        .count = p->parts.n,
        .bytes = bytes,
        .kind = p->kind,
        .replica = p->kind == PEER_KIND_MNEME ? 0 : p->parts.v[0]->replica,
    };
    if (p->leaving_by_hand) { /* P5: whoever takes it on is not this peer */
        for (size_t i = 0; i < p->message.n; i++)
            item_vote(p, p->message.v[i], VOTE_UNAVAILABLE, STR("left the hashring"));
    }
    p->status.messages++;
    p->status.sent += m.count;
    (p->leaving_by_hand ? p->opts.ops->hand_on : p->opts.ops->send)(p->opts.driver, &m);
}

enum lane { LANE_NONE, LANE_QUEUE, LANE_WINDOW };

/* Where the next message comes from, were it time. */
static enum lane
next_lane(const struct peer *p)
{
    if (p->message.n > 0 || p->flushing)
        return LANE_NONE;
    if (p->window.count > 0)
        return LANE_WINDOW;
    return may_send_directly(p) && p->queue.count > 0 ? LANE_QUEUE : LANE_NONE;
}

static uint64_t
send_time_ns(const struct peer *p, enum lane lane)
{
    return lane == LANE_WINDOW ? u64_max(p->send_at_ns, p->pace_at_ns) : p->send_at_ns;
}

static void
start_message(struct peer *p, uint64_t now_ns)
{
    enum lane lane = next_lane(p);
    if (lane == LANE_NONE || now_ns < send_time_ns(p, lane))
        return;
    size_t bytes = gather(p, lane == LANE_QUEUE ? &p->queue : &p->window);
    ASSERT(p->message.n > 0); /* what is done was acknowledged */
    if (lane == LANE_QUEUE) {
        for (size_t i = 0; i < p->message.n; i++)
            item_unlink(p->message.v[i]);
    } else {
        p->status.replayed += p->message.n;
        if (p->opts.replay_bytes_per_s > 0 && !p->leaving_by_hand)
            p->pace_at_ns =
                u64_max(p->pace_at_ns, now_ns) +
                (uint64_t)((double)bytes / (double)p->opts.replay_bytes_per_s * (double)NS_PER_S);
    }
    send_message(p, bytes);
}

/* Everything that can be started is. The only function that leaves BEHIND. */
static void
pump(struct peer *p, uint64_t now_ns)
{
    if (queue_must_spill(p, now_ns))
        peer_fall_behind(p);
    start_append(p, now_ns);
    acknowledge(p);
    if (p->state == PEER_BEHIND && all_is_read(p) && !queue_must_spill(p, now_ns))
        p->state = PEER_CATCHING_UP;
    if (p->state == PEER_CATCHING_UP && may_send_directly(p))
        p->state = PEER_DIRECT;
    start_read(p, now_ns);
    start_message(p, now_ns);
}

/* --- parts and their replies ------------------------------------------------------------------ */

void
peer_push(struct peer *p, uint64_t now_ns, struct peer_part *part, struct votes *v, uint32_t ballot)
{
    struct item *it = item_new(p, part, v, ballot);
    it->pushed_ns = now_ns;
    it->number = p->pushes++;
    if (p->status.memory_bytes > p->opts.memory_bytes_max) { /* P4 */
        item_dropped(p, it, PEER_DROP_MEMORY, STR("too much waits for this peer"));
        item_vote(p, it, VOTE_UNAVAILABLE, STR("too much waits for this peer"));
        item_free(p, it);
        return;
    }
    if (is_backing_off(p, now_ns) || (p->attempt > 0 && p->queue.count > 0))
        item_vote(p, it, VOTE_UNAVAILABLE, STR("backing off forward requests to this peer"));
    if (p->flushing)
        item_vote(p, it, VOTE_UNAVAILABLE, STR("shutting down"));
    if (p->leaving_by_hand)
        item_vote(p, it, VOTE_UNAVAILABLE, STR("left the hashring"));
    item_append(&p->queue, it);
    pump(p, now_ns);
}

void
peer_replied(struct peer *p, uint64_t now_ns, const struct peer_reply *r)
{
    peer_settle(p, now_ns, r);
    pump(p, now_ns);
}

void
peer_connection_failed(struct peer *p, uint64_t now_ns, struct str text)
{
    if (p->message.n > 0 || p->leaving_by_hand)
        return;
    peer_back_off(p, now_ns, text);
    pump(p, now_ns);
}

/* --- the hand-off ------------------------------------------------------------------------------
 */

/* The hand-off had no room for these, or they got too old: it has told. One that is under way is
 * not taken back should it fail: what came behind it may be there before it. */
static void
forget_before(struct peer *p, uint64_t position)
{
    while (p->on_disk.first && p->on_disk.first->position < position) {
        struct item *it = p->on_disk.first;
        item_vote(p, it, VOTE_UNAVAILABLE, STR("fell off the hand-off"));
        it->done = true;
        item_remove(p, it);
    }
}

static void
take_record(struct peer *p, const struct peer_record *r)
{
    ASSERT(r->position > p->disk_read);
    p->disk_read = r->position;
    forget_before(p, r->position);
    struct item *it = p->on_disk.first;
    if (!it || it->position != r->position) {
        it = item_new(p, r->part, NULL, 0);
        it->position = r->position;
        item_append(&p->window, it);
        return;
    }
    item_unlink(it);
    item_append(&p->window, it);
    if (it->part || it->done)
        peer_part_unref(r->part);
    else
        item_take_part(p, it, r->part);
}

/* Of a read: those that are known to be on disk. The others are of the append under way, whose
 * items learn their positions when it is reported. */
static void
take_records(struct peer *p)
{
    size_t taken = 0;
    while (taken < p->early.n && p->early.v[taken].position <= p->disk_last)
        take_record(p, &p->early.v[taken++]);
    p->early.n -= taken;
    if (p->early.n > 0 && taken > 0)
        memmove(p->early.v, p->early.v + taken, p->early.n * sizeof *p->early.v);
    p->reading = p->early.n > 0;
}

void
peer_appended(struct peer *p, uint64_t now_ns, const uint64_t *positions, size_t count)
{
    ASSERT(count > 0 && count == p->appending.count);
    p->status.spilled += count;
    if (p->on_disk.count == 0)
        p->sweep_at_ns = now_ns + SWEEP_MS * NS_PER_MS;
    for (size_t i = 0; i < count; i++) {
        struct item *it = p->appending.first;
        ASSERT(positions[i] > p->disk_last);
        p->disk_last = it->position = positions[i];
        item_unlink(it);
        item_append(&p->on_disk, it);
        if (!it->sent)
            item_drop_part(p, it);
        if (p->on_disk.count > p->opts.waiting_max)
            item_vote(p, it, VOTE_UNAVAILABLE, STR("too many writes wait for this peer"));
        if (!item_is_needed_on_disk(it))
            item_remove(p, it);
    }
    if (p->early.n > 0)
        take_records(p);
    pump(p, now_ns);
}

void
peer_append_failed(struct peer *p, uint64_t now_ns)
{
    ASSERT(p->appending.count > 0 && p->early.n == 0);
    p->append_at_ns = now_ns + DISK_RETRY_MS * NS_PER_MS;
    struct item *near = NULL;
    while (p->appending.first) {
        struct item *it = p->appending.first;
        item_unlink(it);
        if (it->sent)
            continue; /* loose again */
        if (it->done) {
            item_free(p, it);
            continue;
        }
        item_put_back(&p->queue, it, near);
        near = it;
    }
    pump(p, now_ns);
}

void
peer_read(struct peer *p, uint64_t now_ns, const struct peer_record *records, size_t count)
{
    ASSERT(p->reading && p->early.n == 0);
    for (size_t i = 0; i < count; i++)
        vec_push(&p->early, records[i]);
    take_records(p);
    ASSERT(p->early.n == 0 || p->appending.count > 0);
    if (count == 0) {
        p->disk_read = p->read_upto;
        forget_before(p, p->read_upto + 1);
    }
    pump(p, now_ns);
}

void
peer_read_failed(struct peer *p, uint64_t now_ns)
{
    ASSERT(p->reading && p->early.n == 0);
    p->reading = false;
    p->read_at_ns = now_ns + DISK_RETRY_MS * NS_PER_MS;
    pump(p, now_ns);
}

/* --- time --------------------------------------------------------------------------------------
 */

void
peer_tick(struct peer *p, uint64_t now_ns)
{
    if (p->on_disk.count > 0 && now_ns >= p->sweep_at_ns) {
        items_sweep(p);
        p->sweep_at_ns = now_ns + SWEEP_MS * NS_PER_MS;
    }
    pump(p, now_ns);
}

/* Of what pump() could not start yet because of the time alone. */
uint64_t
peer_next_tick_ns(const struct peer *p)
{
    uint64_t at_ns = p->on_disk.count > 0 ? p->sweep_at_ns : UINT64_MAX;
    enum lane lane = next_lane(p);
    if (lane != LANE_NONE)
        at_ns = u64_min(at_ns, send_time_ns(p, lane));
    if (has_to_read(p))
        at_ns = u64_min(at_ns, u64_max(p->read_at_ns, p->send_at_ns));
    if (has_to_append(p))
        at_ns = u64_min(at_ns, p->append_at_ns);
    else if (p->queue.first && p->appending.count == 0)
        at_ns =
            u64_min(at_ns, u64_max(p->append_at_ns, p->queue.first->pushed_ns +
                                                        p->opts.forward_timeout_ms * NS_PER_MS));
    return at_ns;
}

/* --- its end -----------------------------------------------------------------------------------
 */

void
peer_leave(struct peer *p, uint64_t now_ns, enum peer_leave how)
{
    if (how == PEER_LEAVE_HAND_ON) {
        p->leaving_by_hand = true;
        p->attempt = 0;
        p->send_at_ns = p->pace_at_ns = 0;
        items_vote_unavailable(p, STR("left the hashring"));
    }
    pump(p, now_ns);
}

void
peer_flush(struct peer *p, uint64_t now_ns)
{
    p->flushing = true;
    items_vote_unavailable(p, STR("shutting down"));
    pump(p, now_ns);
}

bool
peer_is_flushed(const struct peer *p)
{
    return p->queue.count == 0 && p->appending.count == 0 && !message_is_loose(p);
}

bool
peer_is_empty(const struct peer *p)
{
    return peer_is_flushed(p) && p->message.n == 0 && p->window.count == 0 && !p->reading &&
           all_is_read(p);
}

static void
close_list(struct peer *p, struct item_list *list)
{
    while (list->first) {
        struct item *it = list->first;
        if (!it->done && (it->place == ITEM_QUEUE || it->place == ITEM_APPENDING))
            item_dropped(p, it, PEER_DROP_CLOSED, STR("shut down"));
        item_vote(p, it, VOTE_UNAVAILABLE, STR("shut down"));
        item_remove(p, it);
    }
}

void
peer_close(struct peer *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->message.n; i++) {
        struct item *it = p->message.v[i];
        it->sent = false;
        if (it->place == ITEM_LOOSE)
            item_put_back(&p->queue, it, NULL);
    }
    close_list(p, &p->queue);
    close_list(p, &p->appending);
    close_list(p, &p->on_disk);
    close_list(p, &p->window);
    ASSERT(p->status.memory_bytes == 0);
    vec_each (&p->early, r)
        peer_part_unref(r->part);
    vec_fini(&p->early);
    vec_fini(&p->message);
    vec_fini(&p->parts);
    vec_fini(&p->batch);
    mem_free(p);
}

struct peer_status
peer_status(const struct peer *p)
{
    struct peer_status s = p->status;
    s.state = p->state;
    s.backing_off = p->attempt > 0;
    s.backoff_until_ns = p->send_at_ns;
    s.kind = p->kind;
    s.queue_bytes = p->queue.bytes;
    s.waiting = p->on_disk.count;
    return s;
}
