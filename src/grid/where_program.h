/*
 * grid/where_program.h -- the stack machine that `where` is compiled for.
 *
 * Values are doubles; a truth is 1 or 0. The compiler has checked types and depth, so the machine
 * checks nothing.
 */
#ifndef GCR_GRID_WHERE_PROGRAM_H
#define GCR_GRID_WHERE_PROGRAM_H

#include <stdint.h>

enum { GCR_WHERE_STACK_MAX = 512 }; /* values; an expression that needs more is refused */

typedef enum gcr_where_op {
    GCR_OP_NUMBER,    /* pushes `number`        */
    GCR_OP_PARAMETER, /* pushes values[index]   */
    GCR_OP_OR,
    GCR_OP_AND,
    GCR_OP_NOT,
    GCR_OP_LESS,
    GCR_OP_LESS_EQUAL,
    GCR_OP_GREATER,
    GCR_OP_GREATER_EQUAL,
    GCR_OP_EQUAL,
    GCR_OP_NOT_EQUAL, /* false where a side is NaN, as every comparison */
    GCR_OP_NEGATE,
    GCR_OP_ADD,
    GCR_OP_SUBTRACT,
    GCR_OP_MULTIPLY,
    GCR_OP_DIVIDE,
    GCR_OP_MODULO, /* has the sign of the divisor, as in Python */
    GCR_OP_POWER,
    GCR_OP_ABS,
    GCR_OP_SQRT,
    GCR_OP_EXP,
    GCR_OP_LOG,
    GCR_OP_LOG10,
    GCR_OP_FLOOR,
    GCR_OP_CEIL,
    GCR_OP_MIN,
    GCR_OP_MAX,
} gcr_where_op;

/* A chain a < b < c is LESS that keeps b for the next comparison, then LESS that joins its truth
 * with the one below: [a b] -> [truth b], [truth b c] -> [truth]. */
typedef struct gcr_where_step {
    uint8_t op; /* gcr_where_op */
    uint8_t keeps, joins;
    int32_t index;
    double number;
} gcr_where_step;

/* Runs the steps; the truth that is left on the stack. */
int gcr_where_run(const gcr_where_step *steps, int step_count, const double *values);

#endif /* GCR_GRID_WHERE_PROGRAM_H */
