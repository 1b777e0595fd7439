/* grid/where_token.h -- the words of a `where` expression. */
#ifndef GCR_GRID_WHERE_TOKEN_H
#define GCR_GRID_WHERE_TOKEN_H

typedef enum gcr_token_kind {
    GCR_TOKEN_END,
    GCR_TOKEN_NUMBER,
    GCR_TOKEN_NAME,
    GCR_TOKEN_OR,
    GCR_TOKEN_AND,
    GCR_TOKEN_NOT,
    GCR_TOKEN_LESS,
    GCR_TOKEN_LESS_EQUAL,
    GCR_TOKEN_GREATER,
    GCR_TOKEN_GREATER_EQUAL,
    GCR_TOKEN_EQUAL,
    GCR_TOKEN_NOT_EQUAL,
    GCR_TOKEN_PLUS,
    GCR_TOKEN_MINUS,
    GCR_TOKEN_TIMES,
    GCR_TOKEN_DIVIDE,
    GCR_TOKEN_MODULO,
    GCR_TOKEN_POWER,
    GCR_TOKEN_OPEN,
    GCR_TOKEN_CLOSE,
    GCR_TOKEN_COMMA,
    GCR_TOKEN_UNKNOWN, /* no word of the language */
} gcr_token_kind;

typedef struct gcr_token {
    gcr_token_kind kind;
    const char *begin; /* into the text */
    int bytes;
    double number; /* of a NUMBER */
} gcr_token;

/* The token at or after `at`, blanks skipped. What cannot be read is UNKNOWN, as far as it seems
 * to be one word: "2x", "&&". */
gcr_token gcr_token_read(const char *at);

/* For somebody who writes another language: "==" for "=", or NULL. */
const char *gcr_token_meant(const gcr_token *token);

#endif /* GCR_GRID_WHERE_TOKEN_H */
