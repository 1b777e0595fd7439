/*
 * exec/hearing.h -- whether the other nodes of a run are still there.
 *
 * A machine that is switched off, or cut off the network, says nothing: TCP takes a quarter of an
 * hour to give up, and mpirun as long. So rank 0 sends a beat to the leader of each node every now
 * and then, and hears it when the leader has taken it, or says something; the leader hears the
 * beats. Whoever has not heard the other for the limit calls it lost. The thread that beats is the
 * one that never computes, so a long cell is no silence.
 *
 * Silence is only counted while one listens: a process that was stopped, or a whole job that was
 * suspended, does not come back to blame the others. This file keeps the count, by a clock that is
 * passed in; watch.c sends.
 */
#ifndef GCR_EXEC_HEARING_H
#define GCR_EXEC_HEARING_H

#include "gridcrunch/status.h"

typedef struct gcr_hearing {
    double limit;    /* seconds; may be infinite */
    double interval; /* between two beats        */
    double counted;  /* up to when silence is     */
    double next;     /* when the next beat is due */
    int count;
    double *silence; /* [count] seconds */
} gcr_hearing;

/* The limit that the environment says, or the default. GCR_EINVAL: it is none. */
GCR_MUST_CHECK gcr_status gcr_hearing_read_limit(double *out);

/* Listens to nodes 0 .. count - 1. GCR_ENOMEM. The caller closes it. */
GCR_MUST_CHECK gcr_status gcr_hearing_open(gcr_hearing *out, int count, double limit, double now);
void gcr_hearing_close(gcr_hearing *hearing);

/* True once in each interval: beats are to be sent. */
int gcr_hearing_is_due(gcr_hearing *hearing, double now);

/* A node was heard; nobody listens to it any more. */
void gcr_hearing_hear(gcr_hearing *hearing, int node);
void gcr_hearing_forget(gcr_hearing *hearing, int node);

/* A node that has been silent for the limit, -1: there is none. Often, and after what has come was
 * heard. */
int gcr_hearing_look(gcr_hearing *hearing, double now);

#endif /* GCR_EXEC_HEARING_H */
