/* base/host.c -- see host.h. */
#include "base/host.h"

#include <unistd.h>

const char *gcr_host_name(char out[GCR_HOST_BYTES])
{
    if (gethostname(out, GCR_HOST_BYTES) != 0)
        out[0] = '\0';
    out[GCR_HOST_BYTES - 1] = '\0'; /* POSIX leaves open whether a name that is cut ends */
    return out;
}
