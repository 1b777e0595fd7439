/*
 * kernels/own/checking.c -- a program that computes random cells of a kernel, again and again, and
 * says where two of them differ that must not.
 *
 * The library carries this file as text; `gridcrunch kernel check` compiles it and links it with
 * the kernel's units: gcr_unit_here as it will run, or with AddressSanitizer and GCR_CHECKS, and
 * gcr_unit_plain for the plain code path with one cell after the other. It is a program of its own, so that
 * a crash is an answer, and its LAPACK is three plain loops: an oracle that shares no line with
 * what it judges.
 *
 *     checking compare|bounds PLACE OPTION...
 *
 * It writes a line for each check, "NAME\tok\tSENTENCE" or "NAME\tfailed\tSENTENCE".
 */
#include "kernels/own/checking.h"

#include "gridcrunch/cell.h"
#include "gridcrunch/unit.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern const gcr_unit gcr_unit_here, gcr_unit_plain;

enum { VALUES = 3, VARIED = 3, POINTS_MAX = 27, ROUNDS = 10, THREADS = 3, SECONDS = 120 };

static const gcr_kernel *kernel;
static gcr_checking_place *place;
static int64_t option[GCR_OPTIONS_MAX];

/* ---- LAPACK, as it is explained in class ------------------------------------------------------- */

static void factor(const char *uplo, const int *n, double *a, const int *lda, int *info,
                   size_t length)
{
    (void)uplo;
    (void)length;
    *info = 0;
    for (int j = 0; j < *n; j++) {
        for (int i = j; i < *n; i++) {
            double sum = a[i + j * *lda];

            for (int k = 0; k < j; k++)
                sum -= a[i + k * *lda] * a[j + k * *lda];
            a[i + j * *lda] = i > j ? sum / a[j + j * *lda] : sqrt(sum);
        }
        if (!(a[j + j * *lda] > 0)) {
            *info = j + 1;
            return;
        }
    }
}

/* x := inv(L) x, or inv(L') x. */
static void solve(const char *uplo, const char *trans, const char *diag, const int *n,
                  const double *a, const int *lda, double *x, const int *incx, size_t length0,
                  size_t length1, size_t length2)
{
    const int is_transposed = *trans == 'T', step = is_transposed ? -1 : 1;

    (void)uplo;
    (void)diag;
    (void)length0;
    (void)length1;
    (void)length2;
    for (int i = is_transposed ? *n - 1 : 0; i >= 0 && i < *n; i += step) {
        double sum = x[i * *incx];

        for (int k = i - step; k >= 0 && k < *n; k -= step)
            sum -= (is_transposed ? a[k + i * *lda] : a[i + k * *lda]) * x[k * *incx];
        x[i * *incx] = sum / a[i + i * *lda];
    }
}

/* Column by column, from the first: those behind it are still those of L. */
static void invert(const char *uplo, const char *diag, const int *n, double *a, const int *lda,
                   int *info, size_t length0, size_t length1)
{
    (void)uplo;
    (void)diag;
    (void)length0;
    (void)length1;
    *info = 0;
    for (int j = 0; j < *n; j++) {
        const int size = *n - j, one = 1;
        double *column = a + j + j * *lda, *unit = calloc((size_t)size, sizeof *unit);

        if (unit == NULL)
            continue;
        unit[0] = 1;
        solve("L", "N", "N", &size, column, lda, unit, &one, 1, 1, 1);
        memcpy(column, unit, (size_t)size * sizeof *unit);
        free(unit);
    }
}

static const gcr_lapack lapack = { .dpotrf = factor, .dtrtri = invert, .dtrsv = solve };

/* ---- random problems ------------------------------------------------------------------------- */

static uint64_t seed = 20;

static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(seed >> 11) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(1 - uniform())) * cos(2 * GCR_PI * uniform());
}

static double value_for(const gcr_kernel_parameter *parameter, int i)
{
    const double spread = pow(10, 2 * uniform() - 1); /* 0.1 .. 10 */

    if (parameter->is_free)
        return parameter->is_integer ? floor(5 * uniform()) - 2 : 2 * normal();
    if (i == 0 && !parameter->is_open)
        return parameter->is_integer ? ceil(parameter->least) : parameter->least;
    return parameter->is_integer ? floor(parameter->least) + 1 + floor(4 * uniform())
                                 : parameter->least + spread;
}

/* A dataset and a grid, and room for the results of its cells. */
typedef struct problem {
    gcr_view data;
    gcr_point_table table;
    gcr_unit_setup setup;
    gcr_real *x, *y;
    double values[GCR_PARAMETERS_MAX][VALUES];
} problem;

/* Room for what a problem gives. All memory is exactly as large as it must be, and on the heap,
 * where AddressSanitizer looks. */
typedef struct results {
    gcr_unit_tile tile;
    uint8_t state[POINTS_MAX];
} results;

static void *room(uint64_t count, size_t size)
{
    void *memory = malloc(count > 0 ? count * size : 1);

    if (memory == NULL)
        __builtin_trap();
    return memory;
}

static void fill_data(problem *p, int round)
{
    static const int64_t rows[] = { 12, 7, 1, 16, 33, 2, 25, 70, 3, 9 };
    static const int64_t features[] = { 1, 3, 2, 1 };
    gcr_view *data = &p->data;

    data->rows = rows[round % 10];
    data->features = (kernel->uses & GCR_USES_X) != 0 ? features[round % 4] : 0;
    p->x = room((uint64_t)(data->rows * data->features), sizeof *p->x);
    p->y = room((uint64_t)data->rows, sizeof *p->y);
    for (int64_t i = 0; i < data->rows * data->features; i++)
        p->x[i] = (gcr_real)(3 * uniform());
    for (int64_t i = 0; i < data->rows; i++) /* every other dataset has two classes */
        p->y[i] = (gcr_real)(round % 2 == 0 ? normal() : uniform() < 0.5);
    data->x = data->features > 0 ? p->x : NULL;
    data->y = (kernel->uses & GCR_USES_Y) != 0 ? p->y : NULL;
    for (int i = 0; i < 4; i++)
        data->identity[i] = (uint32_t)(round + i);
}

/* Three values for each of the first three parameters, one for the others. */
static void fill_grid(problem *p)
{
    gcr_point_table *table = &p->table;

    table->point_count = 1;
    for (int a = 0; kernel->parameters[a].name != NULL; a++) {
        const uint64_t count = a < VARIED ? VALUES : 1;

        for (uint64_t i = 0; i < count; i++)
            p->values[a][i] = value_for(&kernel->parameters[a], (int)i);
        table->axes[a] = (gcr_axis){ kernel->parameters[a].name, p->values[a], count };
        table->axis_count++;
        table->point_count *= count;
        p->setup.parameter_of_axis[a] = a;
    }
    table->live_count = table->point_count;
    p->setup.points = table;
    p->setup.seed = 1;
    p->setup.ns_per_tick = 1;
    p->setup.lapack = &lapack;
    memcpy(p->setup.option, option, sizeof option);
}

static void open_problem(problem *p, int round)
{
    memset(p, 0, sizeof *p);
    fill_data(p, round);
    fill_grid(p);
}

static void close_problem(problem *p)
{
    free(p->x);
    free(p->y);
}

static gcr_shape shape_of(const problem *p)
{
    return (gcr_shape){ p->data.rows, p->data.features, option };
}

static int64_t width_of(const problem *p, int o)
{
    const int32_t width = kernel->outputs[o].width;

    return width == GCR_WIDTH_ROWS       ? p->data.rows
           : width == GCR_WIDTH_FEATURES ? p->data.features
                                         : width;
}

static void open_results(results *r, const problem *p)
{
    memset(r, 0, sizeof *r);
    for (int o = 0; kernel->outputs[o].name != NULL; o++) {
        r->tile.width[o] = width_of(p, o);
        r->tile.outputs[o] =
            room(p->table.point_count * (uint64_t)r->tile.width[o], sizeof(gcr_real));
    }
    r->tile.state = r->state;
    r->tile.data = p->data;
}

static void close_results(results *r)
{
    for (int o = 0; r->tile.outputs[o] != NULL; o++)
        free(r->tile.outputs[o]);
}

/* "a random dataset of 7 rows and 1 feature, a=1.25" */
static void name_cell(char out[GCR_PLACE_BYTES], const problem *p, uint64_t point)
{
    int used = snprintf(out, GCR_PLACE_BYTES, "a random dataset of %d row%s", (int)p->data.rows,
                        p->data.rows == 1 ? "" : "s");
    uint64_t coords[GCR_AXES_MAX];

    if (p->data.features > 0)
        used += snprintf(out + used, (size_t)(GCR_PLACE_BYTES - used), " and %d feature%s",
                         (int)p->data.features, p->data.features == 1 ? "" : "s");
    for (int a = p->table.axis_count - 1; a >= 0; a--) {
        coords[a] = point % p->table.axes[a].count;
        point /= p->table.axes[a].count;
    }
    for (int a = 0; a < p->table.axis_count && used < GCR_PLACE_BYTES; a++)
        used += snprintf(out + used, (size_t)(GCR_PLACE_BYTES - used), ", %s=%.6g",
                         p->table.axes[a].name, p->table.axes[a].values[coords[a]]);
}

/* ---- computing ------------------------------------------------------------------------------- */

/* How the cells are computed. The result must not depend on it. */
typedef struct manner {
    uint64_t batch;     /* cells at a time */
    int is_backwards;   /* batches from the last to the first */
    unsigned char fill; /* what memory holds before */
    int is_told;        /* each batch is noted as the place */
} manner;

static void *filled(uint64_t bytes, unsigned char fill)
{
    void *memory = aligned_alloc(64, bytes > 0 ? (bytes + 63) / 64 * 64 : 64);

    if (memory == NULL)
        __builtin_trap();
    return memset(memory, fill, bytes);
}

/* Which outputs a cell that came out as NaN has not written at all. */
static int unwritten_cells[GCR_OUTPUTS_MAX];

static void look_for_unwritten(const results *r, const gcr_real *outputs, uint64_t cell)
{
    for (int o = 0; kernel->outputs[o].name != NULL; outputs += r->tile.width[o], o++)
        for (int64_t k = 0; k < r->tile.width[o]; k++) {
            const gcr_real nothing = gcr_cell_nan(0);

            if (r->state[cell] == GCR_CELL_NAN_OUT &&
                memcmp(&outputs[k], &nothing, sizeof nothing) == 0) {
                unwritten_cells[o]++;
                break;
            }
        }
}

static void crunch_batch(results *r, const problem *p, const gcr_unit *unit, const manner *how,
                         uint64_t first)
{
    const gcr_shape shape = shape_of(p);
    gcr_unit_tile tile = r->tile;
    void *scratch = filled(unit->scratch_bytes(&shape), how->fill);

    tile.first = first;
    tile.count = how->batch;
    if (first + tile.count > p->table.point_count)
        tile.count = p->table.point_count - first;
    tile.state += first;
    for (int o = 0; tile.outputs[o] != NULL; o++)
        tile.outputs[o] += first * (uint64_t)tile.width[o];
    if (how->is_told)
        name_cell(place->cell, p, first);
    unit->crunch(&p->setup, &tile, 1, scratch);
    if (how->is_told && tile.count == 1)
        look_for_unwritten(r, scratch, first); /* a unit begins its scratch with a cell's outputs */
    free(scratch);
}

static void crunch(results *r, const problem *p, const gcr_unit *unit, const manner *how)
{
    const uint64_t batches = (p->table.point_count + how->batch - 1) / how->batch;
    const gcr_shape shape = shape_of(p);
    int32_t fault = 0;
    gcr_real *prepared = NULL;
    void *scratch;

    open_results(r, p);
    if (unit->prepare != NULL) {
        const uint64_t bytes = (uint64_t)kernel->prepared_count(&shape) * sizeof *prepared;

        prepared = room(bytes, 1);
        memset(prepared, how->fill, bytes);
        scratch = filled(unit->scratch_bytes(&shape), how->fill);
        if (how->is_told)
            name_cell(place->cell, p, 0);
        fault = unit->prepare(&p->setup, &p->data, prepared, scratch);
        free(scratch);
    }
    r->tile.prepared = prepared;
    r->tile.fault = &fault;
    for (uint64_t b = 0; b < batches; b++)
        crunch_batch(r, p, unit, how, (how->is_backwards ? batches - 1 - b : b) * how->batch);
    free(prepared);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static gcr_real value_at(const results *r, int o, uint64_t point, int64_t k)
{
    return r->tile.outputs[o][(int64_t)point * r->tile.width[o] + k];
}

/* Writes at which cell the two differ, and in what. */
static void tell(char out[2 * GCR_PLACE_BYTES], const problem *p, uint64_t point, const char *what,
                 double u, double v)
{
    char cell[GCR_PLACE_BYTES];

    name_cell(cell, p, point);
    snprintf(out, 2 * GCR_PLACE_BYTES, "%s: %s is %.17g in one and %.17g in the other", cell, what,
             u, v);
}

/* Bit by bit. The cell at `i` of b is the one at point map[i] of a; NULL: the same. */
static int differs(char out[2 * GCR_PLACE_BYTES], const problem *p, const results *a,
                   const results *b, const uint64_t *map)
{
    for (uint64_t i = 0; i < p->table.point_count; i++) {
        const uint64_t at = map != NULL ? map[i] : i;

        if (a->state[at] != b->state[i]) {
            tell(out, p, at, "its state", a->state[at], b->state[i]);
            return 1;
        }
        for (int o = 0; kernel->outputs[o].name != NULL; o++)
            for (int64_t k = 0; k < a->tile.width[o]; k++) {
                const gcr_real u = value_at(a, o, at, k), v = value_at(b, o, i, k);

                if (memcmp(&u, &v, sizeof u) != 0) {
                    tell(out, p, at, kernel->outputs[o].name, (double)u, (double)v);
                    return 1;
                }
            }
    }
    return 0;
}

/* Whether u is v as far as rounding lets one say. `nudged` is v of data that differ in their last
 * bits: where that moves v much, u may be as far away. */
static int is_near(double u, double v, double nudged)
{
    return fabs(u - v) <= fmax(1e-6 * fmax(1, fabs(v)), 1000 * fabs(nudged - v));
}

/* In the cells that have a result in all three. */
static int is_far(char out[2 * GCR_PLACE_BYTES], const problem *p, const results *a,
                  const results *b, const results *nudged)
{
    for (uint64_t i = 0; i < p->table.point_count; i++)
        for (int o = 0; kernel->outputs[o].name != NULL; o++)
            for (int64_t k = 0; k < a->tile.width[o]; k++) {
                const double u = (double)value_at(a, o, i, k), v = (double)value_at(b, o, i, k);

                if (a->state[i] != GCR_CELL_OK || b->state[i] != GCR_CELL_OK ||
                    nudged->state[i] != GCR_CELL_OK ||
                    is_near(u, v, (double)value_at(nudged, o, i, k)))
                    continue;
                tell(out, p, i, kernel->outputs[o].name, u, v);
                return 1;
            }
    return 0;
}

/* ---- the checks ------------------------------------------------------------------------------ */

/* One thing that a result must not depend on: how it went over all problems. */
typedef struct check {
    const char *name, *sentence; /* the sentence where it holds */
    int is_failed;
    char why[2 * GCR_PLACE_BYTES];
} check;

enum { BATCH, ORDER, LANES, MEMORY, THREAD, PLAIN, CHECKS };

static check checks[CHECKS] = {
    [BATCH] = { "batch", "a cell has the same bits alone and in batches" },
    [ORDER] = { "order", "in whatever order batches are computed" },
    [LANES] = { "lanes", "beside whatever other cells" },
    [MEMORY] = { "memory", "whatever memory held before" },
    [THREAD] = { "threads", "on several threads at once" },
    [PLAIN] = { "plain", "and it is near that of the plain engine" },
};

static void compare(int c, const problem *p, const results *alone, const results *other,
                    const uint64_t *map)
{
    if (!checks[c].is_failed)
        checks[c].is_failed = differs(checks[c].why, p, alone, other, map);
}

static void check_manner(int c, const problem *p, const results *alone, manner how)
{
    results other;

    crunch(&other, p, &gcr_unit_here, &how);
    compare(c, p, alone, &other, NULL);
    close_results(&other);
}

/* The same grid over data that are moved by a few units in the last place, classes excepted. */
static void nudge(problem *out, const problem *p)
{
    const int64_t count = p->data.rows * p->data.features;

    *out = *p;
    out->setup.points = &out->table;
    out->x = room((uint64_t)count, sizeof *out->x);
    out->y = room((uint64_t)p->data.rows, sizeof *out->y);
    for (int64_t i = 0; i < count; i++)
        out->x[i] = p->x[i] * (gcr_real)(1 + 1e-15 * (uniform() - 0.5));
    for (int64_t i = 0; i < p->data.rows; i++)
        out->y[i] = p->y[i] == 1 ? p->y[i] : p->y[i] * (gcr_real)(1 + 1e-15 * (uniform() - 0.5));
    out->data.x = p->data.x != NULL ? out->x : NULL;
    out->data.y = p->data.y != NULL ? out->y : NULL;
}

static void check_plain(const problem *p, const results *alone)
{
    const manner how = { .batch = POINTS_MAX };
    results plain, nudged;
    problem near;

    nudge(&near, p);
    crunch(&plain, p, &gcr_unit_plain, &how);
    crunch(&nudged, &near, &gcr_unit_plain, &how);
    if (!checks[PLAIN].is_failed)
        checks[PLAIN].is_failed = is_far(checks[PLAIN].why, p, alone, &plain, &nudged);
    close_results(&plain);
    close_results(&nudged);
    close_problem(&near);
}

/* The same grid with its axes the other way round, which gives each cell other neighbours. */
static void check_lanes(const problem *p, const results *alone)
{
    problem turned = *p;
    const int last = p->table.axis_count - 1;
    uint64_t map[POINTS_MAX];
    results other;

    for (int a = 0; a <= last; a++) {
        turned.table.axes[a] = p->table.axes[last - a];
        turned.setup.parameter_of_axis[a] = last - a;
    }
    turned.setup.points = &turned.table;
    for (uint64_t i = 0; i < p->table.point_count; i++) {
        uint64_t rest = i, stride = 1;

        map[i] = 0;
        for (int a = last; a >= 0; a--) { /* the innermost here is the outermost there */
            const uint64_t count = turned.table.axes[a].count;

            stride = 1;
            for (int b = last - a + 1; b <= last; b++)
                stride *= p->table.axes[b].count;
            map[i] += rest % count * stride;
            rest /= count;
        }
    }
    crunch(&other, &turned, &gcr_unit_here, &(manner){ .batch = POINTS_MAX });
    compare(LANES, p, alone, &other, map);
    close_results(&other);
}

typedef struct thread_arg {
    const problem *problem;
    results other;
} thread_arg;

static void *crunch_on_thread(void *arg)
{
    thread_arg *a = arg;

    for (int i = 0; i < 20; i++) {
        if (i > 0)
            close_results(&a->other);
        crunch(&a->other, a->problem, &gcr_unit_here, &(manner){ .batch = 4 });
    }
    return NULL;
}

static void check_threads(const problem *p, const results *alone)
{
    pthread_t threads[THREADS];
    thread_arg args[THREADS];
    int count = 0;

    while (count < THREADS) {
        args[count].problem = p;
        if (pthread_create(&threads[count], NULL, crunch_on_thread, &args[count]) != 0)
            break;
        count++;
    }
    for (int t = 0; t < count; t++) {
        pthread_join(threads[t], NULL);
        compare(THREAD, p, alone, &args[t].other, NULL);
        close_results(&args[t].other);
    }
}

static int cell_count, state_counts[GCR_CELL_STATE_COUNT];

static void count_states(const problem *p, const results *r)
{
    cell_count += (int)p->table.point_count;
    for (uint64_t i = 0; i < p->table.point_count; i++)
        state_counts[r->state[i] < GCR_CELL_STATE_COUNT ? r->state[i] : 0]++;
}

static void check_problem(int round, int is_comparing)
{
    problem p;
    results alone;

    open_problem(&p, round);
    crunch(&alone, &p, &gcr_unit_here, &(manner){ .batch = 1, .fill = 0xff, .is_told = 1 });
    count_states(&p, &alone);
    check_manner(BATCH, &p, &alone, (manner){ .batch = POINTS_MAX, .fill = 0xff, .is_told = 1 });
    if (is_comparing) {
        check_manner(BATCH, &p, &alone, (manner){ .batch = 5, .fill = 0xff });
        check_manner(ORDER, &p, &alone, (manner){ .batch = 1, .is_backwards = 1, .fill = 0xff });
        check_manner(MEMORY, &p, &alone, (manner){ .batch = 1, .fill = 0x3f });
        check_manner(MEMORY, &p, &alone, (manner){ .batch = 1 });
        check_plain(&p, &alone);
        check_lanes(&p, &alone);
        check_threads(&p, &alone);
    }
    close_results(&alone);
    close_problem(&p);
}

/* ---- the report ------------------------------------------------------------------------------ */

static void say(const char *name, int is_failed, const char *sentence)
{
    dprintf(1, "%s\t%s\t%s\n", name, is_failed ? "failed" : "ok", sentence);
}

/* What became of the cells: failed where none has a result. */
static void say_cells(void)
{
    static const char *const names[GCR_CELL_STATE_COUNT] = {
        [GCR_CELL_EMPTY] = "left out",      [GCR_CELL_OK] = "ok",
        [GCR_CELL_NOT_SPD] = "not_spd",     [GCR_CELL_NAN_IN] = "nan_in",
        [GCR_CELL_NAN_OUT] = "nan_out",     [GCR_CELL_KERNEL_ERROR] = "kernel_error",
        [GCR_CELL_OK_JITTER] = "ok_jitter", [GCR_CELL_EXCLUDED] = "excluded",
    };
    char text[512];
    int used = snprintf(text, sizeof text, "%d random cells:", cell_count);

    for (int s = 0, is_first = 1; s < GCR_CELL_STATE_COUNT; s++)
        if (state_counts[s] > 0) {
            used += snprintf(text + used, sizeof text - (size_t)used, "%s %d %s",
                             is_first ? "" : ",", state_counts[s], names[s]);
            is_first = 0;
        }
    say("cells", state_counts[GCR_CELL_OK] == 0, text);
}

static void say_outputs(void)
{
    char text[256];

    for (int o = 0; kernel->outputs[o].name != NULL; o++)
        if (unwritten_cells[o] > 0) {
            snprintf(text, sizeof text, "'%s' is declared, and not written in %d of the cells",
                     kernel->outputs[o].name, unwritten_cells[o]);
            say("outputs", 1, text);
            return;
        }
    say("outputs", 0, "each is written");
}

void gcr_report_broken(const char *promise); /* called by a unit with GCR_CHECKS */

void gcr_report_broken(const char *promise)
{
    snprintf(place->broken, sizeof place->broken, "%s", promise);
    __builtin_trap();
}

const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_leaks=0:handle_sigill=1:handle_abort=1";
}

static int open_place(const char *path)
{
    const int fd = open(path, O_RDWR);
    void *map = MAP_FAILED;

    if (fd >= 0)
        map = mmap(NULL, sizeof *place, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    place = map;
    return map != MAP_FAILED;
}

int main(int argc, char **argv)
{
    const int is_comparing = argc > 1 && strcmp(argv[1], "compare") == 0;

    if (argc < 3 || !open_place(argv[2]))
        return 1;
    for (int i = 3; i < argc && i - 3 < GCR_OPTIONS_MAX; i++)
        option[i - 3] = strtoll(argv[i], NULL, 10);
    kernel = gcr_unit_here.kernel;
    alarm(SECONDS);
    for (int round = 0; round < ROUNDS; round++)
        check_problem(round, is_comparing);
    if (is_comparing) {
        say_cells();
        say_outputs();
        for (int c = 0; c < CHECKS; c++)
            say(checks[c].name, checks[c].is_failed,
                checks[c].is_failed ? checks[c].why : checks[c].sentence);
    }
    return 0;
}
