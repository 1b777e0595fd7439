/* base/job_words.c -- the words for what a job may choose, in jobs, results and sentences; for the
 * parts of a kind see kind.c. They are in files: never change one. */
#include "gridcrunch/job.h"

const char *gcr_summary_op_name(gcr_summary_op op)
{
    static const char *const names[GCR_SUMMARY_OP_COUNT] = {
        [GCR_SUMMARY_ARGMAX] = "argmax", [GCR_SUMMARY_ARGMIN] = "argmin",
        [GCR_SUMMARY_MEAN] = "mean",     [GCR_SUMMARY_MIN] = "min",
        [GCR_SUMMARY_MAX] = "max",       [GCR_SUMMARY_QUANTILE] = "quantile",
    };
    return (unsigned)op < GCR_SUMMARY_OP_COUNT ? names[op] : "unknown";
}

const char *gcr_schedule_name(gcr_schedule_form form)
{
    static const char *const names[GCR_SCHEDULE_COUNT] = {
        [GCR_SCHEDULE_AUTO] = "auto",     [GCR_SCHEDULE_STATIC] = "static",
        [GCR_SCHEDULE_CYCLIC] = "cyclic", [GCR_SCHEDULE_DYNAMIC] = "dynamic",
        [GCR_SCHEDULE_GUIDED] = "guided",
    };
    return (unsigned)form < GCR_SCHEDULE_COUNT ? names[form] : "unknown";
}

const char *gcr_gather_name(gcr_gather_form form)
{
    static const char *const names[GCR_GATHER_COUNT] = {
        [GCR_GATHER_AUTO] = "auto",
        [GCR_GATHER_MPI] = "mpi",
        [GCR_GATHER_NCCL] = "nccl",
    };
    return (unsigned)form < GCR_GATHER_COUNT ? names[form] : "unknown";
}

const char *gcr_keep_name(gcr_keep keep)
{
    static const char *const names[GCR_KEEP_COUNT] = {
        [GCR_KEEP_ALL] = "all",
        [GCR_KEEP_SUMMARY] = "summary",
    };
    return (unsigned)keep < GCR_KEEP_COUNT ? names[keep] : "unknown";
}
