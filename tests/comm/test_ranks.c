/* What ranks are told, agree on and send each other; the same for any number of them, over any
 * way. */
#include "support/ranks.h"

#include "base/check.h"
#include "base/memory.h"
#include "comm/comm.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* ---- numbers that every rank can compute ----------------------------------------------------- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) + b + 1;

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void fill(unsigned char *out, uint64_t bytes, uint64_t seed)
{
    for (uint64_t i = 0; i < bytes; i++)
        out[i] = (unsigned char)(mix(seed, i / 8) >> (i % 8 * 8));
}

static int is_filled(const unsigned char *bytes, uint64_t count, uint64_t seed)
{
    for (uint64_t i = 0; i < count; i++)
        if (bytes[i] != (unsigned char)(mix(seed, i / 8) >> (i % 8 * 8)))
            return 0;
    return 1;
}

static void *allocate(uint64_t bytes)
{
    void *out = malloc(bytes + 1);

    assert_non_null(out);
    return out;
}

/* ---- who they are ---------------------------------------------------------------------------- */

static void test_all_see_the_same_ranks(void **state)
{
    const gcr_comm_info *info = gcr_comm_info_of(ranks);
    const uint64_t bytes = (uint64_t)rank_count * sizeof *info->ranks;
    gcr_rank *of_zero = allocate(bytes);
    char host[GCR_HOST_BYTES] = "";

    (void)state;
    memcpy(of_zero, info->ranks, bytes);
    assert_ok(gcr_comm_broadcast(ranks, of_zero, bytes, 0));
    assert_memory_equal(of_zero, info->ranks, bytes);
    free(of_zero);
    gethostname(host, sizeof host - 1);
    assert_string_equal(info->ranks[rank].host, host);
    assert_int_equal(info->ranks[rank].pid, getpid());
}

/* Nodes are counted in the order of their lowest ranks, which lead them. */
static void test_ranks_of_one_host_are_a_node(void **state)
{
    const gcr_comm_info *info = gcr_comm_info_of(ranks);
    int nodes = 0, of_mine = 0;

    (void)state;
    for (int r = 0; r < rank_count; r++) {
        int leader = 0, before = 0;

        while (strcmp(info->ranks[leader].host, info->ranks[r].host) != 0)
            leader++;
        for (int other = leader; other < r; other++)
            before += strcmp(info->ranks[other].host, info->ranks[r].host) == 0;
        if (leader == r)
            assert_int_equal(info->leaders[nodes++], r);
        assert_int_equal(info->leaders[info->ranks[r].node], leader);
        assert_int_equal(info->ranks[r].node_rank, before);
        of_mine += info->ranks[r].node == info->node;
    }
    assert_int_equal(info->node_count, nodes);
    assert_int_equal(info->node_size, of_mine);
    assert_int_equal(info->node, info->ranks[rank].node);
    assert_int_equal(info->node_rank, info->ranks[rank].node_rank);
}

static int has_loaded(const char *library)
{
    char line[4096];
    FILE *maps = fopen("/proc/self/maps", "re");
    int out = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL)
        out |= strstr(line, library) != NULL;
    fclose(maps);
    return out;
}

static void test_one_rank_does_without_mpi(void **state)
{
    (void)state;
    assert_int_equal(has_loaded("/libmpi"), rank_count > 1);
    assert_int_equal(gcr_comm_info_of(ranks)->library != NULL, rank_count > 1);
}

static const int our_signals[] = { SIGTERM, SIGINT,  SIGHUP,  SIGSEGV, SIGBUS,  SIGFPE,
                                   SIGABRT, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE, SIGALRM };

static void our_handler(int number)
{
    (void)number;
}

static int signals_kept;

/* cmocka has signals of its own while a test runs, so this is done before. */
static int open_with_signals(void **state)
{
    const int count = sizeof our_signals / sizeof *our_signals;

    for (int i = 0; i < count; i++)
        sigaction(our_signals[i], &(struct sigaction){ .sa_handler = our_handler }, NULL);
    if (open_ranks(state) != 0)
        return -1;
    for (int i = 0; i < count; i++) {
        struct sigaction now;

        signals_kept += sigaction(our_signals[i], NULL, &now) == 0 && now.sa_handler == our_handler;
    }
    return 0;
}

static void test_signals_stay_the_programs(void **state)
{
    (void)state;
    assert_int_equal(signals_kept, sizeof our_signals / sizeof *our_signals);
}

/* ---- agreement ------------------------------------------------------------------------------- */

static gcr_status fail_as_rank(int who)
{
    gcr_status status = GCR_OK;

    GCR_FAIL(who % 2 == 0 ? GCR_EIO : GCR_ENOMEM, "rank %d has no luck", who);
out:
    gcr_fail_details(who == 1 ? "line one\nline two\n" : "");
    return status;
}

static void test_all_leave_with_the_sentence_of_the_lowest_that_failed(void **state)
{
    const int all = (1 << rank_count) - 1;

    (void)state;
    for (int failing = 0; failing <= all; failing++) {
        const int lowest = failing != 0 ? __builtin_ctz((unsigned)failing) : 0;
        const gcr_status mine = failing >> rank & 1 ? fail_as_rank(rank) : GCR_OK;
        const gcr_status agreed = gcr_comm_agree(ranks, mine);
        char sentence[256], prefix[128] = "";

        if (failing == 0) {
            assert_int_equal(agreed, GCR_OK);
            continue;
        }
        if (failing != all)
            snprintf(prefix, sizeof prefix, "rank %d on %s: ", lowest,
                     gcr_comm_info_of(ranks)->ranks[lowest].host);
        snprintf(sentence, sizeof sentence, "%srank %d has no luck", prefix, lowest);
        assert_int_equal(agreed, lowest % 2 == 0 ? GCR_EIO : GCR_ENOMEM);
        assert_string_equal(gcr_last_error(), sentence);
        assert_string_equal(gcr_last_error_details(), lowest == 1 ? "line one\nline two\n" : "");
    }
}

static double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Half a second, all of which polling would take. Waiting takes 3 %, on a machine that is busy some
 * more. */
static void test_ranks_that_wait_leave_the_cores_to_others(void **state)
{
    double before;

    (void)state;
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    before = cpu_seconds();
    if (rank == 0)
        usleep(500000);
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    if (cpu_seconds() - before > 0.1)
        fail_msg("waiting took %.1f ms of the processor", 1e3 * (cpu_seconds() - before));
}

/* ---- collective operations ------------------------------------------------------------------- */

static const uint64_t sizes[] = { 0, 1, 7, 4096, 100003, 3 << 20 };
enum { SIZES = sizeof sizes / sizeof *sizes };

static void test_a_broadcast_reaches_all_from_each(void **state)
{
    unsigned char *buffer = allocate(sizes[SIZES - 1]);

    (void)state;
    for (int root = 0; root < rank_count; root++)
        for (int s = 0; s < SIZES; s++) {
            memset(buffer, 0, sizes[s]);
            if (rank == root)
                fill(buffer, sizes[s], (uint64_t)root);
            assert_ok(gcr_comm_broadcast(ranks, buffer, sizes[s], root));
            assert_true(is_filled(buffer, sizes[s], (uint64_t)root));
        }
    free(buffer);
}

static void test_each_gets_what_all_have(void **state)
{
    (void)state;
    for (int s = 0; s < SIZES; s++) {
        unsigned char *mine = allocate(sizes[s]);
        unsigned char *all = allocate(sizes[s] * (uint64_t)rank_count);
        void *copy;

        fill(mine, sizes[s], (uint64_t)rank + 100);
        assert_ok(gcr_comm_gather_all(ranks, mine, sizes[s], all));
        for (int r = 0; r < rank_count; r++)
            assert_true(is_filled(all + (uint64_t)r * sizes[s], sizes[s], (uint64_t)r + 100));
        assert_ok(gcr_comm_gather_new(&copy, ranks, mine, sizes[s], "what all have"));
        assert_memory_equal(copy, all, sizes[s] * (uint64_t)rank_count);
        gcr_memory_destroy(copy);
        free(mine);
        free(all);
    }
}

/* More than an int can count, in little memory: pages of one file, again and again, and the last
 * one on its own. */
static void test_more_than_an_int_can_count_is_broadcast(void **state)
{
    const size_t piece = 16 << 20, page = 4096, bytes = (UINT64_C(1) << 31) + page;
    const int file = memfd_create("test", MFD_CLOEXEC);
    unsigned char *base =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_true(base != MAP_FAILED && file >= 0 && ftruncate(file, (off_t)piece) == 0);
    for (size_t at = 0; at < bytes - page; at += piece)
        assert_true(mmap(base + at, piece, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
                         0) != MAP_FAILED);
    if (rank == 0) {
        fill(base + bytes - page, page, 5);
        fill(base, page, 6);
    }
    assert_ok(gcr_comm_broadcast(ranks, base, bytes, 0));
    assert_true(is_filled(base + bytes - page, page, 5));
    assert_true(is_filled(base, page, 6));
    munmap(base, bytes);
    close(file);
}

/* ---- parts of the ranks ---------------------------------------------------------------------- */

static void test_some_ranks_are_a_comm_of_their_own_in_their_own_order(void **state)
{
    int chosen[16], count = 0, place = -1;
    gcr_comm *part = NULL;

    (void)state;
    for (int r = rank_count - 1; r >= 0; r -= 2) {
        place = r == rank ? count : place;
        chosen[count++] = r;
    }
    assert_ok(gcr_comm_select(&part, ranks, chosen, count));
    assert_int_equal(part != NULL, place >= 0);
    if (part != NULL) {
        const gcr_comm_info *info = gcr_comm_info_of(part);
        int word = place == count - 1 ? 17 : 0;

        assert_int_equal(info->rank, place);
        assert_int_equal(info->size, count);
        assert_int_equal(info->ranks[place].pid, getpid());
        assert_ok(gcr_comm_broadcast(part, &word, sizeof word, count - 1));
        assert_int_equal(word, 17);
        if (count > 1)
            assert_int_equal(gcr_comm_agree(part, place == 1 ? fail_as_rank(1) : GCR_OK),
                             GCR_ENOMEM);
    }
    gcr_comm_close(part);
}

/* ---- messages -------------------------------------------------------------------------------- */

enum { MESSAGES = 200, IN_FLIGHT = 12 };

/* The k-th message of `from`: what it is can be known by all. */
typedef struct letter {
    int to, tag;
    uint64_t count, seed;
} letter;

static letter letter_of(int from, int k)
{
    const uint64_t random = mix((uint64_t)from + 1000, (uint64_t)k);
    const uint64_t longest = k % 20 == 0 ? 2 << 20 : k % 3 == 0 ? 20000 : 64;

    return (letter){ .to = (int)(random % (uint64_t)rank_count),
                     .tag = (int)((random >> 20) % (GCR_TAG_MAX + 1)),
                     .count = (random >> 32) % longest,
                     .seed = random };
}

static int next_letter_to(int to, int from, int k)
{
    while (k < MESSAGES && letter_of(from, k).to != to)
        k++;
    return k;
}

/* expected[from]: the message of `from` that must come next, as it keeps its order. */
static int take_letters(int *expected)
{
    gcr_message got;
    letter wanted;
    int found, count = 0;

    for (;;) {
        assert_ok(gcr_comm_look(&got, &found, ranks));
        if (!found)
            return count;
        assert_in_range(got.from, 0, rank_count - 1);
        assert_true(expected[got.from] < MESSAGES);
        wanted = letter_of(got.from, expected[got.from]);
        assert_int_equal(got.tag, wanted.tag);
        assert_int_equal(got.count, wanted.count);
        assert_true(is_filled(got.bytes, got.count, wanted.seed));
        expected[got.from] = next_letter_to(rank, got.from, expected[got.from] + 1);
        count++;
    }
}

static int has_all(const int *expected)
{
    int out = 1;

    for (int r = 0; r < rank_count; r++)
        out &= expected[r] == MESSAGES;
    return out;
}

static void test_messages_between_all_arrive_whole_and_in_order(void **state)
{
    gcr_send *sends[IN_FLIGHT] = { NULL };
    unsigned char *buffers[IN_FLIGHT];
    int expected[16], sent = 0, open = 0;

    (void)state;
    for (int i = 0; i < IN_FLIGHT; i++)
        buffers[i] = allocate(2 << 20);
    for (int r = 0; r < rank_count; r++)
        expected[r] = next_letter_to(rank, r, 0);
    while (sent < MESSAGES || open > 0 || !has_all(expected)) {
        open = 0;
        for (int i = 0; i < IN_FLIGHT; i++) {
            int is_sent;

            assert_ok(gcr_comm_is_sent(&is_sent, ranks, &sends[i]));
            if (is_sent && sent < MESSAGES) {
                const letter out = letter_of(rank, sent++);

                fill(buffers[i], out.count, out.seed);
                assert_ok(gcr_comm_send(&sends[i], ranks, out.to, out.tag, buffers[i], out.count));
            }
            open += sends[i] != NULL;
        }
        if (take_letters(expected) == 0)
            sched_yield();
    }
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    assert_int_equal(take_letters(expected), 0);
    for (int i = 0; i < IN_FLIGHT; i++)
        free(buffers[i]);
}

static void take_one(int from)
{
    gcr_message got;
    int found = 0;

    while (!found)
        assert_ok(gcr_comm_look(&got, &found, ranks));
    assert_int_equal(got.from, from);
}

/* That it was sent is said in memory that both see, so that MPI is not called in between. */
static void test_one_look_finds_what_was_sent_before(void **state)
{
    const gcr_comm_info *info = gcr_comm_info_of(ranks);
    gcr_shared memory;
    gcr_send *send = NULL;
    gcr_message got;
    int found;

    (void)state;
    if (rank_count == 1 || info->ranks[1].node != 0)
        return;
    assert_ok(gcr_comm_share(&memory, ranks, sizeof(atomic_int), 1, "a flag"));
    for (int is_sent = 0; rank == 1 && is_sent < 2; is_sent++) {
        assert_ok(gcr_comm_send(&send, ranks, 0, 1, "here", 4)); /* the first connects them */
        atomic_store((atomic_int *)memory.base, is_sent);
        assert_ok(gcr_comm_finish_send(ranks, &send));
    }
    if (rank == 0) {
        take_one(1);
        while (atomic_load((atomic_int *)memory.base) == 0)
            sched_yield();
        assert_ok(gcr_comm_look(&got, &found, ranks));
        assert_true(found);
    }
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    gcr_shared_clear(&memory);
}

/* What is sent and never looked for: the end must neither wait for it nor leave it to others. */
static void test_messages_that_nobody_takes_are_dropped(void **state)
{
    unsigned char *long_one = calloc(1, 3 << 20);
    gcr_comm *copy = NULL;
    gcr_message got;
    int all[16], found;

    (void)state;
    for (int r = 0; r < rank_count; r++)
        all[r] = r;
    assert_ok(gcr_comm_select(&copy, ranks, all, rank_count));
    for (int to = 0; to < rank_count; to++) {
        gcr_send *sends[2];

        assert_ok(gcr_comm_send(&sends[0], copy, to, 1, "lost", 4));
        assert_ok(gcr_comm_send(&sends[1], copy, to, 2, long_one, 3 << 20));
    }
    gcr_comm_close(copy);
    free(long_one);
    assert_ok(gcr_comm_look(&got, &found, ranks));
    assert_false(found);
}

static int given_back;

static void give_back(void *bytes)
{
    given_back++;
    free(bytes);
}

static void take_first(const char *begin, uint64_t count)
{
    gcr_message got;
    int found = 0;

    while (!found)
        assert_ok(gcr_comm_look(&got, &found, ranks));
    assert_int_equal(got.count, count);
    assert_memory_equal(got.bytes, begin, strlen(begin));
}

/* A short one may be written over as soon as it is sent, and a long one left to the comm. */
static void test_messages_outlive_those_who_send_them(void **state)
{
    const int to = (rank + 1) % rank_count;
    char words[] = "first", *long_one = calloc(1, 3 << 20);
    gcr_send *sends[3];

    (void)state;
    given_back = 0;
    memcpy(long_one, "third", 5);
    assert_ok(gcr_comm_agree(ranks, GCR_OK)); /* nobody looks for messages of another test */
    for (int i = 0; i < 2; i++) {
        assert_ok(gcr_comm_send(&sends[i], ranks, to, 1, words, sizeof words));
        memcpy(words, i == 0 ? "later" : "never", sizeof words);
    }
    assert_ok(gcr_comm_send(&sends[2], ranks, to, 1, long_one, 3 << 20));
    gcr_comm_leave_send(ranks, &sends[2], long_one, give_back);
    assert_null(sends[2]);
    gcr_comm_leave_send(ranks, &sends[2], malloc(1), give_back);
    assert_true(given_back >= 1);
    take_first("first", sizeof words);
    take_first("later", sizeof words);
    take_first("third", 3 << 20);
    for (int i = 0; i < 2; i++)
        assert_ok(gcr_comm_finish_send(ranks, &sends[i]));
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
}

/* Where nobody looks for it. */
static void test_a_comm_gives_back_what_was_left_to_it(void **state)
{
    gcr_comm *copy = NULL;
    gcr_send *send = NULL;
    char *long_one = calloc(1, 3 << 20);
    int all[16];

    (void)state;
    for (int r = 0; r < rank_count; r++)
        all[r] = r;
    assert_ok(gcr_comm_select(&copy, ranks, all, rank_count));
    given_back = 0;
    assert_ok(gcr_comm_send(&send, copy, (rank + 1) % rank_count, 1, long_one, 3 << 20));
    gcr_comm_leave_send(copy, &send, long_one, give_back);
    gcr_comm_close(copy);
    assert_int_equal(given_back, 1);
}

static void test_a_message_that_is_too_long_is_refused(void **state)
{
    gcr_send *send = NULL;

    (void)state;
    assert_status(gcr_comm_send(&send, ranks, 0, 0, "", GCR_MESSAGE_MAX_BYTES + 1), GCR_EINVAL);
    assert_null(send);
}

/* test_ranks [large]: what takes seconds alone. */
int main(int argc, char **argv)
{
    const struct CMUnitTest large[] = {
        RANK_TEST(test_more_than_an_int_can_count_is_broadcast),
    };
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_all_see_the_same_ranks),
        RANK_TEST(test_ranks_of_one_host_are_a_node),
        RANK_TEST(test_one_rank_does_without_mpi),
        RANK_TEST(test_signals_stay_the_programs),
        RANK_TEST(test_all_leave_with_the_sentence_of_the_lowest_that_failed),
        RANK_TEST(test_ranks_that_wait_leave_the_cores_to_others),
        RANK_TEST(test_a_broadcast_reaches_all_from_each),
        RANK_TEST(test_each_gets_what_all_have),
        RANK_TEST(test_some_ranks_are_a_comm_of_their_own_in_their_own_order),
        RANK_TEST(test_messages_between_all_arrive_whole_and_in_order),
        RANK_TEST(test_one_look_finds_what_was_sent_before),
        RANK_TEST(test_messages_that_nobody_takes_are_dropped),
        RANK_TEST(test_messages_outlive_those_who_send_them),
        RANK_TEST(test_a_comm_gives_back_what_was_left_to_it),
        RANK_TEST(test_a_message_that_is_too_long_is_refused),
    };

    if (argc > 1 && strcmp(argv[1], "large") == 0)
        return cmocka_run_group_tests(large, open_ranks, close_ranks);
    return cmocka_run_group_tests(tests, open_with_signals, close_ranks);
}
