/*
 * grid/where.h -- the expression that says which points of the grid are wanted.
 *
 *     where: noise < lengthscale and not (variance == 4 or 2*noise >= 1e-1)
 *
 * Numbers, parameter names, + - * / % ** and unary minus, < <= > >= == != (which chain as in
 * Python: a < b < c), and / or / not, parentheses; precedence as in Python; the functions abs,
 * sqrt, exp, log, log10, min, max, floor, ceil. The outermost value must be a truth value, and
 * and/or/not take truth values, arithmetic takes numbers: `noise and 1` is refused. Compiled once
 * to a short program for a stack machine, then run per point.
 */
#ifndef GCR_GRID_WHERE_H
#define GCR_GRID_WHERE_H

#include "gridcrunch/job.h"

typedef struct gcr_where gcr_where;

/* `names[i]` is read from values[i] of gcr_where_holds(). GCR_EINVAL: the sentence begins with the
 * place in the job file (mark, column advanced to the wrong word) and suggests the nearest name. */
GCR_MUST_CHECK gcr_status gcr_where_create(gcr_where **out, const char *text, gcr_mark mark,
                                           const char *const *names, int name_count);
void gcr_where_destroy(gcr_where *where);

/* True where the point with these values is wanted. A comparison with NaN (0/0) is false. */
int gcr_where_holds(const gcr_where *where, const double *values);

#endif /* GCR_GRID_WHERE_H */
