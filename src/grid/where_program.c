/* grid/where_program.c -- runs a compiled `where`. */
#include "grid/where_program.h"

#include <math.h>

static int compare(unsigned op, double a, double b)
{
    switch (op) {
    case GCR_OP_LESS: return a < b;
    case GCR_OP_LESS_EQUAL: return a <= b;
    case GCR_OP_GREATER: return a > b;
    case GCR_OP_GREATER_EQUAL: return a >= b;
    case GCR_OP_EQUAL: return a == b;
    default: return a < b || a > b;
    }
}

static double *push_comparison(double *top, const gcr_where_step *step)
{
    const double right = top[-1];
    double *to = top - 2;
    double truth = compare(step->op, top[-2], right);

    if (step->joins) {
        to--;
        truth = truth != 0 && *to != 0;
    }
    *to++ = truth;
    if (step->keeps)
        *to++ = right;
    return to;
}

static double modulo(double a, double b)
{
    const double rest = fmod(a, b);

    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static double apply_one(unsigned op, double a)
{
    switch (op) {
    case GCR_OP_NOT: return a == 0;
    case GCR_OP_NEGATE: return -a;
    case GCR_OP_ABS: return fabs(a);
    case GCR_OP_SQRT: return sqrt(a);
    case GCR_OP_EXP: return exp(a);
    case GCR_OP_LOG: return log(a);
    case GCR_OP_LOG10: return log10(a);
    case GCR_OP_FLOOR: return floor(a);
    default: return ceil(a);
    }
}

/* min and max give NaN if either side is NaN, unlike fmin: a comparison with it is then false. */
static double apply_two(unsigned op, double a, double b)
{
    switch (op) {
    case GCR_OP_OR: return a != 0 || b != 0;
    case GCR_OP_AND: return a != 0 && b != 0;
    case GCR_OP_ADD: return a + b;
    case GCR_OP_SUBTRACT: return a - b;
    case GCR_OP_MULTIPLY: return a * b;
    case GCR_OP_DIVIDE: return a / b;
    case GCR_OP_MODULO: return modulo(a, b);
    case GCR_OP_POWER: return pow(a, b);
    case GCR_OP_MIN: return isnan(a) || a < b ? a : b;
    default: return isnan(a) || a > b ? a : b;
    }
}

int gcr_where_run(const gcr_where_step *steps, int step_count, const double *values)
{
    double stack[GCR_WHERE_STACK_MAX];
    double *top = stack;

    for (const gcr_where_step *step = steps; step < steps + step_count; step++) {
        switch (step->op) {
        case GCR_OP_NUMBER: *top++ = step->number; break;
        case GCR_OP_PARAMETER: *top++ = values[step->index]; break;
        case GCR_OP_LESS:
        case GCR_OP_LESS_EQUAL:
        case GCR_OP_GREATER:
        case GCR_OP_GREATER_EQUAL:
        case GCR_OP_EQUAL:
        case GCR_OP_NOT_EQUAL: top = push_comparison(top, step); break;
        case GCR_OP_NOT:
        case GCR_OP_NEGATE:
        case GCR_OP_ABS:
        case GCR_OP_SQRT:
        case GCR_OP_EXP:
        case GCR_OP_LOG:
        case GCR_OP_LOG10:
        case GCR_OP_FLOOR:
        case GCR_OP_CEIL: top[-1] = apply_one(step->op, top[-1]); break;
        default:
            top--;
            top[-1] = apply_two(step->op, top[-1], top[0]);
            break;
        }
    }
    return top[-1] != 0;
}
