/*
 * cuda/cuda_library.h -- a library of CUDA's, opened when it is needed.
 *
 * NVRTC, cuBLAS and cuSOLVER are 800 MB, and most runs call few of them or none. They are looked
 * for in the folder that GRIDCRUNCH_CUDA_PATH names, and nowhere else, if it names one; else where
 * the loader looks, in toolkits and where pip installs them.
 */
#ifndef GCR_CUDA_LIBRARY_H
#define GCR_CUDA_LIBRARY_H

#include "gridcrunch/status.h"

#include <pthread.h>
#include <stddef.h>

typedef struct cuda_library {
    const char *file;         /* the soname of the toolkit that this was built with: any minor */
                              /* version of it will do                                         */
    const char *parts;        /* what it opens itself, by name, of the files beside it: may    */
                              /* have stars; NULL: nothing                                     */
    const char *lacking;      /* what cannot be done without it: "kernels cannot be ..."       */
    const char *package;      /* what to install where it is not there: "the CUDA 13 toolkit"  */
    const char *const *names; /* of its functions, in the order of the table                   */
    size_t count;
    void *table; /* pointers to them                                              */
    pthread_mutex_t lock;
    void *opened;
} cuda_library;

/* One that has not been opened: `its_names` is an array, of a name for each function of
 * `its_table`; what it is called follows. */
#define CUDA_LIBRARY(its_names, its_table, ...)                                                    \
    {                                                                                              \
        .names = (its_names), .count = sizeof(its_names) / sizeof *(its_names),                    \
        .table = &(its_table), .lock = PTHREAD_MUTEX_INITIALIZER, __VA_ARGS__                      \
    }

/* Fills the table; it belongs to the process. GCR_EUNSUPPORTED: the library is not on this
 * machine. */
GCR_MUST_CHECK gcr_status gcr_cuda_library_open(cuda_library *library);

#endif /* GCR_CUDA_LIBRARY_H */
