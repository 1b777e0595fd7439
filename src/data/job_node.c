/* data/job_node.c -- the tree of a job file. Depth is bounded by whoever builds it, so that
 * recursion is safe. */
#include "data/job_node.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES_MAX = 64 };

gcr_status gcr_node_create(gcr_node **out, gcr_node_kind kind, gcr_mark mark, const char *text,
                           size_t bytes)
{
    gcr_status status = GCR_OK;
    gcr_node *node = calloc(1, sizeof *node + bytes + 1);

    *out = NULL;
    if (node == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the job file");
    node->kind = kind;
    node->mark = mark;
    if (text != NULL)
        memcpy(node->text, text, bytes);
    *out = node;
out:
    return status;
}

void gcr_node_destroy(gcr_node *node)
{
    if (node == NULL)
        return;
    for (gcr_node *child = node->first; child != NULL;) {
        gcr_node *next = child->next;

        gcr_node_destroy(child);
        child = next;
    }
    free(node->key);
    free(node);
}

/* The children of a list are spoken of by the list's own key. */
static void set_label(gcr_node *node, const char *label)
{
    node->label = label;
    if (node->kind == GCR_NODE_LIST)
        for (gcr_node *item = node->first; item != NULL; item = item->next)
            set_label(item, label);
}

static int is_one_line(const char *key, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)key[i] < ' ')
            return 0;
    return 1;
}

gcr_status gcr_node_set_key(gcr_node *node, gcr_mark mark, const char *key, size_t bytes)
{
    gcr_status status = GCR_OK;

    if (bytes == 0)
        GCR_FAIL(GCR_EINVAL, GCR_AT(mark, "a key is empty"));
    if (bytes > KEY_BYTES_MAX || !is_one_line(key, bytes))
        GCR_FAIL(GCR_EINVAL, GCR_AT(mark, "a key is one line of at most %d bytes"), KEY_BYTES_MAX);
    GCR_TRY(gcr_text_copy(&node->key, key, bytes));
    node->key_mark = mark;
    set_label(node, node->key);
out:
    return status;
}

void gcr_node_add(gcr_node *list, gcr_node *item)
{
    *(list->last == NULL ? &list->first : &list->last->next) = item;
    list->last = item;
    list->count++;
    if (item->key == NULL)
        set_label(item, list->label);
}

void gcr_node_put(gcr_node *mapping, gcr_node *entry)
{
    gcr_node *before = NULL;
    gcr_node *old = mapping->first;

    for (; old != NULL && strcmp(old->key, entry->key) != 0; old = old->next)
        before = old;
    if (old == NULL) {
        gcr_node_add(mapping, entry);
        return;
    }
    *(before == NULL ? &mapping->first : &before->next) = entry;
    entry->next = old->next;
    if (mapping->last == old)
        mapping->last = entry;
    gcr_node_destroy(old);
}

gcr_node *gcr_node_get(const gcr_node *mapping, const char *key)
{
    gcr_node *entry = mapping->first;

    while (entry != NULL && strcmp(entry->key, key) != 0)
        entry = entry->next;
    return entry;
}

int gcr_node_is_absent(const gcr_node *node)
{
    return node->kind == GCR_NODE_TEXT && node->is_plain && node->text[0] == '\0';
}
