/*
 * base/pool.h -- the threads of a run.
 *
 * A pool starts its threads once; gcr_pool_start() lets each of them run one function and
 * gcr_pool_wait() waits for all. The thread that owns the pool never computes: it is the one that
 * shows progress and answers signals, and it sleeps in between. There is one level of parallelism
 * in a run: a cell must not start another pool.
 *
 * Own threads rather than OpenMP, whose gcc runtime gives false reports under TSan (measured).
 */
#ifndef GCR_BASE_POOL_H
#define GCR_BASE_POOL_H

#include "gridcrunch/status.h"

#include <stddef.h>

typedef struct gcr_pool gcr_pool;

/* Runs on every thread of the pool; `worker` is 0 .. gcr_pool_size() - 1. */
typedef void (*gcr_pool_fn)(void *arg, int worker);

/* `threads` >= 1. GCR_ENOMEM: the system refuses so many. */
GCR_MUST_CHECK gcr_status gcr_pool_create(gcr_pool **out, int threads);

/* The same with so many bytes of stack for each thread: the system's default is what the user has
 * set, and with `ulimit -s unlimited` 2 MiB. */
GCR_MUST_CHECK gcr_status gcr_pool_create_deep(gcr_pool **out, int threads, size_t stack_bytes);

/* Waits for what is running, ends the threads. NULL is allowed. */
void gcr_pool_destroy(gcr_pool *pool);

int gcr_pool_size(const gcr_pool *pool);

/* Lets every thread run fn(arg, worker). The last start must have been waited for. */
void gcr_pool_start(gcr_pool *pool, gcr_pool_fn fn, void *arg);

/* True when all threads are done; false after `seconds` without that. seconds < 0: no limit. */
int gcr_pool_wait(gcr_pool *pool, double seconds);

#endif /* GCR_BASE_POOL_H */
