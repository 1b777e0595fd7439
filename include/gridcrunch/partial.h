/*
 * gridcrunch/partial.h -- what is known of a block of points when its outputs are gone.
 *
 * The points of a dataset are cut into blocks of GCR_PARTIAL_POINTS, the last one shorter. Of each
 * block a record is left: how many cells ended in which state, which failed first, and for each
 * thing that is reduced the best value or the sum. Records of all blocks of a dataset make its
 * summaries, with the bits that its outputs would have given: results/ does so, and alone says what
 * a summary means. What makes a record of outputs is the text below, the same on host and devices.
 *
 * A record is a gcr_partial_states, then gcr_partial[reduced_count], then gcr_partial_place[top].
 */
#ifndef GCR_PARTIAL_H
#define GCR_PARTIAL_H

#include "gridcrunch/cell.h"
#include "gridcrunch/kernel_description.h"

#if defined(__CUDACC__)
#define GCR_PARTIAL_FN static __device__ inline
#else
#define GCR_PARTIAL_FN static inline
#endif

enum {
    GCR_PARTIAL_POINTS = 1024, /* of a block                                            */
    GCR_PARTIAL_FAILURES = 4,  /* cells that failed first, by name; all are counted     */
    GCR_REDUCED_MAX = 3 * GCR_OUTPUTS_MAX, /* a sum, a maximum and a minimum of each output */
    GCR_REDUCED_TOP_MAX = 32, /* best points that a device keeps of a block            */
};

typedef enum gcr_reduced_op {
    GCR_REDUCED_SUM,
    GCR_REDUCED_MAX_OF,
    GCR_REDUCED_MIN_OF,
} gcr_reduced_op;

/* An output of width 1, and what becomes of it. */
typedef struct gcr_reduced {
    int32_t output; /* its index */
    int32_t op;     /* gcr_reduced_op */
} gcr_reduced;

/* What is made of the outputs of a run. */
typedef struct gcr_reduction {
    gcr_reduced reduced[GCR_REDUCED_MAX];
    int32_t count;
    int32_t top;            /* also the `top` best points ...                            */
    int32_t top_of;         /* ... of this one, a MAX_OF or MIN_OF; -1: of none          */
    int32_t nan_propagates; /* a point without a usable value is better than all others  */
} gcr_reduction;

typedef struct gcr_partial_failure {
    uint32_t at; /* in the block */
    uint32_t state;
    uint32_t detail; /* gcr_cell_detail() of a state that has one, else 0 */
    uint32_t unused; /* 0 */
} gcr_partial_failure;

typedef struct gcr_partial_states {
    uint32_t counts[8];                                 /* by gcr_cell_state        */
    gcr_partial_failure failures[GCR_PARTIAL_FAILURES]; /* the first, in point order */
} gcr_partial_states;

typedef struct gcr_partial {
    double
        value; /* the sum of the usable values in point order, or the best; NaN: there is no best */
    int32_t at;             /* where the best stands, the first of equals; -1 */
    int32_t first;          /* live point without a usable value; -1: none   */
    uint32_t used, skipped; /* live points with a usable value, and without   */
} gcr_partial;

typedef struct gcr_partial_place {
    double value;
    int64_t at; /* -1: there are fewer */
} gcr_partial_place;

/* The cells of a block, or of its front: nothing is said of points behind `count`. */
typedef struct gcr_partial_block {
    const double *outputs[GCR_OUTPUTS_MAX]; /* [count * width]; NULL: not kept, and not asked for */
    int64_t width[GCR_OUTPUTS_MAX];
    const uint8_t *state; /* [count] points that `where` left out say so */
    uint32_t count;       /* <= GCR_PARTIAL_POINTS */
} gcr_partial_block;

/* Bytes of the record of a block; a multiple of 8. */
GCR_PARTIAL_FN uint64_t gcr_partial_bytes(const gcr_reduction *reduction)
{
    return sizeof(gcr_partial_states) + (uint64_t)reduction->count * sizeof(gcr_partial) +
           (uint64_t)(reduction->top_of >= 0 ? reduction->top : 0) * sizeof(gcr_partial_place);
}

/* How many cells of a block failed. */
GCR_PARTIAL_FN uint64_t gcr_partial_failed(const gcr_partial_states *states)
{
    uint64_t failed = 0;

    for (int s = GCR_CELL_NOT_SPD; s < 8; s++)
        failed += states->counts[s];
    return failed;
}

GCR_PARTIAL_FN int gcr_partial_is_usable(uint8_t state, double value)
{
    return (state == GCR_CELL_OK || state == GCR_CELL_OK_JITTER) && value == value;
}

GCR_PARTIAL_FN double gcr_partial_nan(void)
{
#if defined(__CUDACC__)
    return __longlong_as_double(0x7ff8000000000000);
#else
    return __builtin_nan("");
#endif
}

/* The detail of a failure stands in the NaN of the first output, as gcr_cell_detail() says. */
GCR_PARTIAL_FN uint32_t gcr_partial_detail(uint8_t state, double value)
{
    uint64_t bits;

    if (state != GCR_CELL_NOT_SPD && state != GCR_CELL_KERNEL_ERROR)
        return 0; /* the output may be any number */
#if defined(__CUDACC__)
    bits = (uint64_t)__double_as_longlong(value);
#else
    __builtin_memcpy(&bits, &value, sizeof bits);
#endif
    return (uint32_t)bits;
}

/* `state` of the `count` points of a block; `first` is the first output, `width` values to a
 * point. */
GCR_PARTIAL_FN void gcr_partial_count(gcr_partial_states *out, const uint8_t *state, uint32_t count,
                                      const double *first, int64_t width)
{
    uint32_t counts[8] = { 0 }, failed = 0;

    for (uint32_t p = 0; p < count; p++) {
        for (int s = 0; s < 8; s++) /* a device keeps in registers what has constant indices */
            counts[s] += state[p] == s;
        if (state[p] >= GCR_CELL_NOT_SPD && failed < GCR_PARTIAL_FAILURES) {
            gcr_partial_failure *failure = &out->failures[failed++];

            failure->at = p;
            failure->state = state[p];
            failure->detail = gcr_partial_detail(state[p], first[(int64_t)p * width]);
            failure->unused = 0;
        }
    }
    for (int s = 0; s < 8; s++)
        out->counts[s] = counts[s];
    for (; failed < GCR_PARTIAL_FAILURES; failed++)
        out->failures[failed].at = out->failures[failed].state = out->failures[failed].detail =
            out->failures[failed].unused = 0;
}

/* One value after the other: the order of additions is part of what a mean is. `op`:
 * gcr_reduced_op. */
GCR_PARTIAL_FN void gcr_partial_reduce(gcr_partial *out, const uint8_t *state, uint32_t count,
                                       const double *values, int32_t op)
{
    const double sign = op == GCR_REDUCED_MIN_OF ? -1 : 1;
    const int is_sum = op == GCR_REDUCED_SUM;
    double sum = 0, best = 0;
    uint32_t used = 0, skipped = 0;
    int32_t at = -1, unusable = -1;

    for (uint32_t p = 0; p < count; p++) {
        if (gcr_partial_is_usable(state[p], values[p])) {
            used++;
            if (is_sum) {
                sum += values[p];
            } else if (at < 0 || sign * values[p] > best) {
                best = sign * values[p];
                at = (int32_t)p;
            }
        } else if (state[p] != GCR_CELL_EXCLUDED) {
            if (skipped++ == 0)
                unusable = (int32_t)p;
        }
    }
    out->value = is_sum ? sum : at >= 0 ? sign * best : gcr_partial_nan();
    out->at = at;
    out->first = unusable;
    out->used = used;
    out->skipped = skipped;
}

/* Where NaN propagates it ranks before all others: place 0 is then what argmax says. */
GCR_PARTIAL_FN int gcr_partial_ranks_before(double sign, double value, double other)
{
    if (value != value || other != other)
        return value != value && other == other;
    return sign * value > sign * other;
}

/* Puts a point into its place among `used` of at most `room`; later points go behind equal ones.
 * Returns how many there are then. */
GCR_PARTIAL_FN int32_t gcr_partial_rank(gcr_partial_place *places, int32_t used, int32_t room,
                                        double sign, double value, int64_t at)
{
    int32_t place = used;

    if (used == room) {
        if (!gcr_partial_ranks_before(sign, value, places[room - 1].value))
            return used;
        place--;
    } else {
        used++;
    }
    for (; place > 0 && gcr_partial_ranks_before(sign, value, places[place - 1].value); place--)
        places[place] = places[place - 1];
    places[place].value = value;
    places[place].at = at;
    return used;
}

/* `values` are those of reduced[top_of]. */
GCR_PARTIAL_FN void gcr_partial_find_top(gcr_partial_place *places, const uint8_t *state,
                                         uint32_t count, const double *values,
                                         const gcr_reduction *reduction)
{
    const double sign = reduction->reduced[reduction->top_of].op == GCR_REDUCED_MIN_OF ? -1 : 1;
    int32_t used = 0;

    for (uint32_t p = 0; p < count; p++) {
        if (gcr_partial_is_usable(state[p], values[p]))
            used = gcr_partial_rank(places, used, reduction->top, sign, values[p], p);
        else if (reduction->nan_propagates && state[p] != GCR_CELL_EXCLUDED)
            used = gcr_partial_rank(places, used, reduction->top, sign, gcr_partial_nan(), p);
    }
    for (; used < reduction->top; used++) {
        places[used].value = gcr_partial_nan();
        places[used].at = -1;
    }
}

#endif /* GCR_PARTIAL_H */
