/* cli/read_hdf5/restrain.h -- what the reader of foreign files cannot do, even when it is taken
 * over. */
#ifndef GCR_CLI_RESTRAIN_H
#define GCR_CLI_RESTRAIN_H

#include "gridcrunch/status.h"

/* Bounds memory, time and open files, and leaves no system calls but those that read files, write
 * to what is open already, allocate and end: none that writes or changes files, starts programs or
 * threads, talks to the network or touches other processes. To be called before a byte of `path` is
 * read. GCR_EUNSUPPORTED: the system cannot do that, and nothing may be read. Under a sanitizer,
 * and on an architecture that it does not know, the limits alone hold. */
GCR_MUST_CHECK gcr_status gcr_restrain(const char *path);

#endif /* GCR_CLI_RESTRAIN_H */
