/*
 * tests/support/device_in_hand.h -- the one device that a test program works with, a queue of it,
 * and the precision. The program opens them.
 */
#ifndef GCR_TEST_DEVICE_IN_HAND_H
#define GCR_TEST_DEVICE_IN_HAND_H

#include "backend/backend.h"

#include "support/gcr_test.h"

static gcr_device *device;
static gcr_queue *queue;
static gcr_scalar scalar = GCR_F64;

static inline gcr_buf *device_buf(uint64_t bytes)
{
    gcr_buf *buf = NULL;

    assert_ok(gcr_buf_open(&buf, device, GCR_PLACE_DEVICE, bytes));
    return buf;
}

#endif /* GCR_TEST_DEVICE_IN_HAND_H */
