/* tests/support/write_results.c -- writes the fixture's results into the folder that is named. */
#include "support/results_fixture.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    results_fixture fixture;
    gcr_status status = argc == 2 ? fixture_create(&fixture) : GCR_EINVAL;

    if (status == GCR_OK)
        status = gcr_results_write(&fixture.results, argv[1], GCR_WRITE_UNSYNCED);
    if (status != GCR_OK)
        fprintf(stderr, "write_results: %s\n", gcr_last_error());
    else
        fixture_destroy(&fixture);
    return status != GCR_OK;
}
