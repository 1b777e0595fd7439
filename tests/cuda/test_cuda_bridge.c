/* Bridges between GPUs of several processes, over stand-ins for CUDA and NCCL that share memory. */
#include "support/gcr_test.h"

#include "cuda/cuda_backend.h"
#include "cuda/cuda_bridge.h"
#include "support/fake_cuda.h"
#include "support/fake_nccl.h"
#include "support/rank_processes.h"

#include <stdio.h>

enum { PART_BYTES = 700001 }; /* some pieces of the stand-in's, and not a whole number of them */

/* A rank with a GPU of its own. */
typedef struct seat {
    rank_board *board;
    gcr_device *device;
    gcr_queue *queue;
    gcr_event *event;
    gcr_buf *block;
    gcr_bridge *bridge;
    unsigned char *host;
} seat;

static void begin(void)
{
    fake_cuda_reset();
    fake_nccl_reset();
}

static seat sit_down(int rank, rank_board *board, uint64_t bytes)
{
    seat s = { .board = board };

    begin();
    fake_cuda.first_gpu = rank;
    RANK_CHECK(gcr_cuda_device_open(&s.device, 0) == GCR_OK);
    atomic_flag_clear(&s.device->ledger_busy);
    RANK_CHECK(gcr_queue_open(&s.queue, s.device) == GCR_OK);
    RANK_CHECK(gcr_event_open(&s.event, s.device) == GCR_OK);
    RANK_CHECK(gcr_buf_open(&s.block, s.device, GCR_PLACE_DEVICE, bytes) == GCR_OK);
    s.host = malloc(bytes);
    RANK_CHECK(s.host != NULL);
    return s;
}

static void make_id(seat *s, int rank)
{
    gcr_bridge_id id;

    if (rank == 0) {
        RANK_CHECK(gcr_bridge_make_id(&id, s->device) == GCR_OK);
        memcpy(s->board->note, &id, sizeof id);
    }
    rank_meet(s->board, 0);
}

static gcr_status open_bridge(seat *s, int rank, double seconds)
{
    gcr_bridge_spec spec = { .rank = rank, .size = s->board->size, .seconds = seconds };

    make_id(s, rank);
    memcpy(&spec.id, s->board->note, sizeof spec.id);
    return gcr_bridge_open(&s->bridge, s->device, &spec);
}

/* Everything closed, nothing left, no rule broken. */
static void stand_up(seat *s)
{
    gcr_bridge_close(s->bridge);
    gcr_buf_close(s->block);
    gcr_event_close(s->event);
    gcr_queue_close(s->queue);
    gcr_device_close(s->device);
    free(s->host);
    RANK_CHECK(fake_nccl.live == 0);
    RANK_CHECK(fake_cuda.live == 0);
    if (fake_cuda.broken != NULL)
        fprintf(stderr, "%s\n", fake_cuda.broken);
    RANK_CHECK(fake_cuda.broken == NULL);
}

static unsigned char byte_of(int rank, uint64_t i)
{
    return (unsigned char)(rank * 31 + (int)(i % 251) + 1);
}

static void fill(seat *s, int rank, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++)
        s->host[i] = byte_of(rank, i);
    RANK_CHECK(gcr_upload(s->queue, s->block, 0, s->host, GCR_PLACE_HOST, bytes) == GCR_OK);
}

/* Brings `bytes` at `offset` of the block to the host, by the bridge's way to wait. */
static void fetch(seat *s, uint64_t offset, uint64_t bytes)
{
    RANK_CHECK(gcr_download(s->queue, s->host, GCR_PLACE_HOST, s->block, offset, bytes) == GCR_OK);
    RANK_CHECK(gcr_event_record(s->event, s->queue) == GCR_OK);
    RANK_CHECK(gcr_bridge_wait(s->bridge, s->event, 10) == GCR_OK);
}

static gcr_bridge_part part_of(const seat *s, uint64_t offset, uint64_t bytes, int peer,
                               int is_received)
{
    return (gcr_bridge_part){
        .buf = s->block, .offset = offset, .bytes = bytes, .peer = peer, .is_received = is_received
    };
}

/* ---- what works ------------------------------------------------------------------------------ */

static void gather_and_broadcast(int rank, rank_board *board)
{
    const int size = board->size;
    const uint64_t all = (uint64_t)size * PART_BYTES;
    seat s = sit_down(rank, board, all);
    gcr_bridge_part parts[2 * RANK_PROCESSES_MAX];
    gcr_ledger ledger;
    int count = 0;

    RANK_CHECK(open_bridge(&s, rank, 10) == GCR_OK);
    fill(&s, rank, PART_BYTES);
    /* two from each to rank 0, its own among them, in order */
    if (rank > 0) {
        parts[count++] = part_of(&s, 0, 1000, 0, 0);
        parts[count++] = part_of(&s, 1000, PART_BYTES - 1000, 0, 0);
    }
    for (int r = 1; r < size && rank == 0; r++) {
        const uint64_t at = (uint64_t)r * PART_BYTES;

        parts[count++] = part_of(&s, at, 1000, r, 1);
        parts[count++] = part_of(&s, at + 1000, PART_BYTES - 1000, r, 1);
    }
    RANK_CHECK(gcr_bridge_pass(s.queue, s.bridge, parts, count) == GCR_OK);
    ledger = s.queue->ledger;
    RANK_CHECK(ledger.sent_bytes == (rank > 0 ? PART_BYTES : 0));
    RANK_CHECK(ledger.received_bytes == (rank > 0 ? 0 : all - PART_BYTES));
    RANK_CHECK(ledger.sent_calls + ledger.received_calls == (uint64_t)count);
    fetch(&s, 0, rank == 0 ? all : PART_BYTES);
    for (uint64_t i = 0; rank == 0 && i < all; i++)
        RANK_CHECK(s.host[i] == byte_of((int)(i / PART_BYTES), i % PART_BYTES));
    /* and what the last rank has, to all */
    fill(&s, rank, PART_BYTES);
    RANK_CHECK(gcr_bridge_broadcast(s.queue, s.bridge, s.block, 3, PART_BYTES - 3, size - 1) ==
               GCR_OK);
    fetch(&s, 0, PART_BYTES);
    for (uint64_t i = 0; i < PART_BYTES; i++)
        RANK_CHECK(s.host[i] == byte_of(i < 3 ? rank : size - 1, i));
    RANK_CHECK(fake_nccl.groups == (size > 1) && fake_nccl.broadcasts == 1);
    stand_up(&s);
    RANK_CHECK(fake_nccl.destroys == 1 && fake_nccl.aborts == 0);
}

static void test_ranks_send_to_one_of_them_and_one_to_all(void **state)
{
    (void)state;
    for (int size = 1; size <= 4; size++)
        run_ranks(size, gather_and_broadcast);
}

static void send_to_oneself(int rank, rank_board *board)
{
    seat s = sit_down(rank, board, 2 * PART_BYTES);
    gcr_bridge_part parts[2];

    RANK_CHECK(open_bridge(&s, rank, 10) == GCR_OK);
    fill(&s, 5, PART_BYTES);
    parts[0] = part_of(&s, 0, PART_BYTES, 0, 0);
    parts[1] = part_of(&s, PART_BYTES, PART_BYTES, 0, 1);
    RANK_CHECK(gcr_bridge_pass(s.queue, s.bridge, parts, 2) == GCR_OK);
    fetch(&s, PART_BYTES, PART_BYTES);
    for (uint64_t i = 0; i < PART_BYTES; i++)
        RANK_CHECK(s.host[i] == byte_of(5, i));
    stand_up(&s);
}

static void test_one_rank_sends_to_itself(void **state)
{
    (void)state;
    run_ranks(1, send_to_oneself);
}

/* Closing memory does not wait on the host: the GPU frees it behind what still uses it. */
static void close_memory_in_use(int rank, rank_board *board, int is_broadcast)
{
    seat s = sit_down(rank, board, 2 * PART_BYTES);
    gcr_bridge_part parts[2];
    gcr_buf *staging = NULL;

    RANK_CHECK(open_bridge(&s, rank, 10) == GCR_OK);
    fill(&s, 5, PART_BYTES);
    RANK_CHECK(gcr_queue_sync(s.queue) == GCR_OK);
    RANK_CHECK(gcr_buf_open(&staging, s.device, GCR_PLACE_STAGING, 8) == GCR_OK);
    parts[0] = part_of(&s, 0, PART_BYTES, 1 - rank, 0);
    parts[1] = part_of(&s, PART_BYTES, PART_BYTES, 1 - rank, 1);
    RANK_CHECK((is_broadcast ? gcr_bridge_broadcast(s.queue, s.bridge, s.block, 0, PART_BYTES, 0)
                             : gcr_bridge_pass(s.queue, s.bridge, parts, 2)) == GCR_OK);
    gcr_buf_close(s.block);
    s.block = NULL;
    gcr_buf_close(staging); /* waits for memory that was freed before it */
    stand_up(&s);
}

static void close_memory_that_is_passed(int rank, rank_board *board)
{
    close_memory_in_use(rank, board, 0);
}

static void close_memory_that_is_broadcast(int rank, rank_board *board)
{
    close_memory_in_use(rank, board, 1);
}

static void test_memory_is_freed_behind_what_a_bridge_does_with_it(void **state)
{
    (void)state;
    run_ranks(2, close_memory_that_is_passed);
    run_ranks(2, close_memory_that_is_broadcast);
}

/* NCCL takes memory that is nobody's, which what a pool keeps is not: the stand-in refuses it. */
static void open_where_memory_was_freed(int rank, rank_board *board)
{
    seat s = sit_down(rank, board, 100);

    gcr_buf_close(s.block);
    s.block = NULL;
    RANK_CHECK(fake_cuda.kept == 1);
    fake_cuda_let_fail("cudaMemPoolTrimTo", 1, cudaErrorInvalidValue);
    RANK_CHECK(open_bridge(&s, rank, 10) == GCR_EDEVICE);
    RANK_CHECK(s.bridge == NULL);
    RANK_CHECK(fake_nccl.inits == 0);
    RANK_CHECK(open_bridge(&s, rank, 10) == GCR_OK);
    RANK_CHECK(fake_cuda.kept == 0);
    stand_up(&s);
}

static void test_a_pool_gives_back_what_was_freed_before_a_bridge_is_opened(void **state)
{
    (void)state;
    run_ranks(1, open_where_memory_was_freed);
}

/* Nothing of NCCL's is done when its call returns, whatever that says. */
static void take_some_looks(int rank, rank_board *board, int says_success)
{
    seat s = sit_down(rank, board, PART_BYTES);
    gcr_bridge_part part;

    fake_nccl.init_looks = 7;
    fake_nccl.group_looks = 5;
    fake_nccl.finalize_looks = 3;
    fake_nccl.has_no_progress = says_success;
    RANK_CHECK(open_bridge(&s, rank, 10) == GCR_OK);
    RANK_CHECK(fake_nccl.looks >= 7);
    for (int round = 0; round < 3; round++) {
        fill(&s, 1, PART_BYTES);
        part = part_of(&s, 0, PART_BYTES, 1 - rank, rank == 0);
        RANK_CHECK(gcr_bridge_pass(s.queue, s.bridge, &part, 1) == GCR_OK);
        fetch(&s, 0, PART_BYTES);
        RANK_CHECK(s.host[PART_BYTES - 1] == byte_of(1, PART_BYTES - 1));
    }
    RANK_CHECK(gcr_bridge_broadcast(s.queue, s.bridge, s.block, 0, 9, 0) == GCR_OK);
    fetch(&s, 0, 9);
    stand_up(&s);
}

static void take_some_looks_and_say_so(int rank, rank_board *board)
{
    take_some_looks(rank, board, 0);
}

static void take_some_looks_in_silence(int rank, rank_board *board)
{
    take_some_looks(rank, board, 1);
}

static void test_a_communicator_is_waited_for_whenever_it_is_in_progress(void **state)
{
    (void)state;
    run_ranks(2, take_some_looks_and_say_so);
    run_ranks(2, take_some_looks_in_silence);
}

/* ---- what fails ------------------------------------------------------------------------------ */

static void fail_to_open(int rank, rank_board *board, double seconds, const char *expected)
{
    seat s = sit_down(rank, board, 8);
    const gcr_status wanted = seconds < 1 ? GCR_ETIMEOUT : GCR_EDEVICE;

    if (seconds < 1)
        fake_nccl.init_looks = -1;
    else
        fake_cuda.first_gpu = 0; /* that of the other */
    RANK_CHECK(open_bridge(&s, rank, seconds) == wanted);
    RANK_CHECK(s.bridge == NULL);
    RANK_CHECK(strstr(gcr_last_error(), expected) != NULL);
    RANK_CHECK(strstr(gcr_last_error(), rank == 0 ? "rank 0 of 2 (cuda:0, NVIDIA Fake 0)"
                                                  : "rank 1 of 2 (cuda:0, NVIDIA Fake 0)") != NULL);
    RANK_CHECK(strstr(gcr_last_error(), "NCCL_DEBUG=INFO") != NULL);
    RANK_CHECK(fake_nccl.aborts == 1);
    rank_meet(board, 1);
    stand_up(&s);
}

static void wait_in_vain(int rank, rank_board *board)
{
    fail_to_open(rank, board, 0.05, "in 0.05 s");
}

static void share_a_gpu(int rank, rank_board *board)
{
    fail_to_open(rank, board, 10, "invalid usage: Duplicate GPU detected");
}

static void test_ranks_that_do_not_come_are_waited_for_no_longer_than_said(void **state)
{
    (void)state;
    run_ranks(2, wait_in_vain);
}

static void test_two_ranks_on_one_gpu_are_told_so(void **state)
{
    (void)state;
    run_ranks(2, share_a_gpu);
}

/* After a bridge has broken, the GPU computes on. */
static void use_the_gpu(seat *s)
{
    fill(s, 7, 100);
    RANK_CHECK(gcr_download(s->queue, s->host, GCR_PLACE_HOST, s->block, 50, 50) == GCR_OK);
    RANK_CHECK(gcr_queue_sync(s->queue) == GCR_OK);
    RANK_CHECK(s->host[49] == byte_of(7, 99));
}

static void check_broken(seat *s)
{
    const gcr_bridge_part part = part_of(s, 0, 8, 0, 1);

    RANK_CHECK(fake_nccl.aborts == 1);
    RANK_CHECK(gcr_bridge_check(s->bridge) == GCR_EDEVICE);
    RANK_CHECK(gcr_bridge_pass(s->queue, s->bridge, &part, 1) == GCR_EDEVICE);
    RANK_CHECK(gcr_bridge_broadcast(s->queue, s->bridge, s->block, 0, 8, 0) == GCR_EDEVICE);
    RANK_CHECK(strstr(gcr_last_error(), "its bridge of GPUs is broken") != NULL);
    use_the_gpu(s);
}

/* Rank 0 waits for what nobody sends. `how`: its time is up, an error comes, or rank 1 gives up. */
static void receive_in_vain(int rank, rank_board *board, int how)
{
    seat s = sit_down(rank, board, 1000);
    const gcr_bridge_part part = part_of(&s, 0, 1000, 1, 1);

    RANK_CHECK(open_bridge(&s, rank, 10) == GCR_OK);
    if (rank == 0) {
        RANK_CHECK(gcr_bridge_pass(s.queue, s.bridge, &part, 1) == GCR_OK);
        RANK_CHECK(gcr_event_record(s.event, s.queue) == GCR_OK);
        if (how == 1) {
            fake_nccl.async_nth = 12;
            fake_nccl.async_code = ncclSystemError;
        }
        rank_meet(board, 1);
        RANK_CHECK(gcr_bridge_wait(s.bridge, s.event, how == 0 ? 0.05 : 10) ==
                   (how == 0 ? GCR_ETIMEOUT : GCR_EDEVICE));
        if (how == 0)
            RANK_CHECK(strstr(gcr_last_error(), "in 0.05 s") != NULL);
        if (how == 1)
            RANK_CHECK(strstr(gcr_last_error(), "NCCL cannot go on: a failure: a scripted error") !=
                       NULL);
        if (how == 2)
            RANK_CHECK(strstr(gcr_last_error(), "remote process exited") != NULL);
        check_broken(&s);
    } else {
        rank_meet(board, 1);
        if (how == 2)
            gcr_bridge_give_up(s.bridge);
    }
    rank_meet(board,
              2); /* the first to leave takes nothing with it that the other still looks at */
    if (rank == 1 && how != 2)
        gcr_bridge_give_up(s.bridge);
    stand_up(&s);
}

static void receive_too_long(int rank, rank_board *board)
{
    receive_in_vain(rank, board, 0);
}

static void receive_until_an_error(int rank, rank_board *board)
{
    receive_in_vain(rank, board, 1);
}

static void receive_from_one_that_gave_up(int rank, rank_board *board)
{
    receive_in_vain(rank, board, 2);
}

static void test_what_nobody_sends_is_waited_for_no_longer_than_said(void **state)
{
    (void)state;
    run_ranks(2, receive_too_long);
}

static void
test_an_error_that_comes_while_a_rank_waits_breaks_the_link_and_not_the_gpu(void **state)
{
    (void)state;
    run_ranks(2, receive_until_an_error);
}

static void test_a_rank_that_gives_up_is_noticed_by_the_others(void **state)
{
    (void)state;
    run_ranks(2, receive_from_one_that_gave_up);
}

/* The stand-in itself refuses what NCCL leaves undefined. */
static void pass_different_counts(int rank, rank_board *board)
{
    seat s = sit_down(rank, board, 1000);
    const gcr_bridge_part part = part_of(&s, 0, rank == 0 ? 1000 : 999, 1 - rank, rank == 0);

    RANK_CHECK(open_bridge(&s, rank, 10) == GCR_OK);
    RANK_CHECK(gcr_bridge_pass(s.queue, s.bridge, &part, 1) == GCR_OK);
    RANK_CHECK(gcr_event_record(s.event, s.queue) == GCR_OK);
    RANK_CHECK(gcr_bridge_wait(s.bridge, s.event, 10) == GCR_EDEVICE);
    RANK_CHECK(rank == 1 || strcmp(fake_cuda.broken, "NCCL: two ranks pass different counts") == 0);
    fake_cuda.broken = NULL;
    rank_meet(board, 1);
    stand_up(&s);
}

static void mix_operations(int rank, rank_board *board)
{
    seat s = sit_down(rank, board, 1000);
    const gcr_bridge_part part = part_of(&s, 0, 1000, 0, 0);

    RANK_CHECK(open_bridge(&s, rank, 10) == GCR_OK);
    if (rank == 0)
        RANK_CHECK(gcr_bridge_broadcast(s.queue, s.bridge, s.block, 0, 1000, 1) == GCR_OK);
    else
        RANK_CHECK(gcr_bridge_pass(s.queue, s.bridge, &part, 1) == GCR_OK);
    RANK_CHECK(gcr_event_record(s.event, s.queue) == GCR_OK);
    RANK_CHECK(gcr_bridge_wait(s.bridge, s.event, 10) == GCR_EDEVICE);
    RANK_CHECK(rank == 1 ||
               strcmp(fake_cuda.broken, "NCCL: two ranks are at different operations") == 0);
    fake_cuda.broken = NULL;
    rank_meet(board, 1);
    stand_up(&s);
}

static void test_ranks_that_disagree_are_refused(void **state)
{
    (void)state;
    run_ranks(2, pass_different_counts);
    run_ranks(2, mix_operations);
}

/* ---- one rank, each call of NCCL fails once -------------------------------------------------- */

static const char *const calls[] = {
    "ncclGetVersion",
    "ncclGetUniqueId",
    "ncclCommInitRankConfig",
    "ncclCommGetAsyncError",
    "ncclGroupStart",
    "ncclGroupEnd",
    "ncclSend",
    "ncclRecv",
    "ncclBroadcast",
};

static gcr_status drive(seat *s)
{
    gcr_status status = GCR_OK;
    gcr_bridge_spec spec = { .size = 1, .seconds = 10 };
    gcr_bridge_part parts[2];
    char name[GCR_BRIDGE_NAME_BYTES];

    GCR_TRY(gcr_bridge_name(name, s->device));
    GCR_TRY(gcr_bridge_make_id(&spec.id, s->device));
    GCR_TRY(gcr_bridge_open(&s->bridge, s->device, &spec));
    fill(s, 1, 100);
    parts[0] = part_of(s, 0, 100, 0, 0);
    parts[1] = part_of(s, 100, 100, 0, 1);
    GCR_TRY(gcr_bridge_pass(s->queue, s->bridge, parts, 2));
    GCR_TRY(gcr_bridge_broadcast(s->queue, s->bridge, s->block, 0, 100, 0));
    GCR_TRY(gcr_event_record(s->event, s->queue));
    GCR_TRY(gcr_bridge_wait(s->bridge, s->event, 10));
out:
    return status;
}

static void fail_each_call(int rank, rank_board *board)
{
    for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++)
        for (int nth = 1, has_failed = 1; has_failed; nth++) {
            seat s = sit_down(rank, board, 200);
            gcr_status status;

            fake_nccl_let_fail(calls[c], nth, ncclUnhandledCudaError);
            status = drive(&s);
            has_failed = fake_nccl.fail_nth <= 0;
            RANK_CHECK((status != GCR_OK) == has_failed);
            RANK_CHECK(nth > 1 || has_failed); /* each is called at all */
            if (has_failed && c > 2)
                RANK_CHECK(strstr(gcr_last_error(), "rank 0 of 1 (cuda:0, NVIDIA Fake 0): ") !=
                           NULL);
            stand_up(&s);
        }
}

static void test_every_call_that_fails_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    run_ranks(1, fail_each_call);
}

static void end_badly(int rank, rank_board *board)
{
    static const char *const last[] = { "ncclCommFinalize", "ncclCommDestroy" };

    for (int k = 0; k < 2; k++) {
        seat s = sit_down(rank, board, 200);

        RANK_CHECK(drive(&s) == GCR_OK);
        fake_nccl_let_fail(last[k], 1, ncclSystemError);
        gcr_bridge_close(s.bridge);
        s.bridge = NULL;
        RANK_CHECK(fake_nccl.aborts == (k == 0));
        fake_nccl.live = 0; /* what NCCL would not give back */
        stand_up(&s);
    }
}

static void test_a_link_that_does_not_end_is_aborted(void **state)
{
    (void)state;
    run_ranks(1, end_badly);
}

static void lose_the_gpu(int rank, rank_board *board)
{
    seat s = sit_down(rank, board, 200);
    int looks;

    RANK_CHECK(drive(&s) == GCR_OK);
    gcr_cuda_abandon(cudaErrorIllegalAddress);
    looks = fake_nccl.looks;
    RANK_CHECK(gcr_bridge_check(s.bridge) == GCR_EDEVICE);
    RANK_CHECK(strstr(gcr_last_error(), "only a new process") != NULL);
    gcr_bridge_close(s.bridge);
    RANK_CHECK(fake_nccl.looks == looks && fake_nccl.aborts == 0);
}

static void test_nothing_of_nccl_is_called_after_a_gpu_was_lost(void **state)
{
    (void)state;
    run_ranks(1, lose_the_gpu);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void ask_for_nonsense(int rank, rank_board *board)
{
    seat s = sit_down(rank, board, 200);
    gcr_buf *staging = NULL;
    gcr_bridge_spec spec = { .size = 2, .rank = 2, .seconds = 1 };
    gcr_bridge_part part;

    RANK_CHECK(gcr_bridge_open(&s.bridge, s.device, &spec) == GCR_EINVAL);
    spec = (gcr_bridge_spec){ .size = 1 };
    RANK_CHECK(gcr_bridge_open(&s.bridge, s.device, &spec) == GCR_EINVAL);
    RANK_CHECK(strstr(gcr_last_error(), "a limit of time") != NULL);
    RANK_CHECK(drive(&s) == GCR_OK);
    part = part_of(&s, 0, 8, 1, 0);
    RANK_CHECK(gcr_bridge_pass(s.queue, s.bridge, &part, 1) == GCR_EINVAL);
    RANK_CHECK(strstr(gcr_last_error(), "has no rank 1") != NULL);
    part = part_of(&s, 195, 8, 0, 0);
    RANK_CHECK(gcr_bridge_pass(s.queue, s.bridge, &part, 1) == GCR_EINVAL);
    part = part_of(&s, 0, 0, 0, 0);
    RANK_CHECK(gcr_bridge_pass(s.queue, s.bridge, &part, 1) == GCR_EINVAL);
    RANK_CHECK(gcr_buf_open(&staging, s.device, GCR_PLACE_STAGING, 8) == GCR_OK);
    part = part_of(&s, 0, 8, 0, 0);
    part.buf = staging;
    RANK_CHECK(gcr_bridge_pass(s.queue, s.bridge, &part, 1) == GCR_EINVAL);
    gcr_buf_close(staging);
    RANK_CHECK(gcr_bridge_pass(s.queue, s.bridge, &part, GCR_BRIDGE_PARTS_MAX + 1) == GCR_EINVAL);
    RANK_CHECK(gcr_bridge_pass(s.queue, s.bridge, &part, 0) ==
               GCR_OK); /* nothing is little enough */
    RANK_CHECK(gcr_bridge_broadcast(s.queue, s.bridge, s.block, 0, 8, 1) == GCR_EINVAL);
    RANK_CHECK(gcr_bridge_check(s.bridge) == GCR_OK);
    stand_up(&s);
}

static void test_what_makes_no_sense_is_refused_and_breaks_nothing(void **state)
{
    (void)state;
    run_ranks(1, ask_for_nonsense);
}

static void look_for_the_library(int rank, rank_board *board)
{
    seat s = sit_down(rank, board, 8);
    char name[GCR_BRIDGE_NAME_BYTES];
    gcr_bridge_id id;

    fake_nccl.version = 22809;
    RANK_CHECK(gcr_can_bridge(s.device));
    RANK_CHECK(gcr_bridge_name(name, s.device) == GCR_OK && strcmp(name, "NCCL 2.28.9") == 0);
    fake_nccl.version = NCCL_VERSION(2, 17, 1);
    RANK_CHECK(gcr_bridge_make_id(&id, s.device) == GCR_EUNSUPPORTED);
    RANK_CHECK(strstr(gcr_last_error(), "is NCCL 2.17.1, and bridges of GPUs need 2.18") != NULL);
    fake_nccl.version = NCCL_VERSION(3, 0, 0);
    RANK_CHECK(gcr_bridge_name(name, s.device) == GCR_EUNSUPPORTED);
    fake_nccl.is_missing = 1;
    RANK_CHECK(gcr_bridge_name(name, s.device) == GCR_EUNSUPPORTED && name[0] == '\0');
    stand_up(&s);
}

static void test_a_library_that_is_missing_or_of_another_age_is_told(void **state)
{
    (void)state;
    run_ranks(1, look_for_the_library);
}

static void name_the_gpu(int rank, rank_board *board)
{
    seat s = sit_down(rank, board, 8);
    char uuid[GCR_UUID_BYTES];

    snprintf(uuid, sizeof uuid, "GPU-%02x000000-0000-0000-0000-000000000000", (unsigned)rank);
    RANK_CHECK(strcmp(s.device->info.uuid, uuid) == 0);
    stand_up(&s);
}

static void test_a_gpu_has_the_name_that_its_vendor_prints(void **state)
{
    (void)state;
    run_ranks(3, name_the_gpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks_send_to_one_of_them_and_one_to_all),
        cmocka_unit_test(test_one_rank_sends_to_itself),
        cmocka_unit_test(test_memory_is_freed_behind_what_a_bridge_does_with_it),
        cmocka_unit_test(test_a_pool_gives_back_what_was_freed_before_a_bridge_is_opened),
        cmocka_unit_test(test_a_communicator_is_waited_for_whenever_it_is_in_progress),
        cmocka_unit_test(test_ranks_that_do_not_come_are_waited_for_no_longer_than_said),
        cmocka_unit_test(test_two_ranks_on_one_gpu_are_told_so),
        cmocka_unit_test(test_what_nobody_sends_is_waited_for_no_longer_than_said),
        cmocka_unit_test(
            test_an_error_that_comes_while_a_rank_waits_breaks_the_link_and_not_the_gpu),
        cmocka_unit_test(test_a_rank_that_gives_up_is_noticed_by_the_others),
        cmocka_unit_test(test_ranks_that_disagree_are_refused),
        cmocka_unit_test(test_every_call_that_fails_is_told_and_leaves_nothing),
        cmocka_unit_test(test_a_link_that_does_not_end_is_aborted),
        cmocka_unit_test(test_nothing_of_nccl_is_called_after_a_gpu_was_lost),
        cmocka_unit_test(test_what_makes_no_sense_is_refused_and_breaks_nothing),
        cmocka_unit_test(test_a_library_that_is_missing_or_of_another_age_is_told),
        cmocka_unit_test(test_a_gpu_has_the_name_that_its_vendor_prints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
