/* grid/where_token.c -- cuts a `where` expression into words. */
#include "grid/where_token.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

/* Longer ones first, so that "<=" is not "<". */
static const struct {
    const char *text;
    gcr_token_kind kind;
} symbols[] = {
    { "**", GCR_TOKEN_POWER },   { "<=", GCR_TOKEN_LESS_EQUAL }, { ">=", GCR_TOKEN_GREATER_EQUAL },
    { "==", GCR_TOKEN_EQUAL },   { "!=", GCR_TOKEN_NOT_EQUAL },  { "&&", GCR_TOKEN_UNKNOWN },
    { "||", GCR_TOKEN_UNKNOWN }, { "<>", GCR_TOKEN_UNKNOWN },    { "//", GCR_TOKEN_UNKNOWN },
    { "<", GCR_TOKEN_LESS },     { ">", GCR_TOKEN_GREATER },     { "+", GCR_TOKEN_PLUS },
    { "-", GCR_TOKEN_MINUS },    { "*", GCR_TOKEN_TIMES },       { "/", GCR_TOKEN_DIVIDE },
    { "%", GCR_TOKEN_MODULO },   { "(", GCR_TOKEN_OPEN },        { ")", GCR_TOKEN_CLOSE },
    { ",", GCR_TOKEN_COMMA },
};

static const struct {
    const char *text;
    gcr_token_kind kind;
} keywords[] = {
    { "or", GCR_TOKEN_OR },
    { "and", GCR_TOKEN_AND },
    { "not", GCR_TOKEN_NOT },
};

static const struct {
    const char *foreign, *ours;
} translations[] = {
    { "=", "==" }, { "&&", "and" }, { "&", "and" }, { "||", "or" },
    { "|", "or" }, { "!", "not" },  { "^", "**" },  { "<>", "!=" },
};

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes beyond ASCII are letters: names may be in any script. */
static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 128;
}

static int is_word_part(char c)
{
    return is_letter(c) || is_digit(c);
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Digits, letters and points, and a sign that follows an exponent's "e". */
static int number_bytes(const char *at)
{
    int bytes = 0;

    while (is_word_part(at[bytes]) || at[bytes] == '.') {
        const int is_exponent = at[bytes] == 'e' || at[bytes] == 'E';

        bytes++;
        if (is_exponent && (at[bytes] == '+' || at[bytes] == '-'))
            bytes++;
    }
    return bytes;
}

static gcr_token read_number(const char *at)
{
    gcr_token token = { GCR_TOKEN_NUMBER, at, number_bytes(at), 0 };

    if (!gcr_parse_number(&token.number, at, (size_t)token.bytes))
        token.kind = GCR_TOKEN_UNKNOWN;
    return token;
}

static gcr_token read_word(const char *at)
{
    gcr_token token = { GCR_TOKEN_NAME, at, 0, 0 };

    while (is_word_part(at[token.bytes]))
        token.bytes++;
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        if (strlen(keywords[i].text) == (size_t)token.bytes &&
            memcmp(keywords[i].text, at, (size_t)token.bytes) == 0)
            token.kind = keywords[i].kind;
    return token;
}

static gcr_token read_symbol(const char *at)
{
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        const size_t bytes = strlen(symbols[i].text);

        if (strncmp(at, symbols[i].text, bytes) == 0)
            return (gcr_token){ symbols[i].kind, at, (int)bytes, 0 };
    }
    return (gcr_token){ GCR_TOKEN_UNKNOWN, at, 1, 0 };
}

gcr_token gcr_token_read(const char *at)
{
    at = skip_blanks(at);
    if (*at == '\0')
        return (gcr_token){ GCR_TOKEN_END, at, 0, 0 };
    if (is_digit(*at) || (*at == '.' && is_digit(at[1])))
        return read_number(at);
    if (is_letter(*at))
        return read_word(at);
    return read_symbol(at);
}

const char *gcr_token_meant(const gcr_token *token)
{
    for (size_t i = 0; i < sizeof translations / sizeof translations[0]; i++)
        if (strlen(translations[i].foreign) == (size_t)token->bytes &&
            memcmp(translations[i].foreign, token->begin, (size_t)token->bytes) == 0)
            return translations[i].ours;
    return NULL;
}
