/* tests/unit/data/test_job_fuzz.c -- whatever the bytes are, the answer is a job or a sentence.
 * What must not happen besides (a crash, a leak, a read too far) is seen under the sanitizers. */
#include "unit/data/job_test.h"

#include <stdio.h>

enum { MUTATIONS = 2000, BYTES_MAX = 4096 };

static char example[BYTES_MAX];
static size_t example_bytes;

static int read_example(void **state)
{
    FILE *file = fopen(GCR_EXAMPLES "/fertility.yaml", "r");

    (void)state;
    if (file == NULL)
        return -1;
    example_bytes = fread(example, 1, sizeof example - 1, file);
    fclose(file);
    return example_bytes > 0 ? 0 : -1;
}

/* True if it was a job. The sentence is one line that begins with the place. */
static int is_job(const char *text)
{
    gcr_job job;
    const gcr_status status = gcr_job_parse(&job, "t.yaml", text, NULL, 0);

    if (status != GCR_OK) {
        assert_true(gcr_status_is_users(status));
        assert_memory_equal(gcr_last_error(), "t.yaml:", 7);
        assert_null(strchr(gcr_last_error(), '\n'));
        assert_null(job.path);
        return 0;
    }
    gcr_job_clear(&job);
    return 1;
}

static void test_every_prefix_of_a_job_is_a_job_or_a_sentence(void **state)
{
    int jobs = 0;

    (void)state;
    for (size_t bytes = 0; bytes < example_bytes; bytes++) {
        char *prefix = strndup(example, bytes); /* of its own, so that a byte too far is noticed */

        jobs += is_job(prefix);
        free(prefix);
    }
    assert_in_range(jobs, 1, example_bytes - 1);
}

/* xorshift64*, seeded: a failure can be replayed. */
static uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717) >> 32;
}

static void test_every_mutation_of_a_job_is_a_job_or_a_sentence(void **state)
{
    uint64_t seed = 20240501;
    int jobs = 0;

    (void)state;
    for (int i = 0; i < MUTATIONS; i++) {
        char *mutant = strdup(example);

        mutant[draw(&seed) % example_bytes] = (char)draw(&seed);
        jobs += is_job(mutant);
        free(mutant);
    }
    assert_in_range(jobs, 1, MUTATIONS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_prefix_of_a_job_is_a_job_or_a_sentence),
        cmocka_unit_test(test_every_mutation_of_a_job_is_a_job_or_a_sentence),
    };

    return cmocka_run_group_tests(tests, read_example, NULL);
}
