/*
 * exec/packets.h -- landed cells on their way to another node: packed into a buffer, unpacked into
 * slots.
 *
 * A packet is a buffer of messages' size with landings (landing.h) in it, and behind each its cells
 * or its tally. Of cells only those of live points travel, one output after the other, then
 * states, jitter steps and kinds, so that a cell costs its own bytes and nothing else; which points
 * are live both sides know. Packets of one run are made and read by processes of one build on one
 * kind of machine: numbers stand in them as in memory.
 */
#ifndef GCR_EXEC_PACKETS_H
#define GCR_EXEC_PACKETS_H

#include "exec/landing.h"
#include "results/slots.h"

typedef struct gcr_packet {
    char *bytes;
    uint64_t room, used;
} gcr_packet;

/* Bytes of one cell in a packet. */
uint64_t gcr_packet_cell_bytes(const gcr_slots *slots);

/* The least room with which a packet holds any cell or tally of at most `tally` bytes. */
uint64_t gcr_packet_least(const gcr_slots *slots, uint64_t tally);

/* Puts as many of the landed cells as there is room for behind what the packet has. False: some are
 * left, and *landing says which. */
int gcr_packet_put_cells(gcr_packet *packet, gcr_landing *landing, const gcr_slots *slots,
                         const gcr_points *points);

/* The same of a landing with a tally: all, or nothing. */
int gcr_packet_put_tally(gcr_packet *packet, const gcr_landing *landing, const void *tally);

/* Takes the next landing off bytes[count], which are moved on; *payload has landing->bytes of them.
 * False in *found: there are no more. GCR_EIO: this is not a packet. */
GCR_MUST_CHECK gcr_status gcr_packet_get(gcr_landing *out, const void **payload, int *found,
                                         const void **bytes, uint64_t *count);

/* Gives the cells of a landing their slots. *fresh_out: how many were not there yet, live and
 * failed; others are dropped. GCR_EIO: no cells can be so. GCR_ECONFLICT: a slot has other bits
 * already. */
typedef struct gcr_packet_fresh {
    uint64_t live, failed;
} gcr_packet_fresh;

GCR_MUST_CHECK gcr_status gcr_packet_unpack(gcr_packet_fresh *fresh_out, gcr_slots *slots,
                                            const gcr_points *points, const gcr_landing *landing,
                                            const void *payload);

#endif /* GCR_EXEC_PACKETS_H */
