/* peer_items.c - parts in a pipe: lists, memory, votes.
 *
 * The memory that a pipe reports is what its items hold parts of. */
#include "replication/peer_int.h"

struct item *
item_new(struct peer *p, struct peer_part *part, struct votes *v, uint32_t ballot)
{
    struct item *it = mem_alloc_zero(sizeof *it);
    it->votes = v ? votes_ref(v) : NULL;
    it->ballot = ballot;
    item_take_part(p, it, part);
    return it;
}

void
item_take_part(struct peer *p, struct item *it, struct peer_part *part)
{
    ASSERT(!it->part);
    it->part = part;
    p->status.memory_bytes += peer_part_bytes(part);
    if (it->list)
        it->list->bytes += peer_part_bytes(part);
}

void
item_drop_part(struct peer *p, struct item *it)
{
    if (!it->part)
        return;
    size_t bytes = peer_part_bytes(it->part);
    ASSERT(p->status.memory_bytes >= bytes);
    p->status.memory_bytes -= bytes;
    if (it->list)
        it->list->bytes -= bytes;
    peer_part_unref(TAKE(it->part));
}

static size_t
bytes_of(const struct item *it)
{
    return it->part ? peer_part_bytes(it->part) : 0;
}

static void
enter_list(struct item_list *list, struct item *it)
{
    ASSERT(!it->list);
    it->list = list;
    it->place = list->place;
    list->count++;
    list->bytes += bytes_of(it);
}

void
item_append(struct item_list *list, struct item *it)
{
    enter_list(list, it);
    it->prev = list->last;
    it->next = NULL;
    *(list->last ? &list->last->next : &list->first) = it;
    list->last = it;
}

void
item_put_back(struct item_list *list, struct item *it, struct item *near)
{
    struct item *next = near && near->number < it->number ? near : list->first;
    while (next && next->number < it->number)
        next = next->next;
    if (!next) {
        item_append(list, it);
        return;
    }
    enter_list(list, it);
    it->next = next;
    it->prev = next->prev;
    *(next->prev ? &next->prev->next : &list->first) = it;
    next->prev = it;
}

void
item_free(struct peer *p, struct item *it)
{
    ASSERT(!it->list && !it->sent);
    item_drop_part(p, it);
    votes_unref(it->votes);
    mem_free(it);
}

void
item_unlink(struct item *it)
{
    struct item_list *list = it->list;
    *(it->prev ? &it->prev->next : &list->first) = it->next;
    *(it->next ? &it->next->prev : &list->last) = it->prev;
    list->count--;
    list->bytes -= bytes_of(it);
    it->list = NULL;
    it->place = ITEM_LOOSE;
}

void
item_remove(struct peer *p, struct item *it)
{
    item_unlink(it);
    if (!it->sent)
        item_free(p, it);
}

void
item_vote(struct peer *p, struct item *it, enum vote_outcome outcome, struct str text)
{
    if (!it->votes)
        return; /* P5 */
    AUTO(votes_unref) struct votes *v = TAKE(it->votes);
    p->opts.ops->vote(p->opts.driver, v, it->ballot, outcome, text);
}

static void
list_vote_unavailable(struct peer *p, const struct item_list *list, struct str text)
{
    for (struct item *it = list->first; it; it = it->next)
        item_vote(p, it, VOTE_UNAVAILABLE, text);
}

void
items_vote_unavailable(struct peer *p, struct str text)
{
    list_vote_unavailable(p, &p->queue, text);
    list_vote_unavailable(p, &p->appending, text);
    list_vote_unavailable(p, &p->on_disk, text);
    list_vote_unavailable(p, &p->window, text);
}

void
item_dropped(struct peer *p, struct item *it, enum peer_drop why, struct str text)
{
    if (it->done)
        return; /* the hand-off has told */
    it->done = true;
    p->status.dropped[why]++;
    p->opts.ops->dropped(p->opts.driver, it->part, why, text);
}

void
items_sweep(struct peer *p)
{
    for (struct item *it = p->on_disk.first, *next; it; it = next) {
        next = it->next;
        if (it->votes && votes_is_decided(it->votes))
            item_vote(p, it, VOTE_UNAVAILABLE, STR("still in the hand-off"));
        if (!item_is_needed_on_disk(it))
            item_remove(p, it);
    }
}
