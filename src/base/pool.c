/*
 * base/pool.c -- threads that sleep until there is something to run.
 *
 * Workers block the signals that people and schedulers send, so that the thread that owns the pool
 * gets them: it is the one that knows how to stop a run. Faults (SIGSEGV ...) stay with the thread
 * that caused them.
 */
#include "base/pool.h"

#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIGNAL_STACK_BYTES = 1 << 14 }; /* four times what AVX-512 makes a handler need */

typedef struct worker {
    gcr_pool *pool;
    pthread_t thread;
    int index;
    char signal_stack[SIGNAL_STACK_BYTES];
} worker;

/* Everything after `lock` is read and written under it. A worker runs `fn` once for each value
 * of `round`; `busy` counts the workers that have not finished the current one. */
struct gcr_pool {
    worker *workers;
    int worker_count; /* as asked                       */
    int thread_count; /* started; fewer only in create  */
    pthread_mutex_t lock;
    pthread_cond_t begun, done;
    gcr_pool_fn fn;
    void *arg;
    unsigned round;
    int busy;
    int is_ending;
};

/* Sleeps until there is a round after `seen`. False: the pool ends. */
static int wait_for_round(gcr_pool *pool, unsigned seen, gcr_pool_fn *fn, void **arg)
{
    int is_ending;

    pthread_mutex_lock(&pool->lock);
    while (pool->round == seen && !pool->is_ending)
        pthread_cond_wait(&pool->begun, &pool->lock);
    is_ending = pool->is_ending;
    *fn = pool->fn;
    *arg = pool->arg;
    pthread_mutex_unlock(&pool->lock);
    return !is_ending;
}

static void finish_round(gcr_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->busy--;
    if (pool->busy == 0)
        pthread_cond_broadcast(&pool->done);
    pthread_mutex_unlock(&pool->lock);
}

/* A handler of the program's can then run when the stack of the thread is used up. False: it has
 * such a stack already, from a sanitizer. */
static int take_signal_stack(worker *self)
{
    const stack_t ours = { .ss_sp = self->signal_stack, .ss_size = SIGNAL_STACK_BYTES };
    stack_t there;

    return sigaltstack(NULL, &there) == 0 && (there.ss_flags & SS_DISABLE) != 0 &&
           sigaltstack(&ours, NULL) == 0;
}

static void *work(void *me)
{
    worker *self = me;
    const int has_stack = take_signal_stack(self);
    gcr_pool_fn fn;
    void *arg;

    for (unsigned seen = 0; wait_for_round(self->pool, seen, &fn, &arg); seen++) {
        fn(arg, self->index);
        finish_round(self->pool);
    }
    if (has_stack)
        sigaltstack(&(const stack_t){ .ss_flags = SS_DISABLE }, NULL);
    return NULL;
}

static void block_sent_signals(sigset_t *before)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT };
    sigset_t sent;

    sigfillset(&sent);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&sent, faults[i]);
    pthread_sigmask(SIG_SETMASK, &sent, before);
}

/* A thread is born with the signal mask of the one that creates it. */
static gcr_status start_threads(gcr_pool *pool, size_t stack_bytes)
{
    gcr_status status = GCR_OK;
    sigset_t before;
    pthread_attr_t how;

    pthread_attr_init(&how); /* Linux: cannot fail */
    if (stack_bytes > 0)
        (void)pthread_attr_setstacksize(&how, stack_bytes);
    block_sent_signals(&before);
    for (int i = 0; i < pool->worker_count; i++) {
        worker *next = &pool->workers[i];
        int error;

        next->pool = pool;
        next->index = i;
        error = pthread_create(&next->thread, &how, work, next);
        if (error != 0)
            GCR_FAIL(GCR_ENOMEM, "the system refuses to start thread %d of %d: %s", i + 1,
                     pool->worker_count, strerror(error));
        pool->thread_count++;
    }
out:
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&how);
    return status;
}

static void open_locks(gcr_pool *pool)
{
    pthread_mutex_init(&pool->lock, NULL); /* Linux: cannot fail */
    gcr_clock_cond(&pool->begun);
    gcr_clock_cond(&pool->done);
}

static void close_locks(gcr_pool *pool)
{
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->begun);
    pthread_mutex_destroy(&pool->lock);
}

gcr_status gcr_pool_create(gcr_pool **out, int threads)
{
    return gcr_pool_create_deep(out, threads, 0);
}

gcr_status gcr_pool_create_deep(gcr_pool **out, int threads, size_t stack_bytes)
{
    gcr_status status = GCR_OK;
    gcr_pool *pool = NULL;

    *out = NULL;
    if (threads < 1)
        GCR_FAIL(GCR_EINVAL, "a pool needs at least one thread, not %d", threads);
    pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a thread pool");
    open_locks(pool);
    pool->worker_count = threads;
    pool->workers = calloc((size_t)threads, sizeof *pool->workers);
    if (pool->workers == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a pool of %d threads", threads);
    GCR_TRY(start_threads(pool, stack_bytes));
    *out = pool;
    pool = NULL;
out:
    gcr_pool_destroy(pool);
    return status;
}

void gcr_pool_destroy(gcr_pool *pool)
{
    if (pool == NULL)
        return;
    gcr_pool_wait(pool, -1);
    pthread_mutex_lock(&pool->lock);
    pool->is_ending = 1;
    pthread_cond_broadcast(&pool->begun);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->thread_count; i++)
        pthread_join(pool->workers[i].thread, NULL);
    close_locks(pool);
    free(pool->workers);
    free(pool);
}

int gcr_pool_size(const gcr_pool *pool)
{
    return pool->worker_count;
}

void gcr_pool_start(gcr_pool *pool, gcr_pool_fn fn, void *arg)
{
    pthread_mutex_lock(&pool->lock);
    pool->fn = fn;
    pool->arg = arg;
    pool->busy = pool->worker_count;
    pool->round++;
    pthread_cond_broadcast(&pool->begun);
    pthread_mutex_unlock(&pool->lock);
}

int gcr_pool_wait(gcr_pool *pool, double seconds)
{
    const struct timespec until = gcr_clock_in(seconds);
    int error = 0, is_done;

    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0 && error != ETIMEDOUT)
        error = seconds < 0 ? pthread_cond_wait(&pool->done, &pool->lock)
                            : pthread_cond_timedwait(&pool->done, &pool->lock, &until);
    is_done = pool->busy == 0;
    pthread_mutex_unlock(&pool->lock);
    return is_done;
}
