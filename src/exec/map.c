/* exec/map.c -- see map.h: what this rank says of itself, and what is told of the whole. */
#include "exec/map.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "exec/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char WHAT[] = "the map of the ranks";

typedef struct warning {
    char *text; /* without the node */
    char *line; /* with it          */
    int node, node_count;
} warning;

struct gcr_map {
    const gcr_comm_info *ranks; /* the comm's */
    gcr_sayings facts;          /* of each rank */
    gcr_map_share *shares;      /* [size] */
    gcr_device_list devices;
    warning *warnings;
    int warning_count;
};

/* ---- what this rank says --------------------------------------------------------------------- */

static void look_around(gcr_map_gpu *gpu, const gcr_cpus *own, const gcr_topology *topology)
{
    gcr_cpus near;

    gpu->near_cpus = -1;
    if (gcr_topology_find(&near, &gpu->memory, topology, &gpu->identity.pci))
        gpu->near_cpus = gcr_cpus_common(&near, own);
}

static gcr_status add_devices(gcr_map_facts *facts, const gcr_device_list *devices)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < devices->count; i++) {
        const struct gcr_device_place *place = &devices->places[i];
        gcr_map_gpu *gpu = &facts->gpus[facts->gpu_count];

        GCR_TRY(gcr_device_identify(&gpu->identity, place->backend, place->index));
        if (gpu->identity.uuid[0] == '\0') {
            facts->cores = gpu->identity;
            continue;
        }
        snprintf(gpu->label, sizeof gpu->label, "%s:%d", place->backend->name, place->index);
        facts->gpu_count++;
    }
out:
    return status;
}

/* The topology takes a while, and is for GPUs alone. */
static gcr_status look(gcr_map_facts *facts, const gcr_device_list *devices)
{
    gcr_status status = GCR_OK;
    gcr_topology *topology = NULL;

    gcr_cpus_own(&facts->cpus);
    facts->machine_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    GCR_TRY(add_devices(facts, devices));
    if (facts->gpu_count > 0)
        GCR_TRY(gcr_topology_open(&topology));
    for (int g = 0; g < facts->gpu_count; g++)
        look_around(&facts->gpus[g], &facts->cpus, topology);
out:
    gcr_topology_close(topology);
    return status;
}

/* ---- how it is kept -------------------------------------------------------------------------- */

static void put_identity(gcr_saying *out, const gcr_device_identity *identity)
{
    gcr_saying_put_text(out, identity->name);
    gcr_saying_put_text(out, identity->uuid);
    gcr_saying_put(out, &identity->pci, sizeof identity->pci);
    gcr_saying_put(out, &identity->code_path, sizeof identity->code_path);
}

static void get_identity(gcr_device_identity *out, const char **at)
{
    *out = (gcr_device_identity){ 0 };
    snprintf(out->name, sizeof out->name, "%s", gcr_saying_get_text(at));
    snprintf(out->uuid, sizeof out->uuid, "%s", gcr_saying_get_text(at));
    gcr_saying_get(&out->pci, at, sizeof out->pci);
    gcr_saying_get(&out->code_path, at, sizeof out->code_path);
}

static void put_gpu(gcr_saying *out, const gcr_map_gpu *gpu)
{
    put_identity(out, &gpu->identity);
    gcr_saying_put_text(out, gpu->label);
    gcr_saying_put(out, &gpu->memory, sizeof gpu->memory);
    gcr_saying_put(out, &gpu->near_cpus, sizeof gpu->near_cpus);
}

static void get_gpu(gcr_map_gpu *out, const char **at)
{
    get_identity(&out->identity, at);
    snprintf(out->label, sizeof out->label, "%s", gcr_saying_get_text(at));
    gcr_saying_get(&out->memory, at, sizeof out->memory);
    gcr_saying_get(&out->near_cpus, at, sizeof out->near_cpus);
}

/* Of its CPUs as many words as machines have, which are few. */
static void put_facts(gcr_saying *out, const gcr_map_facts *facts)
{
    uint8_t words = sizeof facts->cpus.bits / sizeof facts->cpus.bits[0];

    while (words > 0 && facts->cpus.bits[words - 1] == 0)
        words--;
    gcr_saying_put(out, &words, sizeof words);
    gcr_saying_put(out, facts->cpus.bits, words * sizeof facts->cpus.bits[0]);
    gcr_saying_put(out, &facts->machine_cpus, sizeof facts->machine_cpus);
    put_identity(out, &facts->cores);
    gcr_saying_put(out, &facts->threads, sizeof facts->threads);
    gcr_saying_put(out, &facts->gpu_count, sizeof facts->gpu_count);
    for (int g = 0; g < facts->gpu_count; g++)
        put_gpu(out, &facts->gpus[g]);
}

void gcr_map_facts_get(gcr_map_facts *out, const gcr_map *map, int rank)
{
    const char *at = gcr_sayings_of(&map->facts, rank);
    uint8_t words;

    gcr_saying_get(&words, &at, sizeof words);
    out->cpus = (gcr_cpus){ 0 };
    gcr_saying_get(out->cpus.bits, &at, words * sizeof out->cpus.bits[0]);
    gcr_saying_get(&out->machine_cpus, &at, sizeof out->machine_cpus);
    get_identity(&out->cores, &at);
    gcr_saying_get(&out->threads, &at, sizeof out->threads);
    gcr_saying_get(&out->gpu_count, &at, sizeof out->gpu_count);
    for (int g = 0; g < out->gpu_count; g++)
        get_gpu(&out->gpus[g], &at);
}

/* ---- warnings -------------------------------------------------------------------------------- */

/* Takes `text`. The same of an earlier node counts one node more. */
static gcr_status warn(gcr_map *map, int node, char *text)
{
    gcr_status status = GCR_OK;
    warning *warnings;

    for (int w = 0; w < map->warning_count; w++)
        if (strcmp(map->warnings[w].text, text) == 0) {
            map->warnings[w].node_count++;
            goto out;
        }
    warnings = reallocarray(map->warnings, (size_t)map->warning_count + 1, sizeof *warnings);
    if (warnings == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a warning");
    map->warnings = warnings;
    warnings[map->warning_count++] = (warning){ .text = text, .node = node, .node_count = 1 };
    text = NULL; /* handed over */
out:
    free(text);
    return status;
}

/* "n1: ...", "n1 and 3 more nodes: ..." */
static gcr_status say_warnings(gcr_map *map)
{
    gcr_status status = GCR_OK;

    for (int w = 0; w < map->warning_count; w++) {
        warning *one = &map->warnings[w];
        const char *host = map->ranks->ranks[map->ranks->leaders[one->node]].host;

        if (one->node_count == 1)
            GCR_TRY(gcr_text_format(&one->line, "%s: %s", host, one->text));
        else
            GCR_TRY(gcr_text_format(&one->line, "%s and %d more node%s: %s", host,
                                    one->node_count - 1, gcr_plural((uint64_t)one->node_count - 1),
                                    one->text));
    }
out:
    return status;
}

/* A node: its ranks, and what they say. */
typedef struct node_view {
    int node, count;
    const int *ranks;                  /* [count] */
    const gcr_map_facts *const *facts; /* [count] */
    const gcr_map_share *shares;       /* [count] */
} node_view;

static gcr_status warn_of_cpus(gcr_map *map, const node_view *view)
{
    gcr_status status = GCR_OK;
    gcr_cpus all = { 0 };
    char *text;
    int threads = 0, cpus;

    for (int r = 0; r < view->count; r++) {
        gcr_cpus_join(&all, &view->facts[r]->cpus);
        threads += view->shares[r].threads;
    }
    cpus = gcr_cpus_count(&all);
    if (threads > cpus) {
        GCR_TRY(gcr_text_format(&text, "%d ranks have %d threads on %d CPU%s", view->count, threads,
                                cpus, gcr_plural((uint64_t)cpus)));
        GCR_TRY(warn(map, view->node, text));
    }
    if (map->ranks->size > 1 && cpus < view->facts[0]->machine_cpus) {
        GCR_TRY(gcr_text_format(
            &text,
            "%d rank%s may use %d of %d CPUs; if more are yours: mpirun --bind-to none, or srun "
            "--cpus-per-task",
            view->count, gcr_plural((uint64_t)view->count), cpus, view->facts[0]->machine_cpus));
        GCR_TRY(warn(map, view->node, text));
    }
out:
    return status;
}

/* The first two ranks whose masks are neither one mask nor two. */
static gcr_status warn_of_overlap(gcr_map *map, const node_view *view)
{
    gcr_status status = GCR_OK;
    char *text;

    for (int a = 0; a < view->count; a++)
        for (int b = a + 1; b < view->count; b++) {
            const gcr_cpus *x = &view->facts[a]->cpus, *y = &view->facts[b]->cpus;
            char x_text[GCR_CPUS_TEXT_BYTES], y_text[GCR_CPUS_TEXT_BYTES];

            if (gcr_cpus_are_equal(x, y) || gcr_cpus_common(x, y) == 0)
                continue;
            GCR_TRY(gcr_text_format(&text,
                                    "ranks %d and %d are bound to CPUs of which they share some "
                                    "(%s and %s): bind ranks to different ones, or none",
                                    view->ranks[a], view->ranks[b], gcr_cpus_format(x_text, x),
                                    gcr_cpus_format(y_text, y)));
            GCR_TRY(warn(map, view->node, text));
            goto out;
        }
out:
    return status;
}

static const gcr_map_gpu *gpu_of(const node_view *view, int rank, int nth)
{
    return &view->facts[rank]->gpus[view->shares[rank].gpus[nth]];
}

/* True if the GPU with that identity is one of a rank's share. */
static int has_gpu(const gcr_map_facts *facts, const gcr_map_share *share,
                   const gcr_device_identity *wanted)
{
    for (int i = 0; i < share->gpu_count; i++)
        if (memcmp(facts->gpus[share->gpus[i]].identity.uuid, wanted->uuid, GCR_UUID_BYTES) == 0)
            return 1;
    return 0;
}

static gcr_status warn_of_shared_gpus(gcr_map *map, const node_view *view)
{
    gcr_status status = GCR_OK;
    char *text;
    int gpus = 0, sharers = 0;

    for (int r = 0; r < view->count; r++) {
        int shares_one = 0;

        for (int i = 0; i < view->shares[r].gpu_count; i++) {
            int before = 0, after = 0;

            for (int other = 0; other < view->count; other++)
                if (other != r && has_gpu(view->facts[other], &view->shares[other],
                                          &gpu_of(view, r, i)->identity))
                    *(other < r ? &before : &after) += 1;
            gpus += before == 0 && after > 0;
            shares_one |= before + after > 0;
        }
        sharers += shares_one;
    }
    if (sharers == 0)
        goto out;
    GCR_TRY(gcr_text_format(&text, "%d ranks share %d GPU%s: one rank for each GPU is faster",
                            sharers, gpus, gcr_plural((uint64_t)gpus)));
    GCR_TRY(warn(map, view->node, text));
out:
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Room for the ranks of one node, of which there are not many. */
typedef struct node_room {
    int *ranks;
    gcr_map_facts *facts;
    const gcr_map_facts **at; /* each of them */
    gcr_map_share *shares;
} node_room;

static gcr_status deal_on(gcr_map *map, int node, const node_room *room)
{
    gcr_status status = GCR_OK;
    node_view view = {
        .node = node, .ranks = room->ranks, .facts = room->at, .shares = room->shares
    };

    for (int r = map->ranks->leaders[node]; r < map->ranks->size; r++)
        if (map->ranks->ranks[r].node == node) {
            gcr_map_facts_get(&room->facts[view.count], map, r);
            room->at[view.count] = &room->facts[view.count];
            room->ranks[view.count++] = r;
        }
    GCR_TRY(gcr_map_deal(room->shares, room->at, view.count));
    for (int i = 0; i < view.count; i++)
        map->shares[room->ranks[i]] = room->shares[i];
    GCR_TRY(warn_of_cpus(map, &view));
    GCR_TRY(warn_of_overlap(map, &view));
    GCR_TRY(warn_of_shared_gpus(map, &view));
out:
    return status;
}

static uint64_t largest_node(const gcr_comm_info *ranks)
{
    int most = 0; /* the last rank of a node has the number of those before it */

    for (int r = 0; r < ranks->size; r++)
        most = ranks->ranks[r].node_rank > most ? ranks->ranks[r].node_rank : most;
    return (uint64_t)most + 1;
}

static gcr_status deal(gcr_map *map)
{
    gcr_status status = GCR_OK;
    const uint64_t count = largest_node(map->ranks);
    node_room room = { 0 };

    GCR_TRY(gcr_memory_create((void **)&room.ranks, count, sizeof *room.ranks, WHAT));
    GCR_TRY(gcr_memory_create((void **)&room.facts, count, sizeof *room.facts, WHAT));
    GCR_TRY(gcr_memory_create((void **)&room.at, count, sizeof *room.at, WHAT));
    GCR_TRY(gcr_memory_create((void **)&room.shares, count, sizeof *room.shares, WHAT));
    for (int node = 0; node < map->ranks->node_count; node++)
        GCR_TRY(deal_on(map, node, &room));
    GCR_TRY(say_warnings(map));
out:
    gcr_memory_destroy(room.shares);
    gcr_memory_destroy(room.at);
    gcr_memory_destroy(room.facts);
    gcr_memory_destroy(room.ranks);
    return status;
}

/* Those of this rank's devices that are its own: what is no GPU, and the GPUs of its share. */
static void choose_devices(gcr_map *map, const gcr_map_facts *facts, const gcr_device_list *devices)
{
    const gcr_map_share *share = &map->shares[map->ranks->rank];
    int next = 0, seen = 0;

    for (int i = 0; i < devices->count; i++) {
        const struct gcr_device_place *place = &devices->places[i];
        char label[GCR_MAP_LABEL_BYTES];
        int is_own = 1;

        snprintf(label, sizeof label, "%s:%d", place->backend->name, place->index);
        if (seen < facts->gpu_count && strcmp(label, facts->gpus[seen].label) == 0) {
            is_own = next < share->gpu_count && share->gpus[next] == seen;
            next += is_own;
            seen++;
        }
        if (is_own)
            map->devices.places[map->devices.count++] = *place;
    }
}

static gcr_status open_map(gcr_map **out, gcr_map_facts **own_out, const gcr_comm *comm,
                           const gcr_device_list *devices)
{
    gcr_status status = GCR_OK;
    gcr_map *map = calloc(1, sizeof *map);

    *out = map;
    *own_out = calloc(1, sizeof **own_out);
    if (map == NULL || *own_out == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", WHAT);
    map->ranks = gcr_comm_info_of(comm);
    GCR_TRY(gcr_memory_create((void **)&map->shares, (uint64_t)map->ranks->size,
                              sizeof *map->shares, WHAT));
    GCR_TRY(look(*own_out, devices));
out:
    return status;
}

gcr_status gcr_map_create(gcr_map **out, gcr_comm *comm, const gcr_device_list *devices,
                          int threads)
{
    gcr_status status = GCR_OK;
    gcr_saying saying = { 0 };
    gcr_map_facts *own;
    gcr_map *map;

    *out = NULL;
    GCR_TRY(gcr_comm_agree(comm, open_map(&map, &own, comm, devices)));
    own->threads = threads;
    put_facts(&saying, own);
    GCR_TRY(gcr_sayings_gather(&map->facts, comm, &saying, WHAT));
    GCR_TRY(gcr_comm_agree(comm, deal(map)));
    choose_devices(map, own, devices);
    *out = map;
    map = NULL; /* handed over */
out:
    gcr_map_destroy(map);
    gcr_saying_clear(&saying);
    free(own);
    return status;
}

void gcr_map_destroy(gcr_map *map)
{
    if (map == NULL)
        return;
    for (int w = 0; w < map->warning_count; w++) {
        free(map->warnings[w].text);
        free(map->warnings[w].line);
    }
    free(map->warnings);
    gcr_memory_destroy(map->shares);
    gcr_sayings_clear(&map->facts);
    free(map);
}

/* ---- what is asked --------------------------------------------------------------------------- */

const gcr_device_list *gcr_map_devices(const gcr_map *map)
{
    return &map->devices;
}

int gcr_map_threads(const gcr_map *map)
{
    return map->shares[map->ranks->rank].threads;
}

int gcr_map_sharers(const gcr_map *map, const char *label)
{
    gcr_map_facts own, of;
    int sharers = 0;

    gcr_map_facts_get(&own, map, map->ranks->rank);
    for (int g = 0; g < own.gpu_count; g++) {
        if (strcmp(own.gpus[g].label, label) != 0)
            continue;
        for (int r = 0; r < map->ranks->size; r++) {
            gcr_map_facts_get(&of, map, r);
            sharers += has_gpu(&of, &map->shares[r], &own.gpus[g].identity);
        }
    }
    return sharers > 0 ? sharers : 1;
}

const gcr_map_share *gcr_map_share_of(const gcr_map *map, int rank)
{
    return &map->shares[rank];
}

int gcr_map_warning_count(const gcr_map *map)
{
    return map->warning_count;
}

const char *gcr_map_warning(const gcr_map *map, int index)
{
    return map->warnings[index].line;
}

const char *gcr_map_pci(char out[GCR_MAP_PCI_BYTES], const gcr_device_identity *identity)
{
    snprintf(out, GCR_MAP_PCI_BYTES, "%04x:%02x:%02x", (unsigned)identity->pci.domain,
             (unsigned)identity->pci.bus, (unsigned)identity->pci.device);
    return out;
}

const char *gcr_map_nearness(const gcr_map_gpu *gpu)
{
    return gpu->near_cpus < 0 ? "" : gpu->near_cpus == 0 ? "far" : "near";
}

/* The first GPU of the rank that has this name. */
static int is_first_of_name(const gcr_map_facts *facts, const gcr_map_share *share, int nth)
{
    const char *name = facts->gpus[share->gpus[nth]].identity.name;

    for (int i = 0; i < nth; i++)
        if (strcmp(facts->gpus[share->gpus[i]].identity.name, name) == 0)
            return 0;
    return 1;
}

void gcr_map_kind(char *out, size_t bytes, const gcr_map *map, int rank)
{
    const gcr_map_share *share = &map->shares[rank];
    gcr_map_facts facts;
    size_t at = 0;

    gcr_map_facts_get(&facts, map, rank);
    out[0] = '\0';
    if (share->gpu_count == 0 && facts.cores.name[0] != '\0')
        snprintf(out, bytes, "%s, %s", facts.cores.name, gcr_code_path_name(facts.cores.code_path));
    for (int i = 0; i < share->gpu_count && at < bytes; i++)
        if (is_first_of_name(&facts, share, i))
            at += (size_t)snprintf(out + at, bytes - at, "%s%s", i > 0 ? ", " : "",
                                   facts.gpus[share->gpus[i]].identity.name);
}

void gcr_map_line(char *out, size_t bytes, const gcr_map *map, int rank)
{
    const gcr_map_share *share = &map->shares[rank];
    gcr_map_facts facts;
    char cpus[GCR_CPUS_TEXT_BYTES];
    int at, is_known;

    gcr_map_facts_get(&facts, map, rank);
    is_known = facts.cores.name[0] != '\0';
    at = snprintf(out, bytes, "rank %d on %s: %d thread%s on CPUs %s%s%s%s", rank,
                  map->ranks->ranks[rank].host, share->threads,
                  gcr_plural((uint64_t)share->threads), gcr_cpus_format(cpus, &facts.cpus),
                  is_known ? " (" : "", facts.cores.name, is_known ? ")" : "");

    for (int i = 0; i < share->gpu_count && at >= 0 && (size_t)at < bytes; i++) {
        const gcr_map_gpu *gpu = &facts.gpus[share->gpus[i]];
        const char *nearness = gcr_map_nearness(gpu);

        at += snprintf(out + at, bytes - (size_t)at, ", %s %s%s%s", gpu->label, gpu->identity.name,
                       nearness[0] != '\0' ? " " : "", nearness);
    }
}
