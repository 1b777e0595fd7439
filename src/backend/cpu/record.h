/*
 * backend/cpu/record.h -- from the outputs of a cell to what its tile stores of it.
 *
 * Part of cpu_unit.c, after the kernel. The kernel writes its outputs one after the other, each as
 * wide as it is for the dataset; the tile stores each at its own place, padded with NaN.
 */
#ifndef GCR_CPU_RECORD_H
#define GCR_CPU_RECORD_H

#include "backend/cpu/engine.h"

static inline int gcr_count_outputs(void)
{
    int count = 0;

    while (count < GCR_OUTPUTS_MAX && gcr_description.outputs[count].name != NULL)
        count++;
    return count;
}

static inline int64_t gcr_output_width(int output, int64_t rows, int64_t features)
{
    switch (gcr_description.outputs[output].width) {
    case GCR_WIDTH_ROWS: return rows;
    case GCR_WIDTH_FEATURES: return features;
    default: return gcr_description.outputs[output].width;
    }
}

/* Of all outputs together. */
static inline int64_t gcr_outputs_width(int64_t rows, int64_t features)
{
    int64_t width = 0;

    for (int o = 0; o < gcr_count_outputs(); o++)
        width += gcr_output_width(o, rows, features);
    return width;
}

/* Writes everything that `tile` stores of a cell: doubles, whatever it was computed with. */
static inline void gcr_record(const gcr_unit_tile *tile, uint64_t cell, const gcr_real *from,
                              gcr_verdict verdict, int step)
{
    const int has_result = gcr_cell_has_result((uint8_t)verdict.state);

    for (int o = 0; o < gcr_count_outputs(); o++) {
        const int64_t stored = tile->width[o];
        const int64_t width =
            has_result ? gcr_output_width(o, tile->data.rows, tile->data.features) : 0;
        double *to = tile->outputs[o] + cell * (uint64_t)stored;

        for (int64_t k = 0; k < width; k++)
            to[k] = from[k];
        for (int64_t k = width; k < stored; k++)
            to[k] = gcr_cell_nan(verdict.detail);
        from += width;
    }
    tile->state[cell] = (uint8_t)verdict.state;
    if (tile->jitter_step != NULL)
        tile->jitter_step[cell] = (uint8_t)step;
}

static inline gcr_verdict gcr_verdict_of_outputs(const gcr_unit_tile *tile, const gcr_real *outputs)
{
    const int64_t width = gcr_outputs_width(tile->data.rows, tile->data.features);

    for (int64_t k = 0; k < width; k++)
        if (!gcr_is_finite(outputs[k]))
            return gcr_verdict_of(GCR_CELL_NAN_OUT, 0);
    return gcr_verdict_of(GCR_CELL_OK, 0);
}

#endif /* GCR_CPU_RECORD_H */
