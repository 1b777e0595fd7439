/*
 * exec/job_device.h -- the devices that a job names.
 *
 * In a job a device is `cuda:1`, all of a backend are `cuda`, and several are a list of such words.
 * `auto` and `any` stand alone and name none: which there are is for the run to find out.
 */
#ifndef GCR_EXEC_JOB_DEVICE_H
#define GCR_EXEC_JOB_DEVICE_H

#include "backend/backend.h"

#include "gridcrunch/job.h"

enum { GCR_DEVICES_MAX = 64 };

typedef struct gcr_device_list {
    struct gcr_device_place {
        const gcr_backend *backend;
        int index;
    } places[GCR_DEVICES_MAX];
    int count;
} gcr_device_list;

typedef enum gcr_device_choice {
    GCR_DEVICES_AUTO, /* those that are worth it, each with cells of its own */
    GCR_DEVICES_ANY,  /* all, and each takes what is left                    */
    GCR_DEVICES_LISTED,
} gcr_device_choice;

gcr_device_choice gcr_job_device_choice(const gcr_job *job);

/* The devices that the job lists, of `backends` (NULL-terminated), in its order. GCR_EINVAL, with
 * the place in the job: there is no such device, or it is named twice. GCR_EUNSUPPORTED: there is
 * none of that backend. */
GCR_MUST_CHECK gcr_status gcr_job_device_list(gcr_device_list *out, const gcr_job *job,
                                              const gcr_backend *const *backends);

/* Adds all devices of a backend, which may have none. */
GCR_MUST_CHECK gcr_status gcr_device_list_add(gcr_device_list *list, const gcr_backend *backend);

/* All devices of `backends` (NULL-terminated). */
GCR_MUST_CHECK gcr_status gcr_device_list_all(gcr_device_list *out,
                                              const gcr_backend *const *backends);

#endif /* GCR_EXEC_JOB_DEVICE_H */
