/*
 * results/h5_sink.h -- an HDF5 file whose failed writes HDF5 never hears of.
 *
 * HDF5 1.10 does not survive a write that fails: H5Fclose() leaves the file half open and the
 * process crashes at exit (measured with a full disk and with RLIMIT_FSIZE). So it writes through a
 * driver of ours which remembers the first failure, drops what comes after it and reports
 * success. HDF5 takes itself down in good order, and the system's reason is read here afterwards.
 */
#ifndef GCR_RESULTS_H5_SINK_H
#define GCR_RESULTS_H5_SINK_H

#include "gridcrunch/status.h"

#include <hdf5.h>

typedef struct gcr_h5_sink gcr_h5_sink;

/* A new HDF5 file in the empty, readable and writable file `fd` (borrowed until close). `path`
 * names it in sentences (borrowed too). GCR_ENOMEM, GCR_EIO. */
GCR_MUST_CHECK gcr_status gcr_h5_sink_open(gcr_h5_sink **out, int fd, const char *path);

hid_t gcr_h5_sink_file(const gcr_h5_sink *sink);

/* GCR_EIO with path and reason if a write has failed: to be asked before work that would be
 * lost. */
GCR_MUST_CHECK gcr_status gcr_h5_sink_check(const gcr_h5_sink *sink);

/* Writes all that HDF5 still holds. Afterwards gcr_h5_sink_check() tells whether all is there. */
GCR_MUST_CHECK gcr_status gcr_h5_sink_finish(gcr_h5_sink *sink);

/* Closes without looking back. NULL is allowed. */
void gcr_h5_sink_close(gcr_h5_sink *sink);

#endif /* GCR_RESULTS_H5_SINK_H */
