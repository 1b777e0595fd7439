/*
 * data/job_schema.h -- what may stand in a job file, as tables.
 *
 * Each mapping of the language is a table of entries. gcr_schema_read() walks the file's mapping in
 * its order and calls the entry of each key; a key that is in no entry is refused with the nearest
 * one that is. The typed readers below turn a node into a value or into one sentence:
 *
 *     fertility.yaml:12:23: 'batch' takes a whole number >= 1 or auto, not 'five'
 */
#ifndef GCR_DATA_JOB_SCHEMA_H
#define GCR_DATA_JOB_SCHEMA_H

#include "data/job_node.h"

typedef struct gcr_schema_entry {
    const char *key;
    gcr_status (*read)(gcr_job *job, const gcr_node *value);
    int is_required;
} gcr_schema_entry;

typedef struct gcr_schema {
    const gcr_schema_entry *entries;
    int count;
} gcr_schema;

#define GCR_SCHEMA(table)                                                                          \
    {                                                                                              \
        .entries = (table), .count = (int)(sizeof(table) / sizeof *(table))                        \
    }

/* GCR_EINVAL: not a mapping, an unknown key, a required one missing, and whatever an entry says.
 * A key without a value (`run:`) is an empty mapping. */
GCR_MUST_CHECK gcr_status gcr_schema_read(gcr_job *job, const gcr_node *mapping,
                                          const gcr_schema *schema);

/* GCR_EINVAL unless `node` is a mapping or absent. `of_what` completes "must be a mapping". */
GCR_MUST_CHECK gcr_status gcr_node_expect_mapping(const gcr_node *node, const char *of_what);

/* Always GCR_EINVAL: "'batch' takes WANTED, not 'five'". */
GCR_MUST_CHECK gcr_status gcr_node_refuse(const gcr_node *node, const char *wanted);

/* Text that is not empty. What was in *out is freed. `wanted` completes "takes ...". */
GCR_MUST_CHECK gcr_status gcr_node_read_text(char **out, const gcr_node *node, const char *wanted);

/* The same, on one line: what other rooms will quote in a sentence. */
GCR_MUST_CHECK gcr_status gcr_node_read_line(char **out, const gcr_node *node, const char *wanted);

/* One text, or a list of at least one. On failure *out may be filled in part; the job owns it. */
GCR_MUST_CHECK gcr_status gcr_node_read_names(gcr_name_list *out, const gcr_node *node,
                                              const char *wanted);

/* Frees what is inside and zeroes it. */
void gcr_name_list_clear(gcr_name_list *list);

/* A finite number. */
GCR_MUST_CHECK gcr_status gcr_node_read_number(double *out, const gcr_node *node,
                                               const char *wanted);

/* One finite number, or a list of at least one; the job owns *out. */
GCR_MUST_CHECK gcr_status gcr_node_read_numbers(double **out, uint64_t *count_out,
                                                const gcr_node *node);

/* A decimal whole number in least .. most. */
GCR_MUST_CHECK gcr_status gcr_node_read_whole(uint64_t *out, const gcr_node *node, uint64_t least,
                                              uint64_t most, const char *wanted);

/* The index of one of `words`. */
GCR_MUST_CHECK gcr_status gcr_node_read_choice(int *out, const gcr_node *node,
                                               const char *const *words, int count);

/* True if the node is this very text. */
int gcr_node_is(const gcr_node *node, const char *text);

/* Where the first character of the text stands: behind the quote, if there is one. */
gcr_mark gcr_node_text_mark(const gcr_node *node);

#endif /* GCR_DATA_JOB_SCHEMA_H */
