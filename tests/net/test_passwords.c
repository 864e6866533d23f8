/* A password is checked once, on another thread, and not more at once than is allowed. */
#include "tests/harness.h"

#include <stdio.h>

#include "base/lock.h"
#include "base/mem.h"
#include "net/passwords.h"

#define OF_SECRET  STR("$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW")
#define OF_SESAME  STR("$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy")
#define OF_SLOW    STR("$2b$10$abcdefghijklmnopqrstuuTL3rBAB2FTLNnpGNZhAYflp5RzALnWK")
#define OF_SLOWISH STR("$2b$08$abcdefghijklmnopqrstuuDhTyj/ncqnLTTRGGvUpBz0U8HJJSJ8u")

static struct metrics *metrics;
static struct passwords *passwords;
static struct lock lock;
static struct cond told;
static unsigned told_count[PASSWORD_LATER];

static void
setup(void)
{
    metrics = metrics_open();
    lock_init(&lock, LOCK_RANK_LEAF);
    cond_init(&told);
    memset(told_count, 0, sizeof told_count);
    CK_OK(passwords_open(metrics, clock_system(), 1, &passwords));
}

static void
teardown(void)
{
    passwords_close(passwords);
    metrics_close(metrics);
    cond_fini(&told);
    lock_fini(&lock);
}

static void
on_done(struct password_wait *w, enum password_verdict verdict)
{
    mem_free(w);
    LOCKED(&lock);
    told_count[verdict]++;
    cond_broadcast(&told);
}

/* The verdict, or LATER, which is then counted in told_count. */
static enum password_verdict
ask(struct password_ask question)
{
    struct password_wait *w = mem_alloc_zero(sizeof *w);
    w->done = on_done;
    enum password_verdict verdict = passwords_ask(passwords, &question, w);
    if (verdict != PASSWORD_LATER)
        mem_free(w);
    return verdict;
}

static struct password_ask
alice(struct str password)
{
    return (struct password_ask){STR("alice"), password, OF_SECRET, true, STR("10.0.0.1")};
}

static void
wait_told(enum password_verdict verdict, unsigned count)
{
    uint64_t end_ns = clock_mono_ns(clock_system()) + 120000000000u; /* its threads are nice */
    LOCKED(&lock);
    while (told_count[verdict] < count)
        ck_assert(cond_wait_until(&told, &lock, end_ns));
    ck_assert_uint_eq(told_count[verdict], count);
}

static double
checks(void)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    unsigned count = 0;
    metrics_write(metrics, METRICS_TEXT, &text);
    const char *line = strstr(buf_cstr(&text), "\nmneme_http_password_checks_total ");
    ck_assert_ptr_nonnull(line);
    ck_assert_int_eq(sscanf(line, "\nmneme_http_password_checks_total %u", &count), 1);
    return count;
}

START_TEST(test_remembers)
{
    ck_assert_int_eq(ask(alice(STR("secret"))), PASSWORD_LATER);
    wait_told(PASSWORD_GOOD, 1);
    ck_assert_int_eq(ask(alice(STR("secret"))), PASSWORD_GOOD);
    ck_assert_int_eq(ask(alice(STR("guess"))), PASSWORD_LATER);
    wait_told(PASSWORD_BAD, 1);
    ck_assert_int_eq(ask(alice(STR("guess"))), PASSWORD_BAD);
    ck_assert_int_eq(ask(alice(STR("secret"))), PASSWORD_GOOD);

    struct password_ask changed = alice(STR("secret"));
    changed.hash = OF_SESAME; /* nothing is known about another hash */
    ck_assert_int_eq(ask(changed), PASSWORD_LATER);
    wait_told(PASSWORD_BAD, 2);
    struct password_ask bob = alice(STR("secret"));
    bob.user = STR("bob");
    ck_assert_int_eq(ask(bob), PASSWORD_LATER);
    wait_told(PASSWORD_GOOD, 2);
    ck_assert(checks() == 4);
}
END_TEST

/* It takes the same way, and the right password of somebody else does not help. */
START_TEST(test_unknown_user)
{
    struct password_ask nobody = alice(STR("secret"));
    nobody.known = false;
    ck_assert_int_eq(ask(nobody), PASSWORD_LATER);
    wait_told(PASSWORD_BAD, 1);
    ck_assert_int_eq(ask(nobody), PASSWORD_BAD);
    ck_assert_int_eq(ask(alice(STR("secret"))), PASSWORD_LATER);
    wait_told(PASSWORD_GOOD, 1);
}
END_TEST

/* What crypt(3) would not see still counts. */
START_TEST(test_bytes_behind)
{
    ck_assert_int_eq(ask(alice(STR("secret\0"))), PASSWORD_LATER);
    wait_told(PASSWORD_BAD, 1);
    ck_assert_int_eq(ask(alice(STR("secret"))), PASSWORD_LATER);
    wait_told(PASSWORD_GOOD, 1);
}
END_TEST

START_TEST(test_asked_at_once)
{
    struct password_ask slow = alice(STR("wrong"));
    slow.hash = OF_SLOW;
    for (unsigned i = 0; i < 500; i++)
        ck_assert_int_eq(ask(slow), PASSWORD_LATER);
    wait_told(PASSWORD_BAD, 500);
    ck_assert(checks() == 1);
}
END_TEST

START_TEST(test_shares)
{
    struct password_ask flood = alice(STR(""));
    char text[16];
    unsigned later = 0;
    ck_assert_int_eq(ask(alice(STR("secret"))), PASSWORD_LATER);
    wait_told(PASSWORD_GOOD, 1);
    flood.hash = OF_SLOWISH;
    for (unsigned i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "guess %u", i);
        flood.password = str_of_cstr(text);
        enum password_verdict verdict = ask(flood);
        ck_assert(verdict == PASSWORD_LATER || verdict == PASSWORD_BUSY);
        later += verdict == PASSWORD_LATER;
    }
    /* Some may have been checked meanwhile. */
    ck_assert(later >= PASSWORD_CHECKS_ADDRESS_MAX && later <= PASSWORD_CHECKS_ADDRESS_MAX + 8);
    ck_assert_int_eq(ask(alice(STR("secret"))), PASSWORD_GOOD);
    for (unsigned i = 0; i < 20; i++) { /* from everywhere */
        char address[16];
        snprintf(address, sizeof address, "10.0.1.%u", i);
        flood.address = str_of_cstr(address);
        for (unsigned k = 0; k < 10; k++) {
            snprintf(text, sizeof text, "guess %u.%u", i, k);
            flood.password = str_of_cstr(text);
            later += ask(flood) == PASSWORD_LATER;
        }
    }
    ck_assert(later >= PASSWORD_CHECKS_MAX && later <= PASSWORD_CHECKS_MAX + 20);
    ck_assert_int_eq(ask(alice(STR("secret"))), PASSWORD_GOOD);
    wait_told(PASSWORD_BAD, later);
}
END_TEST

/* Closing tells everybody. */
START_TEST(test_close)
{
    struct password_ask slow = alice(STR("wrong"));
    slow.hash = OF_SLOW;
    ck_assert_int_eq(ask(slow), PASSWORD_LATER);
    passwords_close(TAKE(passwords));
    wait_told(PASSWORD_BAD, 1);
}
END_TEST

Suite *
passwords_suite(void)
{
    Suite *s = suite_create("passwords");
    TCase *t = tcase_create("passwords");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 300);
    tcase_add_test(t, test_remembers);
    tcase_add_test(t, test_unknown_user);
    tcase_add_test(t, test_bytes_behind);
    tcase_add_test(t, test_asked_at_once);
    tcase_add_test(t, test_shares);
    tcase_add_test(t, test_close);
    suite_add_tcase(s, t);
    return s;
}
