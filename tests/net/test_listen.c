/* Sockets of one server share its port; a second server on it is refused. */
#include "tests/harness.h"

#include <unistd.h>

#include "base/mem.h"
#include "net/listen.h"

START_TEST(test_shared_and_taken)
{
    int fds[2], more[2];
    unsigned port = 0, other = 0;
    CK_OK(listen_open(STR("127.0.0.1:0"), fds, 2, &port));
    ck_assert_uint_gt(port, 0);
    AUTO(buf_fini) struct buf address = BUF_INIT;
    buf_printf(&address, "127.0.0.1:%u", port);
    CK_ERR(ERR_IO, listen_open(buf_str(&address), more, 2, &other));
    CK_ERR(ERR_IO, listen_open(buf_str(&address), more, 1, &other));
    close(fds[0]);
    close(fds[1]);
    CK_OK(listen_open(buf_str(&address), more, 2, &other));
    ck_assert_uint_eq(other, port);
    close(more[0]);
    close(more[1]);
}
END_TEST

static const char *const bad_addresses[] = {"", "nonsense", "127.0.0.1", "127.0.0.1:", ":x",
                                            "127.0.0.1:70000", "::1:80", "no.such.host.invalid:80"};

START_TEST(test_bad_addresses)
{
    int fds[1];
    unsigned port = 7;
    CK_ERR(ERR_INVALID, listen_open(str_of_cstr(bad_addresses[_i]), fds, 1, &port));
    ck_assert_uint_eq(port, 7);
}
END_TEST

Suite *
listen_suite(void)
{
    Suite *s = suite_create("listen");
    TCase *t = tcase_create("listen");
    tcase_add_test(t, test_shared_and_taken);
    tcase_add_loop_test(t, test_bad_addresses, 0, ARRAY_LEN(bad_addresses));
    suite_add_tcase(s, t);
    return s;
}
