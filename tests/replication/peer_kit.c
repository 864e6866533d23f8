/* peer_kit.c - the driver. */
#include "tests/replication/peer_kit.h"

#include "base/assert.h"
#include "tests/harness.h"

static char
letter_of(const struct peer_part *part)
{
    return shared_bytes(part->payload).p[0];
}

static void
put_parts(struct peer_kit *k, const char *verb, struct peer_part *const *parts, size_t count)
{
    buf_printf(&k->journal, "%s ", verb);
    for (size_t i = 0; i < count; i++)
        buf_put_u8(&k->journal, (uint8_t)letter_of(parts[i]));
}

static void
on_send(void *driver, const struct peer_message *m)
{
    struct peer_kit *k = driver;
    put_parts(k, m->kind == PEER_KIND_MNEME ? "mneme" : "send", m->parts, m->count);
    if (m->replica > 1)
        buf_printf(&k->journal, " to %u", m->replica);
    buf_append(&k->journal, STR("; "));
}

static void
on_hand_on(void *driver, const struct peer_message *m)
{
    struct peer_kit *k = driver;
    put_parts(k, "hand on", m->parts, m->count);
    buf_append(&k->journal, STR("; "));
}

static void
on_append(void *driver, struct peer_part *const *parts, size_t count)
{
    struct peer_kit *k = driver;
    put_parts(k, "append", parts, count);
    buf_append(&k->journal, STR("; "));
    ck_assert(k->appending.n == 0);
    for (size_t i = 0; i < count; i++)
        vec_push(&k->appending, peer_part_ref(parts[i]));
}

static void
on_read(void *driver, uint64_t after, size_t bytes)
{
    struct peer_kit *k = driver;
    (void)bytes;
    k->read_after = after;
    buf_printf(&k->journal, "read after %ju; ", (uintmax_t)after);
}

static void
on_ack(void *driver, uint64_t through)
{
    struct peer_kit *k = driver;
    buf_printf(&k->journal, "ack %ju; ", (uintmax_t)through);
}

static void
on_vote(void *driver, struct votes *v, uint32_t ballot, enum vote_outcome outcome, struct str text)
{
    struct peer_kit *k = driver;
    size_t which = 0;
    while (*vec_at(&k->boxes, which) != v)
        which++;
    buf_printf(&k->journal, "vote %c %s; ", k->letters[which], vote_outcome_name(outcome));
    votes_cast(v, ballot, outcome, text);
}

static void
on_dropped(void *driver, const struct peer_part *part, enum peer_drop why, struct str text)
{
    static const char *const names[] = {"refused", "failed", "memory", "closed"};
    struct peer_kit *k = driver;
    (void)text;
    buf_printf(&k->journal, "drop %c %s; ", letter_of(part), names[why]);
}

void
peer_kit_init(struct peer_kit *k, struct peer_opts opts)
{
    static const struct peer_ops ops = {on_send, on_hand_on, on_append, on_read,
                                        on_ack,  on_vote,    on_dropped};
    *k = (struct peer_kit){.now_ns = 1};
    arena_init(&k->arena, 0);
    opts.ops = &ops;
    opts.driver = k;
    if (opts.message_bytes_max == 0) {
        AUTO(peer_part_unref) struct peer_part *one = peer_part_new(shared_new(STR("x")), 1, 1);
        opts.message_bytes_max = 3 * peer_part_bytes(one);
    }
    k->last_position = opts.handoff_last;
    k->peer = peer_open(&opts);
}

void
peer_kit_fini(struct peer_kit *k)
{
    peer_close(k->peer);
    vec_each (&k->disk, r)
        peer_part_unref(r->part);
    vec_each (&k->appending, part)
        peer_part_unref(*part);
    vec_each (&k->boxes, v)
        votes_unref(*v);
    vec_fini(&k->disk);
    vec_fini(&k->appending);
    vec_fini(&k->boxes);
    buf_fini(&k->journal);
    arena_fini(&k->arena);
}

void
kit_push_to(struct peer_kit *k, const char *names, uint16_t replica, uint32_t ring)
{
    for (; *names; names++) {
        struct votes_opts opts = {.owner_count = 1, .node_count = 1};
        struct votes_plan *plan = votes_plan_new(&k->arena, &opts);
        votes_plan_class(plan, (const uint16_t[]){0});
        k->letters[k->boxes.n] = *names;
        vec_push(&k->boxes, votes_open(plan));
        peer_push(k->peer, k->now_ns, peer_part_new(shared_new(str_of(names, 1)), ring, replica),
                  *vec_last(&k->boxes), 0);
    }
}

void
kit_push(struct peer_kit *k, const char *names)
{
    kit_push_to(k, names, 1, 1);
}

void
kit_reply(struct peer_kit *k, enum vote_outcome outcome)
{
    struct peer_reply r = {.outcome = outcome, .text = STR_INIT("why")};
    peer_replied(k->peer, k->now_ns, &r);
}

void
kit_reply_parts(struct peer_kit *k, const char *outcomes)
{
    uint8_t v[64];
    size_t n = 0;
    for (; outcomes[n]; n++)
        v[n] = (uint8_t)(strchr("ociuf", outcomes[n]) - "ociuf");
    struct peer_reply r = {.kind = PEER_KIND_MNEME, .part_outcomes = v};
    peer_replied(k->peer, k->now_ns, &r);
}

void
kit_append_now(struct peer_kit *k)
{
    ck_assert(k->appending.n > 0);
    k->reported = k->last_position;
    vec_each (&k->appending, part)
        vec_push(&k->disk, ((struct peer_kit_record){++k->last_position, *part}));
    vec_clear(&k->appending);
}

void
kit_report(struct peer_kit *k)
{
    uint64_t positions[64];
    size_t n = k->last_position - k->reported;
    ck_assert(n > 0 && n <= ARRAY_LEN(positions));
    for (size_t i = 0; i < n; i++)
        positions[i] = k->reported + i + 1;
    peer_appended(k->peer, k->now_ns, positions, n);
}

void
kit_appended(struct peer_kit *k)
{
    kit_append_now(k);
    kit_report(k);
}

void
kit_append_failed(struct peer_kit *k)
{
    vec_each (&k->appending, part)
        peer_part_unref(*part);
    vec_clear(&k->appending);
    peer_append_failed(k->peer, k->now_ns);
}

void
kit_read(struct peer_kit *k, size_t records)
{
    struct peer_record found[64];
    size_t n = 0;
    vec_each (&k->disk, r) {
        if (r->position > k->read_after && n < records)
            found[n++] = (struct peer_record){r->position, peer_part_ref(r->part)};
    }
    peer_read(k->peer, k->now_ns, found, n);
}

void
kit_fall_off(struct peer_kit *k, size_t records)
{
    for (size_t i = 0; i < records; i++)
        peer_part_unref(k->disk.v[i].part);
    k->disk.n -= records;
    memmove(k->disk.v, k->disk.v + records, k->disk.n * sizeof *k->disk.v);
}

void
kit_tick(struct peer_kit *k)
{
    uint64_t at_ns = peer_next_tick_ns(k->peer);
    ck_assert_msg(at_ns != UINT64_MAX, "nothing to wait for");
    k->now_ns = u64_max(k->now_ns, at_ns);
    peer_tick(k->peer, k->now_ns);
    ck_assert(peer_next_tick_ns(k->peer) > k->now_ns);
}

void
kit_sleep(struct peer_kit *k, uint64_t ms)
{
    k->now_ns += ms * 1000000;
    peer_tick(k->peer, k->now_ns);
}

const char *
kit_journal(struct peer_kit *k)
{
    static char text[4096];
    size_t n = size_min(k->journal.n, sizeof text - 1);
    while (n > 0 && k->journal.p[n - 1] == ' ')
        n--;
    if (n > 0)
        memcpy(text, k->journal.p, n);
    text[n] = '\0';
    buf_clear(&k->journal);
    return text;
}
