/* bench/factor_no_vendor.c -- a build without CUDA's toolkit has no cuSOLVER to compare with. */
#include "bench.h"
#include "factor_rival.h"

gcr_status factor_vendor_open(factor_vendor **out, const bench_device *on, const factor_task *task)
{
    (void)task;
    bench_say("%s: this build has no rival on GPUs, as it was made without CUDA's toolkit",
              on->label);
    *out = NULL;
    return GCR_OK;
}

void factor_vendor_close(factor_vendor *vendor)
{
    (void)vendor;
}

const char *factor_vendor_way(const factor_vendor *vendor, int way)
{
    (void)vendor;
    (void)way;
    return NULL;
}

gcr_status factor_vendor_run(factor_vendor *vendor, int way, double *seconds_out)
{
    (void)vendor;
    (void)way;
    *seconds_out = 0;
    return GCR_EUNSUPPORTED;
}
