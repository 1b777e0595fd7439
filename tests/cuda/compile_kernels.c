/*
 * tests/cuda/compile_kernels.c -- kernels compiled for GPUs by CUDA's own compiler, without a GPU.
 *
 *     compile_kernels                a few variants for sm_90, in less than a minute
 *     compile_kernels all [KERNEL]   each built-in kernel, choice, precision and variant for sm_80
 *                                    and sm_90
 *     compile_kernels all factor     factors in place, of doubles and floats
 *
 * Prints a line for each: registers, and bytes that do not fit them. Matrices that launch.h keeps
 * in registers or in shared memory must not be spilled; a variant that does not compile or that
 * spills is a failure. 77: the compiler is not on this machine.
 */
#include "cuda/cuda_blas.h"
#include "cuda/cuda_kernel.h"
#include "cuda/cuda_nvrtc.h"

#include "kernels/registry.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VARIANTS_MAX = 64, SKIPPED = 77 };

/* On both sides of each crossover that there can be. */
static const int64_t sizes[] = { 1,  4,  5,  8,  9,   12,  13,  16,  17,  24, 25,
                                 32, 33, 64, 65, 128, 129, 160, 200, 250, 400 };

enum { SIZES = sizeof sizes / sizeof sizes[0] };

typedef struct tally {
    int compiled, failed;
} tally;

static const char *team_name(int team)
{
    static const char *const names[] = { "",     "thread",  "warp",  "block",      "memory",
                                         "grid", "prepare", "whole", "prepare all" };

    return names[team];
}

/* The number before `unit` in the log, the most of all entries. */
static long most_of(const char *log, const char *unit)
{
    long most = 0;

    for (const char *found = log; (found = strstr(found, unit)) != NULL; found++) {
        const char *digits = found;

        while (digits > log && digits[-1] >= '0' && digits[-1] <= '9')
            digits--;
        if (atol(digits) > most)
            most = atol(digits);
    }
    return most;
}

/* Bytes of a thread. Only what is kept on chip has reason to stay there; a kernel of cells may be
 * as large as it is. A warp with 24 rows of doubles or more has as many threads beside it as they
 * have registers for, and spills a few where the solution is asked for too; so does a block, whose
 * matrix is in shared memory, for what it needs once in a cell. */
static long may_spill(const gcr_kernel *kernel, const gcr_variant *variant)
{
    if (variant->team == GCR_TEAM_WHOLE) /* a built-in kernel's, whose parts of matrices stay */
        return 0;
    if (kernel->form == GCR_FORM_CELL || variant->team == GCR_TEAM_PREPARE ||
        variant->team == GCR_TEAM_MEMORY)
        return LONG_MAX;
    if (variant->team == GCR_TEAM_BLOCK)
        return 96;
    return variant->team == GCR_TEAM_WARP && variant->bound >= 24 ? 128 : 0;
}

static void compile(tally *t, const gcr_kernel *kernel, const int64_t option[GCR_OPTIONS_MAX],
                    gcr_scalar scalar, const gcr_variant *variant, int capability)
{
    const gcr_text_file *file = gcr_cuda_kernel_file(kernel->name);
    const char *choice =
        kernel->options[0].choices[0] != NULL ? kernel->options[0].choices[option[0]] : "";
    cuda_source source = { .name = kernel->name, .path = file->path, .text = file->text };
    cuda_image image = { 0 };
    long spilled;

    t->compiled++;
    if (gcr_cuda_define_variant(&source, kernel, option, scalar, variant) != GCR_OK ||
        gcr_cuda_compile(&image, &source, capability, 1) != GCR_OK) {
        printf("FAILED %s\n%s\n", gcr_last_error(), gcr_last_error_details());
        t->failed++;
    } else {
        spilled = most_of(image.log, " bytes spill stores");
        if (spilled > may_spill(kernel, variant))
            t->failed++;
        printf("%s%s %s %s sm_%d %s %d%s: %ld registers, %ld bytes spilled, %ld of stack, %zu of "
               "code\n",
               spilled > may_spill(kernel, variant) ? "FAILED " : "", kernel->name, choice,
               gcr_scalar_name(scalar), capability, team_name(variant->team),
               variant->bound > 0 ? variant->bound : variant->threads,
               variant->is_single ? "" : " systems", most_of(image.log, " registers"), spilled,
               most_of(image.log, " bytes stack frame"), image.count);
    }
    fflush(stdout);
    gcr_cuda_undefine(&source);
    free(image.log);
    free(image.bytes);
}

/* What is launched beside kernels; both capabilities, as there are so few. */
static void compile_unit(tally *t, const char *unit)
{
    const cuda_source source = { .name = unit, .path = unit, .text = "", .unit = unit };

    for (int capability = 80; capability <= 90; capability += 10) {
        cuda_image image = { 0 };

        t->compiled++;
        if (gcr_cuda_compile(&image, &source, capability, 1) != GCR_OK) {
            printf("FAILED %s\n%s\n", gcr_last_error(), gcr_last_error_details());
            t->failed++;
        } else
            printf("%s sm_%d: %ld registers, %ld bytes spilled, %zu of code\n", unit, capability,
                   most_of(image.log, " registers"), most_of(image.log, " bytes spill stores"),
                   image.count);
        fflush(stdout);
        free(image.log);
        free(image.bytes);
    }
}

/* Factors in place; all of them stay where they are put. */
static void compile_factor(tally *t, const gcr_variant *variant, gcr_scalar scalar, int capability)
{
    cuda_source source = { 0 };
    cuda_image image = { 0 };
    const int may = variant->team == GCR_TEAM_MEMORY;
    long spilled;

    t->compiled++;
    if (gcr_cuda_define_factor(&source, variant, scalar) != GCR_OK ||
        gcr_cuda_compile(&image, &source, capability, 1) != GCR_OK) {
        printf("FAILED %s\n%s\n", gcr_last_error(), gcr_last_error_details());
        t->failed++;
    } else {
        spilled = most_of(image.log, " bytes spill stores");
        if (spilled > 0 && !may)
            t->failed++;
        printf("%sfactor %s sm_%d %s %d: %ld registers, %ld bytes spilled, %ld of stack, %zu of "
               "code\n",
               spilled > 0 && !may ? "FAILED " : "", gcr_scalar_name(scalar), capability,
               team_name(variant->team), variant->bound > 0 ? variant->bound : variant->threads,
               most_of(image.log, " registers"), spilled, most_of(image.log, " bytes stack frame"),
               image.count);
    }
    fflush(stdout);
    gcr_cuda_undefine(&source);
    free(image.log);
    free(image.bytes);
}

static void compile_factors(tally *t, gcr_scalar scalar, int capability)
{
    const gcr_crossovers crossovers = gcr_crossovers_default(capability, scalar);
    gcr_variant before = { 0 };

    for (int64_t n = 1; n <= 400; n++) {
        const gcr_variant variant = gcr_variant_of_factor(&crossovers, n);

        if (variant.team != before.team || variant.bound != before.bound ||
            variant.threads != before.threads)
            compile_factor(t, &variant, scalar, capability);
        before = variant;
    }
}

static int is_listed(const gcr_variant *list, int count, const gcr_variant *variant)
{
    for (int v = 0; v < count; v++)
        if (list[v].team == variant->team && list[v].bound == variant->bound &&
            list[v].is_single == variant->is_single && list[v].threads == variant->threads)
            return 1;
    return 0;
}

/* Every variant that datasets of these sizes need. */
static int list_variants(gcr_variant *list, const gcr_kernel *kernel,
                         const int64_t option[GCR_OPTIONS_MAX], gcr_scalar scalar, int capability)
{
    const gcr_crossovers crossovers = gcr_crossovers_default(capability, scalar);
    int count = 0;

    for (int s = 0; s < 2 * SIZES; s++) {
        const int64_t size = sizes[s / 2]; /* of rows, or of features: matrices have either */
        const gcr_shape shape = { .rows = s % 2 == 0 ? size : 4 * size + 8,
                                  .features = s % 2 == 0 ? 2 : size,
                                  .option = option };
        const gcr_variant cells = gcr_cuda_variant_of(&crossovers, kernel, &shape);

        if (!is_listed(list, count, &cells))
            list[count++] = cells;
    }
    if (kernel->prepared_count != NULL) {
        const gcr_shape shape = { .rows = 16, .features = 2, .option = option };

        list[count++] = gcr_cuda_variant_of_prepare(&crossovers, kernel, &shape);
    }
    return count;
}

static void compile_all(tally *t, const gcr_kernel *kernel)
{
    int64_t option[GCR_OPTIONS_MAX] = { 0 };
    gcr_variant list[VARIANTS_MAX];
    int choices = 0;

    for (int o = 0; kernel->options[o].name != NULL; o++)
        option[o] = kernel->options[o].standard;
    while (choices < GCR_CHOICES_MAX && kernel->options[0].choices[choices] != NULL)
        choices++;
    for (int c = 0; c < 2 * (choices > 0 ? choices : 1); c++)
        for (int capability = 80; capability <= 90; capability += 10) {
            const gcr_scalar scalar = c % 2 == 0 ? GCR_F64 : GCR_F32;
            int count;

            option[0] = choices > 0 ? c / 2 : option[0];
            count = list_variants(list, kernel, option, scalar, capability);
            for (int v = 0; v < count; v++)
                compile(t, kernel, option, scalar, &list[v], capability);
        }
}

static const gcr_kernel *find(const char *name)
{
    int count;
    const gcr_kernel *const *list = gcr_kernels(&count);

    for (int k = 0; k < count; k++)
        if (strcmp(list[k]->name, name) == 0)
            return list[k];
    return NULL;
}

/* One of each kind: a thread, a warp and a block of an SPD kernel, one that prepares, one of
 * cells. */
static void compile_few(tally *t)
{
    static const struct {
        const char *kernel;
        int64_t rows; /* 0: prepares */
        gcr_scalar scalar;
    } few[] = { { "gp", 8, GCR_F64 },    { "gp", 32, GCR_F64 },  { "gp", 64, GCR_F64 },
                { "gp", 512, GCR_F64 },  { "gp", 512, GCR_F32 }, { "ridge", 0, GCR_F64 },
                { "scale", 8, GCR_F64 }, { "gp", 12, GCR_F32 },  { "gp", 40, GCR_F32 },
                { "gp", 64, GCR_F32 } };

    for (size_t i = 0; i < sizeof few / sizeof few[0]; i++) {
        const gcr_crossovers crossovers = gcr_crossovers_default(90, few[i].scalar);
        const gcr_kernel *kernel = find(few[i].kernel);
        int64_t option[GCR_OPTIONS_MAX] = { 0 };
        const gcr_shape shape = { .rows = few[i].rows, .features = 2, .option = option };
        gcr_variant variant;

        for (int o = 0; kernel->options[o].name != NULL; o++)
            option[o] = kernel->options[o].standard;
        variant = few[i].rows > 0 ? gcr_cuda_variant_of(&crossovers, kernel, &shape)
                                  : gcr_cuda_variant_of_prepare(&crossovers, kernel, &shape);
        compile(t, kernel, option, few[i].scalar, &variant, 90);
    }
}

/* A cell of all blocks, and a dataset, which no size of the lists is expensive enough for. */
static void compile_whole(tally *t, int capability)
{
    const gcr_kernel *kernel = find("cholesky");
    const int64_t option[GCR_OPTIONS_MAX] = { 5000 };
    const gcr_shape shape = { .rows = 1, .features = 1, .option = option };

    for (gcr_scalar scalar = 0; scalar < GCR_SCALAR_COUNT; scalar++) {
        gcr_crossovers crossovers = gcr_crossovers_default(capability, scalar);
        gcr_variant variant;

        crossovers.whole_blocks = 1;
        variant = gcr_cuda_variant_of(&crossovers, kernel, &shape);
        compile(t, kernel, option, scalar, &variant, capability);
        crossovers.prepare_whole_flops = 0;
        variant = gcr_cuda_variant_of_prepare(&crossovers, find("kernel_ridge"), &shape);
        compile(t, find("kernel_ridge"), option, scalar, &variant, capability);
    }
}

/* The toolkit that has the compiler has these, too, with all functions that are called. */
static void check_libraries(tally *t)
{
    const cuda_blas *blas;
    const cuda_solver *solver;

    if (gcr_cuda_blas(&blas) == GCR_OK && gcr_cuda_solver(&solver) == GCR_OK)
        return;
    printf("FAILED %s\n", gcr_last_error());
    t->failed++;
}

int main(int argc, char **argv)
{
    const cuda_nvrtc *nvrtc;
    tally t = { 0 };
    int count;
    const gcr_kernel *const *kernels = gcr_kernels(&count);

    if (gcr_cuda_nvrtc(&nvrtc) != GCR_OK) {
        fprintf(stderr, "%s\n", gcr_last_error());
        return SKIPPED;
    }
    check_libraries(&t);
    compile_whole(&t, 90);
    if (argc >= 2)
        compile_whole(&t, 80);
    if (argc < 2)
        compile_few(&t);
    for (int k = 0; argc >= 2 && k < count; k++)
        if (argc == 2 || strcmp(kernels[k]->name, argv[2]) == 0)
            compile_all(&t, kernels[k]);
    for (int capability = 80; capability <= 90; capability += 10)
        if (argc == 2 || (argc > 2 && strcmp(argv[2], "factor") == 0)) {
            compile_factors(&t, GCR_F64, capability);
            compile_factors(&t, GCR_F32, capability);
        }
    if (argc < 2)
        compile_factors(&t, GCR_F64, 90);
    if (argc < 3)
        compile_unit(&t, "cuda/device/measure_unit.h");
    compile_unit(&t, "cuda/device/reduce_unit.h");
    compile_unit(&t, "cuda/device/generate_unit.h");
    printf("%d compiled, %d failed\n", t.compiled, t.failed);
    return t.failed > 0;
}
