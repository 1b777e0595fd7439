/* base/host.h -- what this machine is called. */
#ifndef GCR_BASE_HOST_H
#define GCR_BASE_HOST_H

#include "gridcrunch/ranks.h"

/* Its name; "" where the system does not say. Returns `out`. */
const char *gcr_host_name(char out[GCR_HOST_BYTES]);

#endif /* GCR_BASE_HOST_H */
