/*
 * base/check.h -- the two macros of the house, and nothing else.
 *
 * A fallible function has exactly one exit:
 *
 *     gcr_status status = GCR_OK;
 *     ...
 *     GCR_TRY(step_one(...));                  // records nothing, just leaves
 *     if (bad)
 *         GCR_FAIL(GCR_EINVAL, "dataset '%s' is empty", key);
 * out:
 *     release what this function still owns;
 *     return status;
 *
 * Both macros end in `goto out`. They use a variable named `status` and a label named `out`,
 * always, so that a reader never has to look either up.
 */
#ifndef GCR_BASE_CHECK_H
#define GCR_BASE_CHECK_H

#include "gridcrunch/status.h"

/* Leave the function if `call` failed, keeping its status and its sentence. */
#define GCR_TRY(call)                                                                              \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != GCR_OK)                                                                      \
            goto out;                                                                              \
    } while (0)

/* Leave the function with a new failure and the sentence that explains it. */
#define GCR_FAIL(code, ...)                                                                        \
    do {                                                                                           \
        status = gcr_fail_at(__FILE__, __LINE__, (code), __VA_ARGS__);                             \
        goto out;                                                                                  \
    } while (0)

#ifdef __cplusplus
extern "C" {
#endif

/* Records the sentence for gcr_last_error() and returns `code`. Use GCR_FAIL. */
gcr_status gcr_fail_at(const char *file, int line, gcr_status code, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold));

/* Adds lines to the failure that has just been recorded, for gcr_last_error_details(); what is more
 * than 16 KiB is cut off. */
void gcr_fail_details(const char *text);

/* A module has a copy of base/ of its own. What fails there must be read by the program that opened
 * it, whose functions these are; from then on every failure is told to them too. */
typedef struct gcr_failures {
    void (*fail)(const char *file, int line, gcr_status code, const char *sentence);
    void (*details)(const char *text);
} gcr_failures;

void gcr_failures_forward(const gcr_failures *to);

#ifdef __cplusplus
}
#endif

#endif /* GCR_BASE_CHECK_H */
