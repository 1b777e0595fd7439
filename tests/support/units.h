/*
 * tests/support/units.h -- the units of the build by name, for tests of kernels.
 *
 * A program tests one code path and one precision: "v3 f32" as its arguments, or the best path of
 * this processor in double precision.
 */
#ifndef GCR_TEST_UNITS_H
#define GCR_TEST_UNITS_H

#include "gridcrunch/unit.h"

/* The unit of `name`, "gp_rbf": what gcr_add_unit() in the build was given. The test fails where
 * there is none. */
const gcr_unit *unit_named(const char *name);

/* The same in a precision that may be another one. */
const gcr_unit *unit_of(const char *name, gcr_scalar precision);

/* True where there can be no unit of `name`: those of the tridiagonal algorithm are of double
 * precision only. */
int unit_is_not_built(const char *name);

/* Reads code path and precision from the arguments of main(). Returns 0, or the exit code of a
 * program whose tests are skipped because this processor does not have the path. */
int unit_path_select(int argc, char **argv);

/* The precision in hand: its scalar, what it makes of a number, and the distance from 1 to the
 * next. */
gcr_scalar unit_scalar(void);
double unit_rounded(double value);
double unit_epsilon(void);

#endif /* GCR_TEST_UNITS_H */
