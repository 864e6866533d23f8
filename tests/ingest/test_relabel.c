/* What rules make of label sets, action by action, in Prometheus' semantics. */
#include "tests/harness.h"

#include "base/mem.h"
#include "ingest/relabel.h"

#define DROPPED "dropped"
#define KEPT    NULL /* unchanged */

/* "a=foo;b=bar" in any order. */
static struct labels
labels_of(struct arena *a, const char *text)
{
    struct label *v = ARENA_ARRAY(a, struct label, LABELS_COUNT_MAX);
    size_t n = 0;
    for (struct str rest = arena_str(a, str_of_cstr(text)); rest.n > 0;) {
        struct str value = str_split(&rest, ';');
        struct str name = str_split(&value, '=');
        v[n++] = (struct label){name, value};
    }
    labels_sort(v, n);
    return (struct labels){v, n};
}

static void
print(struct labels l, struct buf *to)
{
    for (size_t i = 0; i < l.n; i++)
        buf_printf(to, "%s%.*s=%.*s", i ? ";" : "", STR_FMT(l.v[i].name), STR_FMT(l.v[i].value));
}

static const struct relabel_case {
    const char *name, *rules, *labels, *want;
} relabel_cases[] = {
    {"no rules", "[]", "a=1", KEPT},
    /* replace */
    {"group", "- {source_labels: [a], regex: 'x(.*)', target_label: d, replacement: '<$1$1>'}",
     "a=xyz;b=2", "a=xyz;b=2;d=<yzyz>"},
    {"two sources",
     "- {source_labels: [a, b], regex: '(.);(.*)', target_label: a, replacement: '$2-$1'}",
     "a=1;b=22", "a=22-1;b=22"},
    {"other separator", "- {source_labels: [a, b], separator: '', target_label: c}", "a=1;b=2",
     "a=1;b=2;c=12"},
    {"absent source is empty", "- {source_labels: [a, z, b], target_label: c}", "a=1;b=2",
     "a=1;b=2;c=1;;2"},
    {"whole default", "- {source_labels: [a], target_label: c}", "a=1", "a=1;c=1"},
    {"constant", "- {target_label: cluster, replacement: eu}", "a=1", "a=1;cluster=eu"},
    {"anchored", "- {source_labels: [a], regex: 'oo', target_label: c}", "a=foo", KEPT},
    {"anchored alternatives",
     "- {source_labels: [a], regex: 'f|foo', target_label: c, replacement: x}", "a=foo",
     "a=foo;c=x"},
    {"dot is a line end", "- {source_labels: [a], regex: 'x.y', target_label: c, replacement: '1'}",
     "a=x\ny", "a=x\ny;c=1"},
    {"empty result deletes", "- {source_labels: [a], regex: 'x(y?)', target_label: b}", "a=x;b=2",
     "a=x"},
    {"empty replacement deletes", "- {target_label: b, replacement: ''}", "a=x;b=2", "a=x"},
    {"null replacement deletes", "- {target_label: b, replacement: }", "a=x;b=2", "a=x"},
    {"target from a group",
     "- {source_labels: [a], regex: '(.+)/(.+)', target_label: 'x_$1', replacement: '${2}'}",
     "a=k/v", "a=k/v;x_k=v"},
    {"target names nothing",
     "- {source_labels: [a], regex: '(.+)', target_label: '${2}', replacement: v}", "a=k", KEPT},
    {"target in UTF-8", "- {source_labels: [a], target_label: 'ein Wert.ü'}", "a=k",
     "a=k;ein Wert.ü=k"},
    {"missing group is empty",
     "- {source_labels: [a], regex: '(.+)', target_label: b, replacement: 'x${7}'}", "a=k",
     "a=k;b=x"},
    {"named group",
     "- {source_labels: [a], regex: '(?P<p>.).*', target_label: b, replacement: '${p}'}", "a=kl",
     "a=kl;b=k"},
    {"dollars", "- {source_labels: [a], target_label: b, replacement: '$$1 $'}", "a=k",
     "a=k;b=$1 $"},
    {"same value", "- {source_labels: [a], target_label: b}", "a=1;b=1", KEPT},
    {"no match leaves the target", "- {source_labels: [a], regex: 'z', target_label: b}", "a=1;b=2",
     KEPT},
    {"rules in order",
     "- {source_labels: [a], target_label: b}\n- {source_labels: [b], target_label: c}", "a=1",
     "a=1;b=1;c=1"},
    {"renames a metric",
     "- {source_labels: [__name__], regex: 'old_(.*)', target_label: __name__, replacement: "
     "'new_$1'}",
     "__name__=old_x;a=1", "__name__=new_x;a=1"},
    {"null regex matches nothing but nothing", "- {source_labels: [a], regex: , target_label: b}",
     "a=1;b=2", KEPT},
    /* keep, drop */
    {"keep matching", "- {source_labels: [a], regex: 'f.*', action: keep}", "a=foo", KEPT},
    {"keep others", "- {source_labels: [a], regex: 'f', action: keep}", "a=foo", DROPPED},
    {"keep absent", "- {source_labels: [z], regex: '', action: keep}", "a=foo", KEPT},
    {"keep present", "- {source_labels: [z], regex: '.+', action: keep}", "a=foo", DROPPED},
    {"drop matching", "- {source_labels: [a, b], regex: '1;2|x', action: drop}", "a=1;b=2",
     DROPPED},
    {"drop others", "- {source_labels: [a], regex: 'f|o', action: drop}", "a=foo", KEPT},
    {"any case", "- {source_labels: [a], regex: 'foo', action: DROP}", "a=foo", DROPPED},
    {"dropped before it is changed",
     "- {source_labels: [a], regex: 'foo', action: drop}\n- {target_label: b, replacement: x}",
     "a=foo", DROPPED},
    {"keepequal", "- {source_labels: [a], target_label: b, action: keepequal}", "a=1;b=1", KEPT},
    {"keepequal unequal", "- {source_labels: [a], target_label: b, action: keepequal}", "a=1;b=2",
     DROPPED},
    {"keepequal absent", "- {source_labels: [y], target_label: z, action: keepequal}", "a=1", KEPT},
    {"dropequal", "- {source_labels: [a], target_label: b, action: dropequal}", "a=1;b=1", DROPPED},
    {"dropequal unequal", "- {source_labels: [a], target_label: b, action: dropequal}", "a=1;b=2",
     KEPT},
    /* hashmod: from Prometheus' tests, and by hand */
    {"hashmod", "- {source_labels: [c], target_label: d, modulus: 1000, action: hashmod}",
     "a=foo;c=baz", "a=foo;c=baz;d=976"},
    {"hashmod of lines", "- {source_labels: [a], target_label: b, modulus: 1000, action: hashmod}",
     "a=foo\nbar", "a=foo\nbar;b=734"},
    {"hashmod of nothing",
     "- {source_labels: [z], target_label: b, modulus: 18446744073709551615, action: hashmod}",
     "a=1", "a=1;b=16825458760271544958"},
    /* labelmap, labeldrop, labelkeep */
    {"labelmap", "- {regex: 'k_(.+)', action: labelmap}", "k_a=1;k_b=2;c=3",
     "a=1;b=2;c=3;k_a=1;k_b=2"},
    {"labelmap with a prefix", "- {regex: 'b.*', replacement: 'x_${0}', action: labelmap}",
     "a=1;b1=2", "a=1;b1=2;x_b1=2"},
    {"labelmap: the last one wins", "- {regex: '[ab]', replacement: c, action: labelmap}",
     "a=1;b=2", "a=1;b=2;c=2"},
    {"labelmap: what a rule has set comes last",
     "- {target_label: a, replacement: '9'}\n- {regex: '[ab]', replacement: c, action: labelmap}",
     "a=1;b=2", "a=9;b=2;c=9"},
    {"labelmap: also when the value is the same",
     "- {target_label: a, replacement: '1'}\n- {regex: '[ab]', replacement: c, action: labelmap}",
     "a=1;b=2", "a=1;b=2;c=1"},
    {"labelmap does not see its own labels",
     "- {regex: 'a(.*)', replacement: 'a${1}a', action: labelmap}", "a=1", "a=1;aa=1"},
    {"labelmap: a name that is empty for a while",
     "- {regex: '(x?).*', action: labelmap}\n- {regex: '', action: labeldrop}", "a=1", "a=1"},
    {"labeldrop", "- {regex: 'b.*', action: labeldrop}", "a=1;b1=2;b2=3", "a=1"},
    {"labeldrop all", "- {regex: '.*', action: labeldrop}", "a=1;b1=2", ""},
    {"labeldrop none", "- {regex: 'z', action: labeldrop}", "a=1", KEPT},
    {"labelkeep", "- {regex: 'b.*', action: labelkeep}", "a=1;b1=2;b2=3", "b1=2;b2=3"},
    {"dropped and set again",
     "- {regex: 'b', action: labeldrop}\n- {source_labels: [b], regex: '', target_label: b, "
     "replacement: 'was $0 gone'}",
     "a=1;b=2", "a=1;b=was  gone"},
    /* case */
    {"lowercase", "- {source_labels: [a], target_label: b, action: lowercase}", "a=bAr1É",
     "a=bAr1É;b=bar1é"},
    {"uppercase", "- {source_labels: [a], target_label: a, action: uppercase}", "a=bAr1é",
     "a=BAR1É"},
    {"lowercase of nothing deletes", "- {source_labels: [z], target_label: a, action: lowercase}",
     "a=1;b=2", "b=2"},
};

START_TEST(test_relabel)
{
    const struct relabel_case *c = &relabel_cases[_i];
    AUTO(arena_fini) struct arena a = {0};
    AUTO(relabel_free) struct relabel_rules *rules = NULL;
    AUTO(buf_fini) struct buf got = BUF_INIT;
    CK_OK(relabel_parse(str_of_cstr(c->rules), &rules));
    struct relabel_result r = relabel_apply(rules, &a, labels_of(&a, c->labels));
    if (r.outcome == RELABEL_CHANGED)
        print(r.labels, &got);
    enum relabel_outcome want = !c->want                        ? RELABEL_KEPT
                                : strcmp(c->want, DROPPED) == 0 ? RELABEL_DROPPED
                                                                : RELABEL_CHANGED;
    ck_assert_msg(r.outcome == want, "row \"%s\": outcome %d, %s", c->name, r.outcome,
                  buf_cstr(&got));
    ck_assert_msg(want != RELABEL_CHANGED || strcmp(buf_cstr(&got), c->want) == 0, "row \"%s\": %s",
                  c->name, buf_cstr(&got));
}
END_TEST

/* Rules that make too much of too little end in a fault, not in memory. */
static void
check_fault(const char *rules_text, struct labels labels, enum label_fault want)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(relabel_free) struct relabel_rules *rules = NULL;
    CK_OK(relabel_parse(str_of_cstr(rules_text), &rules));
    struct relabel_result r = relabel_apply(rules, &a, labels);
    ck_assert_msg(r.outcome == RELABEL_REFUSED && r.fault == want, "%s: outcome %d, fault %d",
                  rules_text, r.outcome, r.fault);
    ck_assert_uint_lt(a.used_bytes, 2 * RELABEL_WORKING_BYTES_MAX);
}

START_TEST(test_faults)
{
    AUTO(arena_fini) struct arena a = {0};
    AUTO(buf_fini) struct buf text = BUF_INIT, doubling = BUF_INIT;
    struct label *v = ARENA_ARRAY(&a, struct label, LABELS_COUNT_MAX);
    char *value = arena_alloc(&a, LABEL_VALUE_BYTES_MAX);
    memset(value, 'x', LABEL_VALUE_BYTES_MAX);
    for (size_t i = 0; i < LABELS_COUNT_MAX; i++)
        v[i] = (struct label){arena_printf(&a, "l%03zu", i), STR("1")};
    struct labels full = {v, LABELS_COUNT_MAX};
    check_fault("- {target_label: z, replacement: x}", full, LABEL_FAULT_TOO_MANY);
    check_fault("- {regex: '(.*)', replacement: 'm_$1', action: labelmap}", full,
                LABEL_FAULT_TOO_MANY);
    check_fault("- {regex: '(x?).*', action: labelmap}", (struct labels){v, 1},
                LABEL_FAULT_EMPTY_NAME);

    struct label big = {STR("a"), str_of(value, LABEL_VALUE_BYTES_MAX)};
    check_fault("- {source_labels: [a, a], target_label: b}", (struct labels){&big, 1},
                LABEL_FAULT_TOO_LONG);
    check_fault("- {source_labels: [a], target_label: b, replacement: 'x$1'}",
                (struct labels){&big, 1}, LABEL_FAULT_TOO_LONG);
    check_fault("- {source_labels: [a], target_label: '$1'}", (struct labels){&big, 1},
                LABEL_FAULT_TOO_LONG);
    buf_append(&text, STR("- {source_labels: [a], target_label: b, replacement: '"));
    for (int i = 0; i < 1000; i++)
        buf_append(&text, STR("$1"));
    buf_append(&text, STR("'}"));
    check_fault(buf_cstr(&text), (struct labels){&big, 1}, LABEL_FAULT_TOO_LONG);
    buf_clear(&text);
    buf_append(&text, STR("- {target_label: b, action: keepequal, source_labels: ["));
    for (int i = 0; i < RELABEL_SOURCES_MAX; i++)
        buf_printf(&text, "%sa", i ? "," : "");
    buf_append(&text, STR("]}"));
    check_fault(buf_cstr(&text), (struct labels){&big, 1}, LABEL_FAULT_TOO_LONG);
    for (int i = 0; i < 100; i++)
        buf_printf(&doubling, "- {source_labels: [a], target_label: b%d}\n", i);
    check_fault(buf_cstr(&doubling), (struct labels){&big, 1}, LABEL_FAULT_TOO_LONG);
}
END_TEST

Suite *
relabel_suite(void)
{
    Suite *s = suite_create("relabel");
    TCase *t = tcase_create("relabel");
    tcase_add_loop_test(t, test_relabel, 0, ARRAY_LEN(relabel_cases));
    tcase_add_test(t, test_faults);
    suite_add_tcase(s, t);
    return s;
}
