/* peer_int.h - the inside of a pipe, for peer.c, peer_items.c and peer_reply.c. */
#pragma once
#include "base/assert.h"
#include "base/rand.h"
#include "base/vec.h"
#include "replication/peer.h"

/* Where the item of a part is. */
enum item_place {
    ITEM_LOOSE,     /* in no list: in the message under way, and nowhere else */
    ITEM_QUEUE,     /* waits in memory */
    ITEM_APPENDING, /* in the append under way */
    ITEM_ON_DISK,   /* a note on a record: its part may not be in memory */
    ITEM_WINDOW,    /* read from disk, not acknowledged yet */
};

/* A part in the pipe. Freed when it is neither in a list nor in the message under way. */
struct item {
    struct item *prev, *next;
    struct item_list *list; /* NULL while loose */
    struct peer_part *part; /* a reference; NULL on disk */
    struct votes *votes;    /* a reference; NULL: voted, or nobody waits */
    uint32_t ballot;
    enum item_place place;
    uint64_t position;          /* on disk and in the window */
    uint64_t number, pushed_ns; /* of pushes, ascending */
    unsigned failures;
    bool done;  /* stored, refused or dropped: the record may go */
    bool sent;  /* in the message under way */
    bool alone; /* only in a message of its own */
};

struct item_list {
    struct item *first, *last;
    size_t count, bytes; /* of parts */
    enum item_place place;
};

struct peer {
    struct peer_opts opts; /* immutable; defaults are filled in */
    struct rand_gen gen;

    enum peer_state state;
    enum peer_kind kind;
    bool leaving_by_hand; /* hand_on() in the place of send() */
    bool flushing;
    unsigned attempt;    /* failures since the last success; above 0: backing off */
    uint64_t send_at_ns; /* no message before */
    uint64_t pace_at_ns; /* none from the window before */
    uint64_t append_at_ns, read_at_ns, sweep_at_ns;

    struct item_list queue, appending, on_disk, window;
    VEC(struct item *) message;    /* under way; empty: none is */
    VEC(struct peer_part *) parts; /* of it, for the driver; borrowed from the items */
    VEC(struct peer_part *) batch; /* of the append under way; likewise */
    bool reading;                  /* or early ones wait */
    VEC(struct peer_record) early; /* read before their append was reported; references */
    uint64_t pushes;
    uint64_t disk_last, disk_read; /* positions: appended, and read, so far */
    uint64_t read_upto;            /* disk_last when the read under way began */
    struct peer_status status;     /* its counters, memory_bytes */
};

/* --- peer_items.c ----------------------------------------------------------------------------- */

struct item *item_new(struct peer *p, struct peer_part *part, struct votes *v, uint32_t ballot);
/* Out of its list: loose. */
void item_unlink(struct item *it);
/* Out of its list; frees it unless it is in the message under way, then it is loose. */
void item_remove(struct peer *p, struct item *it);
/* Frees a loose one that is in no message. */
void item_free(struct peer *p, struct item *it);
void item_append(struct item_list *list, struct item *it); /* a loose one */
/* Likewise, in the order of pushes. The search begins at `near`, where that is a help; NULL: none.
 */
void item_put_back(struct item_list *list, struct item *it, struct item *near);
void item_take_part(struct peer *p, struct item *it, struct peer_part *part);
void item_drop_part(struct peer *p, struct item *it);
/* Once; nothing when it has voted. */
void item_vote(struct peer *p, struct item *it, enum vote_outcome outcome, struct str text);
/* Every part in the pipe that has not voted. */
void items_vote_unavailable(struct peer *p, struct str text);
void item_dropped(struct peer *p, struct item *it, enum peer_drop why, struct str text);
/* Notes of records that nobody needs: not waited for, not judged. */
void items_sweep(struct peer *p);
static inline bool
item_is_needed_on_disk(const struct item *it)
{
    return it->votes || it->done || it->sent || it->alone || it->failures > 0;
}

/* --- peer_reply.c ----------------------------------------------------------------------------- */

/* Sends nothing for a while that grows with `attempt`, from 0. */
void peer_pause(struct peer *p, uint64_t now_ns, unsigned attempt);
void peer_back_off(struct peer *p, uint64_t now_ns, struct str text);
/* What became of the message under way; leaves none. */
void peer_settle(struct peer *p, uint64_t now_ns, const struct peer_reply *r);

/* --- peer.c ------------------------------------------------------------------------------------
 */

/* All parts go to the hand-off from now on. */
void peer_fall_behind(struct peer *p);
