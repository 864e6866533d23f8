/* An index file gives back what was put into it, and a damaged one says so: when it is opened
 * where every query needs the part, else at the query that meets it. */
#include "tests/tsdb/block_kit.h"


#include "base/bytes.h"
#include "base/crc32c.h"

enum { SERIES = 300 }; /* several samples of symbols and of values */

struct fixture {
    struct arena a;
    struct buf image;
    struct labels *sets;
    struct index_reader *r;
};

static void
setup(struct fixture *f, size_t n)
{
    *f = (struct fixture){.image = BUF_INIT};
    arena_init(&f->a, 0);
    f->sets = kit_label_sets(&f->a, n);
    kit_index(&f->image, f->sets, n);
    CK_OK(index_reader_open(buf_str(&f->image), &f->r));
}

static void
teardown(struct fixture *f)
{
    index_reader_close(f->r);
    buf_fini(&f->image);
    arena_fini(&f->a);
}

static struct postings
match(struct fixture *f, enum matcher_type type, const char *name, const char *value)
{
    struct matcher m = kit_matcher(&f->a, type, name, value);
    struct postings found;
    CK_OK(postings_match(index_reader_postings(f->r), (struct matchers){&m, 1}, &f->a, &found));
    return found;
}

static const size_t sizes[] = {0, 1, 8, 9, 31, 32, 33, 64, 65, SERIES};

START_TEST(test_round_trip)
{
    struct fixture f;
    setup(&f, sizes[_i]);
    CK_OK(index_reader_check(f.r));
    struct postings all = match(&f, MATCH_REGEX, "nothing", ".*");
    ck_assert_uint_eq(all.n, sizes[_i]);
    for (size_t i = 0; i < all.n; i++) {
        struct index_series s;
        CK_OK(index_reader_series(f.r, all.v[i], &f.a, &s));
        ck_assert(labels_eq(s.labels, f.sets[i]));
        ck_assert_uint_eq(s.chunk_count, 1);
        ck_assert_int_eq(s.chunks[0].mint_ms, (int64_t)i);
        ck_assert_uint_eq(s.chunks[0].ref, 8);
        struct postings one = match(&f, MATCH_EQUAL, "i", f.sets[i].v[2].value.p);
        ck_assert_uint_eq(one.n, 1);
        ck_assert_uint_eq(one.v[0], all.v[i]);
    }
    teardown(&f);
}
END_TEST

static const struct match_case {
    const char *name;
    enum matcher_type type;
    const char *label, *value;
    size_t want;
} match_cases[] = {
    {"equal", MATCH_EQUAL, "even", "yes", SERIES / 2},
    {"all", MATCH_EQUAL, "__name__", "m", SERIES},
    {"not equal", MATCH_NOT_EQUAL, "even", "yes", SERIES / 2},
    {"absent label", MATCH_EQUAL, "absent", "", SERIES},
    {"label must be there", MATCH_NOT_EQUAL, "absent", "", 0},
    {"alternatives", MATCH_REGEX, "i", "0001|0002|9999", 2},
    {"prefix", MATCH_REGEX, "i", "00.*", 100},
    {"not a prefix", MATCH_NOT_REGEX, "i", "00.*", SERIES - 100},
    {"regex", MATCH_REGEX, "i", "0[01]1[0-3]", 8},
    {"before the first value", MATCH_EQUAL, "i", "!", 0},
    {"between values", MATCH_EQUAL, "i", "0100a", 0},
    {"behind the last value", MATCH_EQUAL, "i", "z", 0},
    {"unknown name", MATCH_EQUAL, "zzz", "x", 0},
    {"empty name", MATCH_NOT_EQUAL, "", "x", SERIES},
};

START_TEST(test_match)
{
    const struct match_case *c = &match_cases[_i];
    struct fixture f;
    setup(&f, SERIES);
    struct postings found = match(&f, c->type, c->label, c->value);
    ck_assert_msg(found.n == c->want, "%s: %zu", c->name, found.n);
    ck_assert(postings_check(found));
    teardown(&f);
}
END_TEST

/* Regexes find what they find by trying every label set, from whichever value they start. */
START_TEST(test_regexes)
{
    static const char *const patterns[] = {
        "0000.*", "0031.*",  "0032.*",        "003.*",        "0299.*",       "03.*",
        "!.*",    "z.+",     "00.*|029.",     "02[0-3]5.*",   ".*5",          ".*1.*2",
        "0..0",   "01.",     "00(0|1).+",     "0100.*|010.*", "0[0-2]+7",     "00(31|32|33).*",
        ".*",     ".+",      "0010|0020|x.*", "(0064)?",      "0255.*|0256.*", "00[0-9]+1",
    };
    struct fixture f;
    setup(&f, SERIES);
    struct postings all = match(&f, MATCH_REGEX, "nothing", "");
    for (size_t p = 0; p < ARRAY_LEN(patterns); p++) {
        for (int type = MATCH_REGEX; type <= MATCH_NOT_REGEX; type++) {
            struct matcher m = kit_matcher(&f.a, (enum matcher_type)type, "i", patterns[p]);
            struct postings found = match(&f, m.type, "i", patterns[p]);
            size_t at = 0;
            for (size_t i = 0; i < SERIES; i++) {
                bool has = at < found.n && found.v[at] == all.v[i];
                at += has;
                ck_assert_msg(has == matcher_match(&m, f.sets[i].v[2].value), "%s%s on %s",
                              matcher_type_text(m.type), patterns[p], f.sets[i].v[2].value.p);
            }
            ROW_ASSERT(patterns[p], at == found.n);
        }
    }
    teardown(&f);
}
END_TEST

/* The values of a name end where those of the next begin, from whichever sample one starts. */
START_TEST(test_next_name)
{
    enum { N = 100 };
    struct fixture f = {.image = BUF_INIT};
    arena_init(&f.a, 0);
    f.sets = ARENA_ARRAY(&f.a, struct labels, N);
    for (size_t i = 0; i < N; i++) {
        struct label *l = ARENA_ARRAY(&f.a, struct label, 2);
        l[0] = (struct label){STR("a"), arena_printf(&f.a, "v%02zu", i)};
        l[1] = (struct label){STR("b"), arena_printf(&f.a, "v99%02zu", N - 1 - i)};
        f.sets[i] = (struct labels){l, 2};
    }
    kit_index(&f.image, f.sets, N);
    CK_OK(index_reader_open(buf_str(&f.image), &f.r));
    struct postings found = match(&f, MATCH_REGEX, "a", "v9[0-9].*");
    ck_assert_uint_eq(found.n, 10);
    struct index_series s;
    CK_OK(index_reader_series(f.r, found.v[0], &f.a, &s));
    ck_assert(labels_eq(s.labels, f.sets[90]));
    ck_assert_uint_eq(match(&f, MATCH_REGEX, "a", "v99.*").n, 1);
    ck_assert_uint_eq(match(&f, MATCH_REGEX, "a", "v.*").n, N);
    ck_assert_uint_eq(match(&f, MATCH_REGEX, "a", "v7.+|v9.+").n, 20);
    ck_assert_uint_eq(match(&f, MATCH_REGEX, "a", "w.*").n, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_names_and_values)
{
    struct fixture f;
    setup(&f, SERIES);
    struct str_list list;
    CK_OK(index_reader_names(f.r, &f.a, &list));
    ck_assert_uint_eq(list.n, 3);
    ck_assert(str_eq(list.v[0], STR("__name__")) && str_eq(list.v[2], STR("i")));
    CK_OK(index_reader_values(f.r, STR("i"), &f.a, &list));
    ck_assert_uint_eq(list.n, SERIES);
    ck_assert(str_eq(list.v[299], STR("0299")));
    CK_OK(index_reader_values(f.r, STR("absent"), &f.a, &list));
    ck_assert_uint_eq(list.n, 0);

    struct postings found = match(&f, MATCH_REGEX, "i", "000[1357]");
    CK_OK(index_reader_names_of(f.r, found, &f.a, &list));
    ck_assert_uint_eq(list.n, 3);
    CK_OK(index_reader_values_of(f.r, STR("i"), found, &f.a, &list));
    ck_assert_uint_eq(list.n, 4);
    ck_assert(str_eq(list.v[0], STR("0001")) && str_eq(list.v[3], STR("0007")));
    CK_OK(index_reader_values_of(f.r, STR("even"), found, &f.a, &list));
    ck_assert_uint_eq(list.n, 1);
    CK_OK(index_reader_values_of(f.r, STR("absent"), found, &f.a, &list));
    ck_assert_uint_eq(list.n, 0);
    teardown(&f);
}
END_TEST

/* Where the parts of an image lie, by its own table of contents. */
static size_t
section(const struct buf *image, int field)
{
    return load_be64(image->p + image->n - 52 + field * 8);
}

static void
reseal_toc(struct buf *image)
{
    char *toc = image->p + image->n - 52;
    store_be32(toc + 48, crc32c(str_of(toc, 48)));
}

/* The sections have their place in the table of contents. */
enum part { SYMBOLS, SERIES_PART, TABLE = 5, HEADER, TOC };

/* One change each to the image of four series. `add` goes to the byte at `offset` of the part. */
static const struct damage_case {
    const char *name;
    enum part part;
    int offset, add;
    bool reseal; /* the checksum is made right again */
    enum err_code open, check;
} damage_cases[] = {
    {"none", HEADER, 0, 0, false, ERR_NONE, ERR_NONE},
    {"version 3", HEADER, 4, 1, false, ERR_NONE, ERR_NONE},
    {"magic", HEADER, 0, 1, false, ERR_CORRUPT, 0},
    {"version 1", HEADER, 4, -1, false, ERR_UNIMPLEMENTED, 0},
    {"version 4", HEADER, 4, 2, false, ERR_UNIMPLEMENTED, 0},
    {"symbol text", SYMBOLS, 9, 1, false, ERR_CORRUPT, 0},
    {"symbols not sorted", SYMBOLS, 9, 100, true, ERR_CORRUPT, 0},
    {"more symbols than bytes", SYMBOLS, 4, 1, true, ERR_CORRUPT, 0},
    {"one symbol too many", SYMBOLS, 7, 1, true, ERR_CORRUPT, 0},
    {"one symbol too few", SYMBOLS, 7, -1, true, ERR_NONE, ERR_CORRUPT},
    {"symbols too long", SYMBOLS, 0, 1, false, ERR_CORRUPT, 0},
    {"table checksum", TABLE, 9, 1, false, ERR_CORRUPT, 0},
    {"table count", TABLE, 7, 1, true, ERR_CORRUPT, 0},
    {"entry of three keys", TABLE, 8, 1, true, ERR_CORRUPT, 0},
    {"list is elsewhere", TABLE, 11, 1, true, ERR_NONE, ERR_CORRUPT},
    {"toc symbols", TOC, 7, 1, false, ERR_CORRUPT, 0},
    {"toc symbols far away", TOC, 0, 1, true, ERR_CORRUPT, 0},
    {"toc series too late", TOC, 15, 64, true, ERR_NONE, ERR_CORRUPT},
    {"toc table far away", TOC, 40, 1, true, ERR_CORRUPT, 0},
    {"series checksum", SERIES_PART, 18, 1, false, ERR_NONE, ERR_CORRUPT},
};

START_TEST(test_damage)
{
    const struct damage_case *c = &damage_cases[_i];
    struct fixture f;
    setup(&f, 4);
    size_t at = 0;
    if (c->part == TOC)
        at = f.image.n - 52;
    else if (c->part != HEADER)
        at = section(&f.image, (int)c->part);
    index_reader_close(f.r);
    f.r = NULL;
    f.image.p[at + (size_t)c->offset] = (char)(f.image.p[at + (size_t)c->offset] + c->add);
    if (c->reseal && c->part == TOC)
        reseal_toc(&f.image);
    else if (c->reseal)
        kit_index_reseal(&f.image, at);
    struct err e = index_reader_open(buf_str(&f.image), &f.r);
    ck_assert_msg(e.code == c->open, "%s: open: %s", c->name, err_text(&e));
    err_drop(e);
    if (c->open == ERR_NONE) {
        e = index_reader_check(f.r);
        ck_assert_msg(e.code == c->check, "%s: check: %s", c->name, err_text(&e));
        err_drop(e);
    }
    teardown(&f);
}
END_TEST

/* A file that ends early is refused at every length. */
START_TEST(test_cut)
{
    struct fixture f;
    setup(&f, 4);
    for (size_t n = 0; n < f.image.n; n++) {
        struct index_reader *cut = NULL;
        struct err e = index_reader_open(str_of(f.image.p, n), &cut);
        ck_assert_msg(e.code == ERR_CORRUPT, "%zu bytes: %s", n, err_text(&e));
        err_drop(e);
    }
    teardown(&f);
}
END_TEST

/* A damaged series or list fails the queries that meet it, and no other. */
START_TEST(test_damage_is_local)
{
    struct fixture f;
    setup(&f, 4);
    struct postings all = match(&f, MATCH_EQUAL, "__name__", "m");
    f.image.p[all.v[1] * INDEX_SERIES_ALIGN + 2] ^= 1;
    struct index_series s;
    CK_OK(index_reader_series(f.r, all.v[0], &f.a, &s));
    CK_ERR(ERR_CORRUPT, index_reader_series(f.r, all.v[1], &f.a, &s));
    CK_ERR(ERR_CORRUPT, index_reader_series(f.r, 1, &f.a, &s));
    CK_ERR(ERR_CORRUPT, index_reader_series(f.r, UINT32_MAX, &f.a, &s));
    struct str_list list;
    CK_ERR(ERR_CORRUPT, index_reader_names_of(f.r, all, &f.a, &list));

    size_t first_list = section(&f.image, 4);
    while (f.image.p[first_list + 3] == 0) /* padding: the length of a short list is below 256 */
        first_list++;
    f.image.p[first_list + 9] ^= 1; /* of the list of all */
    struct postings found;
    struct matcher m = kit_matcher(&f.a, MATCH_EQUAL, "absent", "");
    CK_ERR(ERR_CORRUPT, postings_match(index_reader_postings(f.r), (struct matchers){&m, 1}, &f.a,
                                       &found));
    ck_assert_uint_eq(match(&f, MATCH_EQUAL, "__name__", "m").n, 4);
    teardown(&f);
}
END_TEST

/* The arena's budget bounds a match. */
START_TEST(test_budget)
{
    struct fixture f;
    setup(&f, SERIES);
    AUTO(arena_fini) struct arena small;
    arena_init(&small, 256);
    struct matcher m = kit_matcher(&f.a, MATCH_EQUAL, "__name__", "m");
    struct postings found;
    CK_ERR(ERR_LIMIT, postings_match(index_reader_postings(f.r), (struct matchers){&m, 1}, &small,
                                     &found));
    teardown(&f);
}
END_TEST

Suite *
index_reader_suite(void)
{
    Suite *s = suite_create("index_reader");
    TCase *t = tcase_create("core");
    tcase_add_loop_test(t, test_round_trip, 0, ARRAY_LEN(sizes));
    tcase_add_loop_test(t, test_match, 0, ARRAY_LEN(match_cases));
    tcase_add_test(t, test_regexes);
    tcase_add_test(t, test_next_name);
    tcase_add_test(t, test_names_and_values);
    tcase_add_loop_test(t, test_damage, 0, ARRAY_LEN(damage_cases));
    tcase_add_test(t, test_cut);
    tcase_add_test(t, test_damage_is_local);
    tcase_add_test(t, test_budget);
    suite_add_tcase(s, t);
    return s;
}
