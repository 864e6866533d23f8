/* expression.c - /api/v1/format_query and /api/v1/parse_query: about an expression itself, not
 * about data. Their answers are bounded by PROMQL_TEXT_BYTES_MAX and PROMQL_NODES_MAX. */
#include "querygw/api/api_int.h"
#include "querygw/promql/ast_json.h"
#include "querygw/promql/parse.h"
#include "querygw/promql/pretty.h"

static struct err
parse_param(struct api_call *c, struct promql_node **ret_ast)
{
    c->query = param_text(&c->params, "query");
    return param_error(&c->params, "query", call_parse(c, ret_ast));
}

struct err
call_format_query(struct api_call *c)
{
    struct promql_node *ast;
    AUTO(buf_fini) struct buf text = BUF_INIT;
    TRY(parse_param(c, &ast));
    promql_pretty(ast, &text);
    call_begin_data(c);
    json_str(&c->out.w, buf_str(&text));
    return call_end_data(c);
}

struct err
call_parse_query(struct api_call *c)
{
    struct promql_node *ast;
    TRY(parse_param(c, &ast));
    call_begin_data(c);
    promql_write_json(ast, &c->out.w);
    return call_end_data(c);
}
