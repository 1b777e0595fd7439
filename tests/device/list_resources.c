/*
 * tests/device/list_resources.c -- what the code of each variant uses of registers and memory.
 *
 *     list_resources ARCH [KERNEL]...    80, 90 ...; all built-in kernels where none is named
 *
 * Compiles by NVRTC, as a run does, and needs no GPU. One line for each entry of each variant; the
 * exit code is 1 where something does not compile, or gcr_crunch() spills more than a few registers
 * in an SPD kernel that computes in registers or shared memory.
 */
#include "cuda/cuda_compile.h"
#include "cuda/launch.h"

#include "kernels/registry.h"

#include "gridcrunch/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows of SPD matrices at which the variant changes; of cell kernels, the two teams. */
static const int64_t rows[] = { 4, 8, 12, 16, 24, 32, 64, 128, 232, 400 };

enum { ROWS = sizeof rows / sizeof *rows };
enum { SPILT_MOST = 128 }; /* bytes of a thread: what the inverse of 32 rows costs a warp */

/* The definitions of cuda/launch.h. */
static gcr_status define(cuda_source *source, const gcr_kernel *kernel, const gcr_variant *variant)
{
    gcr_status status = GCR_OK;
    char widths[GCR_OUTPUTS_MAX * 8] = "";
    int sum = 0, is_wide = 0;

    for (int o = 0; kernel->outputs[o].name != NULL; o++) {
        const size_t used = strlen(widths);

        snprintf(widths + used, sizeof widths - used, "%s%d", o > 0 ? "," : "",
                 (int)kernel->outputs[o].width);
        sum += kernel->outputs[o].width;
        is_wide |= kernel->outputs[o].width < 0;
    }
    if ((status = gcr_cuda_define(source, "GCR_TEAM %d", (int)variant->team)) != GCR_OK ||
        (status = gcr_cuda_define(source, "GCR_TEAM_BOUND %d", (int)variant->bound)) != GCR_OK ||
        (status = gcr_cuda_define(source, "GCR_TEAM_SINGLE %d", (int)variant->is_single)) !=
            GCR_OK ||
        (status = gcr_cuda_define(source, "GCR_TEAM_THREADS %d", (int)variant->threads)) !=
            GCR_OK ||
        (status = gcr_cuda_define(source, "GCR_TEAM_MIN_BLOCKS %d", (int)variant->min_blocks)) !=
            GCR_OK ||
        (status = gcr_cuda_define(source, "GCR_PARAMETER_COUNT %d",
                                  gcr_kernel_parameter_count(kernel))) != GCR_OK ||
        (status = gcr_cuda_define(source, "GCR_OUTPUT_WIDTHS %s", widths)) != GCR_OK ||
        (status = gcr_cuda_define(source, "GCR_OUTPUTS_FIXED %d", is_wide ? 0 : sum)) != GCR_OK)
        return status;
    for (int o = 0; kernel->options[o].name != NULL && status == GCR_OK; o++)
        status = gcr_cuda_define(source, "GCR_OPTION_%s %" PRId64, kernel->options[o].name,
                                 kernel->options[o].standard);
    return status;
}

/* The number behind `word`, in the part of the log that is about one entry. */
static int number_before(const char *part, const char *word)
{
    const char *at = strstr(part, word);

    while (at != NULL && at > part && (at[-1] == ' ' || (at[-1] >= '0' && at[-1] <= '9')))
        at--;
    return at != NULL ? atoi(at) : 0;
}

/* Prints a line for each entry of the log. Returns the bytes that gcr_crunch() spills. */
static int print_entries(const gcr_kernel *kernel, const gcr_variant *variant, int64_t n, int arch,
                         char *log)
{
    static const char *const teams[] = { "", "thread", "warp", "block", "memory", "prepare" };
    static const char mark[] = "Compiling entry function '";
    int spilt = 0;

    for (char *part = strstr(log, mark), *next; part != NULL; part = next) {
        next = strstr(part + 1, mark);
        part += sizeof mark - 1;
        if (next != NULL)
            next[-1] = '\0';
        printf("sm_%d %-13s %-7s %4" PRId64
               " %4d x %d  %-12.*s %3d registers %4d spilt %5d shared\n",
               arch, kernel->name, teams[variant->team], n, (int)variant->threads,
               (int)variant->min_blocks, (int)strcspn(part, "'"), part,
               number_before(part, "registers"), number_before(part, "bytes spill stores"),
               number_before(part, "bytes smem"));
        if (strncmp(part, "gcr_crunch'", 11) == 0)
            spilt += number_before(part, "bytes spill stores");
    }
    return spilt;
}

/* Returns 0 where all is well. */
static int list_variant(const gcr_kernel *kernel, const gcr_variant *variant, int64_t n, int arch)
{
    cuda_source source = { .name = kernel->name,
                           .path = kernel->name,
                           .text = gcr_cuda_kernel_text(kernel->name) };
    cuda_image image = { 0 };
    int is_bad = 1;

    if (define(&source, kernel, variant) != GCR_OK ||
        gcr_cuda_compile(&image, &source, arch, 1) != GCR_OK)
        fprintf(stderr, "%s\n%s", gcr_last_error(), gcr_last_error_details());
    else
        is_bad = print_entries(kernel, variant, n, arch, image.log) > SPILT_MOST &&
                 kernel->form == GCR_FORM_SPD && variant->team <= GCR_TEAM_BLOCK;
    if (is_bad && image.log != NULL)
        fprintf(stderr, "%s: registers are spilt at n = %" PRId64 "\n", kernel->name, n);
    gcr_cuda_undefine(&source);
    free(image.bytes);
    free(image.log);
    return is_bad;
}

static int list_kernel(const gcr_kernel *kernel, int arch)
{
    gcr_crossovers crossovers = gcr_crossovers_default(arch);
    const gcr_variant prepare = gcr_variant_of_prepare(&crossovers, 0, sizeof(double));
    gcr_cell_shape shape = { .form = kernel->form,
                             .systems = kernel->systems != NULL ? 2 : 1,
                             .right_sides = kernel->right_sides != NULL ? 2 : 1,
                             .output_width = 1,
                             .scalar_bytes = sizeof(double) };
    int is_bad = 0;

    if (kernel->prepared_count != NULL)
        is_bad |= list_variant(kernel, &prepare, 0, arch);
    crossovers.thread_rows = GCR_THREAD_ROWS_MAX;
    for (int r = 0; r < (kernel->form == GCR_FORM_SPD ? ROWS : 2); r++) {
        gcr_variant variant;

        shape.n = rows[r];
        shape.flops = r == 0 ? 0 : 1e9;
        variant = gcr_variant_of(&crossovers, &shape);
        is_bad |= list_variant(kernel, &variant, kernel->form == GCR_FORM_SPD ? shape.n : 0, arch);
    }
    return is_bad;
}

static int is_wanted(const char *name, int count, char **names)
{
    for (int k = 0; k < count; k++)
        if (strcmp(names[k], name) == 0)
            return 1;
    return count == 0;
}

int main(int argc, char **argv)
{
    const int arch = argc > 1 ? atoi(argv[1]) : 0;
    int count, version, is_bad = 0;
    const gcr_kernel *const *kernels = gcr_kernels(&count);

    if (arch < 80) {
        fprintf(stderr, "usage: list_resources ARCH [KERNEL]...\n");
        return 2;
    }
    if (gcr_cuda_compiler_version(&version) != GCR_OK) {
        fprintf(stderr, "%s\n", gcr_last_error());
        return 77;
    }
    for (int k = 0; k < count; k++)
        if (is_wanted(kernels[k]->name, argc - 2, argv + 2))
            is_bad |= list_kernel(kernels[k], arch);
    return is_bad;
}
