/* tests/support/factor_variant.c -- a variant of the factor in place, compiled for the twin. */
#define GCR_DEVICE_TWIN "support/device_twin.h"
#include "cuda/device/factor_unit.h"

#include "support/factor_variant.h"

static void run_factor(const void *argument)
{
    gcr_factor(*(const gcr_factor_launch *)argument);
}

static void run_pack(const void *argument)
{
    gcr_pack(*(const gcr_factor_launch *)argument);
}

static void run_unpack(const void *argument)
{
    gcr_unpack(*(const gcr_factor_launch *)argument);
}

extern const factor_variant GCR_VARIANT_NAME;

const factor_variant GCR_VARIANT_NAME = { .team = GCR_TEAM,
                                          .bound = GCR_TEAM_BOUND,
                                          .threads = GCR_TEAM_THREADS,
                                          .scalar_bytes = sizeof(gcr_real),
                                          .factor = run_factor,
                                          .pack = run_pack,
                                          .unpack = run_unpack };
