/* tests/support/factor_variant.c -- a variant of the factor in place, compiled for the twin. */
#define GCR_DEVICE_TWIN "support/device_twin.h"
#include "cuda/device/factor_unit.h"

#include "support/factor_variant.h"

#define ENTRY(name, type)                                                                          \
    static void run_##name(const void *argument)                                                   \
    {                                                                                              \
        name(*(const type *)argument);                                                             \
    }

#if GCR_TEAM == GCR_TEAM_GRID
ENTRY(gcr_large_pack, gcr_large_launch)
ENTRY(gcr_large_look, gcr_large_launch)
ENTRY(gcr_large_diag, gcr_large_launch)
ENTRY(gcr_large_end, gcr_large_launch)
ENTRY(gcr_large_take, gcr_large_launch)
#define ENTRIES                                                                                    \
    { "gcr_large_pack", run_gcr_large_pack }, { "gcr_large_look", run_gcr_large_look },            \
        { "gcr_large_diag", run_gcr_large_diag }, { "gcr_large_end", run_gcr_large_end },          \
        { "gcr_large_take", run_gcr_large_take },
#else
ENTRY(gcr_factor, gcr_factor_launch)
ENTRY(gcr_pack, gcr_factor_launch)
ENTRY(gcr_unpack, gcr_factor_launch)
#define ENTRIES                                                                                    \
    { "gcr_factor", run_gcr_factor }, { "gcr_pack", run_gcr_pack },                                \
        { "gcr_unpack", run_gcr_unpack },
#endif

extern const factor_variant GCR_VARIANT_NAME;

const factor_variant GCR_VARIANT_NAME = { .team = GCR_TEAM,
                                          .bound = GCR_TEAM_BOUND,
                                          .threads = GCR_TEAM_THREADS,
                                          .scalar_bytes = sizeof(gcr_real),
                                          .entries = { ENTRIES{ 0 } } };
