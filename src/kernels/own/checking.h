/*
 * kernels/own/checking.h -- what the program of checking.c leaves in the file that it shares with
 * own_check.c: in case of a crash, where it was.
 */
#ifndef GCR_CHECKING_H
#define GCR_CHECKING_H

enum { GCR_PLACE_BYTES = 1024 };

typedef struct gcr_checking_place {
    char cell[GCR_PLACE_BYTES]; /* "a random dataset of 7 rows, a=1.25"; "": before the first  */
    char broken[256];           /* the promise that was broken there, if that is why it ended */
} gcr_checking_place;

#endif /* GCR_CHECKING_H */
