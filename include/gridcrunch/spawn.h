/*
 * gridcrunch/spawn.h -- calls on other ranks, and their results as futures.
 *
 * For what a program does between runs: ranks of a comm (ranks.h; a pool of some of them is what
 * gcr_comm_select() makes) name the functions that may be called, each rank calls them wherever it
 * likes, and whoever waits computes meanwhile what others ask of it. So no rank is idle because it
 * waits, and two that wait for each other both get on.
 *
 *     gcr_spawner_create    all ranks, with the same functions
 *     gcr_spawn_on          returns at once
 *     gcr_future_fetch      waits for what the function returned
 *     gcr_spawner_destroy   all ranks; serves the others until each has come here
 *
 * A spawner is used by the thread that uses its comm. No run is executed on that comm meanwhile.
 */
#ifndef GCR_SPAWN_H
#define GCR_SPAWN_H

#include "gridcrunch/ranks.h"

#include <stdint.h>

GCR_API_BEGIN

typedef struct gcr_spawner gcr_spawner;
typedef struct gcr_future gcr_future;

/* Where a function leaves its result: a copy of bytes[count], the last one given. GCR_ENOMEM. */
typedef struct gcr_spawn_result gcr_spawn_result;
GCR_MUST_CHECK gcr_status gcr_spawn_return(gcr_spawn_result *result, const void *bytes,
                                           uint64_t count);

/* Called on a rank with what another gave; arg[count] is aligned as malloc aligns. It may spawn and
 * wait itself. What it fails with, the future has. */
typedef gcr_status (*gcr_spawn_fn)(void *context, gcr_spawn_result *result, const void *arg,
                                   uint64_t count);

/* Collective. functions[function_count] and `context` are borrowed until destroy; functions are
 * told apart by their index. GCR_EINVAL: ranks have different numbers of them. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_spawner_create(gcr_spawner **out, gcr_comm *comm,
                                             const gcr_spawn_fn *functions, int function_count,
                                             void *context);

/* Collective. Its futures have been destroyed. Serves until all ranks are here. NULL is allowed. */
void gcr_spawner_destroy(gcr_spawner *spawner);

/* Calls functions[function] on `rank`, this one included, with a copy of arg[count]; on this one,
 * when it waits. GCR_EINVAL: there is no such rank or function. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_spawn_on(gcr_future **out, gcr_spawner *spawner, int rank,
                                       int function, const void *arg, uint64_t count);

/* Waits until the function has returned, and serves others meanwhile. seconds < 0: no limit; 0:
 * looks once. GCR_ETIMEOUT. What the function returned is not asked. */
GCR_MUST_CHECK gcr_status gcr_future_wait(gcr_future *future, double seconds);

/* The same, without a limit, and then its result, which is the future's. What the function failed
 * with, it returns, with "rank 2 on HOST: " before the sentence. */
GCR_MUST_CHECK gcr_status gcr_future_fetch(gcr_future *future, const void **bytes_out,
                                           uint64_t *count_out);

/* Waits for it first. NULL is allowed. */
void gcr_future_destroy(gcr_future *future);

GCR_API_END

#endif /* GCR_SPAWN_H */
