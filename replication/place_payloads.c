/* place_payloads.c - classes and ballots to payloads and parts.
 *
 * A ballot's rows are those of its classes. Ballots with the same classes have the same rows: one
 * payload for all of them. Everything is sized first: a tuple's length stands in front of its
 * rows. */
#include "base/assert.h"
#include "base/hash.h"
#include "proto/writeable.h"
#include "replication/place_int.h"

/* --- which payloads there are ----------------------------------------------------------------- */

/* The classes of each ballot, ascending: those of x are from first[x] up to first[x + 1]. */
struct ballot_classes {
    size_t *first;
    uint32_t *classes;
};

/* An owner that stands twice in a ring has one ballot twice. */
static bool
is_first_of(const uint32_t *ballots, unsigned at)
{
    for (unsigned i = 0; i < at; i++) {
        if (ballots[i] == ballots[at])
            return false;
    }
    return true;
}

static bool
is_local(const struct placing *p, uint32_t ballot)
{
    return votes_plan_ballot(p->opts.plan, ballot).node == p->opts.local;
}

/* Counts, then fills. */
static struct err
list_classes(struct placing *p, struct ballot_classes *ret_lists)
{
    const struct votes_plan *plan = p->opts.plan;
    size_t ballots = votes_plan_ballot_count(plan), all = p->class_count * p->owner_count;
    TRY(arena_admit(p->arena, (ballots + 2) * sizeof(size_t) + all * sizeof(uint32_t)));
    /* one place further on while filling: what is first of x + 1 ends up first of x */
    size_t *first = ARENA_ARRAY(p->arena, size_t, ballots + 2);
    uint32_t *classes = ARENA_ARRAY(p->arena, uint32_t, all);
    for (uint32_t c = 0; c < p->class_count; c++) {
        const uint32_t *of = votes_plan_class_ballots(plan, c);
        for (unsigned i = 0; i < p->owner_count; i++)
            first[of[i] + 2] += is_first_of(of, i);
    }
    for (size_t x = 2; x < ballots + 2; x++)
        first[x] += first[x - 1];
    for (uint32_t c = 0; c < p->class_count; c++) {
        const uint32_t *of = votes_plan_class_ballots(plan, c);
        for (unsigned i = 0; i < p->owner_count; i++) {
            if (is_first_of(of, i))
                classes[first[of[i] + 1]++] = c;
        }
    }
    *ret_lists = (struct ballot_classes){first, classes};
    return OK;
}

static struct str
classes_of(const struct ballot_classes *lists, uint32_t ballot)
{
    const uint32_t *from = lists->classes + lists->first[ballot];
    return str_of((const char *)from,
                  (lists->first[ballot + 1] - lists->first[ballot]) * sizeof *from);
}

/* The payload of a ballot: that of an earlier one with the same classes, or a new one. `table` has
 * payload numbers + 1. */
static uint32_t
payload_of(struct placing *p, const struct ballot_classes *lists, uint32_t ballot, uint32_t *table,
           size_t table_size)
{
    struct str mine = classes_of(lists, ballot);
    size_t mask = table_size - 1;
    for (size_t at = hash64(mine) & mask;; at = (at + 1) & mask) {
        if (table[at] == 0) {
            p->payloads[p->payload_count++] = (struct payload){.ballot = ballot};
            if (p->row_numbers)
                p->payloads[p->payload_count - 1].terse = ARENA_NEW(p->arena, struct place_terse);
            table[at] = (uint32_t)p->payload_count;
        } else if (!str_eq(mine, classes_of(lists, p->payloads[table[at] - 1].ballot))) {
            continue;
        }
        return table[at] - 1;
    }
}

static struct err
find_payloads(struct placing *p)
{
    size_t ballots = votes_plan_ballot_count(p->opts.plan), table_size = 16;
    struct ballot_classes lists;
    TRY(list_classes(p, &lists));
    while (table_size < 2 * ballots)
        table_size *= 2;
    TRY(arena_admit(p->arena,
                    ballots * (sizeof *p->payloads + sizeof *p->ballot_payload + sizeof *p->open) +
                        table_size * sizeof(uint32_t)));
    p->payloads = ARENA_ARRAY(p->arena, struct payload, ballots);
    p->ballot_payload = ARENA_ARRAY(p->arena, uint32_t, ballots);
    p->open = ARENA_ARRAY(p->arena, uint32_t, ballots);
    uint32_t *table = ARENA_ARRAY(p->arena, uint32_t, table_size);
    for (uint32_t x = 0; x < ballots; x++) {
        p->ballot_payload[x] = PLACED_NOWHERE;
        if (is_local(p, x)) {
            ASSERT(p->out->local_ballot == PLACED_NOWHERE); /* it is VOTES_NODE_WHOLE */
            p->out->local_ballot = x;
        } else {
            p->ballot_payload[x] = payload_of(p, &lists, x, table, table_size);
        }
    }
    return OK;
}

static bool
has_number(const uint32_t *v, size_t n, uint32_t number)
{
    for (size_t i = 0; i < n; i++) {
        if (v[i] == number)
            return true;
    }
    return false;
}

static struct err
list_payloads(struct placing *p)
{
    size_t all = p->class_count * p->owner_count;
    TRY(arena_admit(p->arena, all * sizeof *p->class_payloads));
    p->class_payloads = arena_alloc(p->arena, all * sizeof *p->class_payloads);
    for (uint32_t c = 0; c < p->class_count; c++) {
        const uint32_t *ballots = votes_plan_class_ballots(p->opts.plan, c);
        uint32_t *to = p->class_payloads + (size_t)c * p->owner_count;
        struct place_class *k = &p->classes[c];
        for (unsigned i = 0; i < p->owner_count; i++) {
            uint32_t payload = p->ballot_payload[ballots[i]];
            if (payload == PLACED_NOWHERE)
                k->is_local = true;
            else if (!has_number(to, k->payload_count, payload))
                to[k->payload_count++] = payload;
        }
    }
    return OK;
}

struct err
place_plan_payloads(struct placing *p)
{
    ASSERT(p->class_count == votes_plan_class_count(p->opts.plan)); /* it was empty */
    TRY(find_payloads(p));
    return list_payloads(p);
}

/* --- sizes ------------------------------------------------------------------------------------ */

/* Which payloads have a tuple of the batch: p->open, with the bytes of its rows. */
static void
open_tuples(struct placing *p, size_t b)
{
    p->open_count = 0;
    for (size_t s = p->first_share[b]; s < p->first_share[b + 1]; s++) {
        const struct share *share = &p->shares[s];
        const uint32_t *of = p->class_payloads + (size_t)share->class_index * p->owner_count;
        for (size_t i = 0; i < p->classes[share->class_index].payload_count; i++) {
            struct payload *y = &p->payloads[of[i]];
            if (y->batch != b + 1) {
                y->batch = b + 1;
                y->content = y->row_count = 0;
                p->open[p->open_count++] = of[i];
            }
            y->content += share->bytes;
            y->row_count += share->row_count;
        }
    }
    for (size_t i = 0; i < p->open_count && p->row_numbers; i++) {
        struct payload *y = &p->payloads[p->open[i]];
        y->content += writeable_numbers_bytes(y->row_count);
    }
}

static struct err
size_payloads(struct placing *p, size_t *ret_bytes)
{
    size_t bytes = 0;
    for (size_t b = 0; b < p->in->count; b++) {
        open_tuples(p, b);
        for (size_t i = 0; i < p->open_count; i++) {
            struct payload *y = &p->payloads[p->open[i]];
            y->bytes += writeable_tuple_bytes(y->content, placing_tenant(p, b));
            y->tuple_count++;
            if (y->terse)
                y->terse->payload_rows += y->row_count;
        }
    }
    for (size_t i = 0; i < p->payload_count; i++) {
        if (p->payloads[i].bytes > WRITEABLE_BYTES_MAX)
            return ERR(ERR_TOO_LARGE, "%zu bytes for one receiver: the limit is %zu",
                       p->payloads[i].bytes, WRITEABLE_BYTES_MAX);
        p->payloads[i].batch = 0;
        bytes += p->payloads[i].bytes;
    }
    *ret_bytes = bytes;
    return OK;
}

/* --- parts ------------------------------------------------------------------------------------ */

static void
add_part(struct placing *p, uint32_t ballot)
{
    struct votes_ballot of = votes_plan_ballot(p->opts.plan, ballot);
    const struct payload *y = &p->payloads[p->ballot_payload[ballot]];
    p->out->parts[p->out->part_count++] = (struct placed_part){
        .node = of.node,
        .replica = of.replica == VOTES_REPLICA_ANY ? 0 : (uint16_t)(of.replica + 1),
        .ballot = ballot,
        .rows = peer_rows_ref(y->rows),
        .newest_ms = INT64_MIN,
    };
}

/* What a part has of each class. */
static void
count_rows(struct placing *p, const uint32_t *part_of)
{
    for (uint32_t c = 0; c < p->class_count; c++) {
        const uint32_t *ballots = votes_plan_class_ballots(p->opts.plan, c);
        const struct place_class *k = &p->classes[c];
        for (unsigned i = 0; i < p->owner_count; i++) {
            if (part_of[ballots[i]] == PLACED_NOWHERE || !is_first_of(ballots, i))
                continue;
            struct placed_part *part = &p->out->parts[part_of[ballots[i]]];
            part->row_count += k->row_count;
            part->sample_count += k->sample_count;
            part->newest_ms = i64_max(part->newest_ms, k->newest_ms);
        }
    }
}

struct err
place_make_parts(struct placing *p)
{
    size_t ballots = votes_plan_ballot_count(p->opts.plan), bytes = 0;
    TRY(size_payloads(p, &bytes));
    if (p->numbering != 0 && p->opts.keeper.hold)
        bytes = 0; /* as yet */
    TRY(arena_admit(p->arena, bytes + ballots * (sizeof *p->out->parts + sizeof(uint32_t))));
    TRY(place_terse(p));
    for (size_t i = 0; i < p->payload_count; i++) {
        p->payloads[i].rows = place_full(p, i);
        place_give_terse(p, &p->payloads[i]);
    }
    p->out->parts = ARENA_ARRAY(p->arena, struct placed_part, ballots);
    uint32_t *part_of = ARENA_ARRAY(p->arena, uint32_t, ballots);
    for (uint32_t x = 0; x < ballots; x++) {
        bool remote = p->ballot_payload[x] != PLACED_NOWHERE;
        part_of[x] = remote ? (uint32_t)p->out->part_count : PLACED_NOWHERE;
        if (remote)
            add_part(p, x);
    }
    for (size_t i = 0; i < p->payload_count; i++)
        peer_rows_unref(p->payloads[i].rows); /* the parts have their own */
    count_rows(p, part_of);
    return OK;
}
