/*
 * cuda/device/meeting.h -- where all blocks of a launch meet, in front of the scratch of what they
 * have together: how many have come to a barrier, which the host clears before a launch, a number
 * of each, and what one of them has found for all (team_matrix.h). Known to host and device.
 */
#ifndef GCR_CUDA_MEETING_H
#define GCR_CUDA_MEETING_H

enum {
    GCR_WHOLE_PART = 128, /* rows and columns of a part of a matrix */
    GCR_WHOLE_PANEL_VALUES = GCR_WHOLE_PART * (GCR_WHOLE_PART + 8) / 2 + 8 * GCR_WHOLE_PART,

    GCR_WHOLE_MINOR_AT = 16, /* values; a count of blocks is before */
    GCR_WHOLE_SUMS_AT = 32,
    GCR_WHOLE_BLOCKS_MAX = 1024,
    GCR_WHOLE_PANEL_AT = GCR_WHOLE_SUMS_AT + GCR_WHOLE_BLOCKS_MAX,
    GCR_WHOLE_VALUES = GCR_WHOLE_PANEL_AT + GCR_WHOLE_PANEL_VALUES,
};

#endif /* GCR_CUDA_MEETING_H */
