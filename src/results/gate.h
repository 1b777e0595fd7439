/*
 * results/gate.h -- which keys are complete, and how one waits for them.
 *
 * A key is pending, then ready, then perhaps taken. When nothing more will come the gate is closed,
 * and whoever waits for a key that is still pending is told so: nobody waits for ever.
 *
 * Those who make a key ready are the workers of a run, so that costs them two atomic accesses while
 * nobody waits.
 */
#ifndef GCR_RESULTS_GATE_H
#define GCR_RESULTS_GATE_H

#include "gridcrunch/status.h"

#include <stdint.h>

typedef struct gcr_gate gcr_gate;

/* All keys 0 .. key_count - 1 pending. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_gate_create(gcr_gate **out, uint64_t key_count);
void gcr_gate_destroy(gcr_gate *gate); /* nobody is in it; NULL is allowed */

/* Bytes of a gate, for the plan. */
uint64_t gcr_gate_bytes(uint64_t key_count);

/* Makes a pending key ready: what was written before is visible to those who see it ready. */
void gcr_gate_open(gcr_gate *gate, uint64_t key);

/* No further key will be ready, because of `reason`, which completes "... : ". The first reason is
 * kept. */
void gcr_gate_close(gcr_gate *gate, const char *reason);

/* Around what a thread does with the gate and with what is behind it, where it may be destroyed
 * meanwhile. gcr_gate_clear() is for who destroys: it waits until nobody is inside. Close the gate
 * first, for those who wait. */
void gcr_gate_enter(gcr_gate *gate);
void gcr_gate_leave(gcr_gate *gate);
void gcr_gate_clear(gcr_gate *gate);

/* Ready, and not taken. */
int gcr_gate_is_open(const gcr_gate *gate, uint64_t key);

/* Waits until the key is ready; seconds < 0: without a limit, 0: looks. `name` is what the key is
 * called in sentences. GCR_ETIMEOUT, GCR_ETAKEN, GCR_ECLOSED. */
GCR_MUST_CHECK gcr_status gcr_gate_wait(gcr_gate *gate, uint64_t key, const char *name,
                                        double seconds);

/* The same, and takes it: of several who try, one gets it. */
GCR_MUST_CHECK gcr_status gcr_gate_take(gcr_gate *gate, uint64_t key, const char *name,
                                        double seconds);

int gcr_gate_is_taken(const gcr_gate *gate, uint64_t key);

#endif /* GCR_RESULTS_GATE_H */
