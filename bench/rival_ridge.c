/*
 * bench/rival_ridge.c -- rows are centred once; each fold's Gram matrix is made once (dsyrk) and
 * the training matrix of a fold is the sum of the others'; dpotrf and dpotrs for each alpha; the
 * held-out rows meet the solutions of all alphas at once (dgemm). Compiled for the machine it runs
 * on.
 */
#include "rival_ridge.h"

#include <string.h>

void dsyrk_(const char *uplo, const char *trans, const int *n, const int *k, const double *alpha,
            const double *a, const int *lda, const double *beta, double *c, const int *ldc,
            size_t uplo_length, size_t trans_length);
void dgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k,
            const double *alpha, const double *a, const int *lda, const double *b, const int *ldb,
            const double *beta, double *c, const int *ldc, size_t transa_length,
            size_t transb_length);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda,
             double *b, const int *ldb, int *info, size_t uplo_length);

/* Column-major throughout; y is column d of z, so that X'y is the last row of each Gram matrix. */
typedef struct problem {
    int rows, d, alphas;
    int begin[RIVAL_RIDGE_FOLDS + 1];
    const double *alpha;
    double *z;        /* [d + 1][rows] around the means of all rows               */
    double *gram;     /* [folds][d + 1][d + 1] of the rows in each fold           */
    double *sum;      /* [folds][d + 1] of the rows in each fold                  */
    double *train;    /* [d + 1][d + 1]                                           */
    double *shift;    /* [d + 1] the means of the rows outside                    */
    double *factor;   /* [d][d]                                                   */
    double *solution; /* [alphas][d]                                              */
    double *held_out; /* [alphas][rows of the fold] predictions                   */
} problem;

size_t rival_ridge_work(int64_t rows, int64_t features, int alphas)
{
    const size_t n = (size_t)rows, c = (size_t)features + 1, a = (size_t)alphas;

    return n * c + (RIVAL_RIDGE_FOLDS + 2) * (c * c + c) + a * (c + n / RIVAL_RIDGE_FOLDS + 1);
}

static void carve(problem *p, double *work)
{
    const size_t n = (size_t)p->rows, c = (size_t)p->d + 1, a = (size_t)p->alphas;

    p->z = work;
    p->gram = p->z + n * c;
    p->sum = p->gram + RIVAL_RIDGE_FOLDS * c * c;
    p->train = p->sum + RIVAL_RIDGE_FOLDS * c;
    p->shift = p->train + c * c;
    p->factor = p->shift + c;
    p->solution = p->factor + c * c;
    p->held_out = p->solution + a * c;
    for (int k = 0; k <= RIVAL_RIDGE_FOLDS; k++) {
        const int longer = p->rows % RIVAL_RIDGE_FOLDS;

        p->begin[k] = k * (p->rows / RIVAL_RIDGE_FOLDS) + (k < longer ? k : longer);
    }
}

static double mean_of(const double *values, int count)
{
    double sum = 0;

    for (int i = 0; i < count; i++)
        sum += values[i];
    return sum / count;
}

static void centre(problem *p, const gcr_dataset *dataset)
{
    for (int c = 0; c <= p->d; c++) {
        const double *from = c < p->d ? dataset->x + (size_t)c * (size_t)p->rows : dataset->y;
        const double mean = mean_of(from, p->rows);
        double *to = p->z + (size_t)c * (size_t)p->rows;

        for (int i = 0; i < p->rows; i++)
            to[i] = from[i] - mean;
    }
}

static void find_fold(problem *p, int k)
{
    const int columns = p->d + 1, rows = p->begin[k + 1] - p->begin[k];
    const double one = 1, zero = 0;
    const double *z = p->z + p->begin[k];

    dsyrk_("L", "T", &columns, &rows, &one, z, &p->rows, &zero,
           p->gram + (size_t)k * (size_t)(columns * columns), &columns, 1, 1);
    for (int c = 0; c < columns; c++)
        p->sum[k * columns + c] = rows * mean_of(z + (size_t)c * (size_t)p->rows, rows);
}

/* The Gram matrix of the rows outside fold `k`, around their own means. */
static void find_train(problem *p, int k)
{
    const int columns = p->d + 1, rows = p->rows - (p->begin[k + 1] - p->begin[k]);

    memset(p->train, 0, (size_t)(columns * columns) * sizeof *p->train);
    memset(p->shift, 0, (size_t)columns * sizeof *p->shift);
    for (int j = 0; j < RIVAL_RIDGE_FOLDS; j++) {
        if (j == k)
            continue;
        for (int i = 0; i < columns * columns; i++)
            p->train[i] += p->gram[j * columns * columns + i];
        for (int c = 0; c < columns; c++)
            p->shift[c] += p->sum[j * columns + c] / rows;
    }
    for (int c = 0; c < columns; c++)
        for (int r = c; r < columns; r++)
            p->train[c * columns + r] -= rows * p->shift[c] * p->shift[r];
}

/* All alphas; false if one has no factor. */
static int solve(problem *p)
{
    const int d = p->d, columns = d + 1, one = 1;
    int info = 0;

    for (int a = 0; a < p->alphas && info == 0; a++) {
        double *b = p->solution + a * d;

        for (int c = 0; c < d; c++) {
            memcpy(p->factor + c * d + c, p->train + c * columns + c, (size_t)(d - c) * sizeof *b);
            p->factor[c * d + c] += p->alpha[a];
            b[c] = p->train[c * columns + d];
        }
        dpotrf_("L", &d, p->factor, &d, &info, 1);
        if (info == 0)
            dpotrs_("L", &d, &one, p->factor, &d, b, &d, &info, 1);
    }
    return info == 0;
}

static void add_errors(double *mse, const problem *p, int k)
{
    const int rows = p->begin[k + 1] - p->begin[k];
    const double one = 1, zero = 0;
    const double *z = p->z + p->begin[k], *y = z + (size_t)p->d * (size_t)p->rows;

    dgemm_("N", "N", &rows, &p->alphas, &p->d, &one, z, &p->rows, p->solution, &p->d, &zero,
           p->held_out, &rows, 1, 1);
    for (int a = 0; a < p->alphas; a++) {
        const double *predicted = p->held_out + (size_t)a * (size_t)rows;
        double offset = p->shift[p->d], sum = 0;

        for (int c = 0; c < p->d; c++)
            offset -= p->shift[c] * p->solution[a * p->d + c];
        for (int i = 0; i < rows; i++)
            sum += (y[i] - offset - predicted[i]) * (y[i] - offset - predicted[i]);
        mse[a] += sum / rows / RIVAL_RIDGE_FOLDS;
    }
}

int rival_ridge(double *mse, const gcr_dataset *dataset, const double *alpha, int alphas,
                double *work)
{
    problem p = {
        .rows = (int)dataset->rows, .d = (int)dataset->features, .alphas = alphas, .alpha = alpha
    };

    carve(&p, work);
    centre(&p, dataset);
    memset(mse, 0, (size_t)alphas * sizeof *mse);
    for (int k = 0; k < RIVAL_RIDGE_FOLDS; k++)
        find_fold(&p, k);
    for (int k = 0; k < RIVAL_RIDGE_FOLDS; k++) {
        find_train(&p, k);
        if (!solve(&p))
            return 0;
        add_errors(mse, &p, k);
    }
    return 1;
}
