/* The datasets of a job on many ranks. Each node has files of its own, whatever there is between
 * nodes. */
#include "support/ranks.h"
#include "support/test_folder.h"

#include "exec/share_data.h"

#include "base/check.h"
#include "base/memory.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SMALL = 40, LARGE = 1 << 18 }; /* rows */

/* Their memory is not what is asked for. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

static const gcr_comm_info *info;
static char node_folder[80]; /* of this node's files, in the one of all */

/* ---- nodes and their files ------------------------------------------------------------------- */

static int setup(void **state)
{
    if (open_ranks(state) != 0)
        return -1;
    info = gcr_comm_info_of(ranks);
    if (rank == 0 && test_folder_begin(state) != 0)
        return -1;
    assert_ok(gcr_comm_broadcast(ranks, test_folder, sizeof test_folder, 0));
    snprintf(node_folder, sizeof node_folder, "%s/%d", test_folder, info->node);
    return info->node_rank > 0 || mkdir(node_folder, 0700) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    if (rank == 0 && test_folder_end(state) != 0)
        return -1;
    return close_ranks(state);
}

/* The file of this node: by its leader, when nobody reads what was there, and all wait for
 * theirs. */
static void put_file(const char *name, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", node_folder, name);
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    if (info->node_rank == 0) {
        remove(path);
        if (text != NULL) {
            file = fopen(path, "w");
            assert_non_null(file);
            assert_true(fputs(text, file) >= 0);
            assert_int_equal(fclose(file), 0);
        }
    }
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
}

static const char TABLE[] = "k,x1,x2,y\n"
                            "caf\xc3\xa9,1,2.5,3\n"
                            "caf\xc3\xa9,4,-1,7\n"
                            "b,0.1,1e300,inf\n"
                            "b,NA,1,1\n"
                            "c,5,6,7\n"
                            "gone,1,2,NA\n";

typedef struct table_job {
    gcr_job job;
    char *names[1];
} table_job;

static const gcr_job *job_of(table_job *t, const char *name)
{
    t->names[0] = (char *)name;
    t->job = (gcr_job){ .folder = node_folder,
                        .data = { .key = (char *)"k",
                                  .y = (char *)"y",
                                  .standardize = GCR_STANDARDIZE_X,
                                  .sources = { .names = t->names, .count = 1 } } };
    return &t->job;
}

static gcr_job synthetic_job(int64_t rows)
{
    return (gcr_job){ .seed = 9, .data = { .synthetic = { 3, rows, 0, 2, 0.1 } } };
}

static uint64_t table_bytes(const gcr_datasets *datasets)
{
    uint64_t bytes = 0;

    for (uint64_t d = 0; d < datasets->count; d++)
        bytes += gcr_dataset_bytes(&datasets->items[d]);
    return bytes;
}

/* Nodes of more than one rank, each with its memory. */
static uint64_t sharing_nodes(void)
{
    uint64_t count = 0;

    for (int r = 0; r < info->size; r++)
        count += info->ranks[r].node_rank == 1;
    return count;
}

/* ---- what all have --------------------------------------------------------------------------- */

static void assert_same_datasets(const gcr_datasets *got, const gcr_datasets *want)
{
    assert_int_equal(got->count, want->count);
    assert_int_equal(got->skipped_count, want->skipped_count);
    assert_int_equal(got->standardized, want->standardized);
    for (uint64_t d = 0; d < want->count; d++) {
        const gcr_dataset *a = &got->items[d], *b = &want->items[d];
        const size_t bytes = (size_t)b->rows * sizeof(double);

        assert_string_equal(a->key, b->key);
        assert_int_equal(a->rows, b->rows);
        assert_memory_equal(a->x, b->x, bytes * (size_t)b->features);
        assert_memory_equal(a->y, b->y, bytes);
        assert_int_equal(a->dropped, b->dropped);
        assert_memory_equal(a->identity, b->identity, sizeof b->identity);
    }
}

/* The file that memory is in has no more of it than the ledger says. */
static void assert_takes(const gcr_shared *memory)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    struct stat of;

    if (memory->file < 0)
        return;
    assert_int_equal(fstat(memory->file, &of), 0);
    assert_int_equal(of.st_blocks * 512, (memory->bytes + page - 1) / page * page);
}

static void test_a_node_reads_its_files_once(void **state)
{
    const uint64_t nodes = (uint64_t)info->node_count;
    gcr_shared_datasets shared;
    gcr_datasets want;
    table_job t;

    (void)state;
    put_file("t.csv", TABLE);
    assert_ok(gcr_datasets_share(&shared, ranks, job_of(&t, "t.csv")));
    assert_ok(gcr_datasets_load(&want, &t.job));
    assert_int_equal(want.count, 3);
    assert_same_datasets(&shared.datasets, &want);
    assert_int_equal(shared.ledger.table_bytes, table_bytes(&want));
    assert_int_equal(shared.ledger.read_bytes, nodes * table_bytes(&want));
    assert_int_equal(shared.ledger.shared_bytes, sharing_nodes() * shared.memory.bytes);
    assert_int_equal(shared.ledger.sent_bytes, 0);
    assert_int_equal(shared.ledger.reading_nodes, nodes);
    assert_int_equal(shared.ledger.receiving_nodes, 0);
    assert_takes(&shared.memory);
    assert_int_equal(shared.memory.base == NULL, info->node_size == 1);
    gcr_datasets_clear(&want);
    gcr_shared_datasets_clear(&shared);
}

/* The last one has them, as a table; others have none, or a folder of that name. */
static void test_nodes_without_files_are_sent_them_once(void **state)
{
    const uint64_t others = (uint64_t)info->node_count - 1;
    const int has_it = info->node == info->node_count - 1;
    gcr_shared_datasets shared;
    gcr_datasets want;
    char path[128];
    table_job t;

    (void)state;
    put_file("t.csv", has_it ? TABLE : NULL);
    put_file("u.csv", TABLE);
    snprintf(path, sizeof path, "%s/t.csv", node_folder);
    if (!has_it && info->node == 0 && info->node_rank == 0)
        assert_int_equal(mkdir(path, 0700), 0);
    assert_ok(gcr_datasets_share(&shared, ranks, job_of(&t, "t.csv")));
    assert_ok(gcr_datasets_load(&want, job_of(&t, "u.csv")));
    assert_same_datasets(&shared.datasets, &want);
    assert_int_equal(shared.ledger.read_bytes, table_bytes(&want));
    assert_int_equal(shared.ledger.reading_nodes, 1);
    assert_int_equal(shared.ledger.receiving_nodes, others);
    if (others > 0) {
        assert_int_equal(shared.ledger.sent_bytes, others * shared.memory.bytes);
        assert_int_equal(shared.ledger.shared_bytes, sharing_nodes() * shared.memory.bytes);
    }
    gcr_datasets_clear(&want);
    gcr_shared_datasets_clear(&shared);
    put_file("t.csv", NULL);
}

/* Names and gaps are little where tables are not: what is sent is the datasets. */
static void test_what_moves_is_the_distinct_bytes(void **state)
{
    const gcr_job job = synthetic_job(LARGE / 4);
    gcr_shared_datasets shared;

    (void)state;
    assert_ok(gcr_datasets_share(&shared, ranks, &job));
    assert_in_range(shared.ledger.shared_bytes, sharing_nodes() * shared.ledger.table_bytes,
                    sharing_nodes() * (shared.ledger.table_bytes + 1024));
    assert_non_null(shared.datasets.items[0].recipe);
    gcr_shared_datasets_clear(&shared);
}

static sigjmp_buf after_the_fault;

static void on_fault(int signal)
{
    (void)signal;
    siglongjmp(after_the_fault, 1);
}

static void test_nobody_can_write_to_what_is_shared(void **state)
{
    const gcr_job job = synthetic_job(SMALL);
    struct sigaction before, mine = { .sa_handler = on_fault };
    gcr_shared_datasets shared;
    volatile int has_written = 0;

    (void)state;
    assert_ok(gcr_datasets_share(&shared, ranks, &job));
    sigaction(SIGSEGV, &mine, &before);
    if (shared.memory.base != NULL && sigsetjmp(after_the_fault, 1) == 0) {
        *(volatile double *)shared.datasets.items[1].y = 1;
        has_written = 1;
    }
    sigaction(SIGSEGV, &before, NULL);
    assert_false(has_written);
    gcr_shared_datasets_clear(&shared);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static uint64_t proportional_bytes(void)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "re");

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Pss: %llu", &kib) == 1)
            break;
    fclose(file);
    return kib << 10;
}

static uint64_t sum_over_ranks(uint64_t mine)
{
    uint64_t *all = calloc((size_t)rank_count, sizeof *all), sum = 0;

    assert_ok(gcr_comm_gather_all(ranks, &mine, sizeof mine, all));
    for (int r = 0; r < rank_count; r++)
        sum += all[r];
    free(all);
    return sum;
}

/* Three of 6 MiB, all looked at by all. */
static void test_a_node_has_one_copy_however_many_ranks(void **state)
{
    const gcr_job job = synthetic_job(LARGE);
    const uint64_t before = sum_over_ranks(proportional_bytes());
    gcr_shared_datasets shared;
    volatile double sum = 0;
    uint64_t grown;

    (void)state;
    if (IS_SANITIZED)
        return;
    assert_ok(gcr_datasets_share(&shared, ranks, &job));
    for (uint64_t d = 0; d < shared.datasets.count; d++)
        for (int64_t i = 0; i < 2 * LARGE; i++)
            sum += shared.datasets.items[d].x[i];
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    grown = sum_over_ranks(proportional_bytes()) - before;
    if (before > 0) /* else this system does not say */
        assert_in_range(grown, 0,
                        (uint64_t)info->node_count * shared.ledger.table_bytes * 11 / 10 +
                            (uint64_t)rank_count * (2 << 20));
    assert_ok(gcr_comm_agree(ranks, GCR_OK)); /* all have looked */
    gcr_shared_datasets_clear(&shared);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* On every rank, soon, and nothing is left. */
static void assert_all_are_refused(const gcr_job *job, gcr_status expected, const char *sentence)
{
    const gcr_shared_datasets nothing = { .memory = { .file = -1 } };
    const uint64_t live = gcr_memory_live_bytes();
    const double begin = seconds_now();
    gcr_shared_datasets shared;
    const gcr_status got = gcr_datasets_share(&shared, ranks, job);
    char mine[1024], first[1024];

    assert_true(seconds_now() - begin < 5);
    assert_string_equal(gcr_status_name(got), gcr_status_name(expected));
    assert_error_mentions(sentence);
    assert_memory_equal(&shared, &nothing, sizeof nothing);
    assert_int_equal(gcr_memory_live_bytes(), live);
    snprintf(mine, sizeof mine, "%s", gcr_last_error());
    memcpy(first, mine, sizeof first);
    assert_ok(gcr_comm_broadcast(ranks, first, sizeof first, 0));
    assert_string_equal(mine, first);
}

static void test_files_that_are_nowhere_are_missed_once(void **state)
{
    table_job t;

    (void)state;
    put_file("t.csv", NULL);
    assert_all_are_refused(job_of(&t, "t.csv"), GCR_EINVAL, "there is no file");
    assert_null(strstr(gcr_last_error(), "rank"));
}

static void test_a_wrong_job_is_refused_once(void **state)
{
    table_job t;

    (void)state;
    put_file("t.csv", TABLE);
    job_of(&t, "t.csv");
    t.job.data.y = (char *)"z";
    assert_all_are_refused(&t.job, GCR_EINVAL, "'z'");
    assert_null(strstr(gcr_last_error(), "rank"));
}

static void test_a_damaged_file_is_not_made_good_by_another_nodes(void **state)
{
    const int last = info->node_count - 1;
    char who[128];
    table_job t;

    (void)state;
    put_file("t.csv", info->node == last ? "k,x1,x2,y\na,1,2,oops\n" : TABLE);
    assert_all_are_refused(job_of(&t, "t.csv"), GCR_EFORMAT, "'oops' is not a number");
    snprintf(who, sizeof who, "rank %d on %s: ", info->leaders[last],
             info->ranks[info->leaders[last]].host);
    if (rank_count > 1 && last > 0)
        assert_int_equal(strncmp(gcr_last_error(), who, strlen(who)), 0);
}

static void test_nodes_that_have_read_other_data_are_named(void **state)
{
    const int last = info->node_count - 1;
    table_job t;

    (void)state;
    put_file("t.csv", info->node == last ? "k,x1,x2,y\na,1,2,3\n" : TABLE);
    if (last == 0)
        return;
    assert_all_are_refused(job_of(&t, "t.csv"), GCR_ECONFLICT, "all need the same data");
    assert_error_mentions(info->ranks[0].host);
    assert_error_mentions(info->ranks[info->leaders[last]].host);
    assert_error_mentions("(3 with 96 B, 1 with 24 B)");
}

/* The leader of the last node may not make a file of that size. */
static void test_no_memory_on_one_node_is_said_by_all(void **state)
{
    const gcr_job job = synthetic_job(SMALL);
    const int is_poor = info->leaders[info->node_count - 1] == rank;
    const int is_asked = info->node_count == (int)sharing_nodes();
    struct rlimit before, poor;

    (void)state;
    if (!is_asked)
        return; /* a rank alone on its node asks for none */
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    poor = (struct rlimit){ 512, before.rlim_max };
    if (is_poor)
        setrlimit(RLIMIT_FSIZE, &poor);
    assert_all_are_refused(&job, GCR_ENOMEM, "no memory for the datasets of a node");
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
}

static uint64_t address_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The last rank, which only looks on, has no room to see what the leader has. */
static void test_no_memory_on_one_rank_is_said_by_all(void **state)
{
    const gcr_job job = synthetic_job(LARGE);
    const int is_poor = rank == rank_count - 1;
    struct rlimit before, poor;
    char who[128];

    (void)state;
    if (IS_SANITIZED || info->ranks[rank_count - 1].node_rank == 0)
        return;
    getrlimit(RLIMIT_AS, &before);
    poor = (struct rlimit){ address_bytes() + (4 << 20), before.rlim_max };
    if (is_poor)
        setrlimit(RLIMIT_AS, &poor);
    snprintf(who, sizeof who, "rank %d on %s: no memory for the datasets of a node", rank_count - 1,
             info->ranks[rank_count - 1].host);
    assert_all_are_refused(&job, GCR_ENOMEM, who);
    setrlimit(RLIMIT_AS, &before);
}

/* ---- datasets that programs have made -------------------------------------------------------- */

static void test_ranks_that_have_made_other_datasets_are_named(void **state)
{
    double x[] = { 1, 2, 3 }, y[] = { 4, 5, 6 };
    const gcr_borrowed table = { .key = "theirs", .rows = 3, .x = x, .y = y };
    const gcr_borrow_spec spec = { .items = &table, .count = 1, .features = 1 };
    gcr_datasets datasets;
    char who[160];

    (void)state;
    assert_ok(gcr_datasets_borrow(&datasets, &spec));
    assert_ok(gcr_datasets_compare(ranks, &datasets));
    if (rank == rank_count - 1)
        y[2] = nextafter(6, 7);
    if (rank_count > 1) {
        assert_status(gcr_datasets_compare(ranks, &datasets), GCR_ECONFLICT);
        snprintf(who, sizeof who, "of rank 0 on %s are not those of rank %d on",
                 info->ranks[0].host, rank_count - 1);
        assert_error_mentions(who);
    }
    gcr_datasets_clear(&datasets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_a_node_reads_its_files_once),
        RANK_TEST(test_nodes_without_files_are_sent_them_once),
        RANK_TEST(test_what_moves_is_the_distinct_bytes),
        RANK_TEST(test_nobody_can_write_to_what_is_shared),
        RANK_TEST(test_a_node_has_one_copy_however_many_ranks),
        RANK_TEST(test_files_that_are_nowhere_are_missed_once),
        RANK_TEST(test_a_wrong_job_is_refused_once),
        RANK_TEST(test_a_damaged_file_is_not_made_good_by_another_nodes),
        RANK_TEST(test_nodes_that_have_read_other_data_are_named),
        RANK_TEST(test_no_memory_on_one_node_is_said_by_all),
        RANK_TEST(test_no_memory_on_one_rank_is_said_by_all),
        RANK_TEST(test_ranks_that_have_made_other_datasets_are_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
