/* exec/cutter.c -- see exec/cutter.h. */
#include "exec/cutter.h"

#include "gridcrunch/partial.h"

typedef gcr_flight_part part;

/* The dataset in `place` of the plan is the one in front. */
static void turn_to(gcr_cutter *cutter, uint64_t place)
{
    const uint64_t live_count = gcr_points_table(cutter->points)->live_count;

    cutter->dataset = gcr_plan_dataset_at(cutter->plan, place);
    cutter->first = place * cutter->positions;
    cutter->cell_cost = gcr_plan_cost_share(cutter->plan, place) / (double)live_count;
}

void gcr_cutter_begin(gcr_cutter *cutter)
{
    turn_to(cutter, 0);
}

uint64_t gcr_cutter_positions(const gcr_cutter *cutter, uint64_t cells)
{
    if (!cutter->by_blocks)
        return cells;
    return cells < GCR_PARTIAL_POINTS ? 1 : cells / GCR_PARTIAL_POINTS;
}

/* The run of points that `live` live points from live number `first` on span. */
static void points_of(const gcr_points *points, uint64_t first, uint64_t live, part *out)
{
    out->at.first = gcr_points_select(points, first);
    out->at.count = live == 1 ? 1 : gcr_points_select(points, first + live - 1) + 1 - out->at.first;
    out->live = live;
}

/* `count` live points from number `index` on, or as many as have room for their records. */
static void cut_points(const gcr_cutter *cutter, const gcr_flight *f, uint64_t index,
                       uint64_t count, part *out)
{
    const gcr_points *points = cutter->points;

    points_of(points, index, count, out);
    if (cutter->is_bounded && out->at.count > cutter->room - f->points) {
        out->at.count = cutter->room - f->points;
        out->live = gcr_points_count_before(points, out->at.first + out->at.count) - index;
    }
    out->positions = out->live;
}

/* `count` blocks of points from number `index` on, or as many; the last of a dataset is shorter. */
static void cut_blocks(const gcr_cutter *cutter, const gcr_flight *f, uint64_t index,
                       uint64_t count, part *out)
{
    const uint64_t room = cutter->room - f->points, first = index * GCR_PARTIAL_POINTS;
    const uint64_t left = gcr_points_table(cutter->points)->point_count - first;
    uint64_t points = count * GCR_PARTIAL_POINTS;

    if (points > left)
        points = left;
    if (points > room)
        points = room - room % GCR_PARTIAL_POINTS;
    out->at.first = first;
    out->at.count = points;
    out->positions = (points + GCR_PARTIAL_POINTS - 1) / GCR_PARTIAL_POINTS;
    out->live = gcr_points_count_before(cutter->points, first + points) -
                gcr_points_count_before(cutter->points, first);
}

/* The front of the span as a part: at most `most` positions, within one dataset, and within the
 * flight's records: 0 where those are full. */
static void next_part(gcr_cutter *cutter, const gcr_flight *f, uint64_t most, part *out)
{
    uint64_t index = cutter->span.first - cutter->first, count;

    if (index >= cutter->positions) { /* also where the span went back, below the first */
        turn_to(cutter, cutter->span.first / cutter->positions);
        index = cutter->span.first - cutter->first;
    }
    count = cutter->positions - index;
    if (count > most)
        count = most;
    out->at.dataset = cutter->dataset;
    out->at.at = f->points;
    out->cell_cost = cutter->cell_cost;
    if (cutter->by_blocks)
        cut_blocks(cutter, f, index, count, out);
    else
        cut_points(cutter, f, index, count, out);
}

void gcr_cutter_cut(gcr_cutter *cutter, gcr_flight *flight, uint64_t cells)
{
    const uint64_t batch = gcr_cutter_positions(cutter, cells);
    gcr_flight *f = flight;
    uint64_t left = cutter->span.count < batch ? cutter->span.count : batch;

    while (left > 0 && f->tile_count < GCR_FLIGHT_TILES) {
        part *p = &f->parts[f->tile_count];

        if (f->points == cutter->room && f->to.base != NULL)
            break;
        next_part(cutter, f, left, p);
        p->first_position = cutter->span.first;
        if (p->positions == 0)
            break;
        left -= p->positions;
        cutter->span.first += p->positions;
        cutter->span.count -= p->positions;
        if (p->live == 0)
            continue;
        f->points += p->at.count;
        f->live += p->live;
        f->blocks += p->positions;
        f->tile_count++;
    }
}

void gcr_cutter_put_back(gcr_cutter *cutter, gcr_flight *flight, uint64_t from)
{
    const uint64_t end = cutter->span.first + cutter->span.count;

    if (from == flight->tile_count)
        return;
    cutter->span.first = flight->parts[from].first_position;
    cutter->span.count = end - cutter->span.first;
    for (uint64_t t = from; t < flight->tile_count; t++) {
        flight->points -= flight->parts[t].at.count;
        flight->live -= flight->parts[t].live;
        flight->blocks -= flight->parts[t].positions;
    }
    flight->tile_count = from;
}
