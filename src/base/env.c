/* base/env.c -- see env.h. */
#include "base/env.h"

#include <stdlib.h>

static const struct {
    const char *name, *help;
} variables[GCR_ENV_COUNT] = {
    [GCR_ENV_LIBEXEC] = { "GRIDCRUNCH_LIBEXEC", "the folder of gridcrunch-read-hdf5" },
    [GCR_ENV_CC] = { "GRIDCRUNCH_CC", "the compiler of kernels in files (cc)" },
    [GCR_ENV_CACHE] = { "GRIDCRUNCH_CACHE", "the folder that keeps them compiled" },
    [GCR_ENV_XDG_CACHE_HOME] = { "XDG_CACHE_HOME", "else that folder is gridcrunch in this one" },
    [GCR_ENV_HOME] = { "HOME", "else it is .cache/gridcrunch in this one" },
    [GCR_ENV_TMPDIR] = { "TMPDIR", "else they are compiled here and not kept (/tmp)" },
    [GCR_ENV_GPU_MODULE] = { "GRIDCRUNCH_CUDA_MODULE", "the file of libgridcrunch_cuda.so" },
    [GCR_ENV_VISIBLE_GPUS] = { "CUDA_VISIBLE_DEVICES", "the GPUs that the driver shows" },
    [GCR_ENV_GPU_LIBRARIES] = { "GRIDCRUNCH_CUDA_PATH", "the folder of CUDA's libraries" },
    [GCR_ENV_VIRTUAL_ENV] = { "VIRTUAL_ENV", "else they may be in this one, by pip" },
    [GCR_ENV_MPI] = { "GRIDCRUNCH_MPI", "none: each process is a run of its own" },
    [GCR_ENV_MPI_MODULE] = { "GRIDCRUNCH_MPI_MODULE", "the file of libgridcrunch_mpi.so" },
    [GCR_ENV_SILENCE] = { "GRIDCRUNCH_SILENCE", "seconds without a word: that node is lost (60)" },
    [GCR_ENV_OPEN_MPI_SIZE] = { "OMPI_COMM_WORLD_SIZE", "mpirun of Open MPI has started so many" },
    [GCR_ENV_PMI_SIZE] = { "PMI_SIZE", "mpirun of MPICH has started so many" },
    [GCR_ENV_PMIX] = { "PMIX_NAMESPACE", "srun --mpi=pmix has started this process" },
    [GCR_ENV_SLURM_TASKS] = { "SLURM_STEP_NUM_TASKS", "srun has started so many" },
    [GCR_ENV_OPEN_MPI_RANK] = { "OMPI_COMM_WORLD_RANK", "which of them this process is" },
    [GCR_ENV_PMI_RANK] = { "PMI_RANK", "which of them this process is" },
    [GCR_ENV_SLURM_TASK] = { "SLURM_PROCID", "which of them this process is" },
};

const char *gcr_env_name(gcr_env variable)
{
    return variables[variable].name;
}

const char *gcr_env_help(gcr_env variable)
{
    return variables[variable].help;
}

const char *gcr_env_get(gcr_env variable)
{
    const char *value = getenv(variables[variable].name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}
