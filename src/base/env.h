/*
 * base/env.h -- the variables of the environment that the library looks at: one table, and one
 * file that calls getenv.
 */
#ifndef GCR_BASE_ENV_H
#define GCR_BASE_ENV_H

typedef enum gcr_env {
    GCR_ENV_LIBEXEC,
    GCR_ENV_CC,
    GCR_ENV_CACHE,
    GCR_ENV_XDG_CACHE_HOME,
    GCR_ENV_HOME,
    GCR_ENV_TMPDIR,
    GCR_ENV_GPU_MODULE, /* from here on: of devices */
    GCR_ENV_VISIBLE_GPUS,
    GCR_ENV_GPU_LIBRARIES,
    GCR_ENV_VIRTUAL_ENV,
    GCR_ENV_MPI, /* from here on: of ranks */
    GCR_ENV_MPI_MODULE,
    GCR_ENV_SILENCE,
    GCR_ENV_OPEN_MPI_SIZE,
    GCR_ENV_PMI_SIZE,
    GCR_ENV_PMIX,
    GCR_ENV_SLURM_TASKS,
    GCR_ENV_OPEN_MPI_RANK, /* from here on: which of them this process is */
    GCR_ENV_PMI_RANK,
    GCR_ENV_SLURM_TASK,
    GCR_ENV_COUNT
} gcr_env;

/* "GRIDCRUNCH_CC", and what it is for in one line. Never NULL. */
const char *gcr_env_name(gcr_env variable);
const char *gcr_env_help(gcr_env variable);

/* Its value; NULL where it is not set, or empty. */
const char *gcr_env_get(gcr_env variable);

#endif /* GCR_BASE_ENV_H */
