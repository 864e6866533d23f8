/* loadgen.c - drives a remote-write endpoint and reports what it took.
 *
 * One thread a connection. All requests exist before the clock starts, so the generator costs
 * a send and a receive each. Connections keep within DRIFT_ROUNDS_MAX rounds of each other:
 * a head refuses what is an hour behind its newest sample, and the load must not outrun
 * itself. Prints one line of JSON; exits 0 when everything was acknowledged. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/mem.h"
#include "bench/loadgen_plan.h"

enum { DRIFT_ROUNDS_MAX = 8, BACKOFF_MS_MIN = 50, BACKOFF_MS_MAX = 2000, STATUS_MAX = 600 };

/* What was acknowledged, one line a request: first and last series, first and last sample. */
struct ack_log {
    struct file *file; /* NULL: none is kept */
    uint64_t at;
};

struct tally {
    uint64_t samples, requests, non_2xx, status_5xx, lost, retries, wire_bytes;
    uint64_t untold;  /* 429 and 503 without Retry-After */
    uint64_t partial; /* 2xx of OTLP that tell of points that were not taken */
    uint64_t statuses[STATUS_MAX];
    VEC(uint32_t) latencies_us; /* of acknowledged requests, retries included */
};

struct run {
    const struct loadgen_opts *opts;
    struct lock lock;
    struct cond moved;
    struct ack_log acks; /* GUARDED_BY(lock) */
    uint64_t *rounds;    /* of each connection: the one it is in; GUARDED_BY(lock) */
    uint64_t planned;    /* connections that are ready; GUARDED_BY(lock) */
    uint64_t start_ns;   /* set when all are */
    struct err failed;   /* the first plan or log that failed; GUARDED_BY(lock) */
};

struct worker {
    struct run *run;
    uint64_t index;
    pthread_t thread;
    struct plan plan;
    struct http_conn conns[LOAD_TARGETS_MAX]; /* one a target */
    uint64_t turn;                            /* of the targets */
    struct tally tally;
    bool complained; /* one refusal is shown, not thousands */
};

static uint64_t
now_ns(void)
{
    return clock_mono_ns(clock_system());
}

static void
fail(struct run *r, struct err e)
{
    if (e.code == ERR_NONE)
        return;
    LOCKED(&r->lock);
    if (r->failed.code != ERR_NONE)
        err_drop(e);
    else
        r->failed = e;
}

static uint64_t
slowest_round(const struct run *r)
{
    uint64_t least = UINT64_MAX;
    for (uint64_t i = 0; i < r->opts->connections; i++)
        least = u64_min(least, r->rounds[i]);
    return least;
}

static void
enter_round(struct run *r, uint64_t index, uint64_t round)
{
    LOCKED(&r->lock);
    r->rounds[index] = round;
    cond_broadcast(&r->moved);
    while (round != UINT64_MAX && round > slowest_round(r) + DRIFT_ROUNDS_MAX)
        cond_wait(&r->moved, &r->lock);
}

/* False when a plan could not be made: then nobody starts. */
static bool
wait_for_all(struct run *r)
{
    LOCKED(&r->lock);
    if (++r->planned == r->opts->connections) {
        r->start_ns = now_ns();
        cond_broadcast(&r->moved);
    }
    while (r->planned < r->opts->connections)
        cond_wait(&r->moved, &r->lock);
    return r->failed.code == ERR_NONE;
}

static void
acknowledge(struct worker *w, const struct planned *p, uint64_t took_ns)
{
    w->tally.samples +=
        (p->last_series - p->first_series + 1) * (p->last_sample - p->first_sample + 1);
    vec_push(&w->tally.latencies_us, (uint32_t)u64_min(took_ns / 1000, UINT32_MAX));
    struct run *r = w->run;
    if (!r->acks.file)
        return;
    AUTO(buf_fini) struct buf line = BUF_INIT;
    buf_printf(&line, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", p->first_series,
               p->last_series, p->first_sample, p->last_sample);
    struct err e;
    {
        LOCKED(&r->lock);
        e = file_write_at(r->acks.file, r->acks.at, buf_str(&line));
        r->acks.at += line.n;
    }
    fail(r, e);
}

static void
complain(struct worker *w, const char *what, struct str text)
{
    if (!w->complained)
        fprintf(stderr, "loadgen: %s: %.*s\n", what, STR_FMT(str_trim(text)));
    w->complained = true;
}

enum outcome { OUTCOME_STORED, OUTCOME_REFUSED, OUTCOME_TRY_AGAIN };

static enum outcome
post_once(struct worker *w, const struct planned *p)
{
    struct http_answer answer;
    struct http_conn *conn = &w->conns[w->turn++ % w->run->opts->target_count];
    struct err e = http_conn_exchange(conn, buf_str(&p->bytes), &answer);
    if (e.code != ERR_NONE) {
        w->tally.lost++;
        complain(w, "lost a request", str_of_cstr(err_text(&e)));
        err_drop(e);
        return OUTCOME_TRY_AGAIN;
    }
    int status = answer.status;
    bool later = status == 503 || status == 429;
    w->tally.wire_bytes += p->bytes.n;
    w->tally.statuses[(size_t)status % STATUS_MAX]++;
    w->tally.untold += later && !answer.retry_after;
    if (status / 100 == 2 && w->run->opts->protocol == LOAD_OTLP && answer.body.n > 0) {
        w->tally.partial++;
        return OUTCOME_REFUSED;
    }
    if (status / 100 == 2)
        return OUTCOME_STORED;
    w->tally.non_2xx++;
    w->tally.status_5xx += status / 100 == 5;
    complain(w, status / 100 == 5 ? "status 5xx" : "refused", answer.body);
    return status / 100 == 5 || status == 429 ? OUTCOME_TRY_AGAIN : OUTCOME_REFUSED;
}

/* Latency counts from `due_ns`. */
static void
post(struct worker *w, const struct planned *p, uint64_t due_ns)
{
    uint64_t backoff_ms = BACKOFF_MS_MIN;
    uint64_t deadline_ns = now_ns() + w->run->opts->retry_ms * 1000000;
    w->tally.requests++;
    for (;;) {
        enum outcome outcome = post_once(w, p);
        if (outcome == OUTCOME_STORED)
            acknowledge(w, p, now_ns() - due_ns);
        if (outcome != OUTCOME_TRY_AGAIN || now_ns() >= deadline_ns)
            return;
        w->tally.retries++;
        clock_sleep_ns(clock_system(), backoff_ms * 1000000);
        backoff_ms = u64_min(2 * backoff_ms, BACKOFF_MS_MAX);
    }
}

/* Sleeps until request number `n` of a connection is due, which is returned: a request that has to
 * wait because the one before took long is late all the same. Connections take turns. */
static uint64_t
keep_pace(const struct worker *w, uint64_t n)
{
    const struct run *r = w->run;
    const struct loadgen_opts *o = r->opts;
    if (o->rate == 0)
        return now_ns();
    double turn = (double)(n * o->connections + w->index);
    uint64_t due_ns =
        r->start_ns + (uint64_t)(turn * (double)o->request_samples / (double)o->rate * 1e9);
    uint64_t at_ns = now_ns();
    if (due_ns > at_ns)
        clock_sleep_ns(clock_system(), due_ns - at_ns);
    return due_ns;
}

static bool
is_over(const struct run *r)
{
    return r->opts->seconds > 0 && now_ns() >= r->start_ns + r->opts->seconds * 1000000000;
}

/* Everything once; `sent` requests were sent before. */
static void
send_plan(struct worker *w, uint64_t sent)
{
    bool again = w->run->opts->seconds > 0;
    for (size_t n = 0; n < w->plan.n && !is_over(w->run); n++) {
        struct planned *p = vec_at(&w->plan, n);
        if (!again)
            enter_round(w->run, w->index, p->round);
        post(w, p, keep_pace(w, sent + n));
        if (!again)
            buf_fini(&p->bytes);
    }
}

static void *
worker_main(void *arg)
{
    struct worker *w = arg;
    struct run *r = w->run;
    fail(r, plan_build(r->opts, w->index, &w->plan));
    bool go = wait_for_all(r) && w->plan.n > 0;
    w->turn = w->index;
    for (uint64_t t = 0; t < r->opts->target_count; t++)
        http_conn_init(&w->conns[t], &r->opts->targets[t], r->opts->timeout_ms);
    for (uint64_t pass = 0; go && (pass == 0 || (r->opts->seconds > 0 && !is_over(r))); pass++)
        send_plan(w, pass * w->plan.n);
    enter_round(r, w->index, UINT64_MAX);
    for (uint64_t t = 0; t < r->opts->target_count; t++)
        http_conn_fini(&w->conns[t]);
    return NULL;
}

/* --- the report ----------------------------------------------------------------------------- */

static int
by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double
quantile_ms(const struct tally *t, double q)
{
    size_t n = t->latencies_us.n;
    return n > 0 ? t->latencies_us.v[(size_t)((double)(n - 1) * q)] / 1000.0 : 0;
}

static void
tally_add(struct tally *sum, struct tally *part)
{
    sum->samples += part->samples;
    sum->requests += part->requests;
    sum->non_2xx += part->non_2xx;
    sum->status_5xx += part->status_5xx;
    sum->lost += part->lost;
    sum->retries += part->retries;
    sum->wire_bytes += part->wire_bytes;
    sum->untold += part->untold;
    sum->partial += part->partial;
    for (size_t i = 0; i < STATUS_MAX; i++)
        sum->statuses[i] += part->statuses[i];
    vec_each (&part->latencies_us, us)
        vec_push(&sum->latencies_us, *us);
    vec_fini(&part->latencies_us);
}

static void
report_statuses(const struct tally *t)
{
    const char *comma = "";
    printf("\"statuses\":{");
    for (size_t i = 0; i < STATUS_MAX; i++) {
        if (t->statuses[i] == 0)
            continue;
        printf("%s\"%zu\":%" PRIu64, comma, i, t->statuses[i]);
        comma = ",";
    }
    printf("},\"without_retry_after\":%" PRIu64 ",\"partial\":%" PRIu64 ",", t->untold, t->partial);
}

static void
report(struct tally *t, uint64_t took_ns)
{
    double seconds = (double)u64_max(took_ns, 1) / 1e9;
    if (t->latencies_us.n > 0)
        qsort(t->latencies_us.v, t->latencies_us.n, sizeof *t->latencies_us.v, by_value);
    printf("{\"samples\":%" PRIu64 ",\"seconds\":%.3f,\"samples_per_second\":%.0f,"
           "\"requests\":%" PRIu64 ",\"non_2xx\":%" PRIu64 ",\"status_5xx\":%" PRIu64
           ",\"lost\":%" PRIu64 ",\"retries\":%" PRIu64 ",\"wire_bytes\":%" PRIu64 ",",
           t->samples, seconds, (double)t->samples / seconds, t->requests, t->non_2xx,
           t->status_5xx, t->lost, t->retries, t->wire_bytes);
    report_statuses(t);
    printf("\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
           quantile_ms(t, 0.5), quantile_ms(t, 0.9), quantile_ms(t, 0.99), quantile_ms(t, 1));
}

/* --- main ----------------------------------------------------------------------------------- */

static void
print_series(const struct loadgen_opts *o)
{
    for (uint64_t i = o->first_series; i < o->first_series + o->series; i++) {
        struct load_label labels[LOAD_LABELS_MAX];
        size_t n = load_labels(&o->load, i, o->first_sample, labels);
        printf("{\"series\":%" PRIu64 ",\"labels\":{", i);
        for (size_t l = 0; l < n; l++)
            printf("%s\"%s\":\"%s\"", l ? "," : "", labels[l].name, labels[l].value);
        printf("}}\n");
    }
}

static struct err
run_open(struct run *r, const struct loadgen_opts *opts)
{
    *r = (struct run){.opts = opts};
    lock_init(&r->lock, LOCK_RANK_LEAF);
    cond_init(&r->moved);
    r->rounds = mem_array_zero(opts->connections, sizeof *r->rounds);
    if (!opts->ack_log)
        return OK;
    TRY(fs_open(fs_posix(), opts->ack_log, FS_WRITE_KEEP, &r->acks.file));
    return file_size(r->acks.file, &r->acks.at);
}

static struct err
run_close(struct run *r)
{
    struct err e = r->failed;
    if (r->acks.file && e.code == ERR_NONE)
        e = file_sync(r->acks.file);
    file_close(r->acks.file);
    mem_free(r->rounds);
    cond_fini(&r->moved);
    lock_fini(&r->lock);
    return e;
}

static struct err
run(const struct loadgen_opts *opts, bool *ret_all_stored)
{
    struct run r;
    fail(&r, run_open(&r, opts));
    struct worker *workers = mem_array_zero(opts->connections, sizeof *workers);
    for (uint64_t i = 0; i < opts->connections; i++) {
        workers[i] = (struct worker){.run = &r, .index = i};
        if (pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) != 0)
            UNREACHABLE("no thread to be had");
    }
    struct tally sum = {0};
    for (uint64_t i = 0; i < opts->connections; i++) {
        pthread_join(workers[i].thread, NULL);
        tally_add(&sum, &workers[i].tally);
        plan_fini(&workers[i].plan);
    }
    uint64_t took_ns = now_ns() - r.start_ns;
    mem_free(workers);
    struct err e = run_close(&r);
    if (e.code == ERR_NONE)
        report(&sum, took_ns);
    *ret_all_stored = sum.samples == opts->series * opts->samples_per_series;
    vec_fini(&sum.latencies_us);
    return e;
}

int
main(int argc, char **argv)
{
    struct loadgen_opts opts;
    bool all_stored = true;
    struct err e = loadgen_opts_parse(argc, argv, clock_wall_ms(clock_system()), &opts);
    if (e.code == ERR_CANCELED)
        return 0;
    if (e.code == ERR_NONE && opts.print_series) {
        print_series(&opts);
        return 0;
    }
    if (e.code == ERR_NONE)
        e = run(&opts, &all_stored);
    if (e.code != ERR_NONE) {
        fprintf(stderr, "loadgen: %s\n", err_text(&e));
        err_drop(e);
        return 2;
    }
    return all_stored ? 0 : 1;
}
