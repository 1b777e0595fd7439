/*
 * tests/support/fake_cuda_module.c -- the backend for GPUs over the stand-in for CUDA, as a module for
 * programs: two GPUs that know the kernel `scale`. A rule of CUDA that is broken ends the program with 9.
 */
#include "support/fake_cuda.h"

#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void begin(void)
{
    fake_cuda_reset();
    fake_cuda.device_count = 2;
    fake_cuda.computes_scale = 1;
}

__attribute__((destructor)) static void end(void)
{
    if (fake_cuda.broken == NULL && fake_cuda.live == 0)
        return;
    fprintf(stderr, "%s; %d things are left\n",
            fake_cuda.broken != NULL ? fake_cuda.broken : "no rule was broken", fake_cuda.live);
    _exit(9);
}
