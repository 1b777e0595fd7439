/*
 * tests/support/fake_cuda_module.c -- the backend for GPUs over the stand-in for CUDA, as a module
 * for programs: two GPUs that know the kernel `scale`. A rule of CUDA that is broken ends the
 * program with 9. Ranks have GPUs of their own, unless FAKE_GPUS_SHARED is set.
 * FAKE_NCCL_FAILS=RANK:N lets NCCL find an error at its Nth look there.
 */
#include "support/fake_cuda.h"
#include "support/fake_nccl.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void be_rank(int rank)
{
    const char *fails = getenv("FAKE_NCCL_FAILS");
    int failing, nth;

    if (getenv("FAKE_GPUS_SHARED") == NULL)
        fake_cuda.first_gpu = 1 + rank;
    if (fails == NULL || sscanf(fails, "%d:%d", &failing, &nth) != 2 || failing != rank)
        return;
    fake_nccl.async_nth = nth;
    fake_nccl.async_code = ncclSystemError;
}

__attribute__((constructor)) static void begin(void)
{
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");

    fake_cuda_reset();
    fake_cuda.device_count = 2;
    fake_cuda.computes_scale = 1;
    if (rank != NULL)
        be_rank(atoi(rank));
}

__attribute__((destructor)) static void end(void)
{
    if (fake_cuda.broken == NULL && fake_cuda.live == 0)
        return;
    fprintf(stderr, "%s; %d things are left\n",
            fake_cuda.broken != NULL ? fake_cuda.broken : "no rule was broken", fake_cuda.live);
    _exit(9);
}
