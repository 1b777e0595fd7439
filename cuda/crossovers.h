/*
 * cuda/crossovers.h -- the numbers of gcr_crossovers, one by one: what each is called, and what it
 * may be. The hash in a kind and the file of a calibration are made of this list and of nothing
 * else, so that a number that is not in it decides no bits, and one that is cannot be forgotten in
 * either.
 */
#ifndef GCR_CUDA_CROSSOVERS_H
#define GCR_CUDA_CROSSOVERS_H

#include "cuda/launch.h"

typedef struct gcr_crossover_field {
    const char *name; /* "block.1.threads" */
    size_t offset;    /* in gcr_crossovers */
    enum { GCR_FIELD_INT32, GCR_FIELD_UINT64, GCR_FIELD_DOUBLE } type;
    int is_fixed;       /* what the GPU has, and nobody measures */
    double least, most; /* 0 and 0: what is_fixed              */
} gcr_crossover_field;

/* Ends with a name of NULL. */
extern const gcr_crossover_field gcr_crossover_fields[];

/* Every number is a double without loss. */
double gcr_crossover_get(const gcr_crossovers *table, const gcr_crossover_field *field);
void gcr_crossover_set(gcr_crossovers *table, const gcr_crossover_field *field, double value);

/* Whether the field alone may be so; of one that is not fixed. */
int gcr_crossover_is_possible(const gcr_crossover_field *field, double value);

/* NULL, or why no device could compute by such a table: the name of a field that cannot be so. */
const char *gcr_crossovers_wrong(const gcr_crossovers *table);

/* A short name for a table, the same for the same: "6f21c0de". */
enum { GCR_CROSSOVERS_NAME_BYTES = 16 };
void gcr_crossovers_name(char out[GCR_CROSSOVERS_NAME_BYTES], const gcr_crossovers *table);

#endif /* GCR_CUDA_CROSSOVERS_H */
