/* data/job_summary.c -- the mapping `summary` of a job file: names of the person's choice, each
 * with a small call such as argmax(lml), beside the two reserved keys `top` and `nan`. */
#include "data/job_schema.h"
#include "data/job_sections.h"

#include "base/text.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 32 };

static const char call_wanted[] = "argmax(OUTPUT), argmin, mean, min, max or quantile(OUTPUT, 0.5)";

/* ---- op(argument, extra) --------------------------------------------------------------------- */

typedef struct span {
    const char *begin, *end;
} span;

typedef struct call {
    span op, argument, extra; /* without blanks around; extra.begin is NULL where there is none */
} call;

static span trim(const char *begin, const char *end)
{
    while (begin < end && isspace((unsigned char)*begin))
        begin++;
    while (begin < end && isspace((unsigned char)end[-1]))
        end--;
    return (span){ begin, end };
}

static size_t span_bytes(span piece)
{
    return (size_t)(piece.end - piece.begin);
}

/* False if the text is not a call at all. */
static int split_call(call *out, const char *text)
{
    const span all = trim(text, text + strlen(text));
    const char *const open = strchr(text, '(');
    const char *const close = all.end - 1;
    const char *comma;

    if (open == NULL || close <= open || *close != ')' || strpbrk(text, "\n\t") != NULL)
        return 0;
    comma = memchr(open, ',', (size_t)(close - open));
    out->op = trim(text, open);
    out->argument = trim(open + 1, comma != NULL ? comma : close);
    out->extra = comma != NULL ? trim(comma + 1, close) : (span){ NULL, NULL };
    return span_bytes(out->op) > 0 && span_bytes(out->argument) > 0;
}

static gcr_mark span_mark(const gcr_node *node, span piece)
{
    gcr_mark mark = gcr_node_text_mark(node);

    mark.column += (int)(piece.begin - node->text);
    return mark;
}

/* ---- one summary ----------------------------------------------------------------------------- */

static gcr_status find_op(gcr_summary_op *out, const gcr_node *node, span op)
{
    gcr_status status = GCR_OK;
    const char *known[GCR_SUMMARY_OP_COUNT];
    char word[WORD_BYTES], suggestion[128];

    snprintf(word, sizeof word, "%.*s", (int)span_bytes(op), op.begin);
    for (int i = 0; i < GCR_SUMMARY_OP_COUNT; i++) {
        known[i] = gcr_summary_op_name((gcr_summary_op)i);
        if (strcmp(word, known[i]) == 0) {
            *out = (gcr_summary_op)i;
            goto out;
        }
    }
    gcr_suggest(suggestion, sizeof suggestion, word, known, GCR_SUMMARY_OP_COUNT);
    GCR_FAIL(GCR_EINVAL, GCR_AT(span_mark(node, op), "unknown summary '%s'%s"), word, suggestion);
out:
    return status;
}

static gcr_status read_extra(gcr_summary_spec *summary, const gcr_node *node, span extra)
{
    gcr_status status = GCR_OK;
    const int is_quantile = summary->op == GCR_SUMMARY_QUANTILE;

    if (is_quantile != (extra.begin != NULL))
        GCR_TRY(gcr_node_refuse(node, call_wanted));
    if (is_quantile && (!gcr_parse_number(&summary->q, extra.begin, span_bytes(extra)) ||
                        !(summary->q >= 0 && summary->q <= 1)))
        GCR_FAIL(GCR_EINVAL,
                 GCR_AT(span_mark(node, extra), "a quantile lies between 0 and 1, unlike '%.*s'"),
                 (int)span_bytes(extra), extra.begin);
out:
    return status;
}

static gcr_status read_call(gcr_summary_spec *summary, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    call parts = { 0 };

    if (node->kind != GCR_NODE_TEXT || !split_call(&parts, node->text))
        GCR_TRY(gcr_node_refuse(node, call_wanted));
    GCR_TRY(find_op(&summary->op, node, parts.op));
    GCR_TRY(read_extra(summary, node, parts.extra));
    summary->output_mark = span_mark(node, parts.argument);
    GCR_TRY(gcr_text_copy(&summary->output, parts.argument.begin, span_bytes(parts.argument)));
out:
    return status;
}

/* A summary's name becomes the name of arrays and columns. */
static int is_identifier(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

    return !isdigit((unsigned char)text[0]) && text[strspn(text, allowed)] == '\0';
}

static gcr_status read_summary(gcr_summary_spec *summary, const gcr_node *node)
{
    gcr_status status = GCR_OK;

    summary->mark = node->key_mark;
    if (!is_identifier(node->key))
        GCR_FAIL(GCR_EINVAL,
                 GCR_AT(node->key_mark, "a summary is named with letters, digits and _, unlike "
                                        "'%s'"),
                 node->key);
    GCR_TRY(gcr_text_copy(&summary->name, node->key, strlen(node->key)));
    GCR_TRY(read_call(summary, node));
out:
    return status;
}

/* ---- the mapping ----------------------------------------------------------------------------- */

static gcr_status read_top(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    uint64_t top;

    GCR_TRY(gcr_node_read_whole(&top, node, 1, INT_MAX, "a whole number >= 1"));
    job->top = (int)top;
out:
    return status;
}

static gcr_status read_nan(gcr_job *job, const gcr_node *node)
{
    static const char *const words[] = { "skip", "propagate" };

    return gcr_node_read_choice(&job->nan_propagates, node, words, 2);
}

static gcr_status check_top(const gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < job->summary_count; i++)
        if (job->summaries[i].op == GCR_SUMMARY_ARGMAX ||
            job->summaries[i].op == GCR_SUMMARY_ARGMIN)
            goto out;
    if (job->top > 0)
        GCR_FAIL(GCR_EINVAL, GCR_AT(gcr_node_get(node, "top")->key_mark,
                                    "'top' goes with an argmax or argmin, and there is none"));
out:
    return status;
}

gcr_status gcr_job_read_summary(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_node_expect_mapping(node, " such as {best: argmax(OUTPUT)}"));
    job->summaries = calloc(node->count + 1, sizeof *job->summaries);
    if (job->summaries == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the summaries");
    for (const gcr_node *entry = node->first; entry != NULL; entry = entry->next) {
        if (strcmp(entry->key, "top") == 0)
            GCR_TRY(read_top(job, entry));
        else if (strcmp(entry->key, "nan") == 0)
            GCR_TRY(read_nan(job, entry));
        else
            GCR_TRY(read_summary(&job->summaries[job->summary_count++], entry));
    }
    GCR_TRY(check_top(job, node));
out:
    return status;
}
