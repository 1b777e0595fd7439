/*
 * exec/calibrate.h -- a device, calibrated with kernels that every build has.
 */
#ifndef GCR_EXEC_CALIBRATE_H
#define GCR_EXEC_CALIBRATE_H

#include "backend/backend.h"

/* `note` is told what is measured, line by line; NULL: nobody. Takes some minutes. What was found
 * holds for this device and is kept for all later runs on its model. GCR_EUNSUPPORTED: its backend
 * has nothing to choose between. */
GCR_MUST_CHECK gcr_status gcr_calibrate(gcr_device *device,
                                        void (*note)(void *context, const char *line),
                                        void *context);

#endif /* GCR_EXEC_CALIBRATE_H */
