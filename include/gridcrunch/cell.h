/*
 * gridcrunch/cell.h -- what became of a cell: one byte, the same on every device and in files.
 *
 * A bad cell is a record, never the end of a run: its state says what happened, its outputs are
 * NaN, and its neighbours are as they would be without it. Where the state is GCR_CELL_NOT_SPD or
 * GCR_CELL_KERNEL_ERROR, one number says which minor or which fault. It travels in the payload of
 * those NaNs, so that it costs no memory, crosses every bus and network with the outputs, and
 * cannot be separated from them: gcr_cell_nan() makes one, gcr_cell_detail() reads it back.
 */
#ifndef GCR_CELL_H
#define GCR_CELL_H

#if !defined(__CUDACC_RTC__) /* device code reads the states alone */
#include "gridcrunch/status.h"

#include <stdint.h>
#include <string.h>

GCR_API_BEGIN
#endif

typedef enum gcr_cell_state {
    GCR_CELL_EMPTY = 0,        /* not computed (yet)                                      */
    GCR_CELL_OK = 1,           /* computed as asked                                       */
    GCR_CELL_OK_JITTER = 2,    /* computed after something was added to the diagonal      */
    GCR_CELL_EXCLUDED = 3,     /* `where` left this point out                             */
    GCR_CELL_NOT_SPD = 4,      /* minor k is not positive definite; the detail is k >= 1  */
    GCR_CELL_NAN_IN = 5,       /* the matrix or its right-hand side holds NaN or infinity */
    GCR_CELL_NAN_OUT = 6,      /* an output came out as NaN or infinity                   */
    GCR_CELL_KERNEL_ERROR = 7, /* the kernel said so; the detail is its fault, k >= 1     */
    GCR_CELL_STATE_COUNT
} gcr_cell_state;

#if !defined(__CUDACC_RTC__)

/* "ok", "not_spd" ...: as in the results file's flag_meanings. Never NULL. */
const char *gcr_cell_state_name(gcr_cell_state state);

static inline int gcr_cell_has_result(uint8_t state)
{
    return state == GCR_CELL_OK || state == GCR_CELL_OK_JITTER;
}

/* Failed: computed without a result. Empty and excluded cells are not. */
static inline int gcr_cell_is_failed(uint8_t state)
{
    return state >= GCR_CELL_NOT_SPD;
}

/* A quiet NaN whose payload is `detail`; 0 gives the plain one. */
static inline double gcr_cell_nan(uint32_t detail)
{
    const uint64_t bits = UINT64_C(0x7ff8000000000000) | detail;
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The detail in the NaN that gcr_cell_nan() made. */
static inline uint32_t gcr_cell_detail(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (uint32_t)bits;
}

GCR_API_END

#endif

#endif /* GCR_CELL_H */
