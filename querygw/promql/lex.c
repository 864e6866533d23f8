/* lex.c - the states of the lexer: plain text, within braces, behind a bracket. */
#include "querygw/promql/lex.h"

#include "base/assert.h"
#include "base/mem.h"
#include "querygw/promql/lex_int.h"

static const struct word {
    struct str text;
    enum lex_kind kind;
    int detail; /* operator or aggregator */
} words[] = {
#define X(name, text, param, experimental) {STR_INIT(text), LEX_AGGREGATOR, name},
    PROMQL_AGGREGATORS(X)
#undef X
#define X(kind, text) {STR_INIT(text), kind, 0},
        LEX_KEYWORDS(X) LEX_CALL_WORDS(X)
#undef X
            {STR_INIT("and"), LEX_OPERATOR, PROMQL_AND},
    {STR_INIT("or"), LEX_OPERATOR, PROMQL_OR},
    {STR_INIT("unless"), LEX_OPERATOR, PROMQL_UNLESS},
    {STR_INIT("atan2"), LEX_OPERATOR, PROMQL_ATAN2},
    {STR_INIT("inf"), LEX_NUMBER, 0},
    {STR_INIT("nan"), LEX_NUMBER, 0},
};

static const struct sign {
    char text[3];
    enum promql_op op;
} signs[] = {
    {"==", PROMQL_EQ},         {"!=", PROMQL_NE},         {"<=", PROMQL_LE}, {">=", PROMQL_GE},
    {"</", PROMQL_TRIM_UPPER}, {">/", PROMQL_TRIM_LOWER}, {"<", PROMQL_LT},  {">", PROMQL_GT},
    {"+", PROMQL_ADD},         {"-", PROMQL_SUB},         {"*", PROMQL_MUL}, {"/", PROMQL_DIV},
    {"%", PROMQL_MOD},         {"^", PROMQL_POW},
};

void
lex_init(struct lexer *l, struct arena *a, struct str text)
{
    ASSERT(text.n <= UINT32_MAX);
    *l = (struct lexer){.arena = a, .text = text.n ? text : STR("")};
}

struct lex_token
lex_emit(struct lexer *l, enum lex_kind kind)
{
    struct lex_token t = {.kind = kind, .start = (uint32_t)l->start, .text = lex_word(l)};
    l->start = l->at;
    return t;
}

struct lex_token
lex_fail(struct lexer *l, const char *message)
{
    return (struct lex_token){.kind = LEX_ERROR,
                              .start = (uint32_t)l->start,
                              .text = arena_str(l->arena, str_of_cstr(message))};
}

static struct lex_token
fail_rune(struct lexer *l, const char *before, uint32_t rune, const char *after)
{
    AUTO(buf_fini) struct buf message = BUF_INIT;
    buf_append(&message, str_of_cstr(before));
    quote_rune(rune, &message);
    buf_append(&message, str_of_cstr(after));
    return lex_fail(l, buf_cstr(&message));
}

static struct lex_token
emit_operator(struct lexer *l, enum promql_op op)
{
    struct lex_token t = lex_emit(l, LEX_OPERATOR);
    t.op = op;
    return t;
}

/* The longest operator sign that begins at the start of the token, if any. */
static const struct sign *
find_sign(const struct lexer *l)
{
    struct str rest = str_skip(l->text, l->start);
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        if (str_starts_with(rest, str_of_cstr(signs[i].text)))
            return &signs[i];
    }
    return NULL;
}

static const struct word *
find_word(struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq_nocase(words[i].text, text))
            return &words[i];
    }
    return NULL;
}

static bool
parenthesis_follows(const struct lexer *l)
{
    size_t at = l->at;
    while (at < l->text.n && lex_is_space((uint8_t)l->text.p[at]))
        at++;
    return at < l->text.n && l->text.p[at] == '(';
}

static struct lex_token
lex_keyword_or_identifier(struct lexer *l)
{
    uint32_t rune;
    while (rune = lex_peek(l, NULL), lex_is_alpha(rune) || lex_is_digit(rune) || rune == ':')
        l->at++;
    const struct word *w = find_word(lex_word(l));
    if (!w) {
        struct str text = lex_word(l);
        bool colon = str_find_byte(text, ':') < text.n;
        return lex_emit(l, colon ? LEX_METRIC_IDENTIFIER : LEX_IDENTIFIER);
    }
    /* fill is young: it stays a name where it cannot be a modifier. */
    bool fills = w->kind == LEX_FILL || w->kind == LEX_FILL_LEFT || w->kind == LEX_FILL_RIGHT;
    if (fills && !parenthesis_follows(l))
        return lex_emit(l, LEX_IDENTIFIER);
    struct lex_token t = lex_emit(l, w->kind);
    if (w->kind == LEX_AGGREGATOR)
        t.aggregator = (enum promql_agg)w->detail;
    else if (w->kind == LEX_OPERATOR)
        t.op = (enum promql_op)w->detail;
    return t;
}

/* Within brackets; the first letter is read. False when it is no word for a duration. */
static bool
duration_word(struct lexer *l, struct lex_token *ret_token)
{
    while (lex_is_alpha(lex_peek(l, NULL)))
        l->at++;
    const struct word *w = find_word(lex_word(l));
    if (!w || (w->kind != LEX_STEP && w->kind != LEX_RANGE && w->kind != LEX_MAX_OF &&
               w->kind != LEX_MIN_OF))
        return false;
    *ret_token = lex_emit(l, w->kind);
    return true;
}

/* `(` and `)` are read. */
static struct lex_token
lex_parenthesis(struct lexer *l, uint32_t rune)
{
    struct lex_token t = lex_emit(l, rune == '(' ? LEX_LEFT_PAREN : LEX_RIGHT_PAREN);
    if (rune == '(') {
        l->paren_depth++;
        return t;
    }
    if (l->paren_depth == 0)
        return fail_rune(l, "unexpected right parenthesis ", rune, "");
    l->paren_depth--;
    return t;
}

static struct lex_token
lex_in_braces(struct lexer *l)
{
    uint32_t rune = lex_get(l);
    if (lex_is_alpha(rune)) {
        while (rune = lex_peek(l, NULL), lex_is_alpha(rune) || lex_is_digit(rune))
            l->at++;
        return lex_emit(l, LEX_IDENTIFIER);
    }
    switch (rune) {
    case LEX_END_RUNE:
        return lex_fail(l, "unexpected end of input inside braces");
    case ',':
        return lex_emit(l, LEX_COMMA);
    case '"':
    case '\'':
    case '`':
        return lex_string(l, rune);
    case '=':
        return lex_emit(l, lex_accept(l, "~") ? LEX_MATCH_REGEX : LEX_ASSIGN);
    case '!':
        if (lex_accept(l, "~"))
            return lex_emit(l, LEX_MATCH_NOT_REGEX);
        if (lex_accept(l, "="))
            return emit_operator(l, PROMQL_NE);
        return fail_rune(l, "unexpected character after '!' inside braces: ", lex_get(l), "");
    case '{':
        return fail_rune(l, "unexpected left brace ", rune, "");
    case '}':
        l->in_braces = false;
        return lex_emit(l, LEX_RIGHT_BRACE);
    default:
        return fail_rune(l, "unexpected character inside braces: ", rune, "");
    }
}

/* Behind `[` and until its first number. */
static struct lex_token
lex_in_duration(struct lexer *l)
{
    uint32_t rune = lex_get(l);
    const struct sign *sign;
    struct lex_token t;

    if (lex_is_digit(rune) || (rune == '.' && lex_is(l, "0123456789"))) {
        l->at = l->start;
        l->had_duration = true;
        l->in_duration = false;
        return lex_number_or_duration(l);
    }
    switch (rune) {
    case LEX_END_RUNE:
        return lex_fail(l, "unexpected end of input in duration expression");
    case ']':
        l->in_brackets = l->in_duration = l->had_colon = false;
        return lex_emit(l, LEX_RIGHT_BRACKET);
    case ':':
        t = lex_emit(l, LEX_COLON);
        if (!l->had_duration)
            return lex_fail(l, "unexpected colon before duration in duration expression");
        if (l->had_colon)
            return lex_fail(l, "unexpected repeated colon in duration expression");
        l->had_colon = true;
        return t;
    case '(':
    case ')':
        return lex_parenthesis(l, rune);
    case ',':
        return lex_emit(l, LEX_COMMA);
    default:
        sign = find_sign(l);
        if (sign && sign->text[1] == 0 && promql_op_class(sign->op) == PROMQL_OP_ARITHMETIC)
            return emit_operator(l, sign->op);
        if (lex_is_alpha(rune) && duration_word(l, &t))
            return t;
        return fail_rune(l, "unexpected character in duration expression: ", rune, "");
    }
}

/* A letter or a colon within brackets, behind the first number; it is read. */
static struct lex_token
lex_bracket_word(struct lexer *l, uint32_t rune)
{
    struct lex_token t;
    if (rune == ':' && l->had_colon)
        return fail_rune(l, "unexpected colon ", rune, "");
    if (rune == ':') {
        l->had_colon = true;
        return lex_emit(l, LEX_COLON);
    }
    if (duration_word(l, &t))
        return t;
    return fail_rune(l, "unexpected character: ", rune, ", expected ':'");
}

static struct lex_token
lex_bracket(struct lexer *l, uint32_t rune)
{
    if (rune == '[' && l->in_brackets)
        return fail_rune(l, "unexpected left bracket ", rune, "");
    if (rune == ']' && !l->in_brackets)
        return fail_rune(l, "unexpected right bracket ", rune, "");
    l->in_brackets = l->in_duration = rune == '[';
    l->had_colon = l->had_colon && rune == ']';
    return lex_emit(l, rune == '[' ? LEX_LEFT_BRACKET : LEX_RIGHT_BRACKET);
}

static struct lex_token
lex_end(struct lexer *l)
{
    if (l->paren_depth > 0)
        return lex_fail(l, "unclosed left parenthesis");
    if (l->in_brackets)
        return lex_fail(l, "unclosed left bracket");
    return lex_emit(l, LEX_EOF);
}

static struct lex_token
lex_statement(struct lexer *l)
{
    const struct sign *sign = find_sign(l);
    if (sign) {
        l->at += strlen(sign->text);
        return emit_operator(l, sign->op);
    }
    uint32_t rune = lex_get(l);
    if (lex_is_digit(rune) || (rune == '.' && lex_is(l, "0123456789"))) {
        l->at = l->start;
        return lex_number_or_duration(l);
    }
    if (lex_is_alpha(rune) || rune == ':')
        return l->in_brackets ? lex_bracket_word(l, rune) : lex_keyword_or_identifier(l);
    switch (rune) {
    case LEX_END_RUNE:
        return lex_end(l);
    case ',':
        return lex_emit(l, LEX_COMMA);
    case '@':
        return lex_emit(l, LEX_AT);
    case '=':
        if (lex_is(l, "~"))
            return lex_fail(l, "unexpected character after '=': '~'");
        return lex_emit(l, LEX_ASSIGN);
    case '!':
        return fail_rune(l, "unexpected character after '!': ", lex_get(l), "");
    case '"':
    case '\'':
    case '`':
        return lex_string(l, rune);
    case '(':
    case ')':
        return lex_parenthesis(l, rune);
    case '{':
        l->in_braces = true;
        return lex_emit(l, LEX_LEFT_BRACE);
    case '[':
    case ']':
        return lex_bracket(l, rune);
    default:
        return fail_rune(l, "unexpected character: ", rune, "");
    }
}

/* Comments are not known behind a bracket. */
static void
skip_space_and_comments(struct lexer *l)
{
    for (;;) {
        while (lex_accept(l, " \t\r\n"))
            continue;
        if (l->in_duration || !lex_is(l, "#"))
            break;
        while (l->at < l->text.n && !lex_is(l, "\r\n"))
            l->at++;
    }
    l->start = l->at;
}

struct lex_token
lex_next(struct lexer *l)
{
    skip_space_and_comments(l);
    if (l->in_braces)
        return lex_in_braces(l);
    return l->in_duration ? lex_in_duration(l) : lex_statement(l);
}

/* What stands before the text of a token whose text alone would not tell. */
static const char *const kind_names[] = {
    [LEX_IDENTIFIER] = "identifier ", [LEX_METRIC_IDENTIFIER] = "metric identifier ",
    [LEX_STRING] = "string ",         [LEX_NUMBER] = "number ",
    [LEX_DURATION] = "duration ",
};

/* At most this many characters of a token are shown, names aside. */
enum { DESCRIBED_RUNES_MAX = 10 };

static void
describe_text(const struct lex_token *t, struct buf *to)
{
    bool name = t->kind == LEX_IDENTIFIER || t->kind == LEX_METRIC_IDENTIFIER;
    size_t bytes = 0;
    uint32_t rune;
    for (int i = 0; i < DESCRIBED_RUNES_MAX && bytes < t->text.n; i++)
        bytes += rune_decode(str_skip(t->text, bytes), &rune);
    bool cut = !name && t->text.n > DESCRIBED_RUNES_MAX;
    quote_text(cut ? str_of(t->text.p, bytes) : t->text, to);
    if (cut)
        buf_append(to, STR("..."));
}

void
lex_describe(const struct lex_token *t, struct buf *to)
{
    if (t->kind == LEX_EOF) {
        buf_append(to, STR("end of input"));
        return;
    }
    bool keyword = t->kind >= LEX_BOOL && t->kind <= LEX_SMOOTHED;
    bool op = t->kind == LEX_OPERATOR || t->kind == LEX_AT || t->kind == LEX_MATCH_REGEX ||
              t->kind == LEX_MATCH_NOT_REGEX;
    if (keyword || op || t->kind == LEX_AGGREGATOR) {
        const char *class = keyword ? "" : op ? "op:" : "aggr:";
        buf_printf(to, "<%s%.*s>", class, STR_FMT(t->text));
        return;
    }
    if (t->kind < ARRAY_LEN(kind_names) && kind_names[t->kind])
        buf_append(to, str_of_cstr(kind_names[t->kind]));
    describe_text(t, to);
}

void
lex_position(struct str text, size_t offset, struct buf *to)
{
    if (text.n == 0) {
        buf_append(to, STR("unknown position"));
        return;
    }
    size_t line = 1, line_start = 0;
    for (size_t i = 0; i < offset; i++) {
        if (text.p[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    buf_printf(to, "%zu:%zu", line, offset - line_start + 1);
}
