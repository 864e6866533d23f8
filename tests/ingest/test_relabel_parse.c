/* Which rules are refused, and in whose words. */
#include "tests/harness.h"

#include "base/mem.h"
#include "ingest/relabel.h"

static const struct parse_case {
    const char *text;
    const char *fault; /* part of the error; NULL: taken */
} parse_cases[] = {
    {"", NULL},
    {"[]", NULL},
    {"- {target_label: a}", NULL},
    {"- {target_label: 'a b'}", NULL},
    {"- {target_label: '-${3}'}", NULL},
    {"- {regex: x, action: labelmap, source_labels: [a]}", NULL},
    {"- {regex: x, action: labeldrop, separator: ;, replacement: $1, modulus: 0}", NULL},
    {"- {source_labels: [a], regex: x, action: Keep}", NULL},
    {"- {source_labels: , action: drop}", NULL},
    {"a: 1", "line 1, column 1: a list of relabelling rules is expected"},
    {"- x", "line 1, column 3: a map of keys and values is expected"},
    {"- action:", "line 1: relabel action cannot be empty"},
    {"- action: replaces", "line 1: unknown relabel action \"replaces\""},
    {"- {target_lable: a}", "line 1, column 4: unknown key \"target_lable\", did you mean "
                            "\"target_label\"?"},
    {"- {action: drop}\n- {}", "line 2: relabel configuration for replace action requires "
                               "'target_label' value"},
    {"- {action: hashmod, target_label: a}",
     "relabel configuration for hashmod requires non-zero modulus"},
    {"- {action: hashmod, target_label: a, modulus: -1}", "modulus: \"-1\" is not a whole number"},
    {"- {action: hashmod, modulus: 8}",
     "relabel configuration for hashmod action requires 'target_label' value"},
    {"- {action: lowercase}",
     "relabel configuration for lowercase action requires 'target_label' value"},
    {"- {action: Uppercase}",
     "relabel configuration for uppercase action requires 'target_label' value"},
    {"- {action: keepequal}",
     "relabel configuration for keepequal action requires 'target_label' value"},
    {"- {action: lowercase, target_label: a, replacement: b}",
     "'replacement' can not be set for lowercase action"},
    {"- {action: dropequal, target_label: a, replacement: b}",
     "'replacement' can not be set for dropequal action"},
    {"- {action: dropequal, target_label: a, regex: '(.*)'}",
     "dropequal action requires only 'source_labels' and `target_label`, and no other fields"},
    {"- {action: keepequal, target_label: a, separator: ','}",
     "keepequal action requires only 'source_labels' and `target_label`, and no other fields"},
    {"- {action: keepequal, target_label: a, modulus: 2}",
     "keepequal action requires only 'source_labels' and `target_label`, and no other fields"},
    {"- {action: labelmap, replacement: ''}", "\"\" is invalid 'replacement' for labelmap action"},
    {"- {action: labeldrop, regex: x, source_labels: []}",
     "labeldrop action requires only 'regex', and no other fields"},
    {"- {action: labelkeep, regex: x, target_label: a}",
     "labelkeep action requires only 'regex', and no other fields"},
    {"- {action: labelkeep, regex: x, replacement: a}",
     "labelkeep action requires only 'regex', and no other fields"},
    {"- {source_labels: [''], action: drop}", "\"\" is not a valid label name"},
    {"- {source_labels: a, action: drop}", "a list is expected"},
    {"- {source_labels: [a], regex: '(', action: drop}",
     "line 1: error parsing regexp: missing closing ): `(`"},
    {"- {regex: [a], action: drop}", "line 1, column 11: regex: a single value is expected"},
    {"- {target_label: a}\n- {target_label: a, target_label: b}",
     "key \"target_label\" already set"},
};

START_TEST(test_parse)
{
    const struct parse_case *c = &parse_cases[_i];
    AUTO(relabel_free) struct relabel_rules *rules = NULL;
    struct err e = relabel_parse(str_of_cstr(c->text), &rules);
    ck_assert_msg(e.code == (c->fault ? ERR_INVALID : ERR_NONE), "row \"%s\": %s", c->text,
                  err_text(&e));
    if (c->fault)
        ck_assert_msg(strstr(err_text(&e), c->fault), "row \"%s\": %s", c->text, err_text(&e));
    ck_assert_int_eq(rules != NULL, c->fault == NULL);
    err_drop(e);
}
END_TEST

static void
check_limit(struct buf *text, const char *want)
{
    struct relabel_rules *rules = NULL;
    struct err e = relabel_parse(buf_str(text), &rules);
    ck_assert_msg(e.code == ERR_INVALID && strstr(err_text(&e), want), "%s", err_text(&e));
    err_drop(e);
    buf_clear(text);
}

START_TEST(test_limits)
{
    AUTO(buf_fini) struct buf text = BUF_INIT;
    for (int i = 0; i <= RELABEL_RULES_MAX; i++)
        buf_append(&text, STR("- {action: drop}\n"));
    check_limit(&text, "1001 relabelling rules, limit 1000");
    buf_append(&text, STR("- {action: drop, source_labels: ["));
    for (int i = 0; i <= RELABEL_SOURCES_MAX; i++)
        buf_append(&text, STR("a,"));
    buf_append(&text, STR("]}"));
    check_limit(&text, "257 source_labels, limit 256");
    buf_append(&text, STR("- {target_label: "));
    for (int i = 0; i <= RELABEL_TEMPLATE_BYTES_MAX; i++)
        buf_put_u8(&text, 'a');
    buf_append(&text, STR("}"));
    check_limit(&text, "4097 bytes, limit 4096");
}
END_TEST

Suite *
relabel_parse_suite(void)
{
    Suite *s = suite_create("relabel_parse");
    TCase *t = tcase_create("relabel_parse");
    tcase_add_loop_test(t, test_parse, 0, ARRAY_LEN(parse_cases));
    tcase_add_test(t, test_limits);
    suite_add_tcase(s, t);
    return s;
}
