/*
 * tests/support/matrix_variant.c -- cuda/device/team_matrix.h for one team, compiled for the twin.
 *
 * Compiled once for each team that is tested, with GCR_TEAM, GCR_TEAM_THREADS and GCR_VARIANT_NAME.
 */
#define GCR_DEVICE_TWIN "support/device_twin.h"
#define GCR_TEAM_HEADER "cuda/device/device_team.h"
#include "gridcrunch/kernel.h"

#include "support/matrix_variant.h"

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

static const gcr_ctx context;

static const matrix_launch *begin(const void *argument)
{
    const matrix_launch *const launch = argument;

    if (GCR_IS_WHOLE_TEAM)
        gcr_whole_begin(launch->meeting);
    return launch;
}

static void run_gram(const void *argument)
{
    const matrix_launch *const launch = begin(argument);

    gcr_team_gram(&context, launch->n, launch->rows, launch->x, launch->triangle);
}

static void run_factor(const void *argument)
{
    const matrix_launch *const launch = begin(argument);
    const int64_t minor = gcr_team_cholesky(&context, launch->n, launch->triangle);

    if (gcr_team_rank(&context) == gcr_team_size(&context) - 1)
        *launch->minor = minor;
}

static void run_solve(const void *argument)
{
    const matrix_launch *const launch = begin(argument);
    const int64_t minor = gcr_team_spd_solve(&context, launch->n, launch->triangle, launch->side);

    if (gcr_team_rank(&context) == 0)
        *launch->minor = minor;
}

extern const matrix_variant GCR_VARIANT_NAME;
const matrix_variant GCR_VARIANT_NAME = {
    .name = TEXT(GCR_VARIANT_NAME),
    .scalar = sizeof(gcr_real) == sizeof(float) ? GCR_F32 : GCR_F64,
    .is_whole = GCR_IS_WHOLE_TEAM,
    .threads = GCR_TEAM_THREADS,
    .part = GCR_PART,
    .shared_bytes = GCR_IS_WHOLE_TEAM ? GCR_WHOLE_PANEL_VALUES * sizeof(gcr_real) : 0,
    .meeting_bytes = GCR_WHOLE_VALUES * sizeof(gcr_real),
    .gram = run_gram,
    .factor = run_factor,
    .solve = run_solve,
};
