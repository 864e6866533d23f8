/* The admin API: what reaches the store, in which methods and forms, and that all of it is refused
 * unless the process was told to serve it. */
#include "base/mem.h"
#include "tests/harness.h"
#include "tests/querygw/api_fixture.h"

static struct api_fixture f;
static struct store_ops owned_ops, broken_ops;
static struct buf done; /* what the stores were told */

static struct err
note_delete(struct store *s, struct matchers matchers, int64_t mint_ms, int64_t maxt_ms)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    (void)s;
    buf_append(&text, STR("delete"));
    for (size_t i = 0; i < matchers.n; i++) {
        buf_put_u8(&text, ' ');
        matcher_format(&matchers.v[i], &text);
    }
    if (mint_ms > -1000000 && maxt_ms < 1000000)
        buf_printf(&text, " %jd-%jd", (intmax_t)mint_ms, (intmax_t)maxt_ms);
    buf_append(&text, STR("; "));
    buf_append(&done, buf_str(&text));
    return OK;
}

static struct err
note_clean(struct store *s)
{
    (void)s;
    buf_append(&done, STR("clean; "));
    return OK;
}

static struct err
note_snapshot(struct store *s, enum snapshot_scope scope, struct arena *a, struct str *ret_name)
{
    (void)s;
    buf_append(&done, scope == SNAPSHOT_BLOCKS ? STR("blocks; ") : STR("all; "));
    *ret_name = arena_str(a, STR("20171210T211224Z-2be650b6d019eb54"));
    return OK;
}

static const struct store_admin_ops notes = {note_delete, note_clean, note_snapshot};

static struct err
fail_clean(struct store *s)
{
    (void)s;
    return ERR(ERR_IO, "the disk is gone");
}

static const struct store_admin_ops fails = {.clean_deletions = fail_clean};

static void
start(bool admin)
{
    api_fixture_start(&f, (struct api_opts){.admin = admin});
    owned_ops = broken_ops = *f.store.store.ops;
    owned_ops.admin = &notes;
    broken_ops.admin = &fails;
    f.store.store.ops = &owned_ops;
}

static void
setup(void)
{
    start(true);
}

static void
setup_off(void)
{
    start(false);
}

static void
teardown(void)
{
    api_fixture_stop(&f);
    buf_fini(&done);
}

#define ADMIN           "/api/v1/admin/tsdb/"
#define FORM            "Content-Type: application/x-www-form-urlencoded\r\n"
#define BAD(type, text) "{\"status\":\"error\",\"errorType\":\"" type "\",\"error\":\"" text "\"}"
/* clang-format off */
#define NAMED \
    "{\"status\":\"success\",\"data\":{\"name\":\"20171210T211224Z-2be650b6d019eb54\"}}"
/* clang-format on */

static const struct admin_case {
    const char *name, *method, *target, *headers, *form;
    int status;
    const char *body, *done;
} admin_cases[] = {
    {"delete", "POST", ADMIN "delete_series?match[]=up%7Bjob=%22a%22%7D", "", "", 204, "",
     "delete job=\"a\" __name__=\"up\"; "},
    {"delete by PUT", "PUT", ADMIN "delete_series?match[]=up&start=1&end=2.5", "", "", 204, "",
     "delete __name__=\"up\" 1000-2500; "},
    {"delete by form", "POST", ADMIN "delete_series?start=1", FORM, "match[]=up&match[]=down&end=2",
     204, "", "delete __name__=\"up\" 1000-2000; delete __name__=\"down\" 1000-2000; "},
    {"delete by form in a PUT", "PUT", ADMIN "delete_series", FORM, "match[]=up", 204, "",
     "delete __name__=\"up\"; "},
    {"delete what may match all", "POST", ADMIN "delete_series?match[]=%7Bjob=%22%22%7D", "", "",
     204, "", "delete job=\"\"; "},
    {"delete nothing of nobody", "POST", ADMIN "delete_series?match[]=up",
     "THANOS-TENANT: nobody\r\n", "", 204, "", ""},
    {"clean", "POST", ADMIN "clean_tombstones", "", "", 204, "", "clean; "},
    {"clean by PUT", "PUT", ADMIN "clean_tombstones", "", "", 204, "", "clean; "},
    {"clean nobody's", "POST", ADMIN "clean_tombstones", "THANOS-TENANT: nobody\r\n", "", 204, "",
     ""},
    {"snapshot", "POST", ADMIN "snapshot", "", "", 200, NAMED, "all; "},
    {"snapshot by PUT", "PUT", ADMIN "snapshot?skip_head=false", "", "", 200, NAMED, "all; "},
    {"snapshot of blocks", "POST", ADMIN "snapshot?skip_head=T", "", "", 200, NAMED, "blocks; "},
    {"snapshot of blocks by form", "POST", ADMIN "snapshot", FORM, "skip_head=1", 200, NAMED,
     "blocks; "},

    {"no selector", "POST", ADMIN "delete_series", "", "", 400,
     BAD("bad_data", "no match[] parameter provided"), ""},
    {"bad selector", "POST", ADMIN "delete_series?match[]=up&match[]=up%7B", "", "", 400,
     BAD("bad_data", "invalid parameter \\\"match[]\\\": 1:4: parse error: unexpected end of input "
                     "inside braces"),
     ""},
    {"bad start", "POST", ADMIN "delete_series?match[]=up&start=x", "", "", 400,
     BAD("bad_data", "invalid parameter \\\"start\\\": invalid time value for 'start': cannot "
                     "parse \\\"x\\\" to a valid timestamp"),
     ""},
    {"bad end", "POST", ADMIN "delete_series?match[]=up&end=x", "", "", 400,
     BAD("bad_data", "invalid parameter \\\"end\\\": invalid time value for 'end': cannot parse "
                     "\\\"x\\\" to a valid timestamp"),
     ""},
    {"bad boolean", "POST", ADMIN "snapshot?skip_head=yes", "", "", 400,
     BAD("bad_data", "invalid parameter \\\"skip_head\\\": unable to parse boolean: "
                     "strconv.ParseBool: parsing \\\"yes\\\": invalid syntax"),
     ""},
    {"snapshot of nobody", "POST", ADMIN "snapshot", "THANOS-TENANT: nobody\r\n", "", 404,
     BAD("not_found", "no such tenant"), ""},
    {"a store that can only be read", "POST", ADMIN "clean_tombstones", "THANOS-TENANT: other\r\n",
     "", 422, BAD("execution", "the data of this tenant can only be read"), ""},
    {"GET", "GET", ADMIN "delete_series?match[]=up", "", "", 405, NULL, ""},
    {"GET of a snapshot", "GET", ADMIN "snapshot", "", "", 405, NULL, ""},
};

START_TEST(test_admin)
{
    const struct admin_case *c = &admin_cases[_i];
    AUTO(reply_fini)
    struct reply r = api_send(&f, c->method, c->target, c->headers, str_of_cstr(c->form));
    ck_assert_msg(r.status == c->status, "%s: %d %s", c->name, r.status, buf_cstr(&r.body));
    if (c->body)
        ck_assert_msg(strcmp(buf_cstr(&r.body), c->body) == 0, "%s: %s", c->name,
                      buf_cstr(&r.body));
    ck_assert_msg(strcmp(buf_cstr(&done), c->done) == 0, "%s: %s", c->name, buf_cstr(&done));
}
END_TEST

START_TEST(test_disabled)
{
    static const char *const targets[] = {ADMIN "delete_series?match[]=up",
                                          ADMIN "clean_tombstones", ADMIN "snapshot"};
    AUTO(reply_fini)
    struct reply r = api_send(&f, _i % 2 ? "PUT" : "POST", targets[_i / 2], "", STR(""));
    ck_assert_int_eq(r.status, 500);
    ck_assert_str_eq(buf_cstr(&r.body), BAD("unavailable", "admin APIs disabled"));
    ck_assert_uint_eq(done.n, 0);
}
END_TEST

START_TEST(test_fault)
{
    f.store.store.ops = &broken_ops;
    AUTO(reply_fini) struct reply r = api_send(&f, "POST", ADMIN "clean_tombstones", "", STR(""));
    ck_assert_int_eq(r.status, 500);
    ck_assert_str_eq(buf_cstr(&r.body), BAD("internal", "the disk is gone"));
}
END_TEST

Suite *
api_admin_suite(void)
{
    Suite *s = suite_create("api_admin");
    TCase *t = tcase_create("on");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_admin, 0, ARRAY_LEN(admin_cases));
    tcase_add_test(t, test_fault);
    suite_add_tcase(s, t);
    TCase *off = tcase_create("off");
    tcase_add_checked_fixture(off, setup_off, teardown);
    tcase_add_loop_test(off, test_disabled, 0, 6);
    suite_add_tcase(s, off);
    return s;
}
