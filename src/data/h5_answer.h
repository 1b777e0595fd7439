/*
 * data/h5_answer.h -- what the program that reads HDF5 files hands back.
 *
 * libhdf5 dies of damaged files, so another process reads them: gridcrunch-read-hdf5 PATH NAME...,
 * which finds a memory file as its descriptor GCR_H5_DESCRIPTOR and fills it: an answer, its
 * entries, and what the entries point to, by offsets from the beginning. Whoever maps the memory
 * believes none of it: see gcr_h5_read().
 *
 * With names it reads all arrays "NAME" and "GROUP/NAME"; without any, all arrays of the file.
 */
#ifndef GCR_DATA_H5_ANSWER_H
#define GCR_DATA_H5_ANSWER_H

#include <stdint.h>

enum { GCR_H5_DESCRIPTOR = 3, GCR_H5_SENTENCE_BYTES = 1024, GCR_H5_NAME_MAX = 1024 };
enum { GCR_H5_ARRAYS_MAX = 1 << 20 };

#define GCR_H5_ANSWER_MAGIC UINT64_C(0x3141357264616572)

typedef struct gcr_h5_answer {
    uint64_t magic;  /* written last: without it the reader has died */
    int32_t failure; /* 0, or a gcr_status with its sentence         */
    uint32_t count;  /* entries, which follow                        */
    char sentence[GCR_H5_SENTENCE_BYTES];
} gcr_h5_answer;

typedef struct gcr_h5_entry {
    uint64_t name;    /* offset of the terminated path in the file, without a / in front */
    uint64_t numbers; /* offset of f8 [rows][columns]                                    */
    uint64_t rows, columns;
} gcr_h5_entry;

#endif /* GCR_DATA_H5_ANSWER_H */
