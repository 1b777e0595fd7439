/*
 * tests/support/rank_processes.h -- ranks as processes of a test: what mpirun would start, in a few
 * milliseconds and without it.
 *
 * A body runs in each process and returns nothing: what is wrong ends the process with a line on
 * stderr. cmocka knows the first process alone.
 */
#ifndef GCR_RANK_PROCESSES_H
#define GCR_RANK_PROCESSES_H

#include "support/gcr_test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RANK_NOTE_BYTES = 4096, RANK_PROCESSES_MAX = 8 };

/* What all ranks of a test see. */
typedef struct rank_board {
    _Atomic int arrived[16]; /* at each meeting */
    int size;
    unsigned char note[RANK_NOTE_BYTES];                      /* what one tells all */
    unsigned char notes[RANK_PROCESSES_MAX][RANK_NOTE_BYTES]; /* what each says     */
} rank_board;

typedef void rank_body(int rank, rank_board *board);

/* Goes on when all ranks are at meeting `k`, 0 .. 15; a rank that has failed never is. */
static inline void rank_meet(rank_board *board, int k)
{
    atomic_fetch_add(&board->arrived[k], 1);
    for (int waited = 0; atomic_load(&board->arrived[k]) < board->size; waited++) {
        if (waited > 200000) {
            fprintf(stderr, "the other ranks do not come to meeting %d\n", k);
            _exit(1);
        }
        usleep(100);
    }
}

/* For bodies, in place of cmocka's. */
#define RANK_CHECK(what)                                                                           \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #what, gcr_last_error());      \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static inline void run_ranks(int size, rank_body *body)
{
    rank_board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child[RANK_PROCESSES_MAX];
    int failed = 0;

    assert_true(board != MAP_FAILED && size <= RANK_PROCESSES_MAX);
    board->size = size;
    fflush(NULL);
    for (int r = 0; r < size; r++) {
        child[r] = fork();
        if (child[r] == 0) {
            body(r, board);
            _exit(0);
        }
        assert_true(child[r] > 0);
    }
    for (int r = 0; r < size; r++) {
        int how = 0;

        waitpid(child[r], &how, 0);
        if (how != 0)
            fprintf(stderr, "rank %d of %d failed (%d)\n", r, size, how);
        failed += how != 0;
    }
    munmap(board, sizeof *board);
    assert_int_equal(failed, 0);
}

#endif /* GCR_RANK_PROCESSES_H */
