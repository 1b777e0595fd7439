/* tests/support/live_points.h -- points of one axis, some of them left out. */
#ifndef GCR_LIVE_POINTS_H
#define GCR_LIVE_POINTS_H

#include "support/gcr_test.h"

#include "grid/points.h"

/* Points 0 .. count - 1 of the axis `a`; `where` is of `a`, or NULL. */
static inline gcr_points *live_points(int count, const char *where)
{
    double stop = count;
    gcr_axis_spec axis = {
        .name = "a", .form = GCR_AXIS_RANGE, .numbers = &stop, .number_count = 1
    };
    const gcr_job job = { .axes = &axis, .axis_count = 1, .where = (char *)where };
    gcr_points *points = NULL;

    assert_ok(gcr_points_create(&points, &job));
    return points;
}

static inline uint64_t random_below(uint64_t *seed, uint64_t end)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 33) % end;
}

#endif /* GCR_LIVE_POINTS_H */
