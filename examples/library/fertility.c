/*
 * fertility.c -- a program that uses the library on numbers of its own.
 *
 * Births per woman in eight countries, as they stand in this program's memory. For each country a
 * Gaussian process is tried at every point of a grid; each best point is printed as soon as its
 * country is done, while others are still computed. With a folder as argument the results go there.
 *
 * C17 and C++20. Build it against an installed gridcrunch with CMake or with make: see this folder.
 */
#include <gridcrunch/gridcrunch.h>

#include <stdio.h>

enum { COUNTRIES = 8, YEARS = 11 };

static const char *const names[COUNTRIES] = { "Brazil", "China", "France", "Germany",
                                              "India",  "Japan", "Kenya",  "Sweden" };

static const double years[YEARS] = { 1960, 1965, 1970, 1975, 1980, 1985,
                                     1990, 1995, 2000, 2005, 2010 };

static const double births[COUNTRIES][YEARS] = {
    { 6.21, 5.82, 5.02, 4.50, 4.07, 3.45, 2.81, 2.50, 2.36, 2.07, 1.84 },
    { 5.76, 6.16, 5.47, 3.83, 2.71, 2.81, 2.51, 1.75, 1.51, 1.58, 1.65 },
    { 2.85, 2.84, 2.55, 2.09, 1.85, 1.86, 1.77, 1.74, 1.89, 1.94, 2.03 },
    { 2.37, 2.50, 2.03, 1.45, 1.44, 1.37, 1.45, 1.25, 1.38, 1.34, 1.39 },
    { 5.87, 5.78, 5.49, 5.08, 4.68, 4.28, 3.88, 3.47, 3.15, 2.82, 2.56 },
    { 2.00, 2.14, 2.13, 1.91, 1.75, 1.76, 1.54, 1.42, 1.36, 1.26, 1.39 },
    { 7.95, 8.12, 8.08, 7.84, 7.46, 6.92, 6.04, 5.25, 5.01, 4.92, 4.62 },
    { 2.17, 2.39, 1.94, 1.78, 1.68, 1.74, 2.13, 1.73, 1.54, 1.77, 1.98 },
};

/* A job file as text; it names no data, because the program has them. */
static const char job_text[] = "name: fertility\n"
                               "kernel: gp\n"
                               "options: {covariance: matern52}\n"
                               "grid:\n"
                               "  lengthscale: {geomspace: [5, 80, 24]}\n"
                               "  noise: {geomspace: [1e-3, 1, 12]}\n"
                               "  variance: [0.25, 1, 4]\n"
                               "summary: {best: argmax(lml)}\n";

/* The library looks at `years` and `births` where they are. Standardising y makes copies of y. */
static gcr_status make_datasets(gcr_datasets *out)
{
    gcr_borrowed tables[COUNTRIES];
    gcr_borrow_spec spec = { tables, COUNTRIES, 1, NULL, NULL };
    gcr_status status;

    for (int i = 0; i < COUNTRIES; i++) {
        tables[i].key = names[i];
        tables[i].rows = YEARS;
        tables[i].x = years;
        tables[i].y = births[i];
    }
    status = gcr_datasets_borrow(out, &spec);
    return status != GCR_OK ? status : gcr_datasets_standardize(out, GCR_STANDARDIZE_Y);
}

/* Called by the library's own threads, perhaps by several at once: so it only says who is done. */
static void note_dataset(void *arg, gcr_run *run, uint64_t dataset)
{
    (void)arg;
    (void)run;
    fprintf(stderr, "%s is done\n", names[dataset]);
}

/* Waits for a country, whatever else is still computed, and prints its best point. */
static gcr_status print_best(gcr_run *run, uint64_t dataset)
{
    const gcr_point_table *points = gcr_run_points(run);
    double values[GCR_AXES_MAX];
    gcr_summary_value best;
    gcr_row row;
    const gcr_status status = gcr_run_fetch(&row, run, dataset, 60.0);

    if (status != GCR_OK)
        return status;
    best = gcr_summaries_get(gcr_run_summaries(run), dataset, 0);
    if (best.point < 0) {
        printf("%-8s no point has a result\n", names[dataset]);
        return GCR_OK;
    }
    gcr_point_values(points, (uint64_t)best.point, values);
    printf("%-8s %9.4f ", names[dataset], row.values[0][best.point]);
    for (int a = 0; a < points->axis_count; a++)
        printf(" %s=%g", points->axes[a].name, values[a]);
    printf("\n");
    return GCR_OK;
}

static gcr_status compute(const gcr_job *job, const gcr_datasets *datasets, const char *folder)
{
    gcr_run_spec spec = { job, datasets, NULL, 0.0, note_dataset, NULL, NULL, 0, 0 };
    gcr_run *run;
    gcr_status status = gcr_run_create(&run, &spec);

    if (status == GCR_OK)
        status = gcr_run_start(run);
    for (uint64_t d = 0; d < COUNTRIES && status == GCR_OK; d++)
        status = print_best(run, d);
    if (status == GCR_OK)
        status = gcr_run_finish(run, -1);
    if (status == GCR_OK && folder != NULL)
        status = gcr_results_write(gcr_run_results(run), folder, 0);
    gcr_run_destroy(run);
    return status;
}

int main(int argc, char **argv)
{
    gcr_job job;
    gcr_datasets datasets;
    gcr_status status = gcr_job_parse(&job, "fertility.c", job_text, NULL, 0);

    if (status == GCR_OK) {
        status = make_datasets(&datasets);
        if (status == GCR_OK)
            status = compute(&job, &datasets, argc > 1 ? argv[1] : NULL);
        gcr_datasets_clear(&datasets);
    }
    gcr_job_clear(&job);
    if (status != GCR_OK)
        fprintf(stderr, "%s: %s\n", argv[0], gcr_last_error());
    return status != GCR_OK;
}
