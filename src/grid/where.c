/*
 * grid/where.c -- compiles a `where` expression, by recursive descent, one function per level of
 * precedence (Python's):
 *
 *     or         : and ("or" and)*
 *     and        : not ("and" not)*
 *     not        : "not" not | comparison
 *     comparison : sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)*
 *     sum        : product (("+" | "-") product)*
 *     product    : unary (("*" | "/" | "%") unary)*
 *     unary      : "-" unary | power
 *     power      : atom ["**" unary]
 *     atom       : number | name | name "(" or ("," or)* ")" | "(" or ")"
 *
 * Each leaves the code that pushes its value, and the type of that value in `is_truth`. Types are
 * checked here, so that `noise and 1` is a mistake with a place and not a point left out in
 * silence.
 */
#include "grid/where.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "grid/where_program.h"
#include "grid/where_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_MAX = 65536,
    /* Levels of recursion; an open parenthesis takes three. Between two levels at most four
     * values lie on the stack of the machine, so that it cannot overflow. */
    NESTING_MAX = GCR_WHERE_STACK_MAX / 4 - 1,
};

struct gcr_where {
    gcr_where_step *steps;
    int step_count;
};

typedef struct compiler {
    const char *text;
    gcr_mark mark; /* of the text */
    const char *const *names;
    int name_count;
    gcr_where *where; /* a step for each character has room */
    gcr_token token;  /* the next one */
    int is_truth;     /* the value that was compiled last */
    int nesting;
} compiler;

static const struct {
    const char *name;
    gcr_where_op op;
    int is_variadic; /* two or more arguments; else one */
} functions[] = {
    { "abs", GCR_OP_ABS, 0 }, { "sqrt", GCR_OP_SQRT, 0 },   { "exp", GCR_OP_EXP, 0 },
    { "log", GCR_OP_LOG, 0 }, { "log10", GCR_OP_LOG10, 0 }, { "min", GCR_OP_MIN, 1 },
    { "max", GCR_OP_MAX, 1 }, { "floor", GCR_OP_FLOOR, 0 }, { "ceil", GCR_OP_CEIL, 0 },
};
enum { FUNCTION_COUNT = sizeof functions / sizeof functions[0] };

static const gcr_where_op op_of_token[] = {
    [GCR_TOKEN_OR] = GCR_OP_OR,           [GCR_TOKEN_AND] = GCR_OP_AND,
    [GCR_TOKEN_LESS] = GCR_OP_LESS,       [GCR_TOKEN_LESS_EQUAL] = GCR_OP_LESS_EQUAL,
    [GCR_TOKEN_GREATER] = GCR_OP_GREATER, [GCR_TOKEN_GREATER_EQUAL] = GCR_OP_GREATER_EQUAL,
    [GCR_TOKEN_EQUAL] = GCR_OP_EQUAL,     [GCR_TOKEN_NOT_EQUAL] = GCR_OP_NOT_EQUAL,
    [GCR_TOKEN_PLUS] = GCR_OP_ADD,        [GCR_TOKEN_MINUS] = GCR_OP_SUBTRACT,
    [GCR_TOKEN_TIMES] = GCR_OP_MULTIPLY,  [GCR_TOKEN_DIVIDE] = GCR_OP_DIVIDE,
    [GCR_TOKEN_MODULO] = GCR_OP_MODULO,
};

static gcr_status compile_or(compiler *c);
static gcr_status compile_unary(compiler *c);

/* ---- mistakes ------------------------------------------------------------------------------- */

/* The place of `token`. In text over several lines only the place of the whole is known. */
static const char *format_place(char place[GCR_MARK_BYTES], const compiler *c,
                                const gcr_token *token)
{
    gcr_mark mark = c->mark;

    if (strchr(c->text, '\n') == NULL)
        for (const char *at = c->text; at < token->begin; at++)
            mark.column += ((unsigned char)*at & 0xc0) != 0x80; /* characters, not bytes */
    return gcr_format_mark(place, mark);
}

/* GCR_EINVAL: `expected` is what should stand where `token` does. */
static gcr_status fail_unexpected(const compiler *c, const gcr_token *token, const char *expected)
{
    gcr_status status = GCR_OK;
    const char *meant = gcr_token_meant(token);
    char place[GCR_MARK_BYTES];

    format_place(place, c, token);
    if (meant != NULL)
        GCR_FAIL(GCR_EINVAL, "%s'where' does not know '%.*s': write '%s'", place, token->bytes,
                 token->begin, meant);
    if (token->kind == GCR_TOKEN_END)
        GCR_FAIL(GCR_EINVAL, "%s'where' ends where %s should follow", place, expected);
    GCR_FAIL(GCR_EINVAL, "%s'%.*s' in 'where' stands where %s should be", place, token->bytes,
             token->begin, expected);
out:
    return status;
}

static gcr_status fail_unknown(const compiler *c, const gcr_token *token, const char *kind,
                               const char *const *candidates, int count)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES], word[64], suggestion[256];

    snprintf(word, sizeof word, "%.*s", token->bytes, token->begin);
    gcr_suggest(suggestion, sizeof suggestion, word, candidates, count);
    GCR_FAIL(GCR_EINVAL, "%sunknown %s '%s' in 'where'%s", format_place(place, c, token), kind,
             word, suggestion);
out:
    return status;
}

/* Refuses the value that was compiled last unless it is of the type that `user` takes. */
static gcr_status want(const compiler *c, int truth, const gcr_token *user)
{
    gcr_status status = GCR_OK;
    static const char *const types[] = { "a number", "a truth value" };
    char place[GCR_MARK_BYTES];

    if (c->is_truth != truth)
        GCR_FAIL(GCR_EINVAL, "%s'%.*s' in 'where' takes %ss, not %s", format_place(place, c, user),
                 user->bytes, user->begin, types[truth] + 2, types[c->is_truth]);
out:
    return status;
}

static gcr_status enter(compiler *c)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    if (++c->nesting > NESTING_MAX)
        GCR_FAIL(GCR_EINVAL, "%s'where' is nested too deeply", format_place(place, c, &c->token));
out:
    return status;
}

static void leave(compiler *c)
{
    c->nesting--;
}

/* ---- pieces --------------------------------------------------------------------------------- */

static void advance(compiler *c)
{
    c->token = gcr_token_read(c->token.begin + c->token.bytes);
}

/* The token that was next; the one after it is next now. */
static gcr_token take(compiler *c)
{
    const gcr_token token = c->token;

    advance(c);
    return token;
}

static gcr_status expect(compiler *c, gcr_token_kind kind, const char *name)
{
    gcr_status status = GCR_OK;

    if (c->token.kind != kind)
        GCR_TRY(fail_unexpected(c, &c->token, name));
    advance(c);
out:
    return status;
}

/* Every step comes from a token of its own, so there is room. */
static gcr_where_step *emit(compiler *c, gcr_where_op op, int is_truth)
{
    gcr_where_step *step = &c->where->steps[c->where->step_count++];

    step->op = (uint8_t)op;
    c->is_truth = is_truth;
    return step;
}

static int is_word(const gcr_token *token, const char *word)
{
    return strlen(word) == (size_t)token->bytes &&
           memcmp(word, token->begin, (size_t)token->bytes) == 0;
}

static int is_between(gcr_token_kind kind, gcr_token_kind first, gcr_token_kind last)
{
    return kind >= first && kind <= last;
}

/* ---- the grammar, from the inside out ------------------------------------------------------- */

static gcr_status compile_parameter(compiler *c, const gcr_token *name)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < c->name_count; i++)
        if (is_word(name, c->names[i])) {
            emit(c, GCR_OP_PARAMETER, 0)->index = i;
            goto out;
        }
    GCR_TRY(fail_unknown(c, name, "parameter", c->names, c->name_count));
out:
    return status;
}

static gcr_status find_function(int *out, const compiler *c, const gcr_token *name)
{
    gcr_status status = GCR_OK;
    const char *names[FUNCTION_COUNT];

    for (*out = 0; *out < FUNCTION_COUNT; ++*out) {
        if (is_word(name, functions[*out].name))
            goto out;
        names[*out] = functions[*out].name;
    }
    GCR_TRY(fail_unknown(c, name, "function", names, FUNCTION_COUNT));
out:
    return status;
}

static gcr_status compile_argument(compiler *c, const gcr_token *function)
{
    gcr_status status = GCR_OK;

    GCR_TRY(compile_or(c));
    GCR_TRY(want(c, 0, function));
out:
    return status;
}

/* min(a, b, c) is min(min(a, b), c). */
static gcr_status compile_call(compiler *c, const gcr_token *name)
{
    gcr_status status = GCR_OK;
    int function, count = 1;
    char place[GCR_MARK_BYTES];

    GCR_TRY(find_function(&function, c, name));
    advance(c); /* the "(" */
    GCR_TRY(compile_argument(c, name));
    for (; c->token.kind == GCR_TOKEN_COMMA; count++) {
        advance(c);
        GCR_TRY(compile_argument(c, name));
        if (functions[function].is_variadic)
            emit(c, functions[function].op, 0);
    }
    GCR_TRY(expect(c, GCR_TOKEN_CLOSE, "')'"));
    if (functions[function].is_variadic ? count < 2 : count > 1)
        GCR_FAIL(GCR_EINVAL, "%s'%s' in 'where' takes %s", format_place(place, c, name),
                 functions[function].name,
                 functions[function].is_variadic ? "two numbers or more" : "one number");
    if (!functions[function].is_variadic)
        emit(c, functions[function].op, 0);
out:
    return status;
}

static gcr_status compile_group(compiler *c)
{
    gcr_status status = GCR_OK;

    advance(c); /* the "(" */
    GCR_TRY(compile_or(c));
    GCR_TRY(expect(c, GCR_TOKEN_CLOSE, "')'"));
out:
    return status;
}

static gcr_status compile_atom(compiler *c)
{
    gcr_status status = GCR_OK;
    const gcr_token token = c->token;

    GCR_TRY(enter(c));
    switch (token.kind) {
    case GCR_TOKEN_NUMBER:
        advance(c);
        emit(c, GCR_OP_NUMBER, 0)->number = token.number;
        break;
    case GCR_TOKEN_NAME:
        advance(c);
        if (c->token.kind == GCR_TOKEN_OPEN)
            GCR_TRY(compile_call(c, &token));
        else
            GCR_TRY(compile_parameter(c, &token));
        break;
    case GCR_TOKEN_OPEN: GCR_TRY(compile_group(c)); break;
    default: GCR_TRY(fail_unexpected(c, &token, "a number, a name or '('"));
    }
    leave(c);
out:
    return status;
}

/* ** binds tighter than a minus on its left and looser than one on its right: -2**-1 is -(2**(-1)).
 */
static gcr_status compile_power(compiler *c)
{
    gcr_status status = GCR_OK;
    gcr_token op;

    GCR_TRY(compile_atom(c));
    if (c->token.kind != GCR_TOKEN_POWER)
        goto out;
    op = take(c);
    GCR_TRY(want(c, 0, &op));
    GCR_TRY(compile_unary(c));
    GCR_TRY(want(c, 0, &op));
    emit(c, GCR_OP_POWER, 0);
out:
    return status;
}

static gcr_status compile_unary(compiler *c)
{
    gcr_status status = GCR_OK;
    gcr_token op;

    GCR_TRY(enter(c));
    if (c->token.kind == GCR_TOKEN_MINUS) {
        op = take(c);
        GCR_TRY(compile_unary(c));
        GCR_TRY(want(c, 0, &op));
        emit(c, GCR_OP_NEGATE, 0);
    } else {
        GCR_TRY(compile_power(c));
    }
    leave(c);
out:
    return status;
}

/* A level of operators first .. last that group from the left; `truth`: what they take and give. */
static gcr_status compile_level(compiler *c, gcr_status (*inner)(compiler *c), gcr_token_kind first,
                                gcr_token_kind last, int truth)
{
    gcr_status status = GCR_OK;
    gcr_token op;

    GCR_TRY(inner(c));
    while (is_between(c->token.kind, first, last)) {
        op = take(c);
        GCR_TRY(want(c, truth, &op));
        GCR_TRY(inner(c));
        GCR_TRY(want(c, truth, &op));
        emit(c, op_of_token[op.kind], truth);
    }
out:
    return status;
}

static gcr_status compile_product(compiler *c)
{
    return compile_level(c, compile_unary, GCR_TOKEN_TIMES, GCR_TOKEN_MODULO, 0);
}

static gcr_status compile_sum(compiler *c)
{
    return compile_level(c, compile_product, GCR_TOKEN_PLUS, GCR_TOKEN_MINUS, 0);
}

static int is_comparison(const gcr_token *token)
{
    return is_between(token->kind, GCR_TOKEN_LESS, GCR_TOKEN_NOT_EQUAL);
}

static gcr_status compile_comparison(compiler *c)
{
    gcr_status status = GCR_OK;
    uint8_t joins = 0;
    gcr_token op;

    GCR_TRY(compile_sum(c));
    while (is_comparison(&c->token)) {
        gcr_where_step *step;

        op = take(c);
        GCR_TRY(want(c, 0, &op));
        GCR_TRY(compile_sum(c));
        GCR_TRY(want(c, 0, &op));
        step = emit(c, op_of_token[op.kind], 1);
        step->joins = joins;
        step->keeps = is_comparison(&c->token) ? 1 : 0;
        c->is_truth = !step->keeps; /* a number that is kept is what comes to lie on top */
        joins = 1;
    }
out:
    return status;
}

static gcr_status compile_not(compiler *c)
{
    gcr_status status = GCR_OK;
    gcr_token op;

    GCR_TRY(enter(c));
    if (c->token.kind == GCR_TOKEN_NOT) {
        op = take(c);
        GCR_TRY(compile_not(c));
        GCR_TRY(want(c, 1, &op));
        emit(c, GCR_OP_NOT, 1);
    } else {
        GCR_TRY(compile_comparison(c));
    }
    leave(c);
out:
    return status;
}

static gcr_status compile_and(compiler *c)
{
    return compile_level(c, compile_not, GCR_TOKEN_AND, GCR_TOKEN_AND, 1);
}

static gcr_status compile_or(compiler *c)
{
    return compile_level(c, compile_and, GCR_TOKEN_OR, GCR_TOKEN_OR, 1);
}

static gcr_status compile(compiler *c)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    c->token = gcr_token_read(c->text);
    GCR_TRY(compile_or(c));
    if (c->token.kind != GCR_TOKEN_END)
        GCR_TRY(fail_unexpected(c, &c->token, "an operator or the end"));
    if (!c->is_truth)
        GCR_FAIL(GCR_EINVAL, "%s'where' must be true or false for a point, not a number: %s",
                 gcr_format_mark(place, c->mark), c->text);
out:
    return status;
}

/* ---- from outside --------------------------------------------------------------------------- */

gcr_status gcr_where_create(gcr_where **out, const char *text, gcr_mark mark,
                            const char *const *names, int name_count)
{
    gcr_status status = GCR_OK;
    compiler c = { .text = text, .mark = mark, .names = names, .name_count = name_count };
    const size_t bytes = strlen(text);
    gcr_where *where = NULL;
    void *steps;
    char place[GCR_MARK_BYTES];

    *out = NULL;
    if (bytes > TEXT_MAX)
        GCR_FAIL(GCR_EINVAL, "%s'where' is longer than %d characters", gcr_format_mark(place, mark),
                 TEXT_MAX);
    where = calloc(1, sizeof *where);
    if (where == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for 'where'");
    GCR_TRY(gcr_memory_create(&steps, bytes, sizeof *where->steps, "'where'"));
    where->steps = steps;
    c.where = where;
    GCR_TRY(compile(&c));
    *out = where;
    where = NULL;
out:
    gcr_where_destroy(where);
    return status;
}

void gcr_where_destroy(gcr_where *where)
{
    if (where == NULL)
        return;
    gcr_memory_destroy(where->steps);
    free(where);
}

int gcr_where_holds(const gcr_where *where, const double *values)
{
    return gcr_where_run(where->steps, where->step_count, values);
}
