/* cuda/crossovers.c -- see crossovers.h. */
#include "cuda/crossovers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define AT(member) offsetof(gcr_crossovers, member)
#define NUMBER(text, member, low, high)                                                            \
    {                                                                                              \
        .name = text, .offset = AT(member), .least = low, .most = high                             \
    }
#define CLASS(k)                                                                                   \
    NUMBER("block." #k ".rows", block[k].rows, 0, 1 << 20),                                        \
        NUMBER("block." #k ".threads", block[k].threads, 0, 1024),                                 \
        NUMBER("block." #k ".min_blocks", block[k].min_blocks, 0, 16)

const gcr_crossover_field gcr_crossover_fields[] = {
    NUMBER("thread_rows", thread_rows, 0, GCR_THREAD_ROWS_MAX_F32),
    NUMBER("warp_rows", warp_rows, 0, GCR_WARP_ROWS_MAX_F32),
    CLASS(0),
    CLASS(1),
    CLASS(2),
    CLASS(3),
    NUMBER("memory_threads", memory_threads, 64, 1024),
    NUMBER("blocked_rows", blocked_rows, 0, 1 << 20),
    NUMBER("solver_rows", solver_rows, 1, 1 << 20),
    NUMBER("grid_slots", grid_slots, 1, 1 << 14),
    NUMBER("grid_threads", grid_threads, 64, 1024),
    { .name = "shared_bytes", .offset = AT(shared_bytes), .type = GCR_FIELD_UINT64, .is_fixed = 1 },
    { .name = "cell_thread_flops",
      .offset = AT(cell_thread_flops),
      .type = GCR_FIELD_DOUBLE,
      .most = 1e15 },
    NUMBER("cell_threads", cell_threads, 64, 1024),
    { .name = "cell_whole_flops",
      .offset = AT(cell_whole_flops),
      .type = GCR_FIELD_DOUBLE,
      .most = 1e15 },
    NUMBER("cell_whole_count", cell_whole_count, 0, 1 << 30),
    NUMBER("whole_threads", whole_threads, 64, 1024),
    { .name = "whole_blocks", .offset = AT(whole_blocks), .is_fixed = 1 },
    NUMBER("prepare_threads", prepare_threads, 64, 1024),
    { .name = "prepare_whole_flops",
      .offset = AT(prepare_whole_flops),
      .type = GCR_FIELD_DOUBLE,
      .most = 1e15 },
    { .name = NULL },
};

_Static_assert(GCR_BLOCK_CLASSES == 4, "each class has its fields");

double gcr_crossover_get(const gcr_crossovers *table, const gcr_crossover_field *field)
{
    const char *const at = (const char *)table + field->offset;
    int32_t small;
    uint64_t large;
    double real;

    switch (field->type) {
    case GCR_FIELD_INT32: memcpy(&small, at, sizeof small); return small;
    case GCR_FIELD_UINT64: memcpy(&large, at, sizeof large); return (double)large;
    default: memcpy(&real, at, sizeof real); return real;
    }
}

void gcr_crossover_set(gcr_crossovers *table, const gcr_crossover_field *field, double value)
{
    char *const at = (char *)table + field->offset;
    const int32_t small = (int32_t)value;
    const uint64_t large = (uint64_t)value;

    switch (field->type) {
    case GCR_FIELD_INT32: memcpy(at, &small, sizeof small); break;
    case GCR_FIELD_UINT64: memcpy(at, &large, sizeof large); break;
    default: memcpy(at, &value, sizeof value);
    }
}

int gcr_crossover_is_possible(const gcr_crossover_field *field, double value)
{
    return value >= field->least && value <= field->most &&
           (field->type == GCR_FIELD_DOUBLE || value == floor(value));
}

/* Classes ascend, up to one without rows, and have threads that a block can have. */
static int has_good_classes(const gcr_crossovers *table)
{
    int32_t before = 0;

    for (int k = 0; k < GCR_BLOCK_CLASSES && (k == 0 || table->block[k].rows > 0); k++) {
        const gcr_block_class *class = &table->block[k];

        if (class->rows <= before || class->threads < 64 || class->threads % 32 != 0 ||
            class->min_blocks < 1 || class->threads * class->min_blocks > 2048)
            return 0;
        before = class->rows;
    }
    return 1;
}

static int are_whole_warps(int32_t threads)
{
    return threads % 32 == 0;
}

const char *gcr_crossovers_wrong(const gcr_crossovers *table)
{
    for (const gcr_crossover_field *field = gcr_crossover_fields; field->name != NULL; field++)
        if (!field->is_fixed && !gcr_crossover_is_possible(field, gcr_crossover_get(table, field)))
            return field->name;
    if (table->thread_rows > gcr_thread_rows_max(table->scalar))
        return "thread_rows";
    if (table->warp_rows > gcr_warp_rows_max(table->scalar))
        return "warp_rows";
    if (!has_good_classes(table))
        return "block";
    if (!are_whole_warps(table->memory_threads) || !are_whole_warps(table->grid_threads) ||
        !are_whole_warps(table->cell_threads) || !are_whole_warps(table->whole_threads) ||
        !are_whole_warps(table->prepare_threads))
        return "threads";
    return NULL;
}

void gcr_crossovers_name(char out[GCR_CROSSOVERS_NAME_BYTES], const gcr_crossovers *table)
{
    char text[2048];
    size_t used = 0;

    for (const gcr_crossover_field *field = gcr_crossover_fields; field->name != NULL; field++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s %.17g\n", field->name,
                                 gcr_crossover_get(table, field));
    snprintf(out, GCR_CROSSOVERS_NAME_BYTES, "%08x", (unsigned)XXH3_64bits(text, used));
}
