/* data/job_schema.c -- walks mappings by their tables, and reads values of known type. */
#include "data/job_schema.h"

#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENTRIES_MAX = 32, /* of a table */
    FOUND_BYTES = 72, /* of what a sentence quotes */
    SUGGESTION_BYTES = 256,
};

/* ---- sentences ------------------------------------------------------------------------------- */

/* 'text' in quotes and on one line, shortened between two characters where it is long. */
static void quote(char out[FOUND_BYTES], const char *text)
{
    const int is_whole = strlen(text) < FOUND_BYTES - 8;
    size_t bytes = is_whole ? strlen(text) : FOUND_BYTES - 8;

    while (!is_whole && ((unsigned char)text[bytes] & 0xC0) == 0x80)
        bytes--;
    snprintf(out, FOUND_BYTES, "'%.*s%s'", (int)bytes, text, is_whole ? "" : "...");
    for (char *c = out; *c != '\0'; c++)
        if (*c == '\n' || *c == '\t')
            *c = ' ';
}

static const char *describe(char out[FOUND_BYTES], const gcr_node *node)
{
    if (node->kind == GCR_NODE_LIST)
        return node->count == 0 ? "an empty list" : "a list";
    if (node->kind == GCR_NODE_MAPPING)
        return "a mapping";
    quote(out, node->text);
    return out;
}

gcr_status gcr_node_refuse(const gcr_node *node, const char *wanted)
{
    gcr_status status = GCR_OK;
    char found[FOUND_BYTES];

    if (gcr_node_is_absent(node))
        GCR_FAIL(GCR_EINVAL, GCR_AT(node->mark, "'%s' has no value here; it takes %s"), node->label,
                 wanted);
    GCR_FAIL(GCR_EINVAL, GCR_AT(node->mark, "'%s' takes %s, not %s"), node->label, wanted,
             describe(found, node));
out:
    return status;
}

/* ---- mappings -------------------------------------------------------------------------------- */

gcr_status gcr_node_expect_mapping(const gcr_node *node, const char *of_what)
{
    gcr_status status = GCR_OK;
    char found[FOUND_BYTES];

    if (node->kind == GCR_NODE_MAPPING || gcr_node_is_absent(node))
        goto out;
    if (node->label == NULL)
        GCR_FAIL(GCR_EINVAL, GCR_AT(node->mark, "a job file must be a mapping%s, not %s"), of_what,
                 describe(found, node));
    GCR_FAIL(GCR_EINVAL, GCR_AT(node->mark, "'%s' is %s here; it must be a mapping%s"), node->label,
             describe(found, node), of_what);
out:
    return status;
}

/* " in 'data'", or nothing at the top of the file. */
static void describe_place(char out[FOUND_BYTES + 8], const gcr_node *mapping)
{
    out[0] = '\0';
    if (mapping->label != NULL)
        snprintf(out, FOUND_BYTES + 8, " in '%s'", mapping->label);
}

static gcr_status refuse_key(const gcr_node *mapping, const gcr_node *entry,
                             const gcr_schema *schema)
{
    gcr_status status = GCR_OK;
    const char *keys[ENTRIES_MAX];
    char place[FOUND_BYTES + 8], suggestion[SUGGESTION_BYTES];

    for (int i = 0; i < schema->count; i++)
        keys[i] = schema->entries[i].key;
    gcr_suggest(suggestion, sizeof suggestion, entry->key, keys, schema->count);
    describe_place(place, mapping);
    GCR_FAIL(GCR_EINVAL, GCR_AT(entry->key_mark, "unknown key '%s'%s%s"), entry->key, place,
             suggestion);
out:
    return status;
}

static const gcr_schema_entry *find_entry(const gcr_schema *schema, const char *key)
{
    for (int i = 0; i < schema->count; i++)
        if (strcmp(schema->entries[i].key, key) == 0)
            return &schema->entries[i];
    return NULL;
}

static gcr_status check_required(const gcr_node *mapping, const gcr_schema *schema)
{
    gcr_status status = GCR_OK;
    char place[FOUND_BYTES + 8];

    describe_place(place, mapping);
    for (int i = 0; i < schema->count; i++)
        if (schema->entries[i].is_required && !gcr_node_get(mapping, schema->entries[i].key))
            GCR_FAIL(GCR_EINVAL, GCR_AT(mapping->mark, "the key '%s' is missing%s"),
                     schema->entries[i].key, place);
out:
    return status;
}

gcr_status gcr_schema_read(gcr_job *job, const gcr_node *mapping, const gcr_schema *schema)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_node_expect_mapping(mapping, ""));
    for (const gcr_node *node = mapping->first; node != NULL; node = node->next) {
        const gcr_schema_entry *const entry = find_entry(schema, node->key);

        if (entry == NULL)
            GCR_TRY(refuse_key(mapping, node, schema));
        else
            GCR_TRY(entry->read(job, node));
    }
    GCR_TRY(check_required(mapping, schema));
out:
    return status;
}

/* ---- values ---------------------------------------------------------------------------------- */

int gcr_node_is(const gcr_node *node, const char *text)
{
    return node->kind == GCR_NODE_TEXT && strcmp(node->text, text) == 0;
}

gcr_mark gcr_node_text_mark(const gcr_node *node)
{
    gcr_mark mark = node->mark;

    mark.column += !node->is_plain;
    return mark;
}

gcr_status gcr_node_read_text(char **out, const gcr_node *node, const char *wanted)
{
    if (node->kind != GCR_NODE_TEXT || node->text[0] == '\0')
        return gcr_node_refuse(node, wanted);
    free(*out);
    return gcr_text_copy(out, node->text, strlen(node->text));
}

gcr_status gcr_node_read_line(char **out, const gcr_node *node, const char *wanted)
{
    if (strpbrk(node->text, "\n\t") != NULL)
        return gcr_node_refuse(node, wanted);
    return gcr_node_read_text(out, node, wanted);
}

/* The first of the nodes that a value stands for: a list's items, or the node itself. */
static const gcr_node *first_of(const gcr_node *node)
{
    return node->kind == GCR_NODE_LIST ? node->first : node;
}

static const gcr_node *next_of(const gcr_node *list, const gcr_node *item)
{
    return list->kind == GCR_NODE_LIST ? item->next : NULL;
}

static size_t count_of(const gcr_node *node)
{
    return node->kind == GCR_NODE_LIST ? node->count : 1;
}

gcr_status gcr_node_read_names(gcr_name_list *out, const gcr_node *node, const char *wanted)
{
    gcr_status status = GCR_OK;
    const size_t count = count_of(node);

    if (count == 0)
        GCR_TRY(gcr_node_refuse(node, wanted));
    out->names = calloc(count, sizeof *out->names);
    out->marks = calloc(count, sizeof *out->marks);
    if (out->names == NULL || out->marks == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the names of '%s'", node->label);
    for (const gcr_node *item = first_of(node); item != NULL; item = next_of(node, item)) {
        GCR_TRY(gcr_node_read_text(&out->names[out->count], item, wanted));
        out->marks[out->count++] = item->mark;
    }
out:
    return status;
}

gcr_status gcr_node_read_number(double *out, const gcr_node *node, const char *wanted)
{
    if (node->kind != GCR_NODE_TEXT || !gcr_parse_number(out, node->text, strlen(node->text)) ||
        !isfinite(*out))
        return gcr_node_refuse(node, wanted);
    return GCR_OK;
}

gcr_status gcr_node_read_numbers(double **out, uint64_t *count_out, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    const size_t count = count_of(node);

    if (count == 0)
        GCR_TRY(gcr_node_refuse(node, "at least one number"));
    *out = calloc(count, sizeof **out);
    if (*out == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the numbers of '%s'", node->label);
    for (const gcr_node *item = first_of(node); item != NULL; item = next_of(node, item))
        GCR_TRY(gcr_node_read_number(&(*out)[(*count_out)++], item, "finite numbers"));
out:
    return status;
}

gcr_status gcr_node_read_whole(uint64_t *out, const gcr_node *node, uint64_t least, uint64_t most,
                               const char *wanted)
{
    const char *const text = node->text;

    errno = 0;
    *out = strtoull(text, NULL, 10);
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0' || errno == ERANGE ||
        *out < least || *out > most)
        return gcr_node_refuse(node, wanted);
    return GCR_OK;
}

/* "auto, static or cyclic" */
static void list_words(char *out, size_t bytes, const char *const *words, int count)
{
    size_t used = 0;

    for (int i = 0; i < count && used < bytes; i++) {
        const char *const joint = i == 0 ? "" : i == count - 1 ? " or " : ", ";

        used += (size_t)snprintf(out + used, bytes - used, "%s%s", joint, words[i]);
    }
}

gcr_status gcr_node_read_choice(int *out, const gcr_node *node, const char *const *words, int count)
{
    gcr_status status = GCR_OK;
    const char *near = NULL;
    char wanted[SUGGESTION_BYTES], found[FOUND_BYTES];

    for (int i = 0; i < count; i++) {
        if (gcr_node_is(node, words[i])) {
            *out = i;
            goto out;
        }
    }
    list_words(wanted, sizeof wanted, words, count);
    if (node->kind == GCR_NODE_TEXT)
        near = gcr_nearest_word(node->text, words, count);
    if (near == NULL)
        GCR_TRY(gcr_node_refuse(node, wanted));
    GCR_FAIL(GCR_EINVAL, GCR_AT(node->mark, "'%s' takes %s, not %s (did you mean '%s'?)"),
             node->label, wanted, describe(found, node), near);
out:
    return status;
}
