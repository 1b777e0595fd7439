/* exec/spread_line.c -- see spread_line.h. */
#include "exec/spread_line.h"

#include "base/check.h"

enum {
    CUT_BYTES = 4096,      /* pieces begin on multiples: whole values, and whole lines of memory */
    PATIENCE_SECONDS = 20, /* for which ranks wait for others to come ...                       */
    BYTES_PER_SECOND =
        100 << 20, /* ... and more for each so many bytes, as slow as a network may be */
};

typedef struct piece {
    uint64_t index, offset, bytes;
    int rank; /* whose part it is in */
} piece;

typedef gcr_status visit_fn(void *arg, const piece *piece);

static uint64_t line_bytes(const gcr_line *line)
{
    uint64_t bytes = 0;

    for (uint64_t i = 0; i < line->count; i++)
        bytes += line->blocks[i].bytes;
    return bytes;
}

/* How much of a block that begins at `begin` of the line lies before the part of `rank`. */
static uint64_t bytes_before(uint64_t begin, uint64_t block_bytes, uint64_t part_bytes, int rank)
{
    const uint64_t cut = part_bytes * (uint64_t)rank;

    if (cut <= begin)
        return 0;
    return cut - begin < block_bytes ? (cut - begin) / CUT_BYTES * CUT_BYTES : block_bytes;
}

/* In the same order on all ranks, which is what broadcasts are matched by. */
static gcr_status for_each_piece(const gcr_line *line, visit_fn *visit, void *arg)
{
    gcr_status status = GCR_OK;
    const uint64_t ranks = (uint64_t)line->ranks;
    const uint64_t part_bytes = (line_bytes(line) + ranks - 1) / ranks;
    uint64_t begin = 0;

    for (uint64_t i = 0; i < line->count; i++) {
        const uint64_t bytes = line->blocks[i].bytes;

        for (int r = 0; r < line->ranks; r++) {
            const uint64_t first = bytes_before(begin, bytes, part_bytes, r);
            const uint64_t end = bytes_before(begin, bytes, part_bytes, r + 1);
            const piece p = { .index = i, .offset = first, .bytes = end - first, .rank = r };

            if (end > first)
                GCR_TRY(visit(arg, &p));
        }
        begin += bytes;
    }
out:
    return status;
}

/* ---- filling --------------------------------------------------------------------------------- */

typedef struct filler {
    int rank;
    gcr_line_fill *fill;
    void *arg;
} filler;

static gcr_status fill_piece(void *arg, const piece *p)
{
    const filler *f = arg;

    return p->rank == f->rank ? f->fill(f->arg, p->index, p->offset, p->bytes) : GCR_OK;
}

gcr_status gcr_line_fill_part(const gcr_line *line, int rank, gcr_line_fill *fill, void *arg)
{
    filler f = { .rank = rank, .fill = fill, .arg = arg };

    return for_each_piece(line, fill_piece, &f);
}

/* ---- sharing --------------------------------------------------------------------------------- */

typedef struct sharer {
    const gcr_line *line;
    gcr_queue *queue;
    gcr_bridge *bridge;
} sharer;

static gcr_status share_piece(void *arg, const piece *p)
{
    const sharer *s = arg;

    return gcr_bridge_broadcast(s->queue, s->bridge, s->line->blocks[p->index].buf, p->offset,
                                p->bytes, p->rank);
}

gcr_status gcr_line_share(const gcr_line *line, gcr_queue *queue, gcr_bridge *bridge,
                          gcr_event *event)
{
    gcr_status status = GCR_OK;
    sharer s = { .line = line, .queue = queue, .bridge = bridge };

    GCR_TRY(for_each_piece(line, share_piece, &s));
    GCR_TRY(gcr_event_record(event, queue));
    GCR_TRY(gcr_bridge_wait(bridge, event,
                            PATIENCE_SECONDS + (double)line_bytes(line) / BYTES_PER_SECOND));
out:
    return status;
}
