/*
 * exec/packets.h -- landed cells on their way to another node: packed by the worker that computed
 * them, passed on in packets, unpacked into slots.
 *
 * A packet is a buffer of messages' size with landings (landing.h) in it, and behind each its cells
 * or its tally, as they stood in a ring. Of cells only those of live points travel, one output
 * after the other, then states, jitter steps and kinds, so that a cell costs its own bytes and
 * nothing else; which points are live both sides know. Packets of one run are made and read by
 * processes of one build on one kind of machine: numbers stand in them as in memory.
 */
#ifndef GCR_EXEC_PACKETS_H
#define GCR_EXEC_PACKETS_H

#include "exec/landing.h"
#include "exec/records.h"
#include "results/slots.h"

/* Bytes of one cell in a packet. */
uint64_t gcr_packet_cell_bytes(const gcr_slots *slots);

/* ---- packing --------------------------------------------------------------------------------- */

/* Cells that are to stand behind one landing, while they come together. */
typedef struct gcr_packing {
    const gcr_slots *slots;   /* cells are as wide as here                */
    const gcr_points *points; /* borrowed, too                            */
    char *bytes;              /* room[cells] of them                      */
    uint64_t room, live;      /* how many cells it has room for, and has  */
} gcr_packing;

/* Where the cells of a part stand, and which kind of device computed them. */
typedef struct gcr_packing_source {
    const gcr_records *records;
    const gcr_records_part *part;
    uint8_t kind;
} gcr_packing_source;

/* Puts the cells of a landing, which is of the part, behind those that are there. There is room. */
void gcr_packing_add(gcr_packing *packing, const gcr_landing *landing,
                     const gcr_packing_source *from);

/* All of them are there: as they stand behind a landing. Returns their bytes. */
uint64_t gcr_packing_end(gcr_packing *packing);

typedef struct gcr_packet {
    char *bytes;
    uint64_t room, used;
} gcr_packet;

/* Puts a landing with what is behind it into a packet. False: there is not enough room. */
int gcr_packet_put(gcr_packet *packet, const gcr_landing *landing, const void *behind);

/* ---- unpacking ------------------------------------------------------------------------------- */

/* Takes the next landing off bytes[count], which are moved on; *payload has landing->bytes of them.
 * False in *found: there are no more. GCR_EIO: this is not a packet. */
GCR_MUST_CHECK gcr_status gcr_packet_get(gcr_landing *out, const void **payload, int *found,
                                         const void **bytes, uint64_t *count);

/* Gives the cells of a landing their slots. *fresh_out: how many were not there yet, live and
 * failed; others are dropped. GCR_EIO: no cells can be so. GCR_ECONFLICT: a slot has other bits
 * already, that the program has not taken. */
typedef struct gcr_packet_fresh {
    uint64_t live, failed;
} gcr_packet_fresh;

GCR_MUST_CHECK gcr_status gcr_packet_unpack(gcr_packet_fresh *fresh_out, gcr_slots *slots,
                                            const gcr_points *points, const gcr_landing *landing,
                                            const void *payload);

#endif /* GCR_EXEC_PACKETS_H */
