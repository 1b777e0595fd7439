/* tests/support/units.c -- see support/units.h. */
#include "support/units.h"

#include "support/gcr_test.h"

#include "backend/cpu/code_path.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#define GCR_UNIT(name) extern const gcr_unit name;
#include "kernels/gcr_units.def"
#include "support/gcr_test_units.def"
#undef GCR_UNIT

#define GCR_UNIT(name) { #name, &name },
static const struct {
    const char *name;
    const gcr_unit *unit;
} units[] = {
#include "kernels/gcr_units.def"
#include "support/gcr_test_units.def"
};
#undef GCR_UNIT

static gcr_code_path selected = GCR_PATH_BEST;
static gcr_scalar scalar = GCR_F64;

static gcr_code_path path_in_hand(void)
{
    return selected == GCR_PATH_BEST ? gcr_code_path_here() : selected;
}

const gcr_unit *unit_of(const char *name, gcr_scalar precision)
{
    char full[128];

    snprintf(full, sizeof full, "gcr_unit_%s_%s_%s", name, gcr_code_path_name(path_in_hand()),
             gcr_scalar_name(precision));
    for (size_t u = 0; u < sizeof units / sizeof *units; u++)
        if (strcmp(units[u].name, full) == 0)
            return units[u].unit;
    fail_msg("the build has no %s", full);
    return NULL;
}

const gcr_unit *unit_named(const char *name)
{
    return unit_of(name, scalar);
}

int unit_is_not_built(const char *name)
{
    return scalar == GCR_F32 && strstr(name, "_tridiagonal") != NULL;
}

gcr_scalar unit_scalar(void)
{
    return scalar;
}

double unit_rounded(double value)
{
    return scalar == GCR_F32 ? (double)(float)value : value;
}

double unit_epsilon(void)
{
    return scalar == GCR_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
}

int unit_path_select(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[2], gcr_scalar_name(GCR_F32)) == 0)
        scalar = GCR_F32;
    while (argc > 1 && strcmp(gcr_code_path_name(selected), argv[1]) != 0)
        if (++selected == GCR_PATH_COUNT)
            return 1; /* no such word */
    return path_in_hand() > gcr_code_path_here() ? GCR_TEST_SKIPPED : 0;
}
