/*
 * BLAS has one thread inside a run, whatever it had before, and that many again after it: the bits
 * of a factor depend on it, and every core has a worker.
 *
 * This program's dpotrf_ stands before that of LAPACK, and looks.
 */
#include "support/gcr_test.h"

#include "backend/cpu/cpu_blas.h"

#include "gridcrunch/run.h"

#include <dlfcn.h>
#include <stdatomic.h>

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length);

static int (*get_threads)(void);
static void (*set_threads)(int);
static atomic_int factors, most_threads, largest;

static void raise_to(atomic_int *most, int value)
{
    int seen = atomic_load(most);

    while (seen < value && !atomic_compare_exchange_weak(most, &seen, value)) {
    }
}

void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info,
             size_t uplo_length)
{
    void (*next)(const char *, const int *, double *, const int *, int *, size_t);

    *(void **)&next = dlsym(RTLD_NEXT, "dpotrf_");
    raise_to(&most_threads, get_threads());
    raise_to(&largest, *n);
    atomic_fetch_add(&factors, 1);
    next(uplo, n, a, lda, info, uplo_length);
}

/* Before each test BLAS has two; skipped where it is not OpenBLAS, which alone can be asked. */
static int give_two(void **state)
{
    (void)state;
    gcr_cpu_blas_find(&get_threads, "openblas_get_num_threads");
    gcr_cpu_blas_find(&set_threads, "openblas_set_num_threads");
    if (get_threads == NULL || set_threads == NULL)
        return 0;
    set_threads(2);
    return 0;
}

static void need_two(void)
{
    if (get_threads == NULL || set_threads == NULL || get_threads() != 2)
        skip(); /* another BLAS, or one that was built for one thread */
}

static void test_a_run_factors_by_one_thread_and_leaves_as_many_as_there_were(void **state)
{
    gcr_datasets datasets = { 0 };
    gcr_run *run;
    gcr_job job;

    (void)state;
    need_two();
    assert_ok(gcr_job_parse(&job, "it.yaml",
                            "name: it\ndata: {synthetic: {datasets: 2, rows: 530}}\nkernel: gp\n"
                            "grid: {lengthscale: [1, 2], noise: 0.1, variance: 1}\n"
                            "run: {device: cpu, threads: 2, batch: 1}\n",
                            NULL, 0));
    assert_ok(gcr_datasets_load(&datasets, &job));
    assert_ok(gcr_run_create(&run, &(gcr_run_spec){ .job = &job, .datasets = &datasets }));
    assert_int_equal(get_threads(), 2);
    assert_ok(gcr_run_execute(run));
    assert_in_range(atomic_load(&factors), 4, 1000);
    assert_int_equal(atomic_load(&largest), 530);
    assert_int_equal(atomic_load(&most_threads), 1);
    gcr_run_destroy(run);
    assert_int_equal(get_threads(), 2);
    gcr_datasets_clear(&datasets);
    gcr_job_clear(&job);
}

static void test_the_last_one_of_several_gives_them_back(void **state)
{
    (void)state;
    need_two();
    gcr_cpu_blas_begin();
    gcr_cpu_blas_begin();
    assert_int_equal(get_threads(), 1);
    gcr_cpu_blas_end();
    assert_int_equal(get_threads(), 1);
    gcr_cpu_blas_end();
    assert_int_equal(get_threads(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_run_factors_by_one_thread_and_leaves_as_many_as_there_were,
                               give_two),
        cmocka_unit_test_setup(test_the_last_one_of_several_gives_them_back, give_two),
    };

    return cmocka_run_group_tests_name("blas_threads", tests, NULL, NULL);
}
