/* tests/unit/data/job_test.h -- jobs from text, for the tests of the job file. */
#ifndef GCR_JOB_TEST_H
#define GCR_JOB_TEST_H

#include "support/gcr_test.h"

#include "gridcrunch/job.h"

/* A job that lacks nothing; what is written behind it begins in line 4. */
#define JOB(lines) "name: t\ndata: {source: a.csv}\nkernel: gp\n" lines

/* The same with a `data` of one's own, in line 2 from column 7. */
#define DATA(value) "name: t\ndata: " value "\nkernel: gp\n"

static inline gcr_job job_of(const char *text)
{
    gcr_job job;

    assert_ok(gcr_job_parse(&job, "jobs/t.yaml", text, NULL, 0));
    return job;
}

/* The sentence must be exactly this one, and the job that came back must own nothing. */
static inline void assert_sentence(gcr_status got, gcr_status expected, const gcr_job *job,
                                   const char *sentence)
{
    assert_string_equal(gcr_last_error(), sentence);
    assert_string_equal(gcr_status_name(got), gcr_status_name(expected));
    assert_null(job->path);
    assert_null(job->data.sources.names);
}

static inline void assert_invalid(const char *text, const char *sentence)
{
    gcr_job job;

    assert_sentence(gcr_job_parse(&job, "t.yaml", text, NULL, 0), GCR_EINVAL, &job, sentence);
}

static inline void assert_malformed(const char *text, const char *sentence)
{
    gcr_job job;

    assert_sentence(gcr_job_parse(&job, "t.yaml", text, NULL, 0), GCR_EFORMAT, &job, sentence);
}

#endif /* GCR_JOB_TEST_H */
