/*
 * tests/support/units.h -- the units of the build by name, for tests of kernels.
 *
 * A program tests one code path: the one in its first argument, or the best of this processor.
 */
#ifndef GCR_TEST_UNITS_H
#define GCR_TEST_UNITS_H

#include "gridcrunch/unit.h"

/* The unit of `name`, "gp_rbf": what gcr_add_unit() in the build was given. The test fails where
 * there is none. */
const gcr_unit *unit_named(const char *name);

/* Reads the code path from the arguments of main(). Returns 0, or the exit code of a program whose
 * tests are skipped because this processor does not have it. */
int unit_path_select(int argc, char **argv);

#endif /* GCR_TEST_UNITS_H */
