/*
 * backend/cpu/cpu_blas.c -- see cpu_blas.h.
 *
 * OpenBLAS is asked through dlsym because another BLAS may stand behind the same library name.
 */
#include "backend/cpu/cpu_blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

void gcr_cpu_blas_find(void *function_out, const char *name)
{
    /* POSIX guarantees what C does not: an object pointer of dlsym holds a function's address */
    *(void **)function_out = dlsym(RTLD_DEFAULT, name);
}

/* The setting is the process's, and so is what is known of it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int users, threads_before;

static void set_threads(int threads)
{
    void (*set)(int);

    gcr_cpu_blas_find(&set, "openblas_set_num_threads");
    if (set != NULL)
        set(threads);
}

static int get_threads(void)
{
    int (*get)(void);

    gcr_cpu_blas_find(&get, "openblas_get_num_threads");
    return get != NULL ? get() : 1;
}

void gcr_cpu_blas_begin(void)
{
    pthread_mutex_lock(&lock);
    if (users++ == 0) {
        threads_before = get_threads();
        if (threads_before != 1)
            set_threads(1);
    }
    pthread_mutex_unlock(&lock);
}

void gcr_cpu_blas_end(void)
{
    pthread_mutex_lock(&lock);
    if (--users == 0 && threads_before != 1)
        set_threads(threads_before);
    pthread_mutex_unlock(&lock);
}
