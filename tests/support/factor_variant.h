/* tests/support/factor_variant.h -- a variant of the factor in place, for twin_run(). */
#ifndef GCR_FACTOR_VARIANT_H
#define GCR_FACTOR_VARIANT_H

typedef struct factor_variant {
    int team, bound, threads, scalar_bytes;
    void (*factor)(const void *launch); /* gcr_factor_launch, as the others */
    void (*pack)(const void *launch);
    void (*unpack)(const void *launch);
} factor_variant;

#endif /* GCR_FACTOR_VARIANT_H */
