/*
 * data/h5_answer.h -- what the program that reads HDF5 files says.
 *
 * libhdf5 dies of damaged files, so another process reads them: gridcrunch-read-hdf5 PATH NAME...,
 * which finds the writing end of a pipe as its descriptor GCR_H5_DESCRIPTOR. With names it reads
 * all arrays "NAME" and "GROUP/NAME"; without any, all arrays of the file. It says:
 *
 *     ARRAY ...    each array in the order of the names: its shape, and its name behind that
 *     NUMBERS ...  f8 [rows][columns] of each array in turn, cut into parts of any size
 *     END
 *
 * or, anywhere between, FAILURE with a sentence, and ends. Whoever listens believes none of it: see
 * gcr_h5_open(). A pipe, so that a file of any size needs the memory of a part of it.
 */
#ifndef GCR_DATA_H5_ANSWER_H
#define GCR_DATA_H5_ANSWER_H

#include <stdint.h>

enum { GCR_H5_DESCRIPTOR = 3, GCR_H5_SENTENCE_BYTES = 1024, GCR_H5_NAME_MAX = 1024 };
enum { GCR_H5_ARRAYS_MAX = 1 << 20 };

#define GCR_H5_MAGIC UINT32_C(0x35484347) /* "GCH5" */

typedef enum gcr_h5_word {
    GCR_H5_ARRAY,
    GCR_H5_NUMBERS,
    GCR_H5_END,
    GCR_H5_FAILURE, /* a gcr_status, and the sentence behind it */
} gcr_h5_word;

/* What each message begins with. */
typedef struct gcr_h5_message {
    uint32_t magic;
    uint32_t word;    /* gcr_h5_word                       */
    uint64_t bytes;   /* that follow behind this struct    */
    uint64_t rows;    /* ARRAY; in FAILURE the gcr_status  */
    uint64_t columns; /* ARRAY                             */
} gcr_h5_message;

#endif /* GCR_DATA_H5_ANSWER_H */
