/* tests/unit/exec/test_rank_memory.c -- what memory each of many ranks costs rank 0 beside its
 * results: 4,000 that are one process, as far as the code above the transport can tell. */
#include "support/gcr_test.h"

#include "base/host.h"
#include "base/memory.h"
#include "comm/comm_private.h"
#include "comm/transport.h"
#include "exec/busy.h"
#include "exec/crew.h"
#include "exec/dealing.h"
#include "exec/gather_way.h"
#include "exec/map.h"
#include "exec/watch.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RANKS = 4000,
    RANKS_OF_NODE = 8,
    DESK_BYTES = 64, /* of a node, in desk.c */
    RESULTS_APART = 64 << 20,
};

/* ---- many ranks that say the same ------------------------------------------------------------ */

/* Names another host in what the ranks of each node have said, where they name theirs. */
static void rename_hosts(char *all, uint64_t bytes)
{
    char host[GCR_HOST_BYTES], *first;

    gcr_host_name(host);
    first = memmem(all, bytes, host, strlen(host) + 1);
    for (int r = 0; first != NULL && r < RANKS; r++)
        snprintf(first + (uint64_t)r * bytes, 16, "n%d", r / RANKS_OF_NODE);
}

static gcr_status fake_gather_all(gcr_link *link, const void *mine, uint64_t bytes, void *all)
{
    for (int r = 0; r < link->size; r++)
        memcpy((char *)all + (uint64_t)r * bytes, mine, bytes);
    rename_hosts(all, bytes);
    return GCR_OK;
}

static void fake_close(gcr_link *link)
{
    free(link);
}

static const char *name_of_fake(void)
{
    return "no MPI";
}

static const gcr_transport fake = { .close = fake_close,
                                    .gather_all = fake_gather_all,
                                    .library = name_of_fake };

static gcr_comm *open_fake(void)
{
    gcr_link *link = calloc(1, sizeof *link);
    gcr_comm *comm;

    assert_non_null(link);
    *link = (gcr_link){ .transport = &fake, .size = RANKS };
    assert_ok(gcr_comm_create(&comm, link));
    assert_int_equal(gcr_comm_info_of(comm)->node_count, RANKS / RANKS_OF_NODE);
    return comm;
}

/* ---- what they have -------------------------------------------------------------------------- */

static gcr_status count_devices(int *out, char *why, size_t why_bytes)
{
    *out = 8;
    (void)why;
    (void)why_bytes;
    return GCR_OK;
}

static gcr_status identify_cores(gcr_device_identity *out, int index)
{
    (void)index;
    snprintf(out->name, sizeof out->name, "AMD EPYC 9654 96-Core Processor");
    return GCR_OK;
}

static gcr_status identify_gpu(gcr_device_identity *out, int index)
{
    snprintf(out->name, sizeof out->name, "NVIDIA H200");
    snprintf(out->uuid, sizeof out->uuid, "GPU-1d3f2a80-5c1e-4b1f-9a55-00000000000%d", index);
    out->pci.bus = 0x10 + index;
    return GCR_OK;
}

static const gcr_backend cores = { .name = "cpu",
                                   .device_count = count_devices,
                                   .device_identify = identify_cores };
static const gcr_backend gpus = { .name = "cuda",
                                  .device_count = count_devices,
                                  .device_identify = identify_gpu };

static gcr_device_list list_devices(int gpu_count)
{
    gcr_device_list list = { .count = 1 + gpu_count };

    list.places[0].backend = &cores;
    for (int g = 0; g < gpu_count; g++) {
        list.places[1 + g].backend = &gpus;
        list.places[1 + g].index = g;
    }
    return list;
}

/* As long as they are in runs: gcr_device_kind(). */
static gcr_crew create_crew(gcr_comm *comm, int gpu_count)
{
    static const char *const words[] = { "cuda:0", "cuda:1", "cuda:2", "cuda:3",
                                         "cuda:4", "cuda:5", "cuda:6", "cuda:7" };
    static const char kind[] = "cpu, f64, AVX-512 lanes, 8 matrices at once, and above 400 rows "
                               "OpenBLAS 0.3.21 SkylakeX on one thread";
    const gcr_crew_work work = { .job = 1 };
    const int count = gpu_count > 0 ? gpu_count : 1;
    gcr_crew_device mine[8];
    gcr_crew crew;

    for (int d = 0; d < count; d++)
        mine[d] = (gcr_crew_device){
            .kind = kind, .word = words[d], .name = "NVIDIA H200", .rate = 1e12, .workers = 2
        };
    assert_ok(gcr_crew_create(&crew, comm, &work, mine, count));
    assert_int_equal(crew.device_count, RANKS * count);
    assert_int_equal(crew.kind_count, 1);
    for (int d = 0; d < crew.device_count; d++) {
        assert_string_equal(crew.devices[d].word, words[d % count]);
        assert_string_equal(crew.devices[d].name, "NVIDIA H200");
        assert_string_equal(crew.devices[d].kind, kind);
        assert_int_equal(crew.devices[d].rank, d / count);
    }
    return crew;
}

/* ---- what it costs --------------------------------------------------------------------------- */

/* As if each rank were a node of its own: what a run has for each while it computes. */
static uint64_t bytes_of_a_run(void)
{
    return sizeof(gcr_watch_node) + sizeof(gcr_ending_peer) + sizeof(double) + DESK_BYTES +
           sizeof(gcr_dealing_answer) + sizeof(gcr_send *) + sizeof(gcr_rank_work);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* For a moment: before a run, what ranks say of bridges between GPUs; after it, of what they
 * did. */
static uint64_t bytes_of_a_moment(void)
{
    return larger(sizeof(gcr_gather_rank),
                  sizeof(gcr_ledger) + sizeof(gcr_rank_work) + sizeof(double));
}

/* Of each rank, kept, with so many GPUs; *most_out: at once. */
static uint64_t measure(uint64_t *most_out, int gpu_count)
{
    const gcr_device_list devices = list_devices(gpu_count);
    const uint64_t before = gcr_memory_live_bytes();
    uint64_t kept;
    gcr_comm *comm;
    gcr_crew crew;
    gcr_map *map;

    gcr_memory_reset_peak();
    comm = open_fake();
    assert_ok(gcr_map_create(&map, comm, &devices, 0));
    crew = create_crew(comm, gpu_count);
    kept = (gcr_memory_live_bytes() - before) / RANKS + bytes_of_a_run();
    *most_out = larger((gcr_memory_peak_bytes() - before) / RANKS, kept + bytes_of_a_moment());
    gcr_crew_clear(&crew);
    gcr_map_destroy(map);
    gcr_comm_close(comm);
    assert_int_equal(gcr_memory_live_bytes(), before);
    return kept;
}

static void test_a_rank_without_gpus_costs_about_a_kilobyte(void **state)
{
    uint64_t most, kept = measure(&most, 0);

    (void)state;
    print_message("%d bytes kept of each rank, %d at most\n", (int)kept, (int)most);
    assert_true(kept < 700);
    assert_true(RESULTS_APART / most > 50000);
}

static void test_a_rank_that_sees_eight_gpus_costs_about_two(void **state)
{
    uint64_t most, kept = measure(&most, 8);

    (void)state;
    print_message("%d bytes kept of each rank, %d at most\n", (int)kept, (int)most);
    assert_true(kept < 1900);
    assert_true(RESULTS_APART / most > 25000);
}

/* A machine from a file: of this one hwloc asks libraries that forget to free. */
static int begin(void **state)
{
    (void)state;
    return setenv("HWLOC_XMLFILE", GCR_TEST_DATA "/two_sockets.xml", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rank_without_gpus_costs_about_a_kilobyte),
        cmocka_unit_test(test_a_rank_that_sees_eight_gpus_costs_about_two),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
