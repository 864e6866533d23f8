/* place_rest.c - what of a write is not encoded rows: this machine's batches, and metadata. */
#include "base/mem.h"
#include "ingest/batch_rows.h"
#include "proto/writeable.h"
#include "replication/place_int.h"
#include "replication/ring_hash.h"

/* --- this machine's rows ---------------------------------------------------------------------- */

static bool
is_local_row(const struct placing *p, size_t row)
{
    return p->row_class[row] != PLACED_NOWHERE && p->classes[p->row_class[row]].is_local;
}

/* The rows of this machine, copied. */
static struct err
copy_rows(struct placing *p, size_t first_row, struct append_request *request)
{
    const struct append_request all = *request, *from = &all;
    struct batch_rows rows = {.has_keys = from->row_keys};
    for (size_t i = 0; i < from->row_count; i++) {
        if (is_local_row(p, first_row + i))
            batch_rows_count(&rows, &from->rows[i]);
    }
    TRY(batch_rows_make(&rows, p->arena));
    for (size_t i = 0; i < from->row_count; i++) {
        if (is_local_row(p, first_row + i))
            batch_rows_add(&rows, from, &from->rows[i], from->rows[i].label_key);
    }
    rows.request.metadata = from->metadata;
    rows.request.metadata_count = from->metadata_count;
    rows.request.limits = from->limits;
    *request = rows.request;
    return OK;
}

static size_t
count_local(const struct placing *p, size_t b)
{
    size_t n = 0;
    for (size_t s = p->first_share[b]; s < p->first_share[b + 1]; s++) {
        if (p->classes[p->shares[s].class_index].is_local)
            n += p->shares[s].row_count;
    }
    return n;
}

struct err
place_keep_local(struct placing *p)
{
    size_t row = 0;
    TRY(arena_admit(p->arena, p->in->count * sizeof *p->local + p->class_count));
    p->local = ARENA_ARRAY(p->arena, struct rewritten_batch, p->in->count);
    for (size_t b = 0; b < p->in->count; b++) {
        p->local[b] = p->in->batches[b];
        if (p->row_keys)
            p->local[b].batch.request.row_keys = p->row_keys + row;
        if (count_local(p, b) != placing_request(p, b)->row_count)
            TRY(copy_rows(p, row, &p->local[b].batch.request));
        row += placing_request(p, b)->row_count;
    }
    bool *is_local = arena_alloc(p->arena, p->class_count * sizeof *is_local);
    for (size_t c = 0; c < p->class_count; c++)
        is_local[c] = p->classes[c].is_local;
    p->out->class_is_local = is_local;
    p->out->all = p->in;
    p->out->local = *p->in;
    p->out->local.batches = p->local;
    return OK;
}

static enum vote_outcome
outcome_of(uint8_t refusal)
{
    return refusal == ROW_TAKEN ? VOTE_OK : refusal == ROW_REFUSED ? VOTE_CONFLICT : VOTE_INVALID;
}

void
placed_judge_local(const struct placed *p, const uint8_t *const *refusals, uint8_t *class_outcomes)
{
    const uint32_t *row_class = p->row_class;
    for (size_t b = 0; b < p->all->count; b++) {
        size_t n = p->all->batches[b].batch.request.row_count, local = 0;
        for (size_t i = 0; i < n && refusals[b]; i++) {
            uint32_t c = row_class[i];
            if (c == PLACED_NOWHERE || !p->class_is_local[c])
                continue;
            uint8_t outcome = (uint8_t)outcome_of(refusals[b][local++]);
            if (outcome > class_outcomes[c])
                class_outcomes[c] = outcome;
        }
        row_class += n;
    }
}

/* --- metadata --------------------------------------------------------------------------------- */

static struct shared *
metadata_tuple(const struct placing *p, size_t b)
{
    struct append_request told = {.metadata = placing_request(p, b)->metadata,
                                  .metadata_count = placing_request(p, b)->metadata_count};
    struct buf tuple = BUF_INIT;
    writeable_encode_tuple(&tuple, placing_tenant(p, b), &told);
    return shared_take_charged(&tuple, p->arena->shared);
}

/* Texts of families take about as much encoded as they took in the request. */
static size_t
metadata_bytes(const struct append_request *r)
{
    size_t bytes = 0;
    for (size_t i = 0; i < r->metadata_count; i++)
        bytes += sizeof *r->metadata + r->metadata[i].family.n + r->metadata[i].value.help.n +
                 r->metadata[i].value.unit.n;
    return bytes;
}

static bool
is_among(const uint16_t *nodes, unsigned n, uint16_t node)
{
    for (unsigned i = 0; i < n; i++) {
        if (nodes[i] == node)
            return true;
    }
    return false;
}

/* A part more; there is room for as many as a series has copies. */
static void
add_metadata_part(struct placing *p, uint16_t node, struct peer_rows *tuple)
{
    p->out->parts[p->out->part_count++] = (struct placed_part){
        .node = node,
        .ballot = PLACED_NOWHERE,
        .rows = peer_rows_ref(tuple),
        .newest_ms = INT64_MIN,
    };
}

static struct err
place_metadata_of(struct placing *p, size_t b, size_t *parts_cap)
{
    const struct append_request *r = placing_request(p, b);
    AUTO(ring_part_unref) const struct ring_part *part = NULL;
    const uint16_t *owners;
    uint64_t hash;
    TRY(ring_part(p->opts.ring, placing_tenant(p, b), &part));
    TRY(ring_hash(placing_tenant(p, b), STR(""), &hash));
    TRY(ring_owners(part, hash, &owners));
    unsigned copies = ring_replication_factor(p->opts.ring);
    if (!is_among(owners, copies, p->opts.local))
        p->local[b].batch.request.metadata_count = 0;
    AUTO(peer_rows_unref) struct peer_rows *tuple = NULL;
    for (unsigned i = 0; i < copies; i++) {
        bool ours = p->opts.node_traits && p->opts.node_traits[owners[i]] & VOTES_NODE_WHOLE;
        if (!ours || owners[i] == p->opts.local || is_among(owners, i, owners[i]))
            continue;
        TRY(arena_admit_item(p->arena, sizeof *p->out->parts, p->out->part_count, *parts_cap));
        TRY(arena_admit(p->arena, tuple ? 0 : metadata_bytes(r)));
        p->out->parts = arena_more(p->arena, p->out->parts, sizeof *p->out->parts,
                                   p->out->part_count, parts_cap);
        if (!tuple)
            tuple = peer_rows_new(metadata_tuple(p, b), 1);
        add_metadata_part(p, owners[i], tuple);
    }
    return OK;
}

struct err
place_metadata(struct placing *p)
{
    size_t parts_cap = p->out->part_count; /* no room is known of: the first one more copies them */
    for (size_t b = 0; b < p->in->count; b++) {
        if (placing_request(p, b)->metadata_count > 0)
            TRY(place_metadata_of(p, b, &parts_cap));
    }
    return OK;
}
