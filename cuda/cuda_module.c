/* cuda/cuda_module.c -- the table of the backend, and the one name that the module exports. */
#include "cuda/cuda_backend.h"
#include "cuda/cuda_bridge.h"
#include "cuda/cuda_calibration.h"
#include "cuda/cuda_factor.h"

#include "base/module.h"

const gcr_backend gcr_cuda_backend = {
    .name = "cuda",

    .device_count = gcr_cuda_device_count,
    .device_open = gcr_cuda_device_open,
    .device_identify = gcr_cuda_device_identify,
    .device_close = gcr_cuda_device_close,
    .device_kind = gcr_cuda_device_kind,

    .buf_open = gcr_cuda_buf_open,
    .buf_close = gcr_cuda_buf_close,
    .buf_close_idle = gcr_cuda_buf_close_idle,
    .copy = gcr_cuda_copy,

    .queue_open = gcr_cuda_queue_open,
    .queue_close = gcr_cuda_queue_close,
    .queue_sync = gcr_cuda_queue_sync,
    .event_open = gcr_cuda_event_open,
    .event_close = gcr_cuda_event_close,
    .event_record = gcr_cuda_event_record,
    .event_sync = gcr_cuda_event_sync,

    .cell_bytes = gcr_cuda_cell_bytes,
    .cells_at_once = gcr_cuda_cells_at_once,
    .program_open = gcr_cuda_program_open,
    .program_close = gcr_cuda_program_close,
    .prepare = gcr_cuda_prepare,
    .crunch = gcr_cuda_crunch,
    .reduce = gcr_cuda_reduce,
    .generate = gcr_cuda_generate,

    .factor_bytes = gcr_cuda_factor_bytes,
    .factor = gcr_cuda_factor,

    .calibrate = gcr_cuda_calibrate,
    .measure = &gcr_cuda_measure,
    .bridge = GCR_CUDA_HAS_NCCL ? &gcr_cuda_bridge : NULL,
};

static const void *open_module(const gcr_failures *failures)
{
    gcr_failures_forward(failures);
    return &gcr_cuda_backend;
}

extern const gcr_module_entry gcr_module;
__attribute__((visibility("default")))
const gcr_module_entry gcr_module = { .seam = GCR_SEAM, .open = open_module };
