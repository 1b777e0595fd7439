/*
 * kernels/cholesky.c -- the Cholesky factor of x'x for a random square x: a known workload.
 *
 *     x ~ U(0, 1), n x n;  z = x'x = U'U
 *
 * A cell kernel that factors by itself, though x'x is SPD: the matrix is drawn anew for each cell,
 * entry by entry of U is what is asked for, and n is not the size of a dataset, while an SPD kernel
 * has no room of its own in a cell and sees answers, not factors. For large n, U11 is near
 * sqrt(n / 3) and U23 near (n / 16) / sqrt(7 n / 48). Column j of x is stream j of the cell.
 */
#define GCR_CELL_KERNEL
#include "gridcrunch/kernel.h"

enum parameter { REPLICATE };
enum output { U11, U23, LOGDET };
enum fault { NOT_SPD = 1 };
enum { PIECE = 64 }; /* numbers that a member of the team draws from one stream */

/* Columns of x one after the other, in pieces: there are more members in a team than columns. */
GCR_FN void draw(const gcr_ctx *ctx, int64_t n, gcr_real *x)
{
    const int64_t pieces = (n + PIECE - 1) / PIECE;

    for (int64_t p = gcr_team_rank(ctx); p < n * pieces; p += gcr_team_size(ctx)) {
        const int64_t j = p / pieces, first = p % pieces * PIECE;
        const int64_t end = first + PIECE < n ? first + PIECE : n;
        gcr_random random = gcr_random_open(ctx, (uint32_t)j);

        gcr_random_skip(&random, (uint64_t)first);
        for (int64_t i = first; i < end; i++)
            x[i + j * n] = gcr_random_uniform(&random);
    }
}

GCR_FN gcr_real log_determinant(const gcr_ctx *ctx, int64_t n, const gcr_real *factor)
{
    gcr_real sum = 0;

    for (int64_t i = gcr_team_rank(ctx); i < n; i += gcr_team_size(ctx))
        sum += gcr_log(factor[gcr_triangle(i, i)]);
    return 2 * gcr_team_sum(ctx, sum);
}

GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)
{
    const int64_t n = GCR_OPTION(n);
    gcr_real *x = gcr_scratch(ctx), *z = x + n * n;

    draw(ctx, n, x);
    gcr_team_gram(ctx, n, n, x, z);
    if (gcr_team_cholesky(ctx, n, z) != 0)
        return NOT_SPD;
    outputs[U11] = z[gcr_triangle(0, 0)]; /* U is L' */
    outputs[U23] = z[gcr_triangle(2, 1)];
    outputs[LOGDET] = log_determinant(ctx, n, z);
    return 0;
}

GCR_HOST_FN int64_t scratch_count(const gcr_shape *shape)
{
    const int64_t n = shape->option[0];

    return n * n + n * (n + 1) / 2;
}

/* A random number costs as much as 60 operations. */
GCR_HOST_FN double cost(const gcr_shape *shape)
{
    const double n = (double)shape->option[0];

    return 4 * n * n * n / 3 + 60 * n * n;
}

GCR_DESCRIBE(.name = "cholesky",
             .help = "factor of x'x for a random square x, for measuring and checking",
             .form = GCR_FORM_CELL, .uses = GCR_USES_NOTHING,
             .parameters = { { .name = "replicate",
                               .help = "tells the draws of x apart",
                               .is_integer = 1,
                               .least = 0 } },
             .options = { { .name = "n",
                            .help = "rows and columns of x; 12 n^2 bytes for each thread",
                            .standard = 100,
                            .least = 3,
                            .most = 8192 } },
             .outputs = { { .name = "u11",
                            .help = "first entry of U, x'x = U'U; near sqrt(n / 3)",
                            .unit = "1",
                            .width = 1 },
                          { .name = "u23",
                            .help = "entry in row 2, column 3; near sqrt(3 n / 112)",
                            .unit = "1",
                            .width = 1 },
                          { .name = "logdet",
                            .help = "log of the determinant of x'x",
                            .unit = "1",
                            .width = 1 } },
             .faults = { "x'x is not positive definite up to rounding; try another seed" },
             .scratch_count = scratch_count, .cost = cost)
