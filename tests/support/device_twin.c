/*
 * tests/support/device_twin.c -- see device_twin.h.
 *
 * A fiber that waits looks for the next that can go on and switches to it; where there is none, the
 * block can never end, and the run is over. Blocks that run together are left and come back only
 * where all threads of one wait: then what it has declared as shared is put away and that of the
 * other in its place. On x86-64 a switch is 16 moves, elsewhere ucontext's.
 */
#include "support/device_twin.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

enum {
    STACK_BYTES = 512 << 10,
    WARP = 32,
    GUARD_BYTES = 64,
    GUARD = 0x5a,
    FIBERS_MAX = 4096,
    COPIES_MAX = 128, /* of a thread, on their way */
};

/* Where all of a group meet: the block or a warp. */
typedef struct meeting {
    int expected, arrived;
    unsigned generation; /* of meetings that are over */
    const char *file;
    int line;
    int any[2]; /* of this meeting and the one before, which may still be read */
    double value[2][WARP], other[2][WARP];
} meeting;

typedef struct copy {
    void *to;
    const void *from; /* NULL: zeros */
    size_t bytes;
    unsigned group;
} copy;

typedef struct fiber {
    int block, thread; /* the block, of those that run together */
    copy *copies;      /* [COPIES_MAX] */
    int copy_count;
    unsigned groups; /* of copies, that have been closed */
    void *stack;
#if defined(__x86_64__)
    void *top; /* of what is saved while it does not run */
#else
    ucontext_t context;
#endif
    const meeting *waits_for; /* NULL: can go on */
    unsigned generation;
    int has_ended;
    void *sanitizer; /* the address sanitizer's fake stack, or the thread sanitizer's fiber */
} fiber;

/* A block that runs. */
typedef struct block {
    meeting all, warps[TWIN_THREADS_MAX / WARP];
    unsigned char *dynamic;  /* with guards around it */
    unsigned char *declared; /* while another block runs */
} block;

static struct twin {
    const twin_grid *grid;
    meeting device;
    block blocks[TWIN_TOGETHER_MAX];
    int first, count; /* of the blocks that run: number of the first, and how many */
    fiber fibers[FIBERS_MAX];
    fiber host; /* whoever called twin_run() */
    fiber *running, *left;
    char wrong[512];
} twin;

twin_place twin_here;

/* What blocks declare as shared is in one section, whose ends the linker knows. */
extern unsigned char shared_begin[] __asm__("__start_twin_shared") __attribute__((weak));
extern unsigned char shared_end[] __asm__("__stop_twin_shared") __attribute__((weak));

/* ---- switching ------------------------------------------------------------------------------- */

#if defined(__x86_64__)
void twin_switch(void **saved_out, void *to);
__asm__(".text\n"
        ".p2align 4\n"
        ".globl twin_switch\n"
        ".hidden twin_switch\n"
        ".type twin_switch, @function\n"
        "twin_switch:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size twin_switch, .-twin_switch\n");
#endif

/* The first that a fiber does when it runs again, or for the first time. */
static void arrive(void)
{
#if defined(__SANITIZE_ADDRESS__)
    const void *bottom;
    size_t bytes;

    __sanitizer_finish_switch_fiber(twin.running->sanitizer, &bottom, &bytes);
    if (twin.left == &twin.host) { /* whose stack is known only now */
        twin.host.stack = (void *)(uintptr_t)bottom;
        twin.host.generation = (unsigned)bytes;
    }
#endif
}

#if defined(__SANITIZE_ADDRESS__)
enum { OWN_GUARD_BYTES = 0 };
#else
enum { OWN_GUARD_BYTES = GUARD_BYTES };
#endif

/* All that kernels declare as shared, of which there may be none. */
static void copy_declared(void *to, const void *from)
{
    const size_t bytes = (size_t)(shared_end - shared_begin);

    if (bytes > 0)
        memcpy(to, from, bytes);
}

/* The memory of block `to` takes the place of that of the block that ran. */
static void change_block(int to)
{
    block *const next = &twin.blocks[to];

    if (twin.first + to == twin_here.block)
        return;
    copy_declared(twin.blocks[twin_here.block - twin.first].declared, shared_begin);
    copy_declared(shared_begin, next->declared);
    twin_here.block = twin.first + to;
    twin_here.shared = next->dynamic + OWN_GUARD_BYTES;
}

static void switch_to(fiber *next)
{
    fiber *const self = twin.running;

    twin.left = self;
    twin.running = next;
    if (next != &twin.host) {
        change_block(next->block);
        twin_here.thread = next->thread;
    }
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&self->sanitizer, next->stack,
                                   next == &twin.host ? next->generation : STACK_BYTES);
#elif defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(next->sanitizer, 0);
#endif
#if defined(__x86_64__)
    twin_switch(&self->top, next->top);
#else
    swapcontext(&self->context, &next->context);
#endif
    arrive();
}

/* The run is over: back to the host, which never comes back. */
static _Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void give_up(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(twin.wrong, sizeof twin.wrong, format, arguments);
    va_end(arguments);
    switch_to(&twin.host);
    abort();
}

static int can_go_on(const fiber *one)
{
    return !one->has_ended &&
           (one->waits_for == NULL || one->waits_for->generation != one->generation);
}

/* The next of `count` neighbours that can go on, from `at`, which is asked last. NULL: none. */
static fiber *find_among(fiber *fibers, int count, int at)
{
    const int step = twin.grid->order == TWIN_UPWARDS ? 1 : count - 1;

    for (int k = 0; k < count; k++) {
        at = (at + step) % count;
        if (can_go_on(&fibers[at]))
            return &fibers[at];
    }
    return NULL;
}

/* The next after `self`: one of its block, or else of another. NULL: none. */
static fiber *find_next(const fiber *self)
{
    const int threads = twin.grid->threads;
    fiber *const own = twin.fibers + self->block * threads;
    fiber *const next = find_among(own, threads, self->thread);

    return next != NULL ? next
                        : find_among(twin.fibers, twin.count * threads, (int)(self - twin.fibers));
}

/* One that waits, of those that will wait for ever. */
static void explain_deadlock(void)
{
    const fiber *waiting = twin.fibers, *ended = NULL;

    for (int t = 0; t < twin.count * twin.grid->threads; t++)
        if (twin.fibers[t].has_ended)
            ended = &twin.fibers[t];
        else
            waiting = &twin.fibers[t];
    if (ended != NULL)
        give_up("block %d: thread %d waits at %s:%d for threads that have ended, such as %d",
                twin.first + waiting->block, waiting->thread, waiting->waits_for->file,
                waiting->waits_for->line, ended->thread);
    give_up("block %d: thread %d waits at %s:%d for others that wait elsewhere",
            twin.first + waiting->block, waiting->thread, waiting->waits_for->file,
            waiting->waits_for->line);
}

static void fiber_run(void)
{
    fiber *self, *next;

    arrive();
    self = twin.running;
    twin.grid->entry(twin.grid->argument);
    self->has_ended = 1;
    next = find_next(self);
    if (next == NULL)
        for (int t = 0; t < twin.count * twin.grid->threads; t++)
            if (!twin.fibers[t].has_ended)
                explain_deadlock();
    switch_to(next != NULL ? next : &twin.host);
    abort(); /* nobody switches to a fiber that has ended */
}

static void fiber_open(fiber *one, int own_block, int thread)
{
    void *const stack = one->stack, *const sanitizer = one->sanitizer;
    copy *const copies = one->copies;

    *one = (fiber){ .block = own_block, .thread = thread, .stack = stack, .copies = copies };
    if (copies == NULL)
        one->copies = calloc(COPIES_MAX, sizeof *copies);
    if (one->copies == NULL)
        abort();
    if (stack == NULL) {
        one->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (one->stack == MAP_FAILED)
            abort();
    }
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(one->stack, STACK_BYTES); /* of functions that never returned */
#endif
#if defined(__SANITIZE_THREAD__)
    one->sanitizer = sanitizer != NULL ? sanitizer : __tsan_create_fiber(0);
#else
    (void)sanitizer;
#endif
#if defined(__x86_64__)
    {
        void **top = (void **)((char *)one->stack + STACK_BYTES) - 2;

        *top = (void *)(uintptr_t)fiber_run; /* where twin_switch() returns to */
        one->top = top - 6;
        memset(one->top, 0, 6 * sizeof *top);
    }
#else
    getcontext(&one->context);
    one->context.uc_stack.ss_sp = one->stack;
    one->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&one->context, fiber_run, 0);
#endif
}

/* ---- meeting --------------------------------------------------------------------------------- */

/* Comes to a meeting; the last to come opens it. Returns which of the two places values are in. */
static unsigned meet(meeting *of, const char *file, int line)
{
    fiber *const self = twin.running;
    const unsigned generation = of->generation;

    if (of->arrived == 0) {
        of->file = file;
        of->line = line;
    } else if (of->line != line || strcmp(of->file, file) != 0) {
        give_up("block %d: thread %d is at %s:%d while others of its group wait at %s:%d",
                twin_here.block, twin_here.thread, file, line, of->file, of->line);
    }
    if (++of->arrived == of->expected) {
        of->arrived = 0;
        of->any[(generation + 1) % 2] = 0;
        of->generation++;
        return generation % 2;
    }
    self->waits_for = of;
    self->generation = generation;
    while (of->generation == generation) {
        fiber *const next = find_next(self);

        if (next == NULL)
            explain_deadlock();
        switch_to(next);
    }
    self->waits_for = NULL;
    return generation % 2;
}

static block *own_block(void)
{
    return &twin.blocks[twin_here.block - twin.first];
}

static meeting *own_warp(void)
{
    return &own_block()->warps[twin_here.thread / WARP];
}

static int own_lane(void)
{
    return twin_here.thread % WARP;
}

void twin_block_barrier(const char *file, int line)
{
    meet(&own_block()->all, file, line);
}

void twin_device_barrier(const char *file, int line)
{
    if (twin.count < twin_here.block_count)
        give_up("%s:%d: %d blocks are to meet, and run one after the other", file, line,
                twin_here.block_count);
    meet(&twin.device, file, line);
}

void twin_warp_barrier(const char *file, int line)
{
    meet(own_warp(), file, line);
}

static int meet_any(meeting *of, int condition, const char *file, int line)
{
    of->any[of->generation % 2] |= condition;
    return of->any[meet(of, file, line)] != 0;
}

int twin_block_any(int condition, const char *file, int line)
{
    return meet_any(&own_block()->all, condition, file, line);
}

int twin_warp_any(int condition, const char *file, int line)
{
    return meet_any(own_warp(), condition, file, line);
}

double twin_warp_read(double value, int lane, const char *file, int line)
{
    meeting *const warp = own_warp();

    if (lane < 0 || lane >= WARP)
        give_up("%s:%d: thread %d reads lane %d of a warp", file, line, twin_here.thread, lane);
    warp->value[warp->generation % 2][own_lane()] = value;
    return warp->value[meet(warp, file, line)][lane];
}

void twin_multiply_matrices(double c[2], double a, double b, const char *file, int line)
{
    meeting *const warp = own_warp();
    const int row = own_lane() / 4, column = 2 * (own_lane() % 4);
    unsigned at = warp->generation % 2;

    warp->value[at][own_lane()] = a;
    warp->other[at][own_lane()] = b;
    at = meet(warp, file, line);
    for (int e = 0; e < 2; e++)
        for (int k = 0; k < 4; k++)
            c[e] = fma(warp->value[at][4 * row + k], warp->other[at][4 * (column + e) + k], c[e]);
}

void twin_copy_begin(void *to, const void *from, size_t bytes, int is_there)
{
    fiber *const self = twin.running;

    if (self->copy_count == COPIES_MAX)
        give_up("thread %d has more than %d copies on their way", self->thread, COPIES_MAX);
    memset(to, 0xff, bytes); /* NaN: must not be read before */
    self->copies[self->copy_count++] = (copy){ to, is_there ? from : NULL, bytes, self->groups };
}

void twin_copies_close(void)
{
    twin.running->groups++;
}

/* All groups that have been closed but the last, and not a copy more. */
void twin_copies_wait(void)
{
    fiber *const self = twin.running;
    int left = 0;

    for (int k = 0; k < self->copy_count; k++) {
        const copy one = self->copies[k];

        if (one.group + 1 >= self->groups)
            self->copies[left++] = one;
        else if (one.from != NULL)
            memcpy(one.to, one.from, one.bytes);
        else
            memset(one.to, 0, one.bytes);
    }
    self->copy_count = left;
}

/* As a GPU has it: several neighbours at once only from a multiple of what they are long. */
void twin_check_place(const void *place, size_t bytes, const char *file, int line)
{
    if ((uintptr_t)place % bytes != 0)
        give_up("%s:%d: thread %d is at an address that is no multiple of %zu", file, line,
                twin_here.thread, bytes);
}

/* As coarse as an instruction that looks at the upper half of its operand, and as careless: what is
 * less than `least` is 0 to it. */
double twin_root_guess(double x, double least)
{
    double guess = fabs(x) < least ? INFINITY : 1 / sqrt(x);
    uint64_t bits;

    memcpy(&bits, &guess, sizeof bits);
    bits &= UINT64_C(0xffffffff00000000);
    memcpy(&guess, &bits, sizeof bits);
    return guess;
}

/* ---- a grid ---------------------------------------------------------------------------------- */

static void meeting_open(meeting *of, int expected)
{
    memset(of, 0, sizeof *of);
    of->expected = expected;
}

/* Where there is no address sanitizer: the bytes before and behind are what they were. */
static void check_guards(int number)
{
    const size_t bytes = twin.grid->shared_bytes;
    const unsigned char *memory = twin.blocks[number].dynamic;

    for (size_t k = 0; k < GUARD_BYTES; k++)
        if (memory[k] != GUARD || memory[GUARD_BYTES + bytes + k] != GUARD)
            snprintf(twin.wrong, sizeof twin.wrong,
                     "block %d has written beside its %zu bytes of shared memory",
                     twin.first + number, bytes);
}

static void close_block(int number)
{
    free(twin.blocks[number].dynamic);
    free(twin.blocks[number].declared);
    twin.blocks[number].dynamic = twin.blocks[number].declared = NULL;
}

/* Returns 0 where there is no memory. */
static int open_block(int number)
{
    const size_t bytes = twin.grid->shared_bytes, declared = (size_t)(shared_end - shared_begin);
    const int threads = twin.grid->threads;
    block *const one = &twin.blocks[number];

    one->dynamic = malloc(bytes + 2 * OWN_GUARD_BYTES);
    one->declared = malloc(declared + 1);
    if (one->dynamic == NULL || one->declared == NULL)
        return 0;
    memset(one->dynamic, GUARD, bytes + 2 * OWN_GUARD_BYTES);
    memset(one->dynamic + OWN_GUARD_BYTES, 0xff, bytes); /* NaN: must not be read */
    memset(one->declared, 0xff, declared);
    meeting_open(&one->all, threads);
    for (int w = 0; w < threads / WARP; w++)
        meeting_open(&one->warps[w], WARP);
    for (int t = 0; t < threads; t++)
        fiber_open(&twin.fibers[number * threads + t], number, t);
    return 1;
}

/* Block 0 of those that are open is in place before the first thread runs. */
static void run_blocks(void)
{
    const int fibers = twin.count * twin.grid->threads;

    meeting_open(&twin.device, fibers);
    copy_declared(shared_begin, twin.blocks[0].declared);
    twin_here.block = twin.first;
    twin_here.shared = twin.blocks[0].dynamic + OWN_GUARD_BYTES;
    twin.running = &twin.host;
#if defined(__SANITIZE_THREAD__)
    twin.host.sanitizer = __tsan_get_current_fiber();
#endif
    switch_to(twin.grid->order == TWIN_UPWARDS ? &twin.fibers[0] : &twin.fibers[fibers - 1]);
}

/* Those from twin.first on. */
static void run_some(void)
{
    int is_open = 1;

    for (int b = 0; b < twin.count; b++)
        is_open &= open_block(b);
    if (is_open)
        run_blocks();
    else
        snprintf(twin.wrong, sizeof twin.wrong, "no memory for the shared memory of blocks");
    for (int b = 0; b < twin.count; b++) {
        if (OWN_GUARD_BYTES > 0 && twin.wrong[0] == '\0')
            check_guards(b);
        close_block(b);
    }
}

const char *twin_run(const twin_grid *grid)
{
    twin.grid = grid;
    twin.wrong[0] = '\0';
    twin.count = grid->together ? grid->blocks : 1;
    if (grid->threads < 1 || grid->threads > TWIN_THREADS_MAX || grid->threads % WARP != 0)
        return "a block has 32, 64 ... 1024 threads";
    if (twin.count > TWIN_TOGETHER_MAX || twin.count * grid->threads > FIBERS_MAX)
        return "so many blocks do not run at one time";
    twin_here.block_count = grid->blocks;
    for (twin.first = 0; twin.first < grid->blocks && twin.wrong[0] == '\0';
         twin.first += twin.count)
        run_some();
    return twin.wrong[0] != '\0' ? twin.wrong : NULL;
}
