/*
 * cuda/device/generate_unit.h -- a synthetic dataset, made where it is needed
 * (cuda/generate_launch.h).
 *
 * A unit of its own: no kernel is compiled with it.
 *
 * Shape    a thread makes a row: its x, feature by feature, and its y.
 * Why      the order in which y is added up is the host's (gridcrunch/recipe.h), so the bits are.
 * Traffic  neighbouring threads write neighbouring numbers; nothing is read.
 */
#include "cuda/generate_launch.h"

#define GCR_TEAM_THREADS GCR_GENERATE_THREADS
#define GCR_TEAM_MIN_BLOCKS 1
#include "cuda/device/intrinsics.h"

/* Numbers that a float has no room for become infinite, or 0. */
GCR_FN void gcr_generate_put(void *to, int64_t at, double value, int is_single)
{
    if (is_single)
        ((float *)to)[at] = (float)value;
    else
        ((double *)to)[at] = value;
}

GCR_FN void gcr_generate_row(const gcr_generate_launch *launch, const gcr_synthetic_stream *stream,
                             int64_t row)
{
    const gcr_recipe *recipe = &launch->recipe;
    double y = 0;

    for (int64_t f = 0; f < recipe->features; f++) {
        const double x = gcr_synthetic_x(stream, recipe, f, row);
        double phases[GCR_SYNTHETIC_SINES];

        for (int k = 0; k < GCR_SYNTHETIC_SINES; k++)
            phases[k] = gcr_synthetic_phase(stream, f, k);
        y = gcr_synthetic_add(y, recipe, x, phases);
        gcr_generate_put(launch->x, f * recipe->rows + row, gcr_standard_x(&launch->standard, f, x),
                         launch->is_single);
    }
    y += gcr_synthetic_noise(stream, recipe, row);
    gcr_generate_put(launch->y, row, gcr_standard_y(&launch->standard, y), launch->is_single);
}

GCR_ENTRY(gcr_generate, gcr_generate_launch)
{
    const gcr_synthetic_stream stream = gcr_synthetic_open(&launch.recipe);
    const int64_t threads = (int64_t)gcr_block_count() * GCR_GENERATE_THREADS;
    int64_t row = (int64_t)gcr_block_index() * GCR_GENERATE_THREADS + gcr_thread_index();

    for (; row < launch.recipe.rows; row += threads)
        gcr_generate_row(&launch, &stream, row);
}
