/* tests/support/factor_variant.h -- a variant of the factor in place, for twin_run(). */
#ifndef GCR_FACTOR_VARIANT_H
#define GCR_FACTOR_VARIANT_H

enum { FACTOR_ENTRIES_MAX = 5 };

typedef struct factor_entry {
    const char *name; /* "gcr_factor", as the host asks for it */
    void (*run)(const void *launch);
} factor_entry;

typedef struct factor_variant {
    int team, bound, threads, scalar_bytes;
    factor_entry entries[FACTOR_ENTRIES_MAX + 1]; /* ends with a name of NULL */
} factor_variant;

#endif /* GCR_FACTOR_VARIANT_H */
