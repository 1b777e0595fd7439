/* results/h5_check.h -- what HDF5 says, in our words: statuses and quiet. */
#ifndef GCR_RESULTS_H5_CHECK_H
#define GCR_RESULTS_H5_CHECK_H

#include "base/check.h"

#include <hdf5.h>

enum { GCR_H5_REASON_BYTES = 160 };

/* Leave the function if an HDF5 call that writes failed; hid_t and herr_t are negative then. Not
 * for failures of the system, which HDF5 does not hear of (h5_sink.h). */
#define GCR_H5(call)                                                                               \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            char reason_[GCR_H5_REASON_BYTES];                                                     \
            GCR_FAIL(GCR_EIO, "HDF5 cannot make results.h5: %s", gcr_h5_reason(reason_));          \
        }                                                                                          \
    } while (0)

/* The innermost sentence of HDF5's error stack. Returns `out`. */
const char *gcr_h5_reason(char out[GCR_H5_REASON_BYTES]);

/* How text is read and written: HDF5 would clear buffers of two MiB for every list of a few words
 * (measured: 10 ms per results.h5). The caller closes it with H5Pclose(); negative: HDF5 failed. */
hid_t gcr_h5_text_transfer(void);

/* Between these HDF5 is this thread's alone, because Debian's serial build has no locks of its own,
 * and prints nothing on stderr; what the program had set before comes back. Not to be nested. */
typedef struct gcr_h5_turn {
    H5E_auto2_t print;
    void *arg;
} gcr_h5_turn;

void gcr_h5_turn_begin(gcr_h5_turn *out);
void gcr_h5_turn_end(const gcr_h5_turn *turn);

#endif /* GCR_RESULTS_H5_CHECK_H */
