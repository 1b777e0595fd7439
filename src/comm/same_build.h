/* comm/same_build.h -- are all ranks the same program? */
#ifndef GCR_COMM_SAME_BUILD_H
#define GCR_COMM_SAME_BUILD_H

#include "comm/transport.h"

/* Collective, and the first thing that ranks do: all that follows takes for granted that they mean
 * the same. GCR_EUNSUPPORTED on all of them, with one sentence. */
GCR_MUST_CHECK gcr_status gcr_build_check(gcr_link *link);

#endif /* GCR_COMM_SAME_BUILD_H */
