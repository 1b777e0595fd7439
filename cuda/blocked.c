/* cuda/blocked.c -- see blocked.h. */
#include "cuda/blocked.h"

#include "base/check.h"

enum {
    WIDE_ROWS = 2048, /* from here on ...                                                         */
    WIDE = 256,       /* ... products are so wide, that a few matrices keep a GPU busy; half of a */
};                    /* square on the diagonal is computed for nothing                           */

static int64_t place(const gcr_blocked *of, int64_t row, int64_t column)
{
    return row + column * of->ld;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Columns `first` .. of L, in the rows from `row` on. */
static gcr_status divide(const gcr_blocked *of, int64_t first, int64_t count, int64_t row)
{
    gcr_status status = GCR_OK;
    const gcr_product product = { .a_is_across = 1,
                                  .m = of->rows + of->sides - row,
                                  .n = count,
                                  .k = count,
                                  .a = place(of, first, row),
                                  .b = place(of, first, first),
                                  .c = place(of, row, first),
                                  .alpha = 1 };

    if (product.m > 0)
        GCR_TRY(of->multiply(of->arg, &product));
out:
    return status;
}

/* What columns from .. from + depth - 1 of L subtract from the `count` rows of entries at `first`,
 * in columns from `column` on. */
static gcr_status update(const gcr_blocked *of, int64_t first, int64_t count, int64_t column,
                         int64_t from, int64_t depth)
{
    gcr_status status = GCR_OK;
    const gcr_product product = { .m = count,
                                  .n = of->rows + of->sides - column,
                                  .k = depth,
                                  .a = place(of, first, from),
                                  .b = place(of, column, from),
                                  .c = place(of, first, column),
                                  .alpha = -1,
                                  .beta = 1 };

    if (product.m > 0 && product.n > 0)
        GCR_TRY(of->multiply(of->arg, &product));
out:
    return status;
}

/* All that columns begin .. middle - 1 subtract from columns middle .. end - 1 of L. */
static gcr_status update_half(const gcr_blocked *of, int64_t begin, int64_t middle, int64_t end)
{
    gcr_status status = GCR_OK;
    const int64_t width = of->rows < WIDE_ROWS ? GCR_BLOCKED_ROWS : WIDE;

    for (int64_t first = middle; first < end; first += width)
        GCR_TRY(update(of, first, least(width, end - first), first, begin, middle - begin));
out:
    return status;
}

/* Columns begin .. end - 1 of L, from which all columns before have been subtracted. */
static gcr_status factor_columns(const gcr_blocked *of, int64_t begin, int64_t end)
{
    gcr_status status = GCR_OK;
    const int64_t blocks = (end - begin + GCR_BLOCKED_ROWS - 1) / GCR_BLOCKED_ROWS;
    const int64_t middle = begin + (blocks + 1) / 2 * GCR_BLOCKED_ROWS;

    if (blocks == 1) {
        GCR_TRY(of->diagonal(of->arg, begin, end - begin));
        GCR_TRY(divide(of, begin, end - begin, end));
        goto out;
    }
    GCR_TRY(factor_columns(of, begin, middle));
    GCR_TRY(update_half(of, begin, middle, end));
    GCR_TRY(factor_columns(of, middle, end));
out:
    return status;
}

gcr_status gcr_blocked_factor(const gcr_blocked *of)
{
    return factor_columns(of, 0, of->rows);
}

/* Each block of sides, once solved, is subtracted from all that are behind it. */
gcr_status gcr_blocked_solve(const gcr_blocked *of)
{
    gcr_status status = GCR_OK;

    GCR_TRY(of->diagonal(of->arg, 0, of->rows));
    for (int64_t first = 0; first < of->rows; first += GCR_BLOCKED_ROWS) {
        const int64_t count = least(GCR_BLOCKED_ROWS, of->rows - first), next = first + count;

        GCR_TRY(divide(of, first, count, of->rows));
        GCR_TRY(update(of, next, of->rows - next, of->rows, first, count));
    }
out:
    return status;
}
