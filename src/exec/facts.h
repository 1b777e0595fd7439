/*
 * exec/facts.h -- how a run went, as named texts and numbers for the group /run of its results.
 */
#ifndef GCR_EXEC_FACTS_H
#define GCR_EXEC_FACTS_H

#include "gridcrunch/run.h"

enum {
    GCR_FACTS_MAX = 160,
    GCR_FACT_NAME_BYTES = 24,
    GCR_FACT_TEXT_BYTES = 512, /* as much as a run says of a device that is left out */
};

typedef struct gcr_facts {
    gcr_fact items[GCR_FACTS_MAX];
    char texts[GCR_FACTS_MAX][GCR_FACT_TEXT_BYTES]; /* what items[i].text points to */
    char names[GCR_FACTS_MAX][GCR_FACT_NAME_BYTES]; /* of those that are numbered */
    int count;
} gcr_facts;

/* Gathers the facts of an executed run anew. */
void gcr_facts_gather(gcr_facts *facts, const gcr_run *run);

#endif /* GCR_EXEC_FACTS_H */
