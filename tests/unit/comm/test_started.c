/* Who has started a process, from what mpirun, srun and the shells of batch jobs set. */
#include "support/gcr_test.h"

#include "comm/comm.h"
#include "comm/started.h"

static const char *const variables[] = { "GRIDCRUNCH_MPI",
                                         "OMPI_COMM_WORLD_SIZE",
                                         "OMPI_COMM_WORLD_RANK",
                                         "PMI_SIZE",
                                         "PMI_RANK",
                                         "PMIX_NAMESPACE",
                                         "SLURM_STEP_NUM_TASKS",
                                         "SLURM_PROCID",
                                         "GRIDCRUNCH_MPI_MODULE" };

static int forget_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    return 0;
}

static void assert_started(const char *by, int size)
{
    gcr_started started;

    assert_ok(gcr_started_read(&started));
    assert_int_equal(started.size, size);
    if (by != NULL)
        assert_string_equal(started.by, by);
    else
        assert_null(started.by);
    assert_int_equal(gcr_started_is_alone(&started), by == NULL || size == 1);
}

static void test_without_a_word_of_others_a_process_is_alone(void **state)
{
    (void)state;
    assert_started(NULL, 0);
}

static void test_mpirun_of_open_mpi_says_how_many(void **state)
{
    (void)state;
    setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
    setenv("PMIX_NAMESPACE", "1234.1", 1);
    assert_started("mpirun", 4);
    setenv("OMPI_COMM_WORLD_SIZE", "1", 1);
    assert_started("mpirun", 1);
}

static void test_mpirun_of_mpich_says_how_many(void **state)
{
    (void)state;
    setenv("PMI_SIZE", "3", 1);
    assert_started("mpirun", 3);
}

static void test_srun_with_pmix_says_how_many(void **state)
{
    (void)state;
    setenv("SLURM_STEP_NUM_TASKS", "8", 1);
    setenv("PMIX_NAMESPACE", "slurm.pmix.7.0", 1);
    assert_started("srun", 8);
}

/* mpirun starts its daemons by srun, whose variables the ranks then have, too. */
static void test_mpirun_inside_a_step_of_srun_is_the_one_that_counts(void **state)
{
    (void)state;
    setenv("SLURM_STEP_NUM_TASKS", "2", 1);
    setenv("OMPI_COMM_WORLD_SIZE", "16", 1);
    assert_started("mpirun", 16);
    setenv("OMPI_COMM_WORLD_SIZE", "1", 1);
    assert_started("mpirun", 1);
}

static void test_one_task_of_srun_is_alone(void **state)
{
    (void)state;
    setenv("SLURM_STEP_NUM_TASKS", "1", 1);
    assert_started("srun", 1);
}

static void test_tasks_of_srun_that_cannot_find_each_other_are_refused(void **state)
{
    gcr_started started;
    gcr_comm *comm = NULL;

    (void)state;
    setenv("SLURM_STEP_NUM_TASKS", "2", 1);
    assert_status(gcr_started_read(&started), GCR_EUNSUPPORTED);
    assert_error_mentions("srun has started 2 tasks that cannot find each other");
    assert_error_mentions("use srun --mpi=pmix, or set GRIDCRUNCH_MPI=none");
    assert_status(gcr_comm_open(&comm), GCR_EUNSUPPORTED);
    assert_null(comm);
}

static void test_a_process_may_be_told_to_be_alone(void **state)
{
    gcr_comm *comm = NULL;

    (void)state;
    setenv("SLURM_STEP_NUM_TASKS", "2", 1);
    setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
    setenv("GRIDCRUNCH_MPI", "none", 1);
    assert_started(NULL, 0);
    assert_ok(gcr_comm_open(&comm));
    assert_int_equal(gcr_comm_info_of(comm)->size, 1);
    gcr_comm_close(comm);
}

static void test_a_word_that_means_nothing_is_refused(void **state)
{
    gcr_started started;

    (void)state;
    setenv("GRIDCRUNCH_MPI", "off", 1);
    assert_status(gcr_started_read(&started), GCR_EINVAL);
    assert_error_mentions("GRIDCRUNCH_MPI is 'off', and can only be 'none'");
    unsetenv("GRIDCRUNCH_MPI");
    setenv("OMPI_COMM_WORLD_SIZE", "4x", 1);
    assert_status(gcr_started_read(&started), GCR_EINVAL);
    assert_error_mentions("OMPI_COMM_WORLD_SIZE is '4x'");
}

/* Each alone is enough, and being told to be alone changes nothing of it. */
static void test_what_mpirun_or_srun_has_started_prints_through_them(void **state)
{
    static const char *const launchers[] = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_NAMESPACE",
                                             "SLURM_STEP_NUM_TASKS" };

    (void)state;
    setenv("GRIDCRUNCH_MPI", "none", 1);
    assert_false(gcr_started_by_launcher());
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        setenv(launchers[i], "1", 1);
        assert_true(gcr_started_by_launcher());
        unsetenv(launchers[i]);
    }
}

static void test_without_the_module_ranks_are_refused(void **state)
{
    gcr_comm *comm = NULL;

    (void)state;
    setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
    setenv("GRIDCRUNCH_MPI_MODULE", "/no/such/file.so", 1);
    assert_status(gcr_comm_open(&comm), GCR_EUNSUPPORTED);
    assert_error_mentions("started by mpirun as one of 4 ranks, but MPI cannot be used: ");
    assert_error_mentions("/no/such/file.so");
    setenv("OMPI_COMM_WORLD_SIZE", "1", 1);
    assert_ok(gcr_comm_open(&comm));
    gcr_comm_close(comm);
}

static void assert_behind_first(const char *size, const char *rank, const char *number, int wanted)
{
    setenv(size, "4", 1);
    setenv(rank, number, 1);
    assert_int_equal(gcr_started_behind_first(), wanted);
    setenv("GRIDCRUNCH_MPI", "none", 1);
    assert_int_equal(gcr_started_behind_first(), 0);
    unsetenv("GRIDCRUNCH_MPI");
    unsetenv(rank);
    assert_int_equal(gcr_started_behind_first(), 0);
    unsetenv(size);
}

static void test_who_is_the_first_of_several_each_launcher_says(void **state)
{
    (void)state;
    assert_int_equal(gcr_started_behind_first(), 0);
    assert_behind_first("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "0", 0);
    assert_behind_first("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "3", 1);
    assert_behind_first("PMI_SIZE", "PMI_RANK", "1", 1);
    assert_behind_first("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "10", 1);
}

static void test_mpirun_within_a_task_of_srun_says_who_is_the_first(void **state)
{
    (void)state;
    setenv("SLURM_PROCID", "3", 1);
    setenv("SLURM_STEP_NUM_TASKS", "4", 1);
    setenv("OMPI_COMM_WORLD_RANK", "0", 1);
    setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
    assert_int_equal(gcr_started_behind_first(), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, forget_all)
    const struct CMUnitTest tests[] = {
        TEST(test_without_a_word_of_others_a_process_is_alone),
        TEST(test_mpirun_of_open_mpi_says_how_many),
        TEST(test_mpirun_of_mpich_says_how_many),
        TEST(test_srun_with_pmix_says_how_many),
        TEST(test_mpirun_inside_a_step_of_srun_is_the_one_that_counts),
        TEST(test_one_task_of_srun_is_alone),
        TEST(test_tasks_of_srun_that_cannot_find_each_other_are_refused),
        TEST(test_a_process_may_be_told_to_be_alone),
        TEST(test_a_word_that_means_nothing_is_refused),
        TEST(test_what_mpirun_or_srun_has_started_prints_through_them),
        TEST(test_who_is_the_first_of_several_each_launcher_says),
        TEST(test_mpirun_within_a_task_of_srun_says_who_is_the_first),
        TEST(test_without_the_module_ranks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
