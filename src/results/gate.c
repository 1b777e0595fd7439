/*
 * results/gate.c -- see gate.h.
 *
 * One condition serves all keys: waiters are few. Opening a key looks for waiters only after the
 * key's state is stored, and a waiter counts itself before it looks at the state; both in the one
 * order that all threads agree on, so one of the two sees the other.
 */
#include "results/gate.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { PENDING = 0, READY, TAKEN }; /* fresh memory is zero */

struct gcr_gate {
    atomic_uchar *state; /* [key_count] */
    atomic_int waiters;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_cond_t left;
    int inside; /* this and the next two under the lock */
    int is_closed;
    char reason[256];
};

gcr_status gcr_gate_create(gcr_gate **out, uint64_t key_count)
{
    gcr_status status = GCR_OK;
    gcr_gate *gate = NULL;
    void *state = NULL;

    *out = NULL;
    gate = calloc(1, sizeof *gate);
    if (gate == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the keys to wait for");
    pthread_mutex_init(&gate->lock, NULL);
    gcr_clock_cond(&gate->changed);
    gcr_clock_cond(&gate->left);
    GCR_TRY(gcr_memory_create(&state, key_count, sizeof *gate->state, "the keys to wait for"));
    gate->state = state;
    *out = gate;
    gate = NULL;
out:
    gcr_gate_destroy(gate);
    return status;
}

void gcr_gate_destroy(gcr_gate *gate)
{
    if (gate == NULL)
        return;
    gcr_memory_destroy(gate->state);
    pthread_cond_destroy(&gate->left);
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

uint64_t gcr_gate_bytes(uint64_t key_count)
{
    return key_count * sizeof(atomic_uchar);
}

void gcr_gate_open(gcr_gate *gate, uint64_t key)
{
    atomic_store(&gate->state[key], READY);
    if (atomic_load(&gate->waiters) == 0)
        return;
    pthread_mutex_lock(&gate->lock);
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void gcr_gate_close(gcr_gate *gate, const char *reason)
{
    pthread_mutex_lock(&gate->lock);
    if (!gate->is_closed) {
        gate->is_closed = 1;
        snprintf(gate->reason, sizeof gate->reason, "%s", reason);
    }
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

void gcr_gate_enter(gcr_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->inside++;
    pthread_mutex_unlock(&gate->lock);
}

void gcr_gate_leave(gcr_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    if (--gate->inside == 0)
        pthread_cond_broadcast(&gate->left); /* before unlocking: after it the gate may be gone */
    pthread_mutex_unlock(&gate->lock);
}

void gcr_gate_clear(gcr_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->inside > 0)
        pthread_cond_wait(&gate->left, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

int gcr_gate_is_open(const gcr_gate *gate, uint64_t key)
{
    return atomic_load(&gate->state[key]) == READY;
}

/* Sleeps until the key is not pending, the gate is closed or the time is over; with the lock
 * held. */
static void sleep_until_changed(gcr_gate *gate, uint64_t key, double seconds)
{
    const struct timespec until = gcr_clock_in(seconds);
    int error = 0;

    atomic_fetch_add(&gate->waiters, 1);
    while (atomic_load(&gate->state[key]) == PENDING && !gate->is_closed && error != ETIMEDOUT)
        error = seconds < 0 ? pthread_cond_wait(&gate->changed, &gate->lock)
                            : pthread_cond_timedwait(&gate->changed, &gate->lock, &until);
    atomic_fetch_sub(&gate->waiters, 1);
}

gcr_status gcr_gate_wait(gcr_gate *gate, uint64_t key, const char *name, double seconds)
{
    gcr_status status = GCR_OK;
    int state = atomic_load(&gate->state[key]), is_closed = 0;
    char reason[sizeof gate->reason];

    if (state == PENDING) {
        pthread_mutex_lock(&gate->lock);
        sleep_until_changed(gate, key, seconds);
        state = atomic_load(&gate->state[key]);
        is_closed = gate->is_closed;
        snprintf(reason, sizeof reason, "%s", gate->reason);
        pthread_mutex_unlock(&gate->lock);
    }
    if (state == TAKEN)
        GCR_FAIL(GCR_ETAKEN, "%s has been taken already", name);
    if (state == PENDING && is_closed)
        GCR_FAIL(GCR_ECLOSED, "%s will not be complete: %s", name, reason);
    if (state == PENDING)
        GCR_FAIL(GCR_ETIMEOUT, "%s is not complete yet, after %.3g s", name,
                 seconds > 0 ? seconds : 0.0);
out:
    return status;
}

gcr_status gcr_gate_take(gcr_gate *gate, uint64_t key, const char *name, double seconds)
{
    gcr_status status = GCR_OK;
    unsigned char expected = READY;

    GCR_TRY(gcr_gate_wait(gate, key, name, seconds));
    if (!atomic_compare_exchange_strong(&gate->state[key], &expected, TAKEN))
        GCR_FAIL(GCR_ETAKEN, "%s has been taken already", name);
out:
    return status;
}

int gcr_gate_is_taken(const gcr_gate *gate, uint64_t key)
{
    return atomic_load(&gate->state[key]) == TAKEN;
}
