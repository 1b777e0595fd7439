/*
 * cuda/device/meeting.h -- where all blocks of a launch meet, in front of the scratch of the one cell that
 * they have: how many have come to a barrier, which the host clears before a launch, and a number of
 * each. Known to host and device.
 */
#ifndef GCR_CUDA_MEETING_H
#define GCR_CUDA_MEETING_H

enum {
    GCR_WHOLE_SUMS_AT = 32, /* values; a count of blocks is before */
    GCR_WHOLE_BLOCKS_MAX = 1024,
    GCR_WHOLE_VALUES = GCR_WHOLE_SUMS_AT + GCR_WHOLE_BLOCKS_MAX,
};

#endif /* GCR_CUDA_MEETING_H */
