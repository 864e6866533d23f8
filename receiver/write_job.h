/* write_job.h - a write that came over HTTP, from its first byte to its answer.
 *
 * A worker runs it as far as it can; where other nodes decide, the last of worker and decision
 * answers, and no thread waits in between.
 * Threads: a worker; the answer may be given by whoever decides. */
#pragma once
#include "net/http.h"
#include "receiver/receive_int.h"
#include "receiver/scratch.h"

enum write_door { DOOR_RECEIVE, DOOR_WRITE };

struct write_job {
    struct receiver *v;
    struct http_request *request;
    enum write_door door;
    struct scratch *scratch; /* the job is in its arena */
    bool in_gate;
    struct write q;
    struct err e; /* refuses the request as a whole */
    _Atomic(unsigned) holders; /* worker and decision */
    _Atomic(unsigned)
        keepers; /* of the rows: the job until it is closed, and copies on their way */
};

/* Takes scratch and request; `q` is copied and must be in that scratch. */
struct write_job *write_job_open(struct receiver *v, struct http_request *r, enum write_door door,
                                 struct scratch *s, const struct write *q);
/* Gives the job up: it is answered now or later. */
void write_job_run(struct write_job *job);
/* Ends it, but neither its error nor its request; its memory goes when no copy of its rows is on
 * its way any more. */
void write_job_close(struct write_job *job);

/* write_answer.c: the last act, which frees the job. */
void write_job_answer(struct write_job *job);
