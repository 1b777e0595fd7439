/*
 * data/job_node.h -- a job file as a tree, before anybody has asked what it means.
 *
 * A node is text, a list or a mapping. YAML's own types (booleans, null, numbers) are not looked
 * at: all of them are text here and are read by our schema, which is how `1e-3` is a number and a
 * country called NO stays a country. Mappings keep the order of the file, because the order of the
 * grid's axes is the nesting order, and what replaces an entry takes its place.
 */
#ifndef GCR_DATA_JOB_NODE_H
#define GCR_DATA_JOB_NODE_H

#include "base/check.h"

#include "gridcrunch/job.h"

#include <stddef.h>
#include <stdint.h>

typedef enum gcr_node_kind {
    GCR_NODE_TEXT,
    GCR_NODE_LIST,
    GCR_NODE_MAPPING,
} gcr_node_kind;

typedef struct gcr_node gcr_node;

struct gcr_node {
    gcr_node_kind kind;
    gcr_mark mark;     /* its `source` is borrowed from the job                             */
    char *key;         /* in a mapping: its key; else NULL                                  */
    gcr_mark key_mark; /* where the key stands                                              */
    const char *label; /* its key, or that of the list it is in; NULL at the root. Borrowed */
    gcr_node *first;   /* items of a list, entries of a mapping ...                         */
    gcr_node *last;
    gcr_node *next; /* ... in the order of the file                                      */
    uint64_t count; /* how many                                                          */
    int is_plain;   /* text without quotes                                               */
    char text[];    /* terminated; of a list or a mapping: empty                         */
};

/* `printf` arguments that put a place in front of a sentence:
 *     GCR_FAIL(GCR_EINVAL, GCR_AT(node->mark, "'%s' is given twice"), node->key); */
#define GCR_AT(mark, format) "%s:%d:%d: " format, (mark).source, (mark).line, (mark).column

/* A node of its own; `text` (`bytes` of it) may be NULL. The caller destroys it. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_node_create(gcr_node **out, gcr_node_kind kind, gcr_mark mark,
                                          const char *text, size_t bytes);

/* Destroys a node and all below it. NULL is allowed. */
void gcr_node_destroy(gcr_node *node);

/* Gives `node` a key of `bytes`. GCR_EINVAL: the key is empty, very long or not one line of
 * text. */
GCR_MUST_CHECK gcr_status gcr_node_set_key(gcr_node *node, gcr_mark mark, const char *key,
                                           size_t bytes);

/* Appends `item` to a list. The list owns it from here on. */
void gcr_node_add(gcr_node *list, gcr_node *item);

/* Puts `entry`, which has a key, into a mapping: in the place of the entry of the same key, which
 * is destroyed, or at the end. The mapping owns it from here on. */
void gcr_node_put(gcr_node *mapping, gcr_node *entry);

/* The entry of that key, or NULL. The mapping's own. */
gcr_node *gcr_node_get(const gcr_node *mapping, const char *key);

/* True for what `key:` alone gives: no value at all. */
int gcr_node_is_absent(const gcr_node *node);

#endif /* GCR_DATA_JOB_NODE_H */
