/*
 * gridcrunch/kernel.h -- the only header that a kernel file includes.
 *
 * A kernel says what is computed in a cell: one dataset at one point of the parameter grid. It is
 * one file of plain C, and the same file is compiled for CPU cores and for GPUs, together with the
 * engine that calls it, so that everything below is inlined. There are two forms.
 *
 * A cell kernel computes the cell by itself:
 *
 *     #define GCR_CELL_KERNEL
 *     #include "gridcrunch/kernel.h"
 *
 *     GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs);
 *     GCR_DESCRIBE(...)
 *
 * An SPD kernel describes symmetric positive definite systems and reads the answers. The engine
 * fills, factors (Cholesky) and solves them, batched over points and fused where that is faster:
 *
 *     #define GCR_SPD_KERNEL
 *     #define GCR_HAS_PREPARE // only if the file has prepare()
 *     #define GCR_HAS_DERIVE  // only if the file has derive()
 *     #include "gridcrunch/kernel.h"
 *
 *     GCR_FN int      prepare(const gcr_ctx *ctx, gcr_real *prepared);
 *     GCR_FN void     derive(const gcr_ctx *ctx, gcr_real *derived);
 *     GCR_FN gcr_real element(const gcr_ctx *ctx, int system, int i, int j);
 *     GCR_FN gcr_real rhs(const gcr_ctx *ctx, int system, int i, int column);
 *     GCR_FN unsigned needs(const gcr_ctx *ctx, int system);
 *     GCR_FN int      finish(const gcr_ctx *ctx, const gcr_answers *answers, gcr_real *outputs);
 *     GCR_DESCRIBE(...)
 *
 * Where all matrices of a dataset are A = scale C + shift I, and C and the right-hand sides depend
 * on few of the parameters, define GCR_HAS_BASE and write three functions in place of element():
 *
 *     GCR_FN gcr_real base(const gcr_ctx *ctx, int system, int i, int j);
 *     GCR_FN gcr_real scale(const gcr_ctx *ctx, int system);
 *     GCR_FN gcr_real shift(const gcr_ctx *ctx, int system);
 *
 * Points that share the parameters of C, those with `is_base` in the description, then share its
 * entries where they are neighbours, and `algorithm: tridiagonal` reduces C once for all of them.
 * The others are NaN while base() is asked for several points, and there rhs() and needs() too,
 * and what derive() makes of them. base() draws no random numbers: a stream is of all parameters.
 *
 * prepare   once per dataset: what does not depend on the parameters (a Gram matrix, distances).
 *           Runs on a team; `prepared` has the description's prepared_count values.
 * derive    once per cell: what element() would otherwise compute n^2 times (1 / lengthscale).
 *           Writes at most GCR_DERIVED_MAX values, read back by gcr_derived().
 * element   entry (i, j) of matrix `system`, asked for i >= j only.
 * base      entry (i, j) of C, the same.
 * rhs       entry i of right-hand side `column` of `system`.
 * needs     which answers finish() reads of `system`: GCR_NEED_* or-ed.
 *           Where it names neither of the two that need them, rhs() is not asked.
 * finish    turns the answers into the outputs of the cell.
 * Outputs stand one after the other in the order of the description, each with the width it has
 * for this dataset, without padding. One that is not written is NaN, and so the cell is too.
 * cell, prepare and finish return 0, or k >= 1 when sentence k - 1 of the description's `faults`
 * tells why there is no result. Such a cell is recorded as a kernel error; the others go on.
 *
 * Rules that make one source work everywhere. The language is the common subset of C17 and C++20.
 * Mathematics only by gcr_exp, gcr_log, gcr_sqrt ... . No other include, no global, no static
 * variable, no allocation. Names that begin with gcr_ or GCR_ are the house's, all others the
 * kernel's. Contraction is off: write gcr_fma where it is meant. The context is always called
 * `ctx` (GCR_OPTION needs the name). A result may depend on the arguments and on nothing else.
 */
#ifndef GCR_KERNEL_H
#define GCR_KERNEL_H

#if defined(__CUDACC_RTC__) /* NVRTC has no headers of its own */
typedef unsigned char uint8_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#else
#include <stdint.h>
#endif

#include "gridcrunch/kernel_description.h"
#include "gridcrunch/kernel_real.h"

#if defined(__CUDACC__)
#define GCR_FN static __device__ __forceinline__
#else
#define GCR_FN static inline __attribute__((unused))
#endif

/* What a kernel reads must have been declared, and be there. Whoever compiles a kernel defines
 * these to hold it to that (kernels/own/expect.h); here they cost nothing. */
#ifndef GCR_EXPECT_DECLARED
#define GCR_EXPECT_DECLARED(promise, word) ((void)0)
#endif
#ifndef GCR_EXPECT
#define GCR_EXPECT(promise, word) ((void)0)
#endif

/* How many cells the engine computes side by side. An engine that vectorises over the points of
 * a dataset defines it before it includes the kernel; to the kernel there is always one cell. */
#ifndef GCR_LANES
#define GCR_LANES 1
#endif

/* ---- what a cell sees ----------------------------------------------------------------------- */

/* One dataset, its values in the precision of the unit that reads them. X is stored by feature:
 * value of row i, feature f is x[i + f * rows]. The same for all units, so that whoever hands it to
 * them need not know which precision they are of. */
typedef struct gcr_view {
    int64_t rows, features;
    const void *x;        /* [features][rows], or NULL if the dataset has none */
    const void *y;        /* [rows], or NULL                                   */
    uint32_t identity[4]; /* made from the dataset's key; for random numbers   */
} gcr_view;

/* Private to the accessors below. */
typedef struct gcr_ctx {
    gcr_view data;
    const int64_t *option;    /* [GCR_OPTIONS_MAX]                          */
    const gcr_real *prepared; /* what prepare() wrote                       */
    const gcr_real *param;    /* [GCR_PARAMETERS_MAX][GCR_LANES]            */
    const gcr_real *derived;  /* [GCR_DERIVED_MAX][GCR_LANES]               */
    gcr_real *scratch;        /* the team's own                             */
    uint64_t seed;
    double ns_per_tick; /* of gcr_ticks()                                   */
    int lane;           /* < GCR_LANES                                      */
    int parameter_count;
} gcr_ctx;

GCR_FN int64_t gcr_rows(const gcr_ctx *ctx)
{
    return ctx->data.rows;
}

GCR_FN int64_t gcr_features(const gcr_ctx *ctx)
{
    return ctx->data.features;
}

GCR_FN gcr_real gcr_x(const gcr_ctx *ctx, int64_t row, int64_t feature)
{
    GCR_EXPECT_DECLARED((GCR_DECLARED_USES & GCR_USES_X) != 0, x);
    GCR_EXPECT(row >= 0 && row < ctx->data.rows, row);
    GCR_EXPECT(feature >= 0 && feature < ctx->data.features, feature);
    return ((const gcr_real *)ctx->data.x)[row + feature * ctx->data.rows];
}

GCR_FN gcr_real gcr_y(const gcr_ctx *ctx, int64_t row)
{
    GCR_EXPECT_DECLARED((GCR_DECLARED_USES & GCR_USES_Y) != 0, y);
    GCR_EXPECT(row >= 0 && row < ctx->data.rows, row);
    return ((const gcr_real *)ctx->data.y)[row];
}

/* The value of parameter `index`, in the order of the description. */
GCR_FN gcr_real gcr_param(const gcr_ctx *ctx, int index)
{
    GCR_EXPECT_DECLARED(index >= 0 && index < GCR_DECLARED_PARAMETERS, parameter);
    return ctx->param[index * GCR_LANES + ctx->lane];
}

/* What derive() wrote at `index`. */
GCR_FN gcr_real gcr_derived(const gcr_ctx *ctx, int index)
{
    GCR_EXPECT(index >= 0 && index < GCR_DERIVED_MAX, derived);
    return ctx->derived[index * GCR_LANES + ctx->lane];
}

/* What prepare() wrote at `index`. */
GCR_FN gcr_real gcr_prepared(const gcr_ctx *ctx, int64_t index)
{
    GCR_EXPECT_DECLARED(GCR_DECLARED_PREPARED, prepared);
    return ctx->prepared[index];
}

/* Memory of this team, `scratch_count` values, holding anything at the start of a cell. */
GCR_FN gcr_real *gcr_scratch(const gcr_ctx *ctx)
{
    GCR_EXPECT_DECLARED(GCR_DECLARED_SCRATCH, scratch);
    return ctx->scratch;
}

/* The build defines GCR_OPTION_<name>: a constant where the kernel was compiled for one value. */
#ifndef GCR_OPTION
#define GCR_OPTION(name) GCR_OPTION_##name
#endif

/* Where (i, j), i >= j, stands in a lower triangle stored by rows: 0, 1 0, 1 1, ... */
GCR_FN int64_t gcr_triangle(int64_t i, int64_t j)
{
    return i * (i + 1) / 2 + j;
}

/* ---- the answers of an SPD kernel ----------------------------------------------------------- */

enum {
    GCR_NEED_LOG_DETERMINANT = 1,  /* log |A|                                 */
    GCR_NEED_QUADRATIC_FORM = 2,   /* b' inv(A) b for each right-hand side b  */
    GCR_NEED_SOLUTION = 4,         /* inv(A) b for each right-hand side b     */
    GCR_NEED_INVERSE_DIAGONAL = 8, /* the diagonal of inv(A)                  */
};

/* Private to the accessors below. Only what needs() asked for has been written. */
typedef struct gcr_answers {
    int64_t n, right_sides;
    const gcr_real *log_determinant;  /* [systems][GCR_LANES]                 */
    const gcr_real *quadratic_form;   /* [systems][right_sides][GCR_LANES]    */
    const gcr_real *solution;         /* [systems][right_sides][n][GCR_LANES] */
    const gcr_real *inverse_diagonal; /* [systems][n][GCR_LANES]              */
    int lane;
} gcr_answers;

GCR_FN gcr_real gcr_log_determinant(const gcr_answers *answers, int system)
{
    return answers->log_determinant[system * GCR_LANES + answers->lane];
}

GCR_FN gcr_real gcr_quadratic_form(const gcr_answers *answers, int system, int column)
{
    const int64_t index = system * answers->right_sides + column;

    return answers->quadratic_form[index * GCR_LANES + answers->lane];
}

GCR_FN gcr_real gcr_solution(const gcr_answers *answers, int system, int column, int i)
{
    const int64_t index = (system * answers->right_sides + column) * answers->n + i;

    return answers->solution[index * GCR_LANES + answers->lane];
}

GCR_FN gcr_real gcr_inverse_diagonal(const gcr_answers *answers, int system, int i)
{
    return answers->inverse_diagonal[(system * answers->n + i) * GCR_LANES + answers->lane];
}

/* ---- the team ------------------------------------------------------------------------------- */

/* A cell is computed by a team: one thread on a CPU; a thread, block or grid on a GPU. Loops run
 *     for (i = gcr_team_rank(ctx); i < n; i += gcr_team_size(ctx))
 * with a barrier where a member reads what another wrote; both cost nothing in a team of one. */
#if defined(GCR_TEAM_HEADER) /* whoever compiles the kernel has teams of their own */
#include GCR_TEAM_HEADER
#else
GCR_FN int gcr_team_rank(const gcr_ctx *ctx)
{
    (void)ctx;
    return 0;
}

GCR_FN int gcr_team_size(const gcr_ctx *ctx)
{
    (void)ctx;
    return 1;
}

GCR_FN void gcr_team_barrier(const gcr_ctx *ctx)
{
    (void)ctx;
}

/* The sum of `value` over the team, the same bits in each member. */
GCR_FN gcr_real gcr_team_sum(const gcr_ctx *ctx, gcr_real value)
{
    (void)ctx;
    return value;
}
#endif

#include "gridcrunch/kernel_math.h"
#include "gridcrunch/kernel_random.h"

#include "gridcrunch/kernel_matrix.h" /* of all three above */

/* ---- what the file promises to have --------------------------------------------------------- */

#if defined(GCR_CELL_KERNEL)
GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs);
#elif defined(GCR_SPD_KERNEL)
#if defined(GCR_HAS_BASE)
GCR_FN gcr_real base(const gcr_ctx *ctx, int system, int i, int j);
GCR_FN gcr_real scale(const gcr_ctx *ctx, int system);
GCR_FN gcr_real shift(const gcr_ctx *ctx, int system);

GCR_FN gcr_real element(const gcr_ctx *ctx, int system, int i, int j)
{
    const gcr_real scaled = scale(ctx, system) * base(ctx, system, i, j);

    return i == j ? scaled + shift(ctx, system) : scaled;
}
#else
GCR_FN gcr_real element(const gcr_ctx *ctx, int system, int i, int j);
#endif
GCR_FN gcr_real rhs(const gcr_ctx *ctx, int system, int i, int column);
GCR_FN unsigned needs(const gcr_ctx *ctx, int system);
GCR_FN int finish(const gcr_ctx *ctx, const gcr_answers *answers, gcr_real *outputs);
#endif
#if defined(GCR_HAS_PREPARE)
GCR_FN int prepare(const gcr_ctx *ctx, gcr_real *prepared);
#endif
#if defined(GCR_HAS_DERIVE)
GCR_FN void derive(const gcr_ctx *ctx, gcr_real *derived);
#endif

/* The description, once per file, as designated initialisers of a gcr_kernel in their order. It
 * and the functions it names run on the host only, so device code does not see them. */
#if defined(__CUDACC__)
#define GCR_HOST_FN GCR_FN /* NVRTC knows no other; nobody calls them there */
#define GCR_DESCRIBE(...)
#else
#define GCR_HOST_FN static __attribute__((unused))
#define GCR_DESCRIBE(...) static const gcr_kernel gcr_description = { __VA_ARGS__ };
#endif

#endif /* GCR_KERNEL_H */
