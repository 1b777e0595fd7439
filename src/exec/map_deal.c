/*
 * exec/map_deal.c -- what is whose on a node, as a function of what its ranks say.
 *
 * GPUs are dealt by a matching: each rank has slots, as many as another one or one more; each GPU
 * has seats, one, or with more ranks than GPUs several. Slots are matched with GPUs that are near
 * first, then with any that the rank sees, by augmenting paths (Kuhn), so that nobody goes without
 * because somebody else, who had a choice, came first. Unbound ranks take neighbouring
 * GPUs. A greedy deal was simpler, and left ranks with nothing as soon as they saw different ones.
 */
#include "exec/map.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

typedef struct slot {
    int rank;  /* place in facts */
    int first; /* the GPU that it would take, and from there on in a circle */
    int gpu;   /* -1: none yet */
} slot;

typedef struct dealer {
    const gcr_map_facts *const *facts;
    int rank_count;
    const gcr_device_identity **gpus; /* [gpu_count] each once, by PCI address */
    int gpu_count;
    int *places; /* [rank_count][gpu_count] where it stands in the facts of a rank; -1: not seen */
    slot *slots;
    int slot_count;
    int *seats, *taken; /* [gpu_count] */
    char *is_tried;     /* [gpu_count] on the path that is looked for */
} dealer;

/* ---- threads --------------------------------------------------------------------------------- */

/* Ranks of one mask divide it; the first ones have what is left over. Who was told a number has
 * that. */
static void deal_threads(gcr_map_share *shares, const gcr_map_facts *const *facts, int count)
{
    for (int r = 0; r < count; r++) {
        const int cpus = gcr_cpus_count(&facts[r]->cpus);
        int sharers = 0, before = 0;

        for (int other = 0; other < count; other++)
            if (gcr_cpus_are_equal(&facts[r]->cpus, &facts[other]->cpus)) {
                sharers++;
                before += other < r;
            }
        shares[r].threads = cpus / sharers + (before < cpus % sharers);
        if (shares[r].threads == 0)
            shares[r].threads = 1;
        if (facts[r]->threads > 0)
            shares[r].threads = facts[r]->threads;
    }
}

/* ---- what there is --------------------------------------------------------------------------- */

static int compare_gpus(const void *a, const void *b)
{
    const gcr_device_identity *x = *(const gcr_device_identity *const *)a;
    const gcr_device_identity *y = *(const gcr_device_identity *const *)b;

    if (x->pci.domain != y->pci.domain)
        return x->pci.domain < y->pci.domain ? -1 : 1;
    if (x->pci.bus != y->pci.bus)
        return x->pci.bus < y->pci.bus ? -1 : 1;
    if (x->pci.device != y->pci.device)
        return x->pci.device < y->pci.device ? -1 : 1;
    return strcmp(x->uuid, y->uuid);
}

static int is_same(const gcr_device_identity *a, const gcr_device_identity *b)
{
    return strcmp(a->uuid, b->uuid) == 0;
}

/* Each GPU once. */
static gcr_status list_gpus(dealer *d)
{
    gcr_status status = GCR_OK;
    size_t seen = 0;

    for (int r = 0; r < d->rank_count; r++)
        seen += (size_t)d->facts[r]->gpu_count;
    d->gpus = calloc(seen + 1, sizeof *d->gpus);
    if (d->gpus == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a list of %zu GPUs", seen);
    for (int r = 0; r < d->rank_count; r++)
        for (int p = 0; p < d->facts[r]->gpu_count; p++) {
            const gcr_device_identity *one = &d->facts[r]->gpus[p].identity;
            int g = 0;

            while (g < d->gpu_count && !is_same(d->gpus[g], one))
                g++;
            d->gpus[g] = one;
            d->gpu_count += g == d->gpu_count;
        }
    qsort(d->gpus, (size_t)d->gpu_count, sizeof *d->gpus, compare_gpus);
out:
    return status;
}

static int *place_of(const dealer *d, int rank, int gpu)
{
    return &d->places[(size_t)rank * (size_t)d->gpu_count + (size_t)gpu];
}

static gcr_status find_places(dealer *d)
{
    gcr_status status = GCR_OK;

    d->places = malloc(((size_t)d->rank_count * (size_t)d->gpu_count + 1) * sizeof *d->places);
    if (d->places == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for who sees which GPU");
    for (int r = 0; r < d->rank_count; r++)
        for (int g = 0; g < d->gpu_count; g++) {
            *place_of(d, r, g) = -1;
            for (int p = d->facts[r]->gpu_count - 1; p >= 0; p--)
                if (is_same(&d->facts[r]->gpus[p].identity, d->gpus[g]))
                    *place_of(d, r, g) = p;
        }
out:
    return status;
}

/* ---- slots and seats ------------------------------------------------------------------------- */

/* `whole` in `parts` whose sizes differ by at most 1, the larger ones first: the size of one, and
 * where it begins. */
static int size_of_part(int whole, int parts, int part)
{
    return whole / parts + (part < whole % parts);
}

static int begin_of_part(int whole, int parts, int part)
{
    const int more = whole % parts;

    return part * (whole / parts) + (part < more ? part : more);
}

/* In which of the parts `at` is. */
static int part_at(int whole, int parts, int at)
{
    int part = 0;

    while (part + 1 < parts && begin_of_part(whole, parts, part + 1) <= at)
        part++;
    return part;
}

/* The first slot of each rank that sees a GPU, then the second of each, ... */
static void lay_slots(dealer *d, int ranks_with_gpus)
{
    const int are_enough = d->gpu_count >= ranks_with_gpus;
    const int most = are_enough ? size_of_part(d->gpu_count, ranks_with_gpus, 0) : 1;

    for (int level = 0; level < most; level++)
        for (int r = 0, nth = 0; r < d->rank_count; r++) {
            if (d->facts[r]->gpu_count == 0)
                continue;
            if (!are_enough || level < size_of_part(d->gpu_count, ranks_with_gpus, nth))
                d->slots[d->slot_count++] =
                    (slot){ .rank = r,
                            .first = are_enough ? begin_of_part(d->gpu_count, ranks_with_gpus, nth)
                                                : part_at(ranks_with_gpus, d->gpu_count, nth),
                            .gpu = -1 };
            nth++;
        }
    for (int g = 0; g < d->gpu_count; g++)
        d->seats[g] = are_enough ? 1 : size_of_part(ranks_with_gpus, d->gpu_count, g);
}

static gcr_status open_slots(dealer *d)
{
    gcr_status status = GCR_OK;
    const size_t gpus = (size_t)d->gpu_count;
    int ranks_with_gpus = 0;

    for (int r = 0; r < d->rank_count; r++)
        ranks_with_gpus += d->facts[r]->gpu_count > 0;
    d->slots = calloc(gpus + (size_t)ranks_with_gpus, sizeof *d->slots);
    d->seats = calloc(gpus, sizeof *d->seats);
    d->taken = calloc(gpus, sizeof *d->taken);
    d->is_tried = calloc(gpus, 1);
    if (d->slots == NULL || d->seats == NULL || d->taken == NULL || d->is_tried == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to deal %d GPUs", d->gpu_count);
    lay_slots(d, ranks_with_gpus);
out:
    return status;
}

/* ---- the matching ---------------------------------------------------------------------------- */

/* Where nothing is known of nearness all are alike. */
static int may_take(const dealer *d, int rank, int gpu, int near_only)
{
    const int place = *place_of(d, rank, gpu);

    return place >= 0 && (!near_only || d->facts[rank]->gpus[place].near_cpus != 0);
}

static void take(dealer *d, slot *s, int gpu)
{
    if (s->gpu >= 0)
        d->taken[s->gpu]--;
    s->gpu = gpu;
    d->taken[gpu]++;
}

static int match(dealer *d, slot *s, int near_only);

/* One of those on `gpu` goes elsewhere. */
static int make_room(dealer *d, int gpu, int near_only)
{
    for (int i = 0; i < d->slot_count; i++)
        if (d->slots[i].gpu == gpu && match(d, &d->slots[i], near_only))
            return 1;
    return 0;
}

/* A free seat, else one that can be made free. */
static int match(dealer *d, slot *s, int near_only)
{
    for (int i = 0; i < d->gpu_count; i++) {
        const int gpu = (s->first + i) % d->gpu_count;

        if (may_take(d, s->rank, gpu, near_only) && !d->is_tried[gpu] &&
            d->taken[gpu] < d->seats[gpu]) {
            take(d, s, gpu);
            return 1;
        }
    }
    for (int i = 0; i < d->gpu_count; i++) {
        const int gpu = (s->first + i) % d->gpu_count;

        if (!may_take(d, s->rank, gpu, near_only) || d->is_tried[gpu])
            continue;
        d->is_tried[gpu] = 1;
        if (make_room(d, gpu, near_only)) {
            take(d, s, gpu);
            return 1;
        }
    }
    return 0;
}

static void match_all(dealer *d, int near_only)
{
    for (int i = 0; i < d->slot_count; i++)
        if (d->slots[i].gpu < 0) {
            memset(d->is_tried, 0, (size_t)d->gpu_count);
            match(d, &d->slots[i], near_only);
        }
}

/* ---- what each has --------------------------------------------------------------------------- */

static void give(gcr_map_share *share, int place)
{
    int at = share->gpu_count;

    while (at > 0 && share->gpus[at - 1] > place) {
        share->gpus[at] = share->gpus[at - 1];
        at--;
    }
    share->gpus[at] = (uint8_t)place;
    share->gpu_count++;
}

/* Of those whom `gpu` could be given to the one that has the fewest; -1: nobody sees it. */
static int poorest(const dealer *d, const gcr_map_share *shares, int gpu)
{
    int best = -1;

    for (int near_only = 1; near_only >= 0; near_only--)
        for (int r = 0; r < d->rank_count; r++)
            if (may_take(d, r, gpu, near_only) &&
                (best < 0 || shares[r].gpu_count < shares[best].gpu_count))
                best = r;
    return best;
}

/* Of those that the rank sees the one that the fewest have. */
static int least_shared(const dealer *d, int rank)
{
    int best = -1;

    for (int near_only = 1; near_only >= 0; near_only--)
        for (int g = 0; g < d->gpu_count; g++)
            if (may_take(d, rank, g, near_only) && (best < 0 || d->taken[g] < d->taken[best]))
                best = g;
    return best;
}

/* Where ranks see different GPUs some may be left, of either. */
static void deal_the_rest(dealer *d, gcr_map_share *shares)
{
    for (int r = 0; r < d->rank_count; r++)
        if (d->facts[r]->gpu_count > 0 && shares[r].gpu_count == 0) {
            const int gpu = least_shared(d, r);

            give(&shares[r], *place_of(d, r, gpu));
            d->taken[gpu]++;
        }
    for (int g = 0; g < d->gpu_count; g++)
        if (d->taken[g] == 0) {
            const int rank = poorest(d, shares, g);

            give(&shares[rank], *place_of(d, rank, g));
        }
}

static gcr_status deal_gpus(gcr_map_share *shares, dealer *d)
{
    gcr_status status = GCR_OK;

    GCR_TRY(list_gpus(d));
    if (d->gpu_count == 0)
        goto out;
    GCR_TRY(find_places(d));
    GCR_TRY(open_slots(d));
    match_all(d, 1);
    match_all(d, 0);
    for (int i = 0; i < d->slot_count; i++)
        if (d->slots[i].gpu >= 0)
            give(&shares[d->slots[i].rank], *place_of(d, d->slots[i].rank, d->slots[i].gpu));
    deal_the_rest(d, shares);
out:
    return status;
}

gcr_status gcr_map_deal(gcr_map_share *shares, const gcr_map_facts *const *facts, int count)
{
    gcr_status status = GCR_OK;
    dealer d = { .facts = facts, .rank_count = count };

    memset(shares, 0, (size_t)count * sizeof *shares);
    deal_threads(shares, facts, count);
    GCR_TRY(deal_gpus(shares, &d));
out:
    free(d.is_tried);
    free(d.taken);
    free(d.seats);
    free(d.slots);
    free(d.places);
    free(d.gpus);
    return status;
}
