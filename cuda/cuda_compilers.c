/* cuda/cuda_compilers.c -- see cuda_compilers.h. */
#include "cuda/cuda_compilers.h"

#include "base/check.h"
#include "base/cpus.h"
#include "base/pool.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    COMPILERS = 8,          /* threads at most: each takes some hundred MB */
    STACK_BYTES = 32 << 20, /* of each: compilers recurse, and the system's default may be 2 MB */
};

typedef struct work {
    cuda_order *orders;
    int count, capability;
    _Atomic int taken;
} work;

/* Runs on each thread of the pool: a sentence belongs to the thread that has failed. */
static void compile_some(void *arg, int worker)
{
    work *w = arg;
    int k;

    (void)worker;
    while ((k = atomic_fetch_add(&w->taken, 1)) < w->count) {
        cuda_order *o = &w->orders[k];

        o->status = gcr_cuda_compile_cached(&o->image, &o->source, w->capability);
        if (o->status != GCR_OK) {
            o->sentence = strdup(gcr_last_error());
            o->details = strdup(gcr_last_error_details());
        }
    }
}

static gcr_status repeat_failure(const cuda_order *o)
{
    gcr_status status = GCR_OK;

    if (o->status == GCR_OK)
        return GCR_OK;
    status = gcr_fail_at(__FILE__, __LINE__, o->status, "%s",
                         o->sentence != NULL ? o->sentence : "no memory to compile");
    gcr_fail_details(o->details != NULL ? o->details : "");
    return status;
}

gcr_status gcr_cuda_compile_orders(cuda_order *orders, int count, int capability)
{
    gcr_status status = GCR_OK;
    const int cpus = gcr_cpu_count(), most = cpus < COMPILERS ? cpus : COMPILERS;
    work w = { .orders = orders, .count = count, .capability = capability };
    gcr_pool *pool = NULL;

    if (count == 0)
        goto out;
    GCR_TRY(gcr_pool_create_deep(&pool, count < most ? count : most, STACK_BYTES));
    gcr_pool_start(pool, compile_some, &w);
    gcr_pool_wait(pool, -1);
    for (int k = 0; k < count; k++)
        GCR_TRY(repeat_failure(&orders[k]));
out:
    gcr_pool_destroy(pool);
    return status;
}

void gcr_cuda_orders_close(cuda_order *orders, int count)
{
    for (int k = 0; k < count; k++) {
        gcr_cuda_undefine(&orders[k].source);
        free(orders[k].image.log);
        free(orders[k].image.bytes);
        free(orders[k].sentence);
        free(orders[k].details);
        orders[k] = (cuda_order){ 0 };
    }
}
