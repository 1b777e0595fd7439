/*
 * gridcrunch/status.h -- how gridcrunch says that something went wrong.
 *
 * Every function that can fail returns a gcr_status. The code is for the program; the sentence
 * is for the person. The sentence is written once, where the failure happened, and read once,
 * at the top:
 *
 *     if (gcr_run_execute(run) != GCR_OK)
 *         fprintf(stderr, "gridcrunch: %s\n", gcr_last_error());
 */
#ifndef GCR_STATUS_H
#define GCR_STATUS_H

/* Around the declarations of every public header: C linkage, and names that a shared library shows;
 * all others of the library are hidden. */
#ifdef __cplusplus
#define GCR_API_BEGIN                                                                              \
    extern "C" {                                                                                   \
    _Pragma("GCC visibility push(default)")
#define GCR_API_END                                                                                \
    _Pragma("GCC visibility pop")                                                                  \
    }
#else
#define GCR_API_BEGIN _Pragma("GCC visibility push(default)")
#define GCR_API_END _Pragma("GCC visibility pop")
#endif

GCR_API_BEGIN

/* In front of every function that can fail: a status that nobody reads is a warning. */
#define GCR_MUST_CHECK __attribute__((warn_unused_result))

typedef enum gcr_status {
    GCR_OK = 0,
    GCR_EINVAL,       /* the request itself is wrong: a bad job, an impossible size           */
    GCR_EOVERFLOW,    /* a product of sizes is more than 64 bits can count                    */
    GCR_EFORMAT,      /* a file was read but is not what it should be                         */
    GCR_EEXIST,       /* something is already there and would be written over                 */
    GCR_ENOENT,       /* the file, dataset or cell that was named is not there                */
    GCR_EUNREADABLE,  /* the operating system refused to let an input be read                 */
    GCR_EIO,          /* the operating system refused a write, or a file broke underneath us  */
    GCR_ENOMEM,       /* host or device memory ran out                                        */
    GCR_EDEVICE,      /* a device failed, or a machine of the run; it may be lost             */
    GCR_EUNSUPPORTED, /* this build or backend cannot do that                                 */
    GCR_ETIMEOUT,     /* what was waited for has not come within the time that was given      */
    GCR_ETAKEN,       /* it was there, and somebody has taken it                              */
    GCR_ECLOSED,      /* it will not come: what would bring it has ended without it           */
    GCR_ECONFLICT,    /* the same thing came twice, with different values                     */
    GCR_ENESTED,      /* a run cannot be executed or waited for from inside a run             */
    GCR_STATUS_COUNT
} gcr_status;

/* The constant name of a status, e.g. "GCR_EFORMAT". Never NULL. */
const char *gcr_status_name(gcr_status status);

/* True where the person who asked can repair it by asking differently: a wrong job file, a wrong
 * input, a wrong flag. False where the machine was the obstacle. */
int gcr_status_is_users(gcr_status status);

/* The sentence of the last failure on this thread, or "" if there was none. One line, no full
 * stop. Belongs to the library; valid until the next failure on the same thread. */
const char *gcr_last_error(void);

/* What else is known of it, as lines such as a compiler writes, or "". The same lifetime. */
const char *gcr_last_error_details(void);

/* Where in the source the last failure on this thread was noticed, e.g. "csv.c:120", or "". */
const char *gcr_last_error_place(void);

GCR_API_END

#endif /* GCR_STATUS_H */
