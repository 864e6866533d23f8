/* What is no PromQL is refused, with the text and the place that Prometheus 3.14 gives; so is
 * what needs a feature that is off, and what passes a limit. */
#include "tests/harness.h"

#include "base/mem.h"
#include "querygw/promql/parse.h"

static const struct error_case {
    const char *query, *want;
} error_cases[] = {
    {"$", "1:1: parse error: unexpected character: '$'"},
    {"# only a comment", "1:1: parse error: no expression found in input"},
    {")", "1:2: parse error: unexpected right parenthesis ')'"},
    {"(", "1:2: parse error: unclosed left parenthesis"},
    {"()", "1:2: parse error: unexpected \")\""},
    {"(1", "1:3: parse error: unclosed left parenthesis"},
    {"1)", "1:3: parse error: unexpected right parenthesis ')'"},
    {"1 2", "1:3: parse error: unexpected number \"2\""},
    {"up down", "1:4: parse error: unexpected identifier \"down\""},
    {"1 +", "1:4: parse error: unexpected end of input"},
    {"* 1", "1:1: parse error: unexpected <op:*>"},
    {"1 + * 2", "1:5: parse error: unexpected <op:*>"},
    {"1 ++", "1:5: parse error: unexpected end of input"},
    {"1 $ 2", "1:3: parse error: unexpected character: '$'"},
    {"1 !", "1:3: parse error: unexpected character after '!': '\357\277\275'"},
    {"1 ! 2", "1:3: parse error: unexpected character after '!': ' '"},
    {"1 !~ 2", "1:3: parse error: unexpected character after '!': '~'"},
    {"1 =~ 2", "1:3: parse error: unexpected character after '=': '~'"},
    {"a = b", "1:3: parse error: unexpected \"=\""},
    {"a =", "1:3: parse error: unexpected \"=\""},
    {"=", "1:1: parse error: unexpected \"=\""},
    {"{", "1:2: parse error: unexpected end of input inside braces"},
    {"}", "1:1: parse error: unexpected character: '}'"},
    {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a", "1:3: parse error: unexpected end of input inside braces"},
    {"{a=", "1:4: parse error: unexpected end of input inside braces"},
    {"{a=\"b\"", "1:7: parse error: unexpected end of input inside braces"},
    {"{a=\"b\",", "1:8: parse error: unexpected end of input inside braces"},
    {"{,}", "1:2: parse error: unexpected \",\" in label matching, expected identifier or \"}\""},
    {"{a=\"b\",,}",
     "1:8: parse error: unexpected \",\" in label matching, expected identifier or \"}\""},
    {"{a=\"b\" c=\"d\"}",
     "1:8: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
    {"{a}",
     "1:3: parse error: unexpected \"}\" in label matching, expected label matching operator"},
    {"{a b=\"c\"}", "1:4: parse error: unexpected identifier \"b\" in label matching, expected "
                    "label matching operator"},
    {"{a==b}", "1:4: parse error: unexpected \"=\" in label matching, expected string"},
    {"{a=b}", "1:4: parse error: unexpected identifier \"b\" in label matching, expected string"},
    {"{a=1}", "1:4: parse error: unexpected character inside braces: '1'"},
    {"{a=\"b\"} {c=\"d\"}", "1:9: parse error: unexpected \"{\""},
    {"{a!\"b\"}", "1:3: parse error: unexpected character after '!' inside braces: '\"'"},
    {"{a<\"b\"}", "1:3: parse error: unexpected character inside braces: '<'"},
    {"{a=\"b\"{c=\"d\"}}", "1:7: parse error: unexpected left brace '{'"},
    {"{1=\"b\"}", "1:2: parse error: unexpected character inside braces: '1'"},
    {"{\"a\" \"b\"}", "1:6: parse error: unexpected string \"\\\"b\\\"\" in label matching, "
                      "expected \",\" or \"}\""},
    {"{\"a\"=\"b\" \"c\"}", "1:10: parse error: unexpected string \"\\\"c\\\"\" in label matching, "
                            "expected \",\" or \"}\""},
    {"{\"a\"=b}",
     "1:6: parse error: unexpected identifier \"b\" in label matching, expected string"},
    {"{a=~\"(\"}", "1:2: parse error: error parsing regexp: missing closing ): `(`"},
    {"{a!~\"*\"}",
     "1:2: parse error: error parsing regexp: missing argument to repetition operator: `*`"},
    {"{a=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a=~\".*\"}",
     "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a!=\"x\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{a!~\".+\"}",
     "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"{__name__=\"\"}",
     "1:1: parse error: vector selector must contain at least one non-empty matcher"},
    {"up{__name__=\"x\"}", "1:1: parse error: metric name must not be set twice: \"up\" or \"x\""},
    {"up{__name__!=\"x\"}", "1:1: parse error: metric name must not be set twice: \"up\" or \"x\""},
    {"up{\"down\"}", "1:1: parse error: metric name must not be set twice: \"up\" or \"down\""},
    {"up{a=\"b\"", "1:9: parse error: unexpected end of input inside braces"},
    {"up{a=\"b}", "1:6: parse error: unterminated quoted string"},
    {"up{a=`b}", "1:6: parse error: unterminated raw string"},
    {"up{a='b\"}", "1:6: parse error: unterminated quoted string"},
    {"on", "1:1: parse error: unexpected <on>"},
    {"bool", "1:1: parse error: unexpected <bool>"},
    {"group_left", "1:1: parse error: unexpected <group_left>"},
    {"ignoring", "1:1: parse error: unexpected <ignoring>"},
    {"atan2", "1:1: parse error: unexpected <op:atan2>"},
    {"up{a=\"\\z\"}", "1:6: parse error: unknown escape sequence U+007A 'z'"},
    {"\"\\400\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
    {"\"\\x4\"", "1:1: parse error: illegal character U+0022 '\"' in escape sequence"},
    {"\"\\xg0\"", "1:1: parse error: illegal character U+0067 'g' in escape sequence"},
    {"\"\\u12\"", "1:1: parse error: illegal character U+0022 '\"' in escape sequence"},
    {"\"\\ud800\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
    {"\"\\U00110000\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
    {"\"\\", "1:1: parse error: escape sequence not terminated"},
    {"\"abc", "1:1: parse error: unterminated quoted string"},
    {"'abc", "1:1: parse error: unterminated quoted string"},
    {"`abc", "1:1: parse error: unterminated raw string"},
    {"\"a\" + 1",
     "1:1: parse error: binary expression must contain only scalar and instant vector types"},
    {"1 + \"a\"",
     "1:5: parse error: binary expression must contain only scalar and instant vector types"},
    {"-\"a\"", "1:1: parse error: unary expression only allowed on expressions of type scalar or "
               "instant vector, got \"string\""},
    {"\"a\"[5m]", "1:4: parse error: ranges only allowed for vector selectors"},
    {"1[5m]", "1:2: parse error: ranges only allowed for vector selectors"},
    {"sum(", "1:5: parse error: unclosed left parenthesis"},
    {"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
    {"sum(,)", "1:5: parse error: unexpected \",\" in aggregation"},
    {"sum(up,)", "1:7: parse error: trailing commas not allowed in function call args"},
    {"sum(1)",
     "1:5: parse error: expected type instant vector in aggregation expression, got scalar"},
    {"sum(\"a\")",
     "1:5: parse error: expected type instant vector in aggregation expression, got string"},
    {"sum(up, up)", "1:1: parse error: wrong number of arguments for aggregate expression "
                    "provided, expected 1, got 2"},
    {"sum(up[5m])",
     "1:5: parse error: expected type instant vector in aggregation expression, got range vector"},
    {"sum up", "1:5: parse error: unexpected identifier \"up\""},
    {"sum by up",
     "1:8: parse error: unexpected identifier \"up\" in grouping opts, expected \"(\""},
    {"sum by (up)", "1:12: parse error: unexpected end of input in aggregation"},
    {"sum by (a b) (up)",
     "1:11: parse error: unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""},
    {"sum by (a,,b) (up)", "1:11: parse error: unexpected \",\" in grouping opts, expected label"},
    {"sum by (1) (up)",
     "1:9: parse error: unexpected number \"1\" in grouping opts, expected label"},
    {"sum by (a (up)",
     "1:11: parse error: unexpected \"(\" in grouping opts, expected \",\" or \")\""},
    {"sum by (\"\") (up)", "1:9: parse error: invalid label name for grouping: \"\""},
    {"sum by (a) by (b) (up)", "1:12: parse error: unexpected <by> in aggregation"},
    {"sum(up) by (a) without (b)", "1:16: parse error: unexpected <without>"},
    {"sum(up) by", "1:11: parse error: unexpected end of input in grouping opts, expected \"(\""},
    {"sum by (a) up", "1:12: parse error: unexpected identifier \"up\" in aggregation"},
    {"sum without up",
     "1:13: parse error: unexpected identifier \"up\" in grouping opts, expected \"(\""},
    {"sum(up + )", "1:10: parse error: unexpected \")\" in aggregation"},
    {"topk(up)", "1:1: parse error: wrong number of arguments for aggregate expression provided, "
                 "expected 2, got 1"},
    {"topk(1)", "1:1: parse error: wrong number of arguments for aggregate expression provided, "
                "expected 2, got 1"},
    {"topk(\"a\", up)",
     "1:6: parse error: expected type scalar in aggregation parameter, got string"},
    {"topk(up, 1)",
     "1:10: parse error: expected type instant vector in aggregation expression, got scalar"},
    {"topk(1, up, 2)", "1:1: parse error: wrong number of arguments for aggregate expression "
                       "provided, expected 2, got 3"},
    {"count_values(1, up)",
     "1:14: parse error: expected type string in aggregation parameter, got scalar"},
    {"count_values(up)", "1:1: parse error: wrong number of arguments for aggregate expression "
                         "provided, expected 2, got 1"},
    {"quantile(\"a\", up)",
     "1:10: parse error: expected type scalar in aggregation parameter, got string"},
    {"nosuch()", "1:1: parse error: unknown function with name \"nosuch\""},
    {"nosuch(up)", "1:1: parse error: unknown function with name \"nosuch\""},
    {"RATE(up[5m])", "1:1: parse error: unknown function with name \"RATE\""},
    {"holt_winters(up[5m], 1, 1)", "1:1: parse error: unknown function with name \"holt_winters\""},
    {"rate()", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 0"},
    {"rate(up)", "1:6: parse error: expected type range vector in call to function \"rate\", got "
                 "instant vector"},
    {"rate(1)",
     "1:6: parse error: expected type range vector in call to function \"rate\", got scalar"},
    {"rate(\"a\")",
     "1:6: parse error: expected type range vector in call to function \"rate\", got string"},
    {"rate(up[5m],)", "1:12: parse error: trailing commas not allowed in function call args"},
    {"rate(up[5m], 1)", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 2"},
    {"rate(up[5m]", "1:12: parse error: unclosed left parenthesis"},
    {"rate(up[5m] 1)", "1:13: parse error: unexpected number \"1\""},
    {"abs(up, up)", "1:1: parse error: expected 1 argument(s) in call to \"abs\", got 2"},
    {"abs(up,,up)", "1:7: parse error: trailing commas not allowed in function call args"},
    {"abs(1)",
     "1:5: parse error: expected type instant vector in call to function \"abs\", got scalar"},
    {"abs(\"a\")",
     "1:5: parse error: expected type instant vector in call to function \"abs\", got string"},
    {"time(1)", "1:1: parse error: expected 0 argument(s) in call to \"time\", got 1"},
    {"pi(up)", "1:1: parse error: expected 0 argument(s) in call to \"pi\", got 1"},
    {"vector(up)",
     "1:8: parse error: expected type scalar in call to function \"vector\", got instant vector"},
    {"scalar(1)",
     "1:8: parse error: expected type instant vector in call to function \"scalar\", got scalar"},
    {"round()", "1:1: parse error: expected at least 1 argument(s) in call to \"round\", got 0"},
    {"round(up, 1, 2)",
     "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3"},
    {"round(up, up)",
     "1:11: parse error: expected type scalar in call to function \"round\", got instant vector"},
    {"label_replace(up, \"a\", \"b\", \"c\")",
     "1:1: parse error: expected 5 argument(s) in call to \"label_replace\", got 4"},
    {"label_replace(up, 1, \"b\", \"c\", \"d\")",
     "1:19: parse error: expected type string in call to function \"label_replace\", got scalar"},
    {"label_join(up, \"a\")",
     "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 2"},
    {"label_join(up, \"a\", up)", "1:21: parse error: expected type string in call to function "
                                  "\"label_join\", got instant vector"},
    {"histogram_quantile(up, 0.5)", "1:20: parse error: expected type scalar in call to function "
                                    "\"histogram_quantile\", got instant vector"},
    {"histogram_quantiles(x, \"q\")",
     "1:1: parse error: expected at least 3 argument(s) in call to \"histogram_quantiles\", got 2"},
    {"histogram_quantiles(x, \"q\", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)",
     "1:1: parse error: expected at most 12 argument(s) in call to \"histogram_quantiles\", got "
     "13"},
    {"info()", "1:1: parse error: expected at least 1 argument(s) in call to \"info\", got 0"},
    {"info(1)",
     "1:6: parse error: expected type instant vector in call to function \"info\", got scalar"},
    {"info(up, {a=\"b\"}, 1)",
     "1:1: parse error: expected at most 2 argument(s) in call to \"info\", got 3"},
    {"info(up, x{a=\"b\"})",
     "1:10: parse error: expected label selectors only, got vector selector instead"},
    {"info(up, {a=\"b\"} + 1)", "1:10: parse error: expected label selectors only"},
    {"info(up, 1)",
     "1:1: parse error: expected type instant vector in call to function \"info\", got scalar"},
    {"sort_by_label(up, 1)",
     "1:19: parse error: expected type string in call to function \"sort_by_label\", got scalar"},
    {"1 == 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
    {"1 < 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
    {"1 > 2 + 3", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
    {"1 + bool 2", "1:3: parse error: bool modifier can only be used on comparison operators"},
    {"up and bool up", "1:4: parse error: bool modifier can only be used on comparison operators"},
    {"1 and 2", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"},
    {"1 or up", "1:1: parse error: set operator \"or\" not allowed in binary scalar expression"},
    {"up unless 1",
     "1:1: parse error: set operator \"unless\" not allowed in binary scalar expression"},
    {"up and on(a) group_left up", "1:1: parse error: no grouping allowed for \"and\" operation"},
    {"up or ignoring(a) group_right(b) up",
     "1:1: parse error: no grouping allowed for \"or\" operation"},
    {"up + on up",
     "1:9: parse error: unexpected identifier \"up\" in grouping opts, expected \"(\""},
    {"up + on(a b) up",
     "1:11: parse error: unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""},
    {"up + on(a) ignoring(b) up", "1:12: parse error: unexpected <ignoring>"},
    {"up + group_left up", "1:6: parse error: unexpected <group_left>"},
    {"up + ignoring(a) group_left(a b) up",
     "1:31: parse error: unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""},
    {"up + on(a) group_left(a) up",
     "1:4: parse error: label \"a\" must not occur in ON and GROUP clause at once"},
    {"up + on(a, b) group_right(c, b) up",
     "1:4: parse error: label \"b\" must not occur in ON and GROUP clause at once"},
    {"1 + on(a) up", "1:1: parse error: vector matching only allowed between instant vectors"},
    {"up + ignoring(a) 1",
     "1:1: parse error: vector matching only allowed between instant vectors"},
    {"up + on(a) group_left",
     "1:22: parse error: unexpected end of input in grouping opts, expected \"(\""},
    {"up + on(a) group_left $", "1:23: parse error: unexpected character: '$'"},
    {"up + fill up", "1:11: parse error: unexpected identifier \"up\""},
    {"up + fill(x) up", "1:11: parse error: unexpected identifier \"x\""},
    {"up + fill() up", "1:11: parse error: unexpected \")\""},
    {"up + fill(1 up", "1:13: parse error: unexpected identifier \"up\""},
    {"up + fill(1) fill(2) up", "1:18: parse error: unexpected \"(\""},
    {"up + fill_left(1) fill_left(2) up", "1:28: parse error: unexpected \"(\""},
    {"up + fill(1) on(a) up", "1:14: parse error: unexpected <on>"},
    {"up fill(1) up", "1:4: parse error: unexpected <fill>"},
    {"1 + fill(1) up",
     "1:1: parse error: filling in missing series only allowed between instant vectors"},
    {"up and fill(1) up",
     "1:1: parse error: filling in missing series not allowed for set operators"},
    {"up[5m] + 1",
     "1:1: parse error: binary expression must contain only scalar and instant vector types"},
    {"1 + up[5m:1m]",
     "1:5: parse error: binary expression must contain only scalar and instant vector types"},
    {"up[5m] and up",
     "1:1: parse error: binary expression must contain only scalar and instant vector types"},
    {"-up[5m]", "1:1: parse error: unary expression only allowed on expressions of type scalar or "
                "instant vector, got \"range vector\""},
    {"(up[5m]) + 1",
     "1:1: parse error: binary expression must contain only scalar and instant vector types"},
    {"up offset", "1:10: parse error: unexpected end of input in offset, expected number, "
                  "duration, step(), or range()"},
    {"up offset up", "1:11: parse error: unexpected identifier \"up\" in offset, expected number, "
                     "duration, step(), or range()"},
    {"up offset 5x", "1:11: parse error: bad number or duration syntax: \"5\""},
    {"up offset 5m1h", "1:11: parse error: not a valid duration string: \"5m1h\""},
    {"up offset 5m5m", "1:11: parse error: not a valid duration string: \"5m5m\""},
    {"up offset 5mm", "1:11: parse error: bad number or duration syntax: \"5mm\""},
    {"up offset 1.5h", "1:11: parse error: unknown unit \".\" in duration \"1.5h\""},
    {"up offset 300y", "1:11: parse error: duration out of range"},
    {"up offset 1e30", "1:11: parse error: duration out of range"},
    {"up offset 5m offset 5m", "1:1: parse error: offset may not be set multiple times"},
    {"up offset (5m", "1:14: parse error: unclosed left parenthesis"},
    {"up offset step", "1:15: parse error: unexpected end of input in offset, expected number, "
                       "duration, step(), or range()"},
    {"up offset max_of(5m)", "1:20: parse error: unexpected \")\" in offset, expected number, "
                             "duration, step(), or range()"},
    {"up offset (5m) - up", "1:18: parse error: unexpected identifier \"up\" in offset, expected "
                            "number, duration, step(), or range()"},
    {"1 offset 5m", "1:1: parse error: offset modifier must be preceded by an instant vector "
                    "selector or range vector selector or a subquery"},
    {"(up) offset 5m", "1:1: parse error: offset modifier must be preceded by an instant vector "
                       "selector or range vector selector or a subquery"},
    {"rate(up[5m]) offset 5m", "1:1: parse error: offset modifier must be preceded by an instant "
                               "vector selector or range vector selector or a subquery"},
    {"sum(up) offset 5m", "1:1: parse error: offset modifier must be preceded by an instant vector "
                          "selector or range vector selector or a subquery"},
    {"up @", "1:5: parse error: unexpected end of input in @, expected timestamp"},
    {"up @ up", "1:6: parse error: unexpected identifier \"up\" in @, expected timestamp"},
    {"up @ start", "1:11: parse error: unexpected end of input in @, expected timestamp"},
    {"up @ start(", "1:12: parse error: unclosed left parenthesis"},
    {"up @ start(1)", "1:12: parse error: unexpected number \"1\" in @, expected timestamp"},
    {"up @ step()", "1:6: parse error: unexpected \"step\" in @, expected timestamp"},
    {"up @ 5 @ 6", "1:1: parse error: @ <timestamp> may not be set multiple times"},
    {"up @ start() @ 5", "1:1: parse error: @ <timestamp> may not be set multiple times"},
    {"up @ 1e20",
     "1:1: parse error: timestamp out of bounds for @ modifier: 100000000000000000000.000000"},
    {"up @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
    {"up @ -Inf", "1:1: parse error: timestamp out of bounds for @ modifier: -Inf"},
    {"up @ NaN", "1:1: parse error: timestamp out of bounds for @ modifier: NaN"},
    {"up @ \"a\"", "1:6: parse error: unexpected string \"\\\"a\\\"\" in @, expected timestamp"},
    {"1 @ 5", "1:1: parse error: @ modifier must be preceded by an instant vector selector or "
              "range vector selector or a subquery"},
    {"(up) @ 5", "1:1: parse error: @ modifier must be preceded by an instant vector selector or "
                 "range vector selector or a subquery"},
    {"up[", "1:4: parse error: unexpected end of input in duration expression"},
    {"up[]", "1:4: parse error: unexpected \"]\" in subquery or range selector, expected number, "
             "duration, step(), or range()"},
    {"up[5m", "1:6: parse error: unclosed left bracket"},
    {"up[5m]]", "1:7: parse error: unexpected right bracket ']'"},
    {"up[5m][5m]", "1:7: parse error: ranges only allowed for vector selectors"},
    {"up[5m:1m", "1:9: parse error: unclosed left bracket"},
    {"up[5m:1m:1m]", "1:9: parse error: unexpected colon ':'"},
    {"up[:]", "1:5: parse error: unexpected colon before duration in duration expression"},
    {"up[:1m]", "1:5: parse error: unexpected colon before duration in duration expression"},
    {"up[5m:x]", "1:7: parse error: unexpected character: 'x', expected ':'"},
    {"up[x]", "1:4: parse error: unexpected character in duration expression: 'x'"},
    {"up[\"5m\"]", "1:4: parse error: unexpected character in duration expression: '\"'"},
    {"up[5m;1m]", "1:6: parse error: unexpected character: ';'"},
    {"up[-5m]", "1:4: parse error: duration must be greater than 0"},
    {"up[0]", "1:4: parse error: duration must be greater than 0"},
    {"up[0s]", "1:4: parse error: duration must be greater than 0"},
    {"up[5m:0]", "1:7: parse error: duration must be greater than 0"},
    {"up[5m:-1m]", "1:7: parse error: duration must be greater than 0"},
    {"up[5m 1m]",
     "1:7: parse error: unexpected duration \"1m\" in subquery or range, expected \":\" or \"]\""},
    {"up[5m:1m 1m]",
     "1:10: parse error: unexpected duration \"1m\" in subquery selector, expected \"]\""},
    {"up[5m == 1m]",
     "1:7: parse error: unexpected <op:==> in subquery or range, expected \":\" or \"]\""},
    {"up[(5m]", "1:7: parse error: unexpected \"]\" in subquery or range selector, expected "
                "number, duration, step(), or range()"},
    {"up[5m)]", "1:7: parse error: unexpected right parenthesis ')'"},
    {"up[5m +]", "1:8: parse error: unexpected \"]\" in subquery or range selector, expected "
                 "number, duration, step(), or range()"},
    {"up[step]", "1:8: parse error: unexpected \"]\" in subquery or range selector, expected "
                 "number, duration, step(), or range()"},
    {"up[end()]", "1:4: parse error: unexpected character in duration expression: 'e'"},
    {"up[5m / 0]", "1:7: parse error: division by zero"},
    {"up[5m % 0s]", "1:7: parse error: modulo by zero"},
    {"up[5m # c", "1:10: parse error: unclosed left bracket"},
    {"up[1e400]", "1:4: parse error: error parsing number: strconv.ParseFloat: parsing \"1e400\": "
                  "value out of range"},
    {"up[300y]", "1:4: parse error: duration out of range"},
    {"up[1e30]", "1:4: parse error: duration out of range"},
    {"up offset 5m [5m]", "1:14: parse error: no offset modifiers allowed before range"},
    {"up @ 5 [5m]", "1:8: parse error: no @ modifiers allowed before range"},
    {"sum(up)[5m]", "1:8: parse error: ranges only allowed for vector selectors"},
    {"(up)[5m]", "1:5: parse error: ranges only allowed for vector selectors"},
    {"1[5m:1m]",
     "1:1: parse error: subquery is only allowed on instant vector, got scalar instead"},
    {"\"a\"[5m:1m]",
     "1:1: parse error: subquery is only allowed on instant vector, got string instead"},
    {"up[5m][5m:1m]",
     "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"},
    {"up anchored smoothed",
     "1:1: parse error: anchored and smoothed modifiers cannot be used together"},
    {"up[5m] smoothed anchored",
     "1:1: parse error: anchored and smoothed modifiers cannot be used together"},
    {"up[5m:1m] anchored", "1:1: parse error: anchored modifier is not supported for subqueries"},
    {"sum(up) smoothed", "1:1: parse error: smoothed modifier not implemented"},
    {"1 anchored", "1:1: parse error: anchored modifier not implemented"},
    {"0x",
     "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"0x\": invalid syntax"},
    {"1_", "1:1: parse error: bad number or duration syntax: \"1_\""},
    {"1__0", "1:1: parse error: bad number or duration syntax: \"1__\""},
    {"1e", "1:1: parse error: bad number or duration syntax: \"1e\""},
    {"1e+", "1:1: parse error: bad number or duration syntax: \"1e+\""},
    {"1e400", "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e400\": "
              "value out of range"},
    {"1.2.3", "1:1: parse error: bad number or duration syntax: \"1.2.\""},
    {"5m3", "1:1: parse error: bad number or duration syntax: \"5m3\""},
    {"5mx", "1:1: parse error: bad number or duration syntax: \"5mx\""},
    {"5hs", "1:1: parse error: unknown unit \"hs\" in duration \"5hs\""},
    {"08m1q", "1:1: parse error: bad number or duration syntax: \"08m1\""},
    {"1a", "1:1: parse error: bad number or duration syntax: \"1\""},
    {"a:b(1)", "1:4: parse error: unexpected \"(\""},
    {":a{", "1:4: parse error: unexpected end of input inside braces"},
    {"9xyz", "1:1: parse error: bad number or duration syntax: \"9\""},
    {"trailing,", "1:9: parse error: unexpected \",\""},
    {"up{a=\"b\"}.x", "1:10: parse error: unexpected character: '.'"},
    {"{{schema:0}}", "1:2: parse error: unexpected left brace '{'"},
    {"", "unknown position: parse error: no expression found in input"},
    {"   ", "1:1: parse error: no expression found in input"},
    {"a\n+ $", "2:3: parse error: unexpected character: '$'"},
    {"sum(\n  up down\n)", "2:6: parse error: unexpected identifier \"down\" in aggregation"},
    {"\"a\nb\"", "1:1: parse error: unterminated quoted string"},
    {"\"\001\357\267\220\" + 1",
     "1:1: parse error: binary expression must contain only scalar and instant vector types"},
    {"\303\274", "1:1: parse error: unexpected character: '\303\274'"},
    {"up \342\200\213", "1:4: parse error: unexpected character: '\\u200b'"},
    /* Refused here, while Prometheus computes with what overflowed or was cut to 0. */
    {"up offset NaN", "1:11: parse error: duration out of range"},
    {"up[0.0004]", "1:4: parse error: duration must be greater than 0"},
    {"up @ 9223372036854775.9", "1:1: parse error: timestamp out of bounds for @ modifier: "
                                "9223372036854776.000000"},
};

/* With no feature switched on. */
static const struct error_case off_cases[] = {
    {"limitk(1, up)", "1:1: parse error: limitk() is experimental and must be enabled with "
                      "--enable-feature=promql-experimental-functions"},
    {"limit_ratio(0.5, up)", "1:1: parse error: limit_ratio() is experimental and must be enabled "
                             "with --enable-feature=promql-experimental-functions"},
    {"sort_by_label(up)", "1:1: parse error: function \"sort_by_label\" is not enabled"},
    {"mad_over_time(up[5m])", "1:1: parse error: function \"mad_over_time\" is not enabled"},
    {"info(up)", "1:1: parse error: function \"info\" is not enabled"},
    {"start()", "1:1: parse error: function \"start\" is not enabled"},
    {"max_of(1, 2)", "1:1: parse error: function \"max_of\" is not enabled"},
    {"start_timestamp(up)", "1:1: parse error: function \"start_timestamp\" is not enabled"},
    {"up[5m * 2]", "1:4: parse error: experimental duration expression is not enabled"},
    {"up[(5m)]", "1:5: parse error: experimental duration expression is not enabled"},
    {"up[step()]", "1:4: parse error: experimental duration expression is not enabled"},
    {"up offset (5m)", "1:12: parse error: experimental duration expression is not enabled"},
    {"up offset step()", "1:11: parse error: experimental duration expression is not enabled"},
    {"up offset -step()", "1:11: parse error: experimental duration expression is not enabled"},
    {"up offset +(5)", "1:11: parse error: experimental duration expression is not enabled"},
    {"up[5m] anchored", "1:1: parse error: anchored modifier is experimental and not enabled"},
    {"up smoothed", "1:1: parse error: smoothed modifier is experimental and not enabled"},
    {"a + fill(0) b", "1:1: parse error: binop fill modifiers are experimental and not enabled"},
    {"a + fill_left(0) b",
     "1:1: parse error: binop fill modifiers are experimental and not enabled"},
};

static void
expect_error(const struct promql_parse_opts *opts, const struct error_case *c)
{
    struct arena a;
    struct promql_node *root = NULL;
    arena_init(&a, 1 << 20);
    struct err e = promql_parse(&a, str_of_cstr(c->query), opts, &root);
    ck_assert_msg(e.code == ERR_INVALID, "%s: %s", c->query, err_text(&e));
    ck_assert_msg(strcmp(err_text(&e), c->want) == 0, "%s: got %s", c->query, err_text(&e));
    ck_assert_ptr_null(root);
    err_drop(e);
    arena_fini(&a);
}

START_TEST(test_invalid)
{
    static const struct promql_parse_opts all = {true, true, true, true};
    expect_error(&all, &error_cases[_i]);
}
END_TEST

START_TEST(test_features)
{
    static const struct promql_parse_opts none = {false};
    expect_error(_i % 2 ? &none : NULL, &off_cases[_i]);
}
END_TEST

/* Times `count` the unit, between a head and a tail. */
static const struct limit_case {
    const char *name, *head, *unit, *tail;
    size_t fits, count;
    const char *want;
} limit_cases[] = {
    {"parentheses", "", "(", "", 0, 5000, "more than 1000 levels deep"},
    {"closed parentheses", "", "(", "1", 990, 0, ""},
    {"signs", "", "-", "a", 990, 5000, "more than 1000 levels deep"},
    {"powers", "", "1^", "1", 990, 5000, "more than 1000 levels deep"},
    {"sums", "", "1+", "1", 990, 5000, "more than 1000 levels deep"},
    {"calls", "", "abs(", "a", 0, 5000, "more than 1000 levels deep"},
    {"aggregations", "", "sum(", "a", 0, 5000, "more than 1000 levels deep"},
    {"subqueries", "a", "[5m:]", "", 0, 5000, "more than 1000 levels deep"},
    {"duration parentheses", "a[", "(", "", 0, 5000, "more than 1000 levels deep"},
    {"duration signs", "a[", "-", "5]", 0, 5000, "more than 1000 levels deep"},
    {"duration sums", "a[", "1+", "5]", 990, 5000, "more than 1000 levels deep"},
    {"arguments", "label_join(a", ",\"b\"", ")", 9000, 120000, "more than 100000 parts"},
    {"labels", "sum by (", "a,", ") (b)", 9000, 120000, "more than 100000 parts"},
    {"matchers", "{", "a=\"b\",", "}", 9000, 12000, "more than 10000 label matchers"},
    {"bytes", "a", " ", "", 1000000, 1 << 20, "limit 1048576"},
};

static struct err
parse_repeated(const struct limit_case *c, size_t count)
{
    static const struct promql_parse_opts all = {true, true, true, true};
    AUTO(buf_fini) struct buf query = BUF_INIT;
    struct arena a;
    struct promql_node *root;
    arena_init(&a, 0);
    buf_append(&query, str_of_cstr(c->head));
    for (size_t i = 0; i < count; i++)
        buf_append(&query, str_of_cstr(c->unit));
    buf_append(&query, str_of_cstr(c->tail));
    for (size_t i = 0; c->count == 0 && i < count; i++)
        buf_put_u8(&query, ')');
    struct err e = promql_parse(&a, buf_str(&query), &all, &root);
    arena_fini(&a);
    return e;
}

START_TEST(test_limits)
{
    const struct limit_case *c = &limit_cases[_i];
    if (c->fits) {
        struct err e = parse_repeated(c, c->fits);
        ck_assert_msg(e.code == ERR_NONE, "%s: %s", c->name, err_text(&e));
    }
    if (c->count) {
        struct err e = parse_repeated(c, c->count);
        ck_assert_msg(e.code == ERR_LIMIT, "%s: %s", c->name, err_text(&e));
        ck_assert_msg(strstr(err_text(&e), c->want), "%s: %s", c->name, err_text(&e));
        err_drop(e);
    }
}
END_TEST

START_TEST(test_budget)
{
    struct arena a;
    struct promql_node *root;
    arena_init(&a, 100);
    CK_ERR(ERR_LIMIT, promql_parse(&a, STR("a + b + c + d"), NULL, &root));
    arena_fini(&a);
}
END_TEST

static const struct error_case selector_cases[] = {
    {"", "unknown position: parse error: unexpected end of input"},
    {" ", "1:2: parse error: unexpected end of input"},
    {"1", "1:1: parse error: unexpected number \"1\""},
    {"\"up\"", "1:1: parse error: unexpected string \"\\\"up\\\"\""},
    {"-up", "1:1: parse error: unexpected <op:->"},
    {"(up)", "1:1: parse error: unexpected \"(\""},
    {"on", "1:1: parse error: unexpected <on>"},
    {"up[5m]", "1:3: parse error: unexpected \"[\""},
    {"up offset 5m", "1:4: parse error: unexpected <offset>"},
    {"up @ 5", "1:4: parse error: unexpected <op:@>"},
    {"up + up", "1:4: parse error: unexpected <op:+>"},
    {"up down", "1:4: parse error: unexpected identifier \"down\""},
    {"rate(up)", "1:5: parse error: unexpected \"(\""},
    {"sum(up)", "1:4: parse error: unexpected \"(\""},
    {"{a}", "1:3: parse error: unexpected \"}\" in label matching, expected label matching "
            "operator"},
    {"{a=\"b\"", "1:7: parse error: unexpected end of input inside braces"},
};

START_TEST(test_selectors)
{
    const struct error_case *c = &selector_cases[_i];
    struct arena a;
    struct matchers m;
    arena_init(&a, 0);
    struct err e = promql_parse_selector(&a, str_of_cstr(c->query), &m);
    ck_assert_msg(e.code == ERR_INVALID, "%s: %s", c->query, err_text(&e));
    ck_assert_msg(strcmp(err_text(&e), c->want) == 0, "%s: got %s", c->query, err_text(&e));
    err_drop(e);
    arena_fini(&a);
}
END_TEST

Suite *
parse_errors_suite(void)
{
    Suite *s = suite_create("parse_errors");
    TCase *t = tcase_create("parse_errors");
    tcase_add_loop_test(t, test_invalid, 0, (int)ARRAY_LEN(error_cases));
    tcase_add_loop_test(t, test_features, 0, (int)ARRAY_LEN(off_cases));
    tcase_add_loop_test(t, test_selectors, 0, (int)ARRAY_LEN(selector_cases));
    tcase_add_loop_test(t, test_limits, 0, (int)ARRAY_LEN(limit_cases));
    tcase_add_test(t, test_budget);
    suite_add_tcase(s, t);
    return s;
}
