/* tests/support/fake_cuda.c -- see fake_cuda.h. */
#include "support/fake_cuda.h"

#include "cuda/cuda_check.h"
#include "cuda/cuda_nvrtc.h"
#include "cuda/generate_launch.h"
#include "cuda/launch.h"
#include "cuda/measure_launch.h"
#include "cuda/reduce_launch.h"

#include "gridcrunch/cell.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    BLOCKS_MAX = 4096,
    STREAMS_MAX = 4096,
    THINGS_MAX = 4096,
    POISON = 0xff,
    POISONED_MAX = 1 << 16,
    KERNEL_BYTES = 16,
    STATIC_SHARED = 16, /* what each kernel declares */
    LARGE = 1 << 18,    /* bytes: mapped, with a page behind that is none */
    ALIGNMENT = 256,    /* of device memory */
};

fake_cuda_state fake_cuda;

typedef enum op_kind {
    OP_COPY,
    OP_SET,
    OP_LAUNCH,
    OP_RECORD,
    OP_WAIT,
    OP_ALLOC,
    OP_FREE,
    OP_MOVE,
    OP_CALL,
    OP_TRY
} op_kind;

typedef struct op {
    op_kind kind;
    void *to;
    const void *from;
    size_t bytes;
    struct CUstream_st *other; /* to wait for, up to the op at `place` */
    int place;
    char kernel[KERNEL_BYTES];
    int is_of_floats;
    double ms; /* when it was recorded */
    fake_launch note;
    union { /* what it is of */
        gcr_launch launch;
        gcr_prepare_launch prepare;
        gcr_gate_launch gate;
        gcr_copy_launch copy;
        gcr_factor_launch factor;
        gcr_large_launch large;
        gcr_work_launch work;
        gcr_grid_launch grid;
        gcr_diagonal_launch diagonal;
        gcr_reduce_launch reduce;
        gcr_generate_launch generate;
        struct {
            void (*call)(const void *argument);
            char argument[FAKE_ARGUMENT_BYTES];
        };
        int (*attempt)(void *thing);
    };
} op;

struct CUstream_st {
    op *ops;
    int count, done, room;
    int device;
    struct CUgraph_st *recording; /* takes what is enqueued */
};

struct CUgraph_st {
    op *ops;
    int count, room;
    int is_gone; /* what was made of it */
};

struct CUevent_st {
    struct CUstream_st *stream; /* where it was recorded last: the op at `place` */
    int place;
    int has_time, sleeps;
};

struct CUmemPoolHandle_st {
    int unused;
};

/* What a cudaKernel_t points to, and what its text was compiled for. */
typedef struct compiled_kernel {
    char name[KERNEL_BYTES];
    int team, bound, min_blocks, is_of_floats, parameters, option;
    int shared_allowed; /* dynamic shared memory that it was given */
} compiled_kernel;

struct CUlib_st {
    compiled_kernel kernels[12], facts; /* facts: of all of them */
};

static const char cubin_mark[] = "cubin of ";

/* Device memory, also after it was freed. */
static struct block {
    char *base;
    size_t bytes;
    int is_live, is_to_come; /* to come: the stream that allocates it is not there yet */
    int is_away;             /* managed pages that are with the host */
} blocks[BLOCKS_MAX];
static int block_count;

/* What a lost GPU keeps nobody frees: the fake does, at its next reset. */
static struct thing {
    void *at;
    size_t bytes;
} things[THINGS_MAX];
static int thing_count;

static int runs_floats; /* the launch in hand: its text was compiled with GCR_SINGLE */
static double clock_ms; /* of launches that are over, by fake_cuda.launch_ms */

static struct CUstream_st *streams[STREAMS_MAX]; /* also those that were destroyed */
static int stream_count;

static _Thread_local int turned_to = -1;       /* a GPU; -1: none yet */
static struct CUgraph_st *graphs[STREAMS_MAX]; /* also those that were destroyed */
static int graph_count;
static int has_told; /* a stream, of a GPU that a library has lost */

static size_t round_up(size_t bytes, size_t to)
{
    return (bytes + to - 1) / to * to;
}

/* Large ones take AddressSanitizer, which marks each of their bytes, ten times as long as the rest
 * of a test; a page that is none finds who writes behind them, too. */
static void *obtain(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = round_up(bytes, page);
    void *base = NULL;
    char *map;

    if (bytes < LARGE) {
        if (posix_memalign(&base, ALIGNMENT, bytes) != 0)
            abort();
        return base;
    }
    map = mmap(NULL, whole + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED || mprotect(map, whole, PROT_READ | PROT_WRITE) != 0)
        abort();
    return map + (whole - round_up(bytes, ALIGNMENT));
}

static void give_back(void *base, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (bytes < LARGE)
        free(base);
    else
        munmap((char *)base - (uintptr_t)base % page, round_up(bytes, page) + page);
}

/* A thing of so many bytes, its first poisoned or zeroed, that lives until drop(). */
static void *make(size_t bytes, int byte)
{
    void *thing = obtain(bytes);

    if (thing_count == THINGS_MAX)
        abort();
    memset(thing, byte, bytes < POISONED_MAX ? bytes : POISONED_MAX);
    things[thing_count++] = (struct thing){ thing, bytes };
    fake_cuda.live++;
    return thing;
}

/* Its place among things; thing_count: it is none, or none any more. */
static int find_thing(const void *thing)
{
    int t = 0;

    while (t < thing_count && things[t].at != thing)
        t++;
    return t;
}

static void drop(void *thing)
{
    const int t = find_thing(thing);

    if (t == thing_count)
        abort();
    give_back(thing, things[t].bytes);
    things[t] = things[--thing_count];
    fake_cuda.live--;
}

/* The begin of a large block is enough to be told by. */
static void poison(void *block, size_t bytes)
{
    memset(block, POISON, bytes < POISONED_MAX ? bytes : POISONED_MAX);
}

static void break_rule(const char *rule)
{
    if (fake_cuda.broken == NULL)
        fake_cuda.broken = rule;
}

void fake_cuda_reset(void)
{
    for (int b = 0; b < block_count; b++)
        give_back(blocks[b].base, blocks[b].bytes);
    for (int s = 0; s < stream_count; s++) {
        free(streams[s]->ops);
        free(streams[s]);
    }
    for (int g = 0; g < graph_count; g++) {
        free(graphs[g]->ops);
        free(graphs[g]);
    }
    graph_count = 0;
    for (int t = 0; t < thing_count; t++)
        give_back(things[t].at, things[t].bytes);
    block_count = stream_count = thing_count = 0;
    turned_to = -1;
    has_told = 0;
    atomic_store(&gcr_cuda_lost, 0);
    fake_cuda = (fake_cuda_state){ .driver_version = 13000,
                                   .device_count = 1,
                                   .capability = 90,
                                   .units = 4,
                                   .compute_mode = cudaComputeModeDefault,
                                   .archs = { 80, 90, 100 },
                                   .arch_count = 3 };
}

void fake_cuda_let_fail(const char *call, int nth, cudaError_t code)
{
    fake_cuda.fail_call = call;
    fake_cuda.fail_nth = nth;
    fake_cuda.fail_code = code;
    fake_cuda.has_failed = 0;
}

static int is_fatal(cudaError_t error)
{
    return error == cudaErrorIllegalAddress || error == cudaErrorAssert ||
           error == cudaErrorLaunchFailure || error == cudaErrorUnknown ||
           error == cudaErrorContextIsDestroyed;
}

/* A library lost the GPU, and its answer does not say so: CUDA tells whoever asks a stream. */
static int is_untold(void)
{
    return fake_cuda.has_failed && is_fatal(fake_cuda.fail_code) && !has_told &&
           strncmp(fake_cuda.fail_call, "cuda", 4) != 0;
}

/* Every call begins here. */
static cudaError_t answer(const char *call)
{
    fake_cuda.calls++;
    if (fake_cuda.has_failed && is_fatal(fake_cuda.fail_code) && !is_untold())
        fake_cuda.calls_after++;
    if ((fake_cuda.has_failed && fake_cuda.trims >= fake_cuda.fails_until_trim) ||
        fake_cuda.fail_call == NULL || strcmp(fake_cuda.fail_call, call) != 0 ||
        --fake_cuda.fail_nth > 0)
        return cudaSuccess;
    fake_cuda.has_failed = 1;
    return fake_cuda.fail_code;
}

/* One lock for all that is here, and for what runs in a stream: threads of several GPUs take turns.
 * Recursive, as what runs may call what locks. */
static pthread_mutex_t lock;

__attribute__((constructor)) static void create_lock(void)
{
    pthread_mutexattr_t recursive;

    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&lock, &recursive);
    pthread_mutexattr_destroy(&recursive);
}

static pthread_mutex_t *take_lock(void)
{
    pthread_mutex_lock(&lock);
    return &lock;
}

static void leave_lock(pthread_mutex_t *const *taken)
{
    pthread_mutex_unlock(*taken);
}

/* From here to the end of the function no other thread is in here. */
#define ALONE()                                                                                    \
    pthread_mutex_t *const taken_ __attribute__((cleanup(leave_lock), unused)) = take_lock()

static cudaError_t answer_at_gpu(const char *call)
{
    if (turned_to < 0)
        break_rule("a thread that had turned to no GPU made a call");
    return answer(call);
}

#define ANSWER_BY(function)                                                                        \
    ALONE();                                                                                       \
    const cudaError_t answer_ = function(__func__);                                                \
    if (answer_ != cudaSuccess)                                                                    \
    return answer_

#define ANSWER() ANSWER_BY(answer_at_gpu)
#define ANSWER_ANYBODY() ANSWER_BY(answer) /* also before a thread has turned to a GPU */

/* ---- what is done late ----------------------------------------------------------------------- */

/* Device memory that is used must be live; other addresses are the host's. */
static void check_block(const void *at, size_t bytes)
{
    const char *address = at;

    for (int b = block_count; bytes > 0 && b-- > 0;)
        if (address >= blocks[b].base && address < blocks[b].base + blocks[b].bytes) {
            if (blocks[b].is_to_come)
                break_rule("memory was used that was not allocated yet");
            else if (!blocks[b].is_live)
                break_rule("memory was used that had been freed");
            else if (blocks[b].is_away)
                break_rule("managed memory was used where it is not");
            else if (address + bytes > blocks[b].base + blocks[b].bytes)
                break_rule("memory was used beyond the end of its block");
            return;
        }
}

/* The first of a dataset, in the precision of the code that runs. */
static double read_y(const gcr_view *data)
{
    if (data->y == NULL)
        return 0;
    check_block(data->y, runs_floats ? sizeof(float) : sizeof(double));
    return runs_floats ? (double)*(const float *)data->y : *(const double *)data->y;
}

static void write_cell(const gcr_launch_tile *of, uint64_t i, uint8_t state, int step)
{
    const gcr_unit_tile *tile = &of->tile;
    const double y = read_y(&tile->data);

    for (int o = 0; o < GCR_OUTPUTS_MAX && tile->outputs[o] != NULL; o++) {
        double *to = tile->outputs[o] + i * (uint64_t)tile->width[o];

        check_block(to, sizeof *to);
        *to = y + (double)(tile->first + i) + 1000.0 * o;
    }
    check_block(tile->state + i, 1);
    tile->state[i] = state;
    if (tile->jitter_step != NULL)
        tile->jitter_step[i] = (uint8_t)step;
}

/* The mean of y times the factor of the point. */
static void write_scaled(const gcr_launch *launch, const gcr_launch_tile *of, uint64_t i)
{
    const gcr_unit_tile *tile = &of->tile;
    const double *y = tile->data.y;
    const uint64_t rows = (uint64_t)tile->data.rows;
    double sum = 0;

    check_block(y, rows * sizeof *y);
    check_block(tile->outputs[0] + i, sizeof(double));
    check_block(tile->state + i, 1);
    for (uint64_t r = 0; r < rows; r++)
        sum += y[r];
    tile->outputs[0][i] = launch->axes[0].values[tile->first + i] * sum / (double)rows;
    tile->state[i] = GCR_CELL_OK;
    if (tile->jitter_step != NULL)
        tile->jitter_step[i] = 0;
}

static const gcr_launch_tile *find_tile(const gcr_launch *launch, uint64_t cell)
{
    uint64_t t = 0;

    check_block(launch->tiles, launch->tile_count * sizeof *launch->tiles);
    while (t + 1 < launch->tile_count && launch->tiles[t + 1].before <= cell)
        t++;
    return launch->tiles + t;
}

/* `live` as in gcr_point_table, on the device. */
static int is_live(const uint64_t *live, uint64_t point)
{
    if (live == NULL)
        return 1;
    check_block(live + point / 64, sizeof *live);
    return (live[point / 64] >> point % 64 & 1) != 0;
}

/* Of a point that is not live nothing is written. */
static void compute_cell(const gcr_launch *launch, uint64_t cell)
{
    const gcr_launch_tile *of = find_tile(launch, cell);
    const uint64_t i = cell - of->before;
    const int needed = (of->tile.first + i) % 5 == 3 ? 2 : 0;
    const int next = launch->step + 1;

    if (!is_live(launch->live, of->tile.first + i))
        return;
    if (fake_cuda.computes_scale) {
        write_scaled(launch, of, i);
        return;
    }
    if (launch->step >= needed)
        write_cell(of, i, launch->step > 0 ? GCR_CELL_OK_JITTER : GCR_CELL_OK, launch->step);
    else if (launch->step < launch->jitter_count)
        launch->retry[next % 2][launch->counters[2 * next + 1]++] = cell;
    else
        write_cell(of, i, GCR_CELL_NOT_SPD, 0);
}

static void run_crunch(const gcr_launch *launch)
{
    for (int s = 0; s <= 2 * launch->jitter_count + 1; s++)
        if (launch->counters[s] != 0)
            break_rule("the counters of a launch were not cleared");
    for (uint64_t cell = 0; cell < launch->cell_count; cell++)
        compute_cell(launch, cell);
}

static void run_retry(const gcr_launch *launch)
{
    const uint64_t count = launch->counters[2 * launch->step + 1];

    if (count > launch->cell_count)
        break_rule("a list has more cells than its launch");
    for (uint64_t k = 0; k < count; k++)
        compute_cell(launch, launch->retry[launch->step % 2][k]);
}

static int is_on_device(const void *at)
{
    const char *address = at;

    for (int b = 0; b < block_count; b++)
        if (address >= blocks[b].base && address < blocks[b].base + blocks[b].bytes)
            return 1;
    return 0;
}

static void run_prepare(const gcr_prepare_launch *launch)
{
    check_block(launch->datasets, launch->dataset_count * sizeof *launch->datasets);
    if (!is_on_device(launch->datasets))
        break_rule("descriptors of datasets are read over the bus");
    for (uint64_t d = 0; d < launch->dataset_count; d++) {
        check_block(launch->datasets[d].fault, sizeof(int32_t));
        *launch->datasets[d].fault = 0;
    }
}

/* Opened before somebody waits for it, unless nobody could. */
static void run_gate(const gcr_gate_launch *launch)
{
    if (!launch->gate->is_open && !fake_cuda.launches_wait)
        break_rule("nobody had opened a gate");
    launch->gate->gave_up = !launch->gate->is_open || fake_cuda.late_gates > 0;
    if (fake_cuda.late_gates > 0)
        fake_cuda.late_gates--;
}

static void run_copy(const gcr_copy_launch *launch)
{
    check_block(launch->to, launch->bytes);
    check_block(launch->from, launch->bytes);
    memcpy(launch->to, launch->from, launch->bytes);
}

/* y of one feature. */
static void run_generate(const gcr_generate_launch *launch)
{
    const gcr_synthetic_stream stream = gcr_synthetic_open(&launch->recipe);
    double phases[GCR_SYNTHETIC_SINES];

    check_block(launch->x, (uint64_t)launch->recipe.rows * sizeof(double));
    check_block(launch->y, (uint64_t)launch->recipe.rows * sizeof(double));
    for (int k = 0; k < GCR_SYNTHETIC_SINES; k++)
        phases[k] = gcr_synthetic_phase(&stream, 0, k);
    for (int64_t row = 0; row < launch->recipe.rows; row++)
        ((double *)launch->y)[row] = gcr_standard_y(
            &launch->standard, gcr_synthetic_add(0, &launch->recipe, (double)row, phases) +
                                   gcr_synthetic_noise(&stream, &launch->recipe, row));
}

/* Leaves the record of `count` points from the `at`-th of a tile on. */
static void reduce_block(char *record, const gcr_reduce_launch *launch, const gcr_reduce_tile *tile,
                         uint64_t at, uint32_t count)
{
    const gcr_reduction *reduction = &launch->reduction;
    gcr_partial_states *states = (void *)record;
    gcr_partial *partials = (void *)(states + 1);
    uint8_t state[GCR_PARTIAL_POINTS];

    check_block(tile->state + at, count);
    for (uint32_t p = 0; p < count; p++)
        state[p] = is_live(launch->live, tile->first + at + p) ? tile->state[at + p]
                                                               : (uint8_t)GCR_CELL_EXCLUDED;
    gcr_partial_count(states, state, count, tile->outputs[0] + (int64_t)at * tile->first_width,
                      tile->first_width);
    for (int c = 0; c < reduction->count; c++)
        gcr_partial_reduce(&partials[c], state, count,
                           tile->outputs[reduction->reduced[c].output] + at,
                           reduction->reduced[c].op);
    if (reduction->top_of >= 0)
        gcr_partial_find_top((void *)(partials + reduction->count), state, count,
                             tile->outputs[reduction->reduced[reduction->top_of].output] + at,
                             reduction);
}

/* As the text that host and device share has it. */
static void run_reduce(const gcr_reduce_launch *launch)
{
    char *record = launch->records;

    check_block(record, launch->block_count * launch->record_bytes);
    for (int t = 0; t < launch->tile_count; t++) {
        const gcr_reduce_tile *tile = &launch->tiles[t];

        for (uint64_t at = 0; at < tile->count; at += GCR_PARTIAL_POINTS) {
            const uint64_t left = tile->count - at;

            reduce_block(record, launch, tile, at,
                         left < GCR_PARTIAL_POINTS ? (uint32_t)left : GCR_PARTIAL_POINTS);
            record += launch->record_bytes;
        }
    }
}

static int is_of_factors(const char *kernel)
{
    return strcmp(kernel, "gcr_factor") == 0 || strcmp(kernel, "gcr_pack") == 0 ||
           strcmp(kernel, "gcr_unpack") == 0;
}

/* The first value of a matrix is its first entry, and becomes its negative. Doubles. */
static void run_factor_step(const char *kernel, const gcr_factor_group *group)
{
    double *const matrix = group->matrices, *const square = group->square;

    check_block(matrix, (uint64_t)group->n * sizeof *matrix);
    if (strcmp(kernel, "gcr_pack") == 0)
        *matrix = *square;
    else if (strcmp(kernel, "gcr_unpack") == 0)
        *square = *matrix;
    else {
        check_block(group->minor, group->count * sizeof *group->minor);
        *matrix = -*matrix;
        for (uint64_t k = 0; k < group->count; k++)
            group->minor[k] = group->n;
    }
}

static void run_factors(const char *kernel, const gcr_factor_launch *launch)
{
    for (int g = 0; g < launch->group_count; g++) {
        if (g > 0 && launch->groups[g].before <= launch->groups[g - 1].before)
            break_rule("groups do not stand in their order");
        if (g > 0 && launch->groups[g].of.n > launch->groups[g - 1].of.n)
            break_rule("the largest matrices do not come first");
        run_factor_step(kernel, &launch->groups[g].of);
    }
    if (launch->item_count <= launch->groups[launch->group_count - 1].before)
        break_rule("the last group is left out");
}

/* What stands first in `a`, and 1. */
static void run_work(const gcr_work_launch *launch)
{
    check_block(launch->a, sizeof(double));
    check_block(launch->out, sizeof(double));
    *(double *)launch->out = *(const double *)launch->a + 1;
}

/* Entries of cuda/measure_launch.h but for the gate and the copy. */
static int is_work(const char *kernel)
{
    static const char *const names[] = { "gcr_multiply",  "gcr_tan_f64", "gcr_tan_f32",
                                         "gcr_sum_parts", "gcr_sum",     "gcr_neighbours",
                                         "gcr_apart" };

    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (strcmp(kernel, names[k]) == 0)
            return 1;
    return 0;
}

/* Cells of a sub-batch. What comes before has no part in what the fake computes. */
static void run_finish(const gcr_grid_launch *launch)
{
    for (uint64_t k = launch->first; k < launch->first + (uint64_t)launch->cell_count; k++)
        compute_cell(&launch->launch, launch->cells != NULL ? launch->cells[k] : k);
}

static void run_list(const gcr_launch *launch)
{
    for (uint64_t cell = 0; cell < launch->cell_count; cell++) {
        const gcr_launch_tile *of = find_tile(launch, cell);

        if (is_live(launch->live, of->tile.first + cell - of->before))
            launch->retry[0][launch->counters[1]++] = cell;
    }
}

/* The argument of a launch. */
static void *argument_of(op *o, size_t *bytes)
{
    const struct {
        const char *kernel;
        void *at;
        size_t bytes;
    } others[] = {
        { "gcr_prepare", &o->prepare, sizeof o->prepare },
        { "gcr_gate", &o->gate, sizeof o->gate },
        { "gcr_copy", &o->copy, sizeof o->copy },
        { "gcr_factor", &o->factor, sizeof o->factor },
        { "gcr_pack", &o->factor, sizeof o->factor },
        { "gcr_unpack", &o->factor, sizeof o->factor },
        { "gcr_large_pack", &o->large, sizeof o->large },
        { "gcr_large_look", &o->large, sizeof o->large },
        { "gcr_large_diag", &o->large, sizeof o->large },
        { "gcr_large_end", &o->large, sizeof o->large },
        { "gcr_large_take", &o->large, sizeof o->large },
        { "gcr_fill", &o->grid, sizeof o->grid },
        { "gcr_diagonal", &o->diagonal, sizeof o->diagonal },
        { "gcr_answer", &o->grid, sizeof o->grid },
        { "gcr_invert", &o->grid, sizeof o->grid },
        { "gcr_finish", &o->grid, sizeof o->grid },
        { "gcr_reduce", &o->reduce, sizeof o->reduce },
        { "gcr_generate", &o->generate, sizeof o->generate },
    };

    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (strcmp(o->kernel, others[k].kernel) == 0) {
            *bytes = others[k].bytes;
            return others[k].at;
        }
    *bytes = is_work(o->kernel) ? sizeof o->work : sizeof o->launch;
    return is_work(o->kernel) ? (void *)&o->work : &o->launch;
}

static void run_kernel(op *o)
{
    size_t bytes;
    const char *wrong = fake_cuda.run(o->kernel, &o->note, argument_of(o, &bytes));

    if (wrong != NULL)
        break_rule(wrong);
}

/* Of the launches of a sub-batch the last stands for all. */
static int is_timed(const op *o)
{
    return strcmp(o->kernel, "gcr_crunch") == 0 || strcmp(o->kernel, "gcr_finish") == 0 ||
           strcmp(o->kernel, "gcr_prepare") == 0;
}

/* Of the first dataset of a launch. */
static int64_t rows_of(const op *o)
{
    if (strcmp(o->kernel, "gcr_prepare") == 0)
        return o->prepare.datasets[0].data.rows;
    return (strcmp(o->kernel, "gcr_finish") == 0 ? &o->grid.launch : &o->launch)
        ->tiles[0]
        .tile.data.rows;
}

static void run_launch(op *o)
{
    fake_cuda.launches_done++;
    runs_floats = o->is_of_floats;
    if (fake_cuda.launch_ms != NULL && is_timed(o))
        clock_ms += fake_cuda.launch_ms(&o->note, rows_of(o));
    else if (fake_cuda.run != NULL)
        run_kernel(o);
    else if (is_of_factors(o->kernel))
        run_factors(o->kernel, &o->factor);
    else if (strcmp(o->kernel, "gcr_prepare") == 0)
        run_prepare(&o->prepare);
    else if (strcmp(o->kernel, "gcr_crunch") == 0)
        run_crunch(&o->launch);
    else if (strcmp(o->kernel, "gcr_retry") == 0)
        run_retry(&o->launch);
    else if (strcmp(o->kernel, "gcr_gate") == 0)
        run_gate(&o->gate);
    else if (strcmp(o->kernel, "gcr_copy") == 0)
        run_copy(&o->copy);
    else if (strcmp(o->kernel, "gcr_finish") == 0)
        run_finish(&o->grid);
    else if (strcmp(o->kernel, "gcr_list") == 0)
        run_list(&o->launch);
    else if (strcmp(o->kernel, "gcr_reduce") == 0)
        run_reduce(&o->reduce);
    else if (strcmp(o->kernel, "gcr_generate") == 0)
        run_generate(&o->generate);
    else if (is_work(o->kernel))
        run_work(&o->work);
}

static struct block *find_block(const void *base)
{
    for (int b = block_count; b-- > 0;)
        if (blocks[b].base == base && blocks[b].is_live)
            return &blocks[b];
    return NULL;
}

static void begin_block(const void *base)
{
    int b = block_count - 1;

    while (blocks[b].base != base)
        b--;
    blocks[b].is_to_come = 0;
    blocks[b].is_live = 1;
}

static void free_block(const void *base)
{
    struct block *block = find_block(base);

    if (block == NULL)
        break_rule("what is freed is not there");
    else {
        block->is_live = 0;
        poison(block->base, block->bytes);
    }
}

static int run_stream(struct CUstream_st *stream, int until);

/* False: it has to be tried again. */
static int run_op(op *o)
{
    switch (o->kind) {
    case OP_COPY:
        check_block(o->to, o->bytes);
        check_block(o->from, o->bytes);
        memcpy(o->to, o->from, o->bytes);
        break;
    case OP_SET:
        check_block(o->to, o->bytes);
        memset(o->to, 0, o->bytes);
        break;
    case OP_LAUNCH: run_launch(o); break;
    case OP_WAIT: return run_stream(o->other, o->place);
    case OP_TRY: return o->attempt(o->to);
    case OP_ALLOC: begin_block(o->to); break;
    case OP_FREE: free_block(o->to); break;
    case OP_MOVE: find_block(o->to)->is_away = o->place; break;
    case OP_CALL: o->call(o->argument); break;
    case OP_RECORD: o->ms = clock_ms; break;
    }
    return 1;
}

/* False: it has not come so far, as something in it waits for another process. */
static int run_stream(struct CUstream_st *stream, int until)
{
    for (; stream != NULL && stream->done < until; stream->done++)
        if (!run_op(&stream->ops[stream->done]))
            return 0;
    return 1;
}

/* Runs it so far however long it takes; others have their turn in between. */
static void end_stream(struct CUstream_st *stream, int until)
{
    while (!run_stream(stream, until)) {
        pthread_mutex_unlock(&lock);
        usleep(50);
        pthread_mutex_lock(&lock);
    }
}

static op *append(op **ops, int *count, int *room)
{
    if (*count == *room) {
        *room = *room > 0 ? 2 * *room : 64;
        *ops = realloc(*ops, (size_t)*room * sizeof **ops);
    }
    return &(*ops)[(*count)++];
}

static op *enqueue(cudaStream_t stream, op_kind kind)
{
    op *o;

    if (stream == NULL) {
        break_rule("the default stream was used");
        abort();
    }
    if (stream->recording != NULL)
        o = append(&stream->recording->ops, &stream->recording->count, &stream->recording->room);
    else
        o = append(&stream->ops, &stream->count, &stream->room);
    memset(o, 0, sizeof *o);
    o->kind = kind;
    return o;
}

cudaError_t fake_cuda_answer(const char *call)
{
    ALONE();
    return answer(call);
}

void fake_cuda_break(const char *rule)
{
    ALONE();
    break_rule(rule);
}

void *fake_cuda_make(size_t bytes)
{
    ALONE();
    return make(bytes, 0);
}

void fake_cuda_drop(void *thing)
{
    ALONE();
    drop(thing);
}

void fake_cuda_enqueue(cudaStream_t stream, void (*call)(const void *argument),
                       const void *argument, size_t bytes)
{
    ALONE();
    op *o = enqueue(stream, OP_CALL);

    if (bytes > sizeof o->argument)
        abort();
    o->call = call;
    memcpy(o->argument, argument, bytes);
}

void fake_cuda_try(cudaStream_t stream, int (*attempt)(void *thing), void *thing)
{
    ALONE();
    op *o = enqueue(stream, OP_TRY);

    o->attempt = attempt;
    o->to = thing;
}

void fake_cuda_check(const void *at, size_t bytes)
{
    ALONE();
    check_block(at, bytes);
}

/* ---- the runtime ----------------------------------------------------------------------------- */

const char *cudaGetErrorName(cudaError_t error)
{
    return error == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation"
           : error == cudaErrorIllegalAddress ? "cudaErrorIllegalAddress"
                                              : "cudaErrorOther";
}

const char *cudaGetErrorString(cudaError_t error)
{
    return error == cudaErrorMemoryAllocation ? "out of memory" : "a scripted failure";
}

cudaError_t cudaGetLastError(void)
{
    ANSWER_ANYBODY();
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    ANSWER_ANYBODY();
    *version = fake_cuda.driver_version;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    ANSWER_ANYBODY();
    *count = fake_cuda.device_count;
    return fake_cuda.device_count > 0 ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *out, int device)
{
    ANSWER_ANYBODY();
    *out = (struct cudaDeviceProp){ .major = fake_cuda.capability / 10,
                                    .minor = fake_cuda.capability % 10,
                                    .totalGlobalMem = (size_t)1 << 30,
                                    .multiProcessorCount = fake_cuda.units,
                                    .pciBusID = 0x10 + device };
    snprintf(out->name, sizeof out->name, "NVIDIA Fake %d", device);
    out->uuid.bytes[0] = (char)fake_cuda.first_gpu;
    out->uuid.bytes[15] = (char)device;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    ANSWER_ANYBODY();
    (void)device;
    *value = 0;
    if (attribute == cudaDevAttrComputeMode)
        *value = fake_cuda.compute_mode;
    else if (attribute == cudaDevAttrConcurrentManagedAccess)
        *value = !fake_cuda.has_no_managed;
    else if (attribute == cudaDevAttrClockRate)
        *value = 2000000;
    else if (attribute == cudaDevAttrSingleToDoublePrecisionPerfRatio)
        *value = 2;
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free_out, size_t *total_out)
{
    ANSWER();
    *total_out = (size_t)1 << 30;
    *free_out = *total_out / 4 * 3;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    ANSWER_ANYBODY();
    turned_to = device;
    fake_cuda.turns++;
    return cudaSuccess;
}

cudaError_t cudaGetDevice(int *device)
{
    ANSWER();
    *device = turned_to;
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned int flags)
{
    ANSWER();
    if (flags != cudaStreamNonBlocking)
        break_rule("a stream waits for the default stream");
    *out = calloc(1, sizeof **out);
    if (stream_count == STREAMS_MAX)
        abort();
    streams[stream_count++] = *out;
    (*out)->device = turned_to;
    fake_cuda.live++;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    ANSWER();
    end_stream(stream, stream->count); /* what is under way ends */
    fake_cuda.live--;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    ANSWER();
    fake_cuda.waits++;
    end_stream(stream, stream->count);
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags)
{
    op *o;

    ANSWER();
    (void)flags;
    o = enqueue(stream, OP_WAIT);
    o->other = event->stream; /* the record that is the last now, whatever is recorded later */
    o->place = event->place;
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned int flags)
{
    ANSWER();
    *out = make(sizeof **out, 0);
    (*out)->has_time = (flags & cudaEventDisableTiming) == 0;
    (*out)->sleeps = (flags & cudaEventBlockingSync) != 0;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    ANSWER();
    drop(event);
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    ANSWER();
    enqueue(stream, OP_RECORD);
    event->stream = stream;
    event->place = stream->count;
    return cudaSuccess;
}

/* What is asked for is done the second time that somebody looks. */
cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    ANSWER();
    if (is_untold()) {
        has_told = 1;
        return fake_cuda.fail_code;
    }
    if (stream->recording != NULL)
        return cudaErrorStreamCaptureUnsupported;
    return stream->done < stream->count ? cudaErrorNotReady : cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    ANSWER();
    if (fake_cuda.hangs || fake_cuda.queries++ % 2 == 0)
        return cudaErrorNotReady;
    return run_stream(event->stream, event->place) ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    ANSWER();
    fake_cuda.waits++;
    if (!event->sleeps && !event->has_time) /* who measures does not sleep */
        break_rule("the host spins for an event");
    if (fake_cuda.on_wait != NULL)
        fake_cuda.on_wait();
    end_stream(event->stream, event->place);
    return cudaSuccess;
}

/* A microsecond for each thing between the two, or what the launches between them take. */
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t begin, cudaEvent_t end)
{
    ANSWER();
    if (!begin->has_time || !end->has_time)
        break_rule("an event without a time was asked for it");
    if (begin->stream != end->stream || end->stream->done < end->place)
        return cudaErrorNotReady;
    *ms = 1e-3f * (float)(end->place - begin->place);
    if (fake_cuda.launch_ms != NULL)
        *ms =
            (float)(end->stream->ops[end->place - 1].ms - begin->stream->ops[begin->place - 1].ms);
    return cudaSuccess;
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t *out, const struct cudaMemPoolProps *properties)
{
    ANSWER();
    if (properties->location.type != cudaMemLocationTypeDevice)
        break_rule("the pool is not on the device");
    *out = make(sizeof **out, 0);
    return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute, void *value)
{
    ANSWER();
    (void)pool;
    if (attribute == cudaMemPoolAttrReleaseThreshold && *(uint64_t *)value != UINT64_MAX)
        break_rule("the pool gives memory back");
    return cudaSuccess;
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes)
{
    ANSWER();
    (void)pool;
    if (bytes != 0)
        break_rule("the pool keeps some of what was freed");
    for (int s = 0; s < stream_count; s++)
        for (int o = streams[s]->done; o < streams[s]->count; o++)
            if (streams[s]->ops[o].kind == OP_FREE)
                break_rule("the pool gives back what is not free yet");
    fake_cuda.trims++;
    fake_cuda.kept = 0;
    return cudaSuccess;
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool)
{
    ANSWER();
    drop(pool);
    return cudaSuccess;
}

static void *make_block(size_t bytes, int is_away)
{
    void *const base = obtain(bytes);

    if (block_count == BLOCKS_MAX)
        abort();
    poison(base, bytes);
    blocks[block_count++] =
        (struct block){ .base = base, .bytes = bytes, .is_live = 1, .is_away = is_away };
    fake_cuda.live++;
    fake_cuda.allocations++;
    return base;
}

cudaError_t cudaMallocFromPoolAsync(void **out, size_t bytes, cudaMemPool_t pool,
                                    cudaStream_t stream)
{
    ANSWER();
    if (find_thing(pool) == thing_count)
        break_rule("memory is asked for of a pool that is not there");
    *out = make_block(bytes, 0);
    blocks[block_count - 1].is_live = 0;
    blocks[block_count - 1].is_to_come = 1;
    enqueue(stream, OP_ALLOC)->to = *out;
    return cudaSuccess;
}

cudaError_t cudaMalloc(void **out, size_t bytes)
{
    ANSWER();
    *out = make_block(bytes, 0);
    return cudaSuccess;
}

cudaError_t cudaMallocManaged(void **out, size_t bytes, unsigned int flags)
{
    ANSWER();
    if (flags != cudaMemAttachGlobal)
        break_rule("managed memory belongs to no stream");
    *out = make_block(bytes, 1);
    return cudaSuccess;
}

cudaError_t cudaFree(void *block)
{
    ANSWER();
    for (int s = 0; s < stream_count; s++) /* it waits for the whole device */
        end_stream(streams[s], streams[s]->count);
    free_block(block);
    fake_cuda.live--;
    return cudaSuccess;
}

/* Whole blocks alone are moved here. */
cudaError_t cudaMemPrefetchAsync(const void *base, size_t bytes, struct cudaMemLocation location,
                                 unsigned int flags, cudaStream_t stream)
{
    op *o;

    ANSWER();
    if (find_block(base) == NULL || bytes == 0 || flags != 0)
        break_rule("what is moved is no managed memory");
    o = enqueue(stream, OP_MOVE);
    o->to = (void *)base;
    o->place = location.type == cudaMemLocationTypeHost;
    return cudaSuccess;
}

cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int peer)
{
    ANSWER_ANYBODY();
    *can = device != peer;
    return cudaSuccess;
}

cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned int flags)
{
    ANSWER();
    (void)peer;
    (void)flags;
    return cudaSuccess;
}

cudaError_t cudaFreeAsync(void *block, cudaStream_t stream)
{
    ANSWER();
    enqueue(stream, OP_FREE)->to = block;
    fake_cuda.kept++;
    fake_cuda.live--;
    return cudaSuccess;
}

cudaError_t cudaHostAlloc(void **out, size_t bytes, unsigned int flags)
{
    ANSWER();
    (void)flags;
    *out = make(bytes, POISON);
    fake_cuda.allocations++;
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *block)
{
    ANSWER();
    drop(block);
    return cudaSuccess;
}

cudaError_t cudaHostGetDevicePointer(void **out, void *block, unsigned int flags)
{
    ANSWER();
    (void)flags;
    *out = block;
    return cudaSuccess;
}

cudaError_t cudaHostRegister(void *block, size_t bytes, unsigned int flags)
{
    ANSWER();
    (void)block;
    (void)bytes;
    (void)flags;
    fake_cuda.live++;
    return cudaSuccess;
}

cudaError_t cudaHostUnregister(void *block)
{
    ANSWER();
    (void)block;
    fake_cuda.live--;
    return cudaSuccess;
}

static void enqueue_copy(void *to, const void *from, size_t bytes, cudaStream_t stream)
{
    op *o = enqueue(stream, OP_COPY);

    o->to = to;
    o->from = from;
    o->bytes = bytes;
    fake_cuda.copies++;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    ANSWER();
    (void)kind;
    enqueue_copy(to, from, bytes, stream);
    return cudaSuccess;
}

cudaError_t cudaMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device,
                                size_t bytes, cudaStream_t stream)
{
    ANSWER();
    if (to_device == from_device)
        break_rule("a GPU is not its own peer");
    enqueue_copy(to, from, bytes, stream);
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream)
{
    op *o;

    ANSWER();
    if (value != 0)
        break_rule("memory is set to something else than 0");
    o = enqueue(stream, OP_SET);
    o->to = to;
    o->bytes = bytes;
    return cudaSuccess;
}

/* What comes behind `words` in the text of a cubin, or 0. */
static int number_behind(const char *code, const char *words)
{
    const char *const found = strstr(code, words);

    return found != NULL ? atoi(found + strlen(words)) : 0;
}

/* What the text of a cubin defines `name` as, or 0. */
static int number_in(const char *code, const char *name)
{
    char line[64];

    snprintf(line, sizeof line, "#define %s ", name);
    return number_behind(code, line);
}

cudaError_t cudaLibraryLoadData(cudaLibrary_t *out, const void *code, enum cudaJitOption *options,
                                void **values, unsigned int option_count,
                                enum cudaLibraryOption *library_options, void **library_values,
                                unsigned int library_option_count)
{
    ANSWER();
    (void)options;
    (void)values;
    (void)option_count;
    (void)library_options;
    (void)library_values;
    (void)library_option_count;
    if (strncmp(code, cubin_mark, strlen(cubin_mark)) != 0 && strcmp(code, "ptx") != 0)
        break_rule("what was loaded is no code");
    *out = make(sizeof **out, 0);
    (*out)->facts =
        (compiled_kernel){ .team = number_in(code, "GCR_TEAM"),
                           .bound = number_in(code, "GCR_TEAM_BOUND"),
                           .min_blocks = number_in(code, "GCR_TEAM_MIN_BLOCKS"),
                           .parameters = number_in(code, "GCR_PARAMETER_COUNT"),
                           .option = number_behind(code, "#define GCR_OPTION_n ((int64_t)"),
                           .is_of_floats = strstr(code, "#define GCR_SINGLE\n") != NULL };
    return cudaSuccess;
}

cudaError_t cudaLibraryGetKernel(cudaKernel_t *out, cudaLibrary_t library, const char *name)
{
    int k = 0;

    ANSWER();
    while (library->kernels[k].name[0] != '\0')
        k++;
    library->kernels[k] = library->facts;
    snprintf(library->kernels[k].name, KERNEL_BYTES, "%s", name);
    *out = (cudaKernel_t)&library->kernels[k];
    return cudaSuccess;
}

cudaError_t cudaLibraryUnload(cudaLibrary_t library)
{
    ANSWER();
    drop(library);
    return cudaSuccess;
}

cudaError_t cudaKernelSetAttributeForDevice(cudaKernel_t kernel, enum cudaFuncAttribute attribute,
                                            int value, int device)
{
    ANSWER();
    (void)device;
    if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize)
        ((compiled_kernel *)kernel)->shared_allowed = value;
    return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *count, const void *kernel,
                                                          int threads, size_t shared_bytes)
{
    ANSWER();
    (void)kernel;
    (void)threads;
    *count = shared_bytes > 100 << 10 ? 1 : 2;
    return cudaSuccess;
}

static void note_launch(op *o, const compiled_kernel *of, const cudaLaunchConfig_t *config)
{
    fake_launch *note = &fake_cuda.launches[fake_cuda.launch_count++ % FAKE_LAUNCHES_MAX];

    *note = (fake_launch){ .blocks = config->gridDim.x,
                           .threads = config->blockDim.x,
                           .shared_bytes = config->dynamicSmemBytes,
                           .step = o->launch.step,
                           .tile_count = o->launch.tile_count,
                           .cell_count = strcmp(o->kernel, "gcr_finish") == 0
                                             ? (uint64_t)o->grid.cell_count
                                             : o->launch.cell_count,
                           .scratch_stride = o->launch.scratch_stride,
                           .dataset_count = o->prepare.dataset_count,
                           .team = of->team,
                           .bound = of->bound,
                           .min_blocks = of->min_blocks,
                           .parameters = of->parameters,
                           .option = of->option,
                           .is_of_floats = of->is_of_floats };
    note->is_cooperative = config->numAttrs > 0 &&
                           config->attrs[0].id == cudaLaunchAttributeCooperative &&
                           config->attrs[0].val.cooperative;
    memcpy(note->kernel, o->kernel, sizeof note->kernel);
    o->note = *note;
    if (note->blocks < 1 || note->threads < 1)
        break_rule("a launch without threads");
    if (note->shared_bytes + STATIC_SHARED > 48 << 10 &&
        note->shared_bytes > (size_t)of->shared_allowed)
        break_rule("a launch has more shared memory than it may");
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *handle,
                                void **arguments)
{
    const compiled_kernel *const of = handle;
    size_t bytes;
    void *to;
    op *o;

    ANSWER();
    if (config->stream != NULL && config->stream->device != turned_to)
        break_rule("a launch of a thread that is at another GPU");
    o = enqueue(config->stream, OP_LAUNCH);
    memcpy(o->kernel, of->name, sizeof o->kernel);
    o->is_of_floats = of->is_of_floats;
    to = argument_of(o, &bytes);
    memcpy(to, arguments[0], bytes);
    note_launch(o, of, config);
    if (fake_cuda.launches_wait)
        end_stream(config->stream, config->stream->count);
    return cudaSuccess;
}

/* ---- graphs ---------------------------------------------------------------------------------- */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    ANSWER();
    (void)mode;
    if (graph_count == STREAMS_MAX)
        abort();
    stream->recording = calloc(1, sizeof *stream->recording);
    graphs[graph_count++] = stream->recording;
    return cudaSuccess;
}

/* Ends in any case. */
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out)
{
    ALONE();
    const cudaError_t error = answer(__func__);

    if (stream->recording == NULL)
        break_rule("what was never begun was ended");
    *out = error == cudaSuccess ? stream->recording : NULL;
    stream->recording = NULL;
    if (error == cudaSuccess)
        fake_cuda.live++;
    return error;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    (void)graph;
    ANSWER();
    fake_cuda.live--;
    return cudaSuccess;
}

/* An exec is the graph that it was made of, which stays until the next reset. */
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long flags)
{
    ANSWER();
    (void)flags;
    *out = (cudaGraphExec_t)graph;
    fake_cuda.live++;
    fake_cuda.graphs++;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    struct CUgraph_st *graph = (struct CUgraph_st *)exec;

    ANSWER();
    if (graph->is_gone)
        break_rule("a graph was destroyed twice");
    graph->is_gone = 1;
    fake_cuda.live--;
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    const struct CUgraph_st *graph = (const struct CUgraph_st *)exec;

    ANSWER();
    if (graph->is_gone)
        break_rule("a graph was launched that had been destroyed");
    for (int o = 0; o < graph->count; o++)
        *enqueue(stream, OP_LAUNCH) = graph->ops[o];
    return cudaSuccess;
}

/* ---- the compiler ---------------------------------------------------------------------------- */

static nvrtcResult fake_version(int *major, int *minor)
{
    *major = 13;
    *minor = 0;
    return NVRTC_SUCCESS;
}

static const char *fake_error_string(nvrtcResult result)
{
    return result == NVRTC_ERROR_OUT_OF_MEMORY ? "out of memory" : "a scripted failure";
}

static nvrtcResult fake_arch_count(int *count)
{
    *count = fake_cuda.arch_count;
    return NVRTC_SUCCESS;
}

static nvrtcResult fake_archs(int *archs)
{
    memcpy(archs, fake_cuda.archs, (size_t)fake_cuda.arch_count * sizeof *archs);
    return NVRTC_SUCCESS;
}

/* What an nvrtcProgram points to. */
typedef struct program {
    char text[FAKE_TEXT_BYTES];
} program;

static nvrtcResult fake_create(nvrtcProgram *out, const char *text, const char *name, int count,
                               const char *const *headers, const char *const *names)
{
    ALONE();
    program *const made = make(sizeof *made, 0);

    (void)name;
    snprintf(made->text, sizeof made->text, "%s", text);
    snprintf(fake_cuda.main_text, sizeof fake_cuda.main_text, "%s", text);
    for (int h = 0; h < count; h++)
        if (strcmp(names[h], "kernel.c") == 0)
            snprintf(fake_cuda.kernel_text, sizeof fake_cuda.kernel_text, "%s", headers[h]);
    *out = (nvrtcProgram)made;
    return NVRTC_SUCCESS;
}

static nvrtcResult fake_destroy(nvrtcProgram *of)
{
    ALONE();
    drop(*of);
    *of = NULL;
    return NVRTC_SUCCESS;
}

static nvrtcResult fake_compile(nvrtcProgram of, int count, const char *const *options)
{
    size_t used = 0;

    ALONE();
    (void)of;
    fake_cuda.compilations++;
    for (int o = 0; o < count; o++)
        used += (size_t)snprintf(fake_cuda.options + used, sizeof fake_cuda.options - used, "%s\n",
                                 options[o]);
    return fake_cuda.compile_result;
}

static nvrtcResult fake_log_bytes(nvrtcProgram of, size_t *bytes)
{
    (void)of;
    *bytes = fake_cuda.compile_log != NULL ? strlen(fake_cuda.compile_log) + 1 : 1;
    return NVRTC_SUCCESS;
}

static nvrtcResult fake_log(nvrtcProgram of, char *text)
{
    (void)of;
    strcpy(text, fake_cuda.compile_log != NULL ? fake_cuda.compile_log : "");
    return NVRTC_SUCCESS;
}

static nvrtcResult fake_cubin_bytes(nvrtcProgram of, size_t *bytes)
{
    *bytes = strlen(cubin_mark) + strlen(((const program *)of)->text) + 1;
    return NVRTC_SUCCESS;
}

static nvrtcResult fake_cubin(nvrtcProgram of, char *code)
{
    /* so that it is known what it is of */
    strcpy(stpcpy(code, cubin_mark), ((const program *)of)->text);
    return NVRTC_SUCCESS;
}

static nvrtcResult fake_ptx_bytes(nvrtcProgram of, size_t *bytes)
{
    (void)of;
    *bytes = sizeof "ptx";
    return NVRTC_SUCCESS;
}

static nvrtcResult fake_ptx(nvrtcProgram of, char *code)
{
    (void)of;
    strcpy(code, "ptx");
    return NVRTC_SUCCESS;
}

gcr_status gcr_cuda_nvrtc(const cuda_nvrtc **out)
{
    static const cuda_nvrtc table = {
        .version = fake_version,
        .error_string = fake_error_string,
        .arch_count = fake_arch_count,
        .archs = fake_archs,
        .create = fake_create,
        .destroy = fake_destroy,
        .compile = fake_compile,
        .log_bytes = fake_log_bytes,
        .log = fake_log,
        .cubin_bytes = fake_cubin_bytes,
        .cubin = fake_cubin,
        .ptx_bytes = fake_ptx_bytes,
        .ptx = fake_ptx,
    };

    *out = &table;
    return GCR_OK;
}
