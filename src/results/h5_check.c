/* results/h5_check.c -- see h5_check.h. */
#include "results/h5_check.h"

#include <pthread.h>
#include <stdio.h>

static herr_t take_innermost(unsigned place, const H5E_error2_t *error, void *arg)
{
    if (place == 0 && error->desc != NULL)
        snprintf(arg, GCR_H5_REASON_BYTES, "%s", error->desc);
    return 0;
}

const char *gcr_h5_reason(char out[GCR_H5_REASON_BYTES])
{
    snprintf(out, GCR_H5_REASON_BYTES, "no reason given");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, out);
    return out;
}

hid_t gcr_h5_text_transfer(void)
{
    enum { BUFFER_BYTES = 1 << 14 };
    const hid_t transfer = H5Pcreate(H5P_DATASET_XFER);

    if (transfer >= 0 && H5Pset_buffer(transfer, BUFFER_BYTES, NULL, NULL) < 0) {
        H5Pclose(transfer);
        return H5I_INVALID_HID;
    }
    return transfer;
}

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

void gcr_h5_turn_begin(gcr_h5_turn *out)
{
    pthread_mutex_lock(&one_at_a_time);
    *out = (gcr_h5_turn){ 0 };
    H5Eget_auto2(H5E_DEFAULT, &out->print, &out->arg);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void gcr_h5_turn_end(const gcr_h5_turn *turn)
{
    H5Eset_auto2(H5E_DEFAULT, turn->print, turn->arg);
    pthread_mutex_unlock(&one_at_a_time);
}
