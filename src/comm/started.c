/*
 * comm/started.c -- see started.h.
 *
 * mpirun of Open MPI and of MPICH tell each process how many there are. srun tells it too, but
 * processes of srun can only find each other where it was asked to speak a language of MPI (PMIx).
 * The shell of an sbatch script and of salloc is no task of srun: what is started there is alone.
 * Inside such a job mpirun may have been started by srun in turn, so mpirun is asked for first.
 */
#include "comm/started.h"

#include "base/check.h"
#include "base/env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0: it is not set. */
static gcr_status read_count(int *out, gcr_env variable)
{
    gcr_status status = GCR_OK;
    const char *text = gcr_env_get(variable);
    char *end = NULL;
    long count;

    *out = 0;
    if (text == NULL)
        goto out;
    count = strtol(text, &end, 10);
    if (*end != '\0' || count < 1 || count > 1 << 24)
        GCR_FAIL(GCR_EINVAL, "%s is '%s', which is no number of processes", gcr_env_name(variable),
                 text);
    *out = (int)count;
out:
    return status;
}

static gcr_status read_launchers(gcr_started *out)
{
    gcr_status status = GCR_OK;
    int open_mpi, pmi, tasks;

    GCR_TRY(read_count(&open_mpi, GCR_ENV_OPEN_MPI_SIZE));
    GCR_TRY(read_count(&pmi, GCR_ENV_PMI_SIZE));
    GCR_TRY(read_count(&tasks, GCR_ENV_SLURM_TASKS));
    if (open_mpi > 0 || pmi > 0)
        *out = (gcr_started){ .by = "mpirun", .size = open_mpi > 0 ? open_mpi : pmi };
    else if (tasks > 0 || gcr_env_get(GCR_ENV_PMIX) != NULL)
        *out = (gcr_started){ .by = tasks > 0 ? "srun" : "mpirun", .size = tasks };
    if (tasks > 1 && open_mpi == 0 && pmi == 0 && gcr_env_get(GCR_ENV_PMIX) == NULL)
        GCR_FAIL(
            GCR_EUNSUPPORTED,
            "srun has started %d tasks that cannot find each other, so that each would compute "
            "everything: use srun --mpi=pmix, or set %s=none if each has a job of its own",
            tasks, gcr_env_name(GCR_ENV_MPI));
out:
    return status;
}

gcr_status gcr_started_read(gcr_started *out)
{
    gcr_status status = GCR_OK;
    const char *asked = gcr_env_get(GCR_ENV_MPI);

    *out = (gcr_started){ 0 };
    if (asked != NULL && strcmp(asked, "none") != 0)
        GCR_FAIL(GCR_EINVAL, "%s is '%s', and can only be 'none'", gcr_env_name(GCR_ENV_MPI),
                 asked);
    if (asked == NULL)
        GCR_TRY(read_launchers(out));
out:
    return status;
}

int gcr_started_is_alone(const gcr_started *started)
{
    return started->by == NULL || started->size == 1;
}

int gcr_started_by_launcher(void)
{
    static const gcr_env told[] = { GCR_ENV_OPEN_MPI_SIZE, GCR_ENV_PMI_SIZE, GCR_ENV_PMIX,
                                    GCR_ENV_SLURM_TASKS };

    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (gcr_env_get(told[i]) != NULL)
            return 1;
    return 0;
}

int gcr_started_behind_first(void)
{
    static const struct {
        gcr_env size, rank;
    } told[] = { { GCR_ENV_OPEN_MPI_SIZE, GCR_ENV_OPEN_MPI_RANK },
                 { GCR_ENV_PMI_SIZE, GCR_ENV_PMI_RANK },
                 { GCR_ENV_SLURM_TASKS, GCR_ENV_SLURM_TASK } };

    for (size_t i = 0; i < sizeof told / sizeof *told && gcr_env_get(GCR_ENV_MPI) == NULL; i++)
        if (gcr_env_get(told[i].size) != NULL) {
            const char *rank = gcr_env_get(told[i].rank);

            return rank != NULL && strcmp(rank, "0") != 0;
        }
    return 0;
}

const char *gcr_started_describe(char out[96], const gcr_started *started)
{
    if (started->size > 0)
        snprintf(out, 96, "started by %s as one of %d ranks", started->by, started->size);
    else
        snprintf(out, 96, "started by %s as one of several ranks", started->by);
    return out;
}
