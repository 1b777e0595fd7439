/*
 * tests/support/results_fixture.h -- one small run with a bit of everything, to be written.
 *
 * 3 datasets x lengthscale [1, 2] x noise [0.1, 0.2, 0.3]; `where` leaves out point 5. The
 * likelihood of cell (d, p) is 10 d - p, so that the best point is 0, but:
 *     dataset 0: point 0 is not SPD at minor 2, point 1 needed step 1 of the jitter ladder
 *     dataset 1: all is well
 *     dataset 2: everything failed: kernel error 1
 */
#ifndef GCR_RESULTS_FIXTURE_H
#define GCR_RESULTS_FIXTURE_H

#include "results/outcome.h"

#include "gridcrunch/cell.h"

#include <assert.h>
#include <stdlib.h>

static const gcr_kernel fixture_kernel = {
    .name = "fixture",
    .parameters = { { .name = "lengthscale", .help = "how far points see each other" },
                    { .name = "noise", .help = "standard deviation of the noise" } },
    .outputs = { { "lml", "log marginal likelihood", "1", 1 },
                 { "weights", "one per feature", "m", GCR_WIDTH_FEATURES } },
    .faults = { "the dataset has no y" },
};

typedef struct results_fixture {
    gcr_job job;
    gcr_axis_spec axes[2];
    gcr_summary_spec summaries[4];
    double jitter[2];
    gcr_dataset items[3];
    double x_mean[2], x_scale[2];
    char *features[2];
    gcr_skipped skipped[1];
    gcr_datasets datasets;
    double lengthscales[2], noises[3];
    uint64_t live[1];
    gcr_point_table points;
    gcr_slots *slots;
    gcr_summaries *reduced;
    gcr_fact facts[3];
    gcr_results results;
} results_fixture;

static inline void fixture_describe(results_fixture *f)
{
    static const char text[] = "name: fixture # \xc3\xbc\n";

    f->axes[0] = (gcr_axis_spec){ .name = "lengthscale" };
    f->axes[1] = (gcr_axis_spec){ .name = "noise" };
    f->summaries[0] =
        (gcr_summary_spec){ .name = "best", .op = GCR_SUMMARY_ARGMAX, .output = "lml" };
    f->summaries[1] =
        (gcr_summary_spec){ .name = "worst", .op = GCR_SUMMARY_ARGMIN, .output = "lml" };
    f->summaries[2] = (gcr_summary_spec){
        .name = "middle", .op = GCR_SUMMARY_QUANTILE, .output = "lml", .q = 0.5
    };
    f->summaries[3] =
        (gcr_summary_spec){ .name = "average", .op = GCR_SUMMARY_MEAN, .output = "lml" };
    f->jitter[0] = 1e-10;
    f->jitter[1] = 1e-8;
    f->job = (gcr_job){ .name = "fixture",
                        .text = (char *)text,
                        .kernel = "fixture",
                        .axes = f->axes,
                        .axis_count = 2,
                        .summaries = f->summaries,
                        .summary_count = 4,
                        .top = 2,
                        .jitter = f->jitter,
                        .jitter_count = 2 };
}

static inline void fixture_add_data(results_fixture *f)
{
    static const char *const keys[3] = { "Korea, \"Rep.\"", "C\xc3\xb4te d'Ivoire", "M\xfcller" };

    f->features[0] = "year";
    f->features[1] = "gr\xc3\xb6\xc3\x9f"
                     "e";
    for (int i = 0; i < 2; i++) {
        f->x_mean[i] = 0.5 + i;
        f->x_scale[i] = 2 + i;
    }
    for (int d = 0; d < 3; d++)
        f->items[d] = (gcr_dataset){ .key = (char *)keys[d],
                                     .rows = 10 + d,
                                     .features = 2,
                                     .dropped = (uint64_t)d,
                                     .x_mean = f->x_mean,
                                     .x_scale = f->x_scale,
                                     .y_mean = d,
                                     .y_scale = 1.0 / 3 };
    f->skipped[0] = (gcr_skipped){ "Nowhere", "no value in any of 54 rows" };
    f->datasets = (gcr_datasets){ .items = f->items,
                                  .count = 3,
                                  .skipped = f->skipped,
                                  .skipped_count = 1,
                                  .features = f->features,
                                  .feature_count = 2,
                                  .y_name = "y",
                                  .standardized = GCR_STANDARDIZE_X | GCR_STANDARDIZE_Y };
}

static inline void fixture_add_points(results_fixture *f)
{
    f->lengthscales[0] = 1;
    f->lengthscales[1] = 2;
    for (int i = 0; i < 3; i++)
        f->noises[i] = 0.1 * (i + 1);
    f->live[0] = 0x1f;
    f->points = (gcr_point_table){ .axes = { { "lengthscale", f->lengthscales, 2 },
                                             { "noise", f->noises, 3 } },
                                   .axis_count = 2,
                                   .point_count = 6,
                                   .live_count = 5,
                                   .live = f->live };
}

static inline void fixture_land(results_fixture *f, uint64_t dataset, uint64_t point, uint8_t state,
                                double lml)
{
    const uint64_t cell = dataset * 6 + point;

    f->slots->state[cell] = state;
    f->slots->values[0][cell] = lml;
    for (uint64_t i = 0; i < 2; i++)
        f->slots->values[1][cell * 2 + i] =
            gcr_cell_has_result(state) ? (double)(10 * cell + i) : lml;
}

static inline void fixture_compute(results_fixture *f)
{
    for (uint64_t d = 0; d < 3; d++)
        for (uint64_t p = 0; p < 5; p++)
            fixture_land(f, d, p, d < 2 ? GCR_CELL_OK : GCR_CELL_KERNEL_ERROR,
                         d < 2 ? 10.0 * (double)d - (double)p : gcr_cell_nan(1));
    fixture_land(f, 0, 0, GCR_CELL_NOT_SPD, gcr_cell_nan(2));
    f->slots->state[1] = GCR_CELL_OK_JITTER;
    f->slots->jitter_step[1] = 1;
    for (uint64_t d = 0; d < 3; d++) {
        gcr_slots_land(f->slots, d, 5);
        gcr_summaries_fire(f->reduced, d, 0);
    }
}

static inline gcr_status fixture_create_keep(results_fixture *f, gcr_keep keep)
{
    static const int64_t width[2] = { 1, 2 };
    static const int output[4] = { 0, 0, 0, 0 };
    gcr_status status;

    *f = (results_fixture){ 0 };
    fixture_describe(f);
    f->job.keep = keep;
    fixture_add_data(f);
    fixture_add_points(f);
    const gcr_slots_spec slots = {
        .points = &f->points,
        .dataset_count = 3,
        .output_count = 2,
        .width = width,
        .has_jitter = 1,
    };

    status = gcr_slots_create(&f->slots, &slots);
    if (status != GCR_OK)
        return status;
    const gcr_summaries_spec spec = {
        .summaries = f->summaries,
        .output = output,
        .summary_count = 4,
        .top = 2,
        .slots = f->slots,
        .points = &f->points,
        .keep = keep,
    };

    status = gcr_summaries_create(&f->reduced, &spec, 1);
    if (status != GCR_OK)
        return status;
    fixture_compute(f);
    f->facts[0] = (gcr_fact){ .name = "kind", .text = "cpu" };
    f->facts[1] = (gcr_fact){ .name = "seconds", .number = 1.5 };
    f->facts[2] = (gcr_fact){ .name = "host", .text = "a\nb" };
    f->results = (gcr_results){ .job = &f->job,
                                .datasets = &f->datasets,
                                .kernel = &fixture_kernel,
                                .points = &f->points,
                                .slots = f->slots,
                                .summaries = f->reduced,
                                .facts = f->facts,
                                .fact_count = 3 };
    return GCR_OK;
}

static inline gcr_status fixture_create(results_fixture *f)
{
    return fixture_create_keep(f, GCR_KEEP_ALL);
}

static inline void fixture_destroy(results_fixture *f)
{
    gcr_summaries_destroy(f->reduced);
    gcr_slots_destroy(f->slots);
}

#endif /* GCR_RESULTS_FIXTURE_H */
