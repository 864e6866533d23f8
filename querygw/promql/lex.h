/* lex.h - the tokens of PromQL.
 *
 * Keywords are recognised everywhere and in any case; which of them may name a metric or a
 * label is for the parser to say. Within braces every word is an identifier; within brackets
 * only durations, their operators and a colon are tokens. Comments are skipped.
 * Source: prometheus promql/parser/lex.go. Threads: one lexer, one thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "querygw/promql/operators.h"

/* X(kind, text): words are keywords, found without regard to case. */
#define LEX_KEYWORDS(X)                                                                            \
    X(LEX_BOOL, "bool")                                                                            \
    X(LEX_BY, "by")                                                                                \
    X(LEX_WITHOUT, "without")                                                                      \
    X(LEX_ON, "on")                                                                                \
    X(LEX_IGNORING, "ignoring")                                                                    \
    X(LEX_GROUP_LEFT, "group_left")                                                                \
    X(LEX_GROUP_RIGHT, "group_right")                                                              \
    X(LEX_FILL, "fill")                                                                            \
    X(LEX_FILL_LEFT, "fill_left")                                                                  \
    X(LEX_FILL_RIGHT, "fill_right")                                                                \
    X(LEX_OFFSET, "offset")                                                                        \
    X(LEX_ANCHORED, "anchored")                                                                    \
    X(LEX_SMOOTHED, "smoothed")

/* Words that are functions, or parts of @ and of duration expressions. */
#define LEX_CALL_WORDS(X)                                                                          \
    X(LEX_START, "start")                                                                          \
    X(LEX_END, "end")                                                                              \
    X(LEX_STEP, "step")                                                                            \
    X(LEX_RANGE, "range")                                                                          \
    X(LEX_MAX_OF, "max_of")                                                                        \
    X(LEX_MIN_OF, "min_of")

enum lex_kind {
    LEX_EOF,
    LEX_ERROR, /* text is the message */
    LEX_IDENTIFIER,
    LEX_METRIC_IDENTIFIER, /* with a colon */
    LEX_STRING,            /* text with its quotes; its escapes are well formed */
    LEX_NUMBER,            /* text is not yet known to be a number */
    LEX_DURATION,          /* text is not yet known to be a duration */
    LEX_LEFT_PAREN,
    LEX_RIGHT_PAREN,
    LEX_LEFT_BRACE,
    LEX_RIGHT_BRACE,
    LEX_LEFT_BRACKET,
    LEX_RIGHT_BRACKET,
    LEX_COMMA,
    LEX_COLON,
    LEX_AT,
    LEX_ASSIGN,         /* = */
    LEX_MATCH_REGEX,    /* =~ */
    LEX_MATCH_NOT_REGEX, /* !~ */
    LEX_OPERATOR,       /* op tells which; != stands in matchers too */
    LEX_AGGREGATOR,     /* aggregator tells which */
#define X(kind, text) kind,
    LEX_KEYWORDS(X) LEX_CALL_WORDS(X)
#undef X
};

struct lex_token {
    enum lex_kind kind;
    union {
        enum promql_op op;          /* LEX_OPERATOR only */
        enum promql_agg aggregator; /* LEX_AGGREGATOR only */
    };
    uint32_t start;  /* offset of its first byte; of an error: what it is about */
    struct str text; /* a view into the query; of an error: its message, in the arena */
};

struct lexer {
    struct arena *arena; /* for messages and unquoted texts */
    struct str text;     /* borrowed; below 4 GiB */
    size_t start, at;    /* the token being read */
    size_t paren_depth;
    bool in_braces, in_brackets;
    bool in_duration;  /* just behind a bracket: only a duration expression may stand here */
    bool had_colon;    /* since the bracket opened  */
    bool had_duration; /* since the text began: as upstream */
};

void lex_init(struct lexer *l, struct arena *a, struct str text);
/* After LEX_EOF or LEX_ERROR it must not be called again. */
struct lex_token lex_next(struct lexer *l);

/* How error texts name a token: identifier "foo", <op:+>, end of input. */
void lex_describe(const struct lex_token *t, struct buf *to);
/* The value of a LEX_STRING, in the arena when it has escapes. */
struct str lex_unquote(struct arena *a, struct str quoted);
/* line:column, both from 1, columns in bytes; "unknown position" in an empty text. */
void lex_position(struct str text, size_t offset, struct buf *to);

static inline bool
lex_is_alpha(uint32_t rune)
{
    return rune == '_' || (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z');
}

static inline bool
lex_is_digit(uint32_t rune)
{
    return rune >= '0' && rune <= '9';
}

static inline bool
lex_is_space(uint32_t rune)
{
    return rune == ' ' || rune == '\t' || rune == '\n' || rune == '\r';
}
