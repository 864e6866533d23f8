/* peer_kit.h - a driver of one pipe that writes down what it is told, and does what the test says.
 *
 * Parts are named by a letter, their payload; the journal reads "send ab; append cd; vote a ok; ".
 * Threads: one. */
#pragma once
#include "base/vec.h"
#include "replication/peer.h"

struct peer_kit_record {
    uint64_t position;
    struct peer_part *part; /* a reference */
};

struct peer_kit {
    struct peer *peer;
    uint64_t now_ns;
    struct buf journal;
    VEC(struct peer_kit_record) disk;
    VEC(struct peer_part *) appending; /* references */
    uint64_t last_position, reported, read_after;
    struct arena arena;
    VEC(struct votes *) boxes; /* by letter - 'a'; one vote each; references */
    char letters[26];          /* by ballot: which box */
};

/* Fills in ops, driver and a message limit of three parts. */
void peer_kit_init(struct peer_kit *k, struct peer_opts opts);
void peer_kit_fini(struct peer_kit *k);
/* One part a letter of `names`, of replica 1, or as given. Each has a vote. */
void kit_push(struct peer_kit *k, const char *names);
void kit_push_to(struct peer_kit *k, const char *names, uint16_t replica, uint32_t ring);
void kit_reply(struct peer_kit *k, enum vote_outcome outcome);
/* A mneme peer's: one letter a part: o c i u f. */
void kit_reply_parts(struct peer_kit *k, const char *outcomes);
void kit_append_now(struct peer_kit *k); /* durable ...              */
void kit_report(struct peer_kit *k);     /* ... and told to the pipe */
void kit_appended(struct peer_kit *k);   /* both */
void kit_append_failed(struct peer_kit *k);
/* Up to so many records behind what was asked for. */
void kit_read(struct peer_kit *k, size_t records);
/* The records fall off the hand-off. */
void kit_fall_off(struct peer_kit *k, size_t records);
/* Moves the clock to the next tick, and ticks. */
void kit_tick(struct peer_kit *k);
void kit_sleep(struct peer_kit *k, uint64_t ms);
/* What was written down since the last call; empties it. Valid until the next input. */
const char *kit_journal(struct peer_kit *k);
#define KIT_JOURNAL(k, want) ck_assert_str_eq(kit_journal(k), (want))
