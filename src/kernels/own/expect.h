/*
 * kernels/own/expect.h -- that a kernel reads nothing that it has not declared.
 *
 * Comes before kernel.h, whose accessors ask GCR_EXPECT_DECLARED and GCR_EXPECT(promise, WORD).
 * With GCR_CHECKS a broken promise is reported when it is met. Without, what is read and not
 * declared is an error of the compiler. Whether a row is there is not: on the way of a loop that is
 * not entered a compiler may know that there is none, and call correct code wrong.
 *
 * Defined by whoever compiles, from the description: GCR_DECLARED_PARAMETERS, how many there are;
 * GCR_DECLARED_USES; GCR_DECLARED_SCRATCH and GCR_DECLARED_PREPARED, 0 or 1.
 */
#ifndef GCR_OWN_EXPECT_H
#define GCR_OWN_EXPECT_H

#define GCR_BROKEN_parameter "reads a parameter that the description does not have"
#define GCR_BROKEN_x "reads x, and the description has no GCR_USES_X in .uses"
#define GCR_BROKEN_y "reads y, and the description has no GCR_USES_Y in .uses"
#define GCR_BROKEN_row "reads a row that the dataset does not have"
#define GCR_BROKEN_feature "reads a feature that the dataset does not have"
#define GCR_BROKEN_prepared "reads what prepare() wrote, and there is no prepare()"
#define GCR_BROKEN_derived "reads a derived value that there is no room for"
#define GCR_BROKEN_scratch "uses scratch memory, and the description has no scratch_count"

#if defined(GCR_CHECKS)

void gcr_report_broken(const char *promise);

#define GCR_EXPECT(promise, word) ((promise) ? (void)0 : gcr_report_broken(GCR_BROKEN_##word))
#define GCR_EXPECT_DECLARED GCR_EXPECT

#else

#define GCR_REFUSE(word)                                                                           \
    __attribute__((error(GCR_BROKEN_##word))) void gcr_refuse_##word(void) /* never defined */

GCR_REFUSE(parameter);
GCR_REFUSE(x);
GCR_REFUSE(y);
GCR_REFUSE(prepared);
GCR_REFUSE(scratch);

#define GCR_EXPECT_DECLARED(promise, word)                                                         \
    do {                                                                                           \
        if (__builtin_constant_p(promise) && !(promise))                                           \
            gcr_refuse_##word();                                                                   \
    } while (0)

#endif

#endif /* GCR_OWN_EXPECT_H */
