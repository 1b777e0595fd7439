/* tests/support/units.c -- see support/units.h. */
#include "support/units.h"

#include "support/gcr_test.h"

#include "backend/cpu/code_path.h"

#include <stdio.h>

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

static gcr_code_path path_in_hand(void)
{
    return selected == GCR_PATH_BEST ? gcr_code_path_here() : selected;
}

const gcr_unit *unit_named(const char *name)
{
    char full[128];

    snprintf(full, sizeof full, "gcr_unit_%s_%s_f64", name, gcr_code_path_name(path_in_hand()));
    for (size_t u = 0; u < sizeof units / sizeof *units; u++)
        if (strcmp(units[u].name, full) == 0)
            return units[u].unit;
    fail_msg("the build has no %s", full);
    return NULL;
}

int unit_path_select(int argc, char **argv)
{
    while (argc > 1 && strcmp(gcr_code_path_name(selected), argv[1]) != 0)
        if (++selected == GCR_PATH_COUNT)
            return 1; /* no such word */
    return path_in_hand() > gcr_code_path_here() ? GCR_TEST_SKIPPED : 0;
}
