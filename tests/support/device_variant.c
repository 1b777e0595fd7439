/*
 * tests/support/device_variant.c -- a variant of a kernel for devices, compiled for the twin.
 *
 * Compiled once for each variant that is tested, with what cuda/launch.h says and GCR_VARIANT_NAME.
 */
#define GCR_DEVICE_TWIN "support/device_twin.h"
#include "cuda/device/device_unit.h"

#include "support/device_variant.h"

#if defined(GCR_SINGLE)
#define SCALAR GCR_F32
#else
#define SCALAR GCR_F64
#endif

extern const device_variant GCR_VARIANT_NAME;

#if GCR_TEAM == GCR_TEAM_PREPARE || GCR_TEAM == GCR_TEAM_PREPARE_WHOLE
static void run_prepare(const void *argument)
{
    gcr_prepare(*(const gcr_prepare_launch *)argument);
}

const device_variant GCR_VARIANT_NAME = { .kernel = &gcr_description,
                                          .scalar = SCALAR,
                                          .team = GCR_TEAM,
                                          .is_single = GCR_TEAM_SINGLE,
                                          .threads = GCR_TEAM_THREADS,
                                          .prepare = run_prepare };
#elif GCR_TEAM == GCR_TEAM_GRID
static void run_list(const void *argument)
{
    gcr_list(*(const gcr_launch *)argument);
}

static void run_fill(const void *argument)
{
    gcr_fill(*(const gcr_grid_launch *)argument);
}

static void run_diagonal(const void *argument)
{
    gcr_diagonal(*(const gcr_diagonal_launch *)argument);
}

static void run_answer(const void *argument)
{
    gcr_answer(*(const gcr_grid_launch *)argument);
}

static void run_invert(const void *argument)
{
    gcr_invert(*(const gcr_grid_launch *)argument);
}

static void run_finish(const void *argument)
{
    gcr_finish(*(const gcr_grid_launch *)argument);
}

const device_variant GCR_VARIANT_NAME = { .kernel = &gcr_description,
                                          .scalar = SCALAR,
                                          .team = GCR_TEAM,
                                          .is_single = GCR_TEAM_SINGLE,
                                          .threads = GCR_TEAM_THREADS,
                                          .list = run_list,
                                          .fill = run_fill,
                                          .diagonal = run_diagonal,
                                          .answer = run_answer,
                                          .invert = run_invert,
                                          .finish = run_finish };
#else
static void run_crunch(const void *argument)
{
    gcr_crunch(*(const gcr_launch *)argument);
}

static void run_retry(const void *argument)
{
    gcr_retry(*(const gcr_launch *)argument);
}

const device_variant GCR_VARIANT_NAME = { .kernel = &gcr_description,
                                          .scalar = SCALAR,
                                          .team = GCR_TEAM,
                                          .bound = GCR_TEAM_BOUND,
                                          .is_single = GCR_TEAM_SINGLE,
                                          .threads = GCR_TEAM_THREADS,
                                          .crunch = run_crunch,
                                          .retry = run_retry };
#endif
