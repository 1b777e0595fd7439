/*
 * cuda/cuda_nccl.h -- NCCL, opened when the first bridge is asked for.
 *
 * Only what is called is here. A build whose toolkit has no nccl.h lacks this file, cuda_nccl.c and
 * cuda_bridge.c, and its devices have no bridges.
 */
#ifndef GCR_CUDA_NCCL_H
#define GCR_CUDA_NCCL_H

#include "gridcrunch/status.h"

#include <nccl.h>

enum { GCR_CUDA_NCCL_LEAST = NCCL_VERSION(2, 18, 0) }; /* of the library that is opened */

/* The functions that are called, by their names. */
typedef struct cuda_nccl {
    ncclResult_t (*get_version)(int *version);
    ncclResult_t (*get_unique_id)(ncclUniqueId *id);
    ncclResult_t (*init)(ncclComm_t *comm, int size, ncclUniqueId id, int rank,
                         ncclConfig_t *config);
    ncclResult_t (*finalize)(ncclComm_t comm);
    ncclResult_t (*destroy)(ncclComm_t comm);
    ncclResult_t (*give_up)(ncclComm_t comm);
    ncclResult_t (*get_async_error)(ncclComm_t comm, ncclResult_t *state);
    const char *(*error_string)(ncclResult_t result);
    const char *(*last_error)(ncclComm_t comm);
    ncclResult_t (*group_start)(void);
    ncclResult_t (*group_end)(void);
    ncclResult_t (*send)(const void *from, size_t count, ncclDataType_t type, int peer,
                         ncclComm_t comm, cudaStream_t stream);
    ncclResult_t (*receive)(void *to, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                            cudaStream_t stream);
    ncclResult_t (*broadcast)(const void *from, void *to, size_t count, ncclDataType_t type,
                              int root, ncclComm_t comm, cudaStream_t stream);
} cuda_nccl;

/* Belongs to the process. GCR_EUNSUPPORTED: the library is not on this machine. Tests have another
 * in its place. */
GCR_MUST_CHECK gcr_status gcr_cuda_nccl(const cuda_nccl **out);

#endif /* GCR_CUDA_NCCL_H */
