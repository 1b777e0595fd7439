/*
 * cuda/device/measure_work.h -- loops whose time is compared with that of copies.
 *
 * The simplest that is near what the device can do: a square of the product in the registers of a
 * block, one pass over memory for the rest. What is not simple is the order of a sum, which is the
 * same on every device (backend/measure.h), and a walk that is slow on purpose.
 */

enum { GCR_MULTIPLY_DEPTH = 16, GCR_MULTIPLY_OWN = 4 };

/* Entry (row, column) of a matrix, 0 beside it. */
GCR_FN double gcr_entry_or_zero(const double *matrix, uint64_t n, uint64_t row, uint64_t column)
{
    return row < n && column < n ? matrix[row * n + column] : 0;
}

/* Thread (y, x) of 16 x 16 has the rows y, y + 16 ... and the columns x, x + 16 ... of the square:
 * threads of a warp read the same row of `a` and neighbouring columns of `b`. */
GCR_ENTRY(gcr_multiply, gcr_work_launch)
{
    enum { TILE = GCR_MULTIPLY_TILE, DEPTH = GCR_MULTIPLY_DEPTH, OWN = GCR_MULTIPLY_OWN };
    GCR_SHARED double a_part[DEPTH][TILE + 1], b_part[DEPTH][TILE]; /* + 1: other banks */
    const double *a = (const double *)launch.a, *b = (const double *)launch.b;
    double *out = (double *)launch.out;
    const uint64_t n = launch.n, squares = (n + TILE - 1) / TILE;
    const uint64_t row = gcr_block_index() / squares * TILE;
    const uint64_t column = gcr_block_index() % squares * TILE;
    const int thread = gcr_thread_index(), y = thread / 16, x = thread % 16;
    double own[OWN][OWN] = { { 0 } };

    for (uint64_t k0 = 0; k0 < n; k0 += DEPTH) {
        gcr_block_barrier(); /* all have read the parts before */
        GCR_UNROLL
        for (int part = 0; part < OWN; part++) {
            const int e = thread + part * GCR_MULTIPLY_THREADS;

            a_part[e % DEPTH][e / DEPTH] =
                gcr_entry_or_zero(a, n, row + (uint64_t)(e / DEPTH), k0 + (uint64_t)(e % DEPTH));
            b_part[e / TILE][e % TILE] =
                gcr_entry_or_zero(b, n, k0 + (uint64_t)(e / TILE), column + (uint64_t)(e % TILE));
        }
        gcr_block_barrier();
        GCR_UNROLL
        for (int k = 0; k < DEPTH; k++) {
            GCR_UNROLL
            for (int r = 0; r < OWN; r++) {
                GCR_UNROLL
                for (int c = 0; c < OWN; c++)
                    own[r][c] = gcr_fma(a_part[k][y + 16 * r], b_part[k][x + 16 * c], own[r][c]);
            }
        }
    }
    for (int r = 0; r < OWN; r++)
        for (int c = 0; c < OWN; c++) {
            const uint64_t i = row + (uint64_t)(y + 16 * r), j = column + (uint64_t)(x + 16 * c);

            if (i < n && j < n)
                out[i * n + j] = own[r][c];
        }
}

GCR_ENTRY(gcr_tan_f64, gcr_work_launch)
{
    const uint64_t stride = gcr_block_count() * GCR_MEASURE_THREADS;
    const double *a = (const double *)launch.a;
    double *out = (double *)launch.out;
    uint64_t i = gcr_block_index() * GCR_MEASURE_THREADS + (uint64_t)gcr_thread_index();

    for (; i < launch.n; i += stride)
        out[i] = GCR_BUILTIN(tan)(a[i]) + 3 * GCR_BUILTIN(sin)(a[i]);
}

GCR_ENTRY(gcr_tan_f32, gcr_work_launch)
{
    const uint64_t stride = gcr_block_count() * GCR_MEASURE_THREADS;
    const float *a = (const float *)launch.a;
    float *out = (float *)launch.out;
    uint64_t i = gcr_block_index() * GCR_MEASURE_THREADS + (uint64_t)gcr_thread_index();

    for (; i < launch.n; i += stride)
        out[i] = GCR_BUILTIN(tanf)(a[i]) + 3 * GCR_BUILTIN(sinf)(a[i]);
}

/* A lane of the sum for each thread; thread 0 gets what all are, the others nothing. */
GCR_FN double gcr_sum_lanes(const double *a, uint64_t count)
{
    GCR_SHARED double lane[GCR_MEASURE_THREADS];
    const int thread = gcr_thread_index();
    double own = 0;

    for (uint64_t i = (uint64_t)thread; i < count; i += GCR_MEASURE_THREADS)
        own += a[i];
    gcr_block_barrier(); /* all have read the sum before */
    lane[thread] = own;
    for (int half = GCR_MEASURE_THREADS / 2; half > 0; half /= 2) {
        gcr_block_barrier();
        if (thread < half)
            lane[thread] += lane[thread + half];
    }
    return thread == 0 ? lane[0] : 0; /* its own: nobody reads what another has just written */
}

GCR_ENTRY(gcr_sum_parts, gcr_work_launch)
{
    const double *a = (const double *)launch.a;
    double *parts = (double *)launch.out + 1;
    const uint64_t pieces = GCR_MEASURE_PIECES, n = launch.n, piece = (n + pieces - 1) / pieces;

    for (uint64_t p = gcr_block_index(); p < pieces; p += gcr_block_count()) {
        const uint64_t first = p * piece < n ? p * piece : n;
        const double all = gcr_sum_lanes(a + first, n - first < piece ? n - first : piece);

        if (gcr_thread_index() == 0)
            parts[p] = all;
    }
}

GCR_ENTRY(gcr_sum, gcr_work_launch)
{
    double *out = (double *)launch.out;
    const double all = gcr_sum_lanes(out + 1, GCR_MEASURE_PIECES);

    if (gcr_thread_index() == 0)
        out[0] = all;
}

/* In each step neighbouring threads have neighbouring values: a line of memory for a warp. */
GCR_ENTRY(gcr_neighbours, gcr_work_launch)
{
    const uint64_t n = launch.n;
    const uint64_t j = gcr_block_index() * GCR_WALK_THREADS + (uint64_t)gcr_thread_index();
    const float *a = (const float *)launch.a;
    float *out = (float *)launch.out;

    for (uint64_t i = 0; i < n && j < n; i++)
        out[i * n + j] = 2 * a[i * n + j];
}

/* In each step a line of memory for each thread. */
GCR_ENTRY(gcr_apart, gcr_work_launch)
{
    const uint64_t n = launch.n;
    const uint64_t i = gcr_block_index() * GCR_WALK_THREADS + (uint64_t)gcr_thread_index();
    const float *a = (const float *)launch.a;
    float *out = (float *)launch.out;

    for (uint64_t j = 0; j < n && i < n; j++)
        out[i * n + j] = 2 * a[i * n + j];
}
