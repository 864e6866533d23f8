/* passwords.h - checks of passwords against bcrypt hashes, off the loops and few at a time.
 *
 * A verdict is remembered, so that a sender costs one bcrypt, not one a request. What is asked
 * twice at once is checked once. Checks run on niced threads behind a bounded queue, of which no
 * address gets more than its share: a flood of wrong passwords costs writes nothing, and those who
 * were let in before do not wait for it. Neither passwords nor plain hashes of them are kept.
 * Threads: any. */
#pragma once
#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "base/str.h"

enum {
    PASSWORD_CHECKS_MAX = 64,           /* running and queued; above it BUSY */
    PASSWORD_CHECKS_ADDRESS_MAX = 8,    /* of them asked by one address */
    PASSWORD_CHECK_WAIT_MS_MAX = 10000, /* in the queue; then BUSY */
    PASSWORD_REFUSALS_KEPT = 1024,
    PASSWORD_USERS_KEPT = 10000,
};

enum password_verdict {
    PASSWORD_GOOD,
    PASSWORD_BAD,
    PASSWORD_BUSY,  /* not checked: there is too much to do */
    PASSWORD_LATER, /* of passwords_ask() only: wait->done() will be called */
};

struct password_wait {
    struct password_wait *next; /* of the checker */
    /* Called once, from a thread of the checker, without a lock. */
    void (*done)(struct password_wait *w, enum password_verdict verdict);
};

struct password_ask {
    struct str user, password;
    struct str hash; /* has passed bcrypt_check() */
    bool known;      /* false: no such user; checked against `hash` all the same, and BAD */
    struct str address;
};

struct passwords;
struct err passwords_open(struct metrics *metrics, const struct clock *clock, size_t threads,
                          struct passwords **ret_passwords);
/* Nobody may ask any more; what waits is told. NULL is allowed. */
void passwords_close(struct passwords *p);
/* Never blocks. `wait` must live until done() when the answer is LATER. */
enum password_verdict passwords_ask(struct passwords *p, const struct password_ask *ask,
                                    struct password_wait *wait);
