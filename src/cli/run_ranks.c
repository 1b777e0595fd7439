/* cli/run_ranks.c -- see run_ranks.h. */
#include "cli/run_ranks.h"

#include "base/check.h"
#include "base/memory.h"
#include "comm/comm.h"
#include "comm/started.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- words ----------------------------------------------------------------------------------- */

static int spoken_to[3] = { -1, -1, -1 }; /* where stdout and stderr go else; -1: there */

/* mpirun ends the others as soon as one leaves with a code that is not 0: so the first one, which
 * has something to say, is given the time. */
static void let_first_speak(int code, void *unused)
{
    (void)unused;
    if (code != 0 && spoken_to[STDERR_FILENO] >= 0)
        sleep(1);
}

void gcr_ranks_hush(void)
{
    const int nowhere = gcr_started_behind_first() ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;

    if (nowhere < 0)
        return;
    on_exit(let_first_speak, NULL);
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        spoken_to[fd] = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        dup2(nowhere, fd);
    }
    close(nowhere);
}

void gcr_ranks_speak(void)
{
    fflush(NULL);
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
        if (spoken_to[fd] >= 0) {
            dup2(spoken_to[fd], fd);
            close(spoken_to[fd]);
            spoken_to[fd] = -1;
        }
}

/* ---- which they are -------------------------------------------------------------------------- */

enum { RANKS_MAX = 1 << 16 };

/* Reads a number at *at and moves it behind; -1: there is none that a rank could have. */
static int read_rank(const char **at)
{
    char *end;
    long rank;

    if (!isdigit((unsigned char)**at))
        return -1;
    errno = 0;
    rank = strtol(*at, &end, 10);
    *at = end;
    return errno == 0 && rank < RANKS_MAX ? (int)rank : -1;
}

/* "3" or "3-5" at *at, which is moved behind it; false where it is neither. */
static int read_range(int *first, int *last, const char **at)
{
    *first = *last = read_rank(at);
    if (**at == '-') {
        ++*at;
        *last = read_rank(at);
    }
    return *first >= 0 && *last >= *first && (**at == ',' || **at == '\0');
}

static gcr_status read_list(int *ranks, int *count, const char *list)
{
    gcr_status status = GCR_OK;
    int first, last;

    *count = 0;
    for (const char *at = list;; at++) {
        if (!read_range(&first, &last, &at))
            GCR_FAIL(GCR_EINVAL, "--ranks '%s' is not a list of ranks like 0,2-5", list);
        for (int r = first; r <= last; r++) {
            if (*count == RANKS_MAX)
                GCR_FAIL(GCR_EINVAL, "--ranks '%s' names more than %d ranks", list, RANKS_MAX);
            ranks[(*count)++] = r;
        }
        if (*at == '\0')
            break;
    }
out:
    return status;
}

static gcr_status select_listed(gcr_ranks *ranks, const char *list)
{
    gcr_status status = GCR_OK;
    int *numbers = NULL, count = 0;

    status = gcr_memory_create((void **)&numbers, RANKS_MAX, sizeof *numbers, "ranks");
    if (status == GCR_OK)
        status = read_list(numbers, &count, list);
    GCR_TRY(gcr_comm_agree(ranks->all, status));
    status = gcr_comm_select(&ranks->selected, ranks->all, numbers, count);
    GCR_TRY(gcr_comm_agree(ranks->all, status)); /* what failed may be the selected ones' alone */
    ranks->first = numbers[0];
out:
    gcr_memory_destroy(numbers);
    return status;
}

gcr_status gcr_ranks_open(gcr_ranks *out, const char *list)
{
    gcr_status status = GCR_OK;

    *out = (gcr_ranks){ 0 };
    GCR_TRY(gcr_comm_open(&out->all));
    if (list == NULL)
        out->selected = out->all;
    else
        GCR_TRY(select_listed(out, list));
out:
    return status;
}

void gcr_ranks_close(gcr_ranks *ranks)
{
    if (ranks->all != NULL && gcr_comm_info_of(ranks->all)->size > 1)
        fflush(stdout); /* what is printed is out, whatever the end of MPI may bring */
    if (ranks->selected != ranks->all)
        gcr_comm_close(ranks->selected);
    gcr_comm_close(ranks->all);
    *ranks = (gcr_ranks){ 0 };
}

int gcr_ranks_lead(const gcr_ranks *ranks)
{
    return ranks->all == NULL || gcr_comm_info_of(ranks->all)->rank == ranks->first;
}

int gcr_ranks_are_broken(const gcr_ranks *ranks)
{
    return gcr_comm_is_broken(ranks->all);
}

/* Where only some ranks compute, they have agreed among themselves, and their first has said
 * why. */
static gcr_status end_of_some(const gcr_ranks *ranks, gcr_status mine)
{
    gcr_status status = GCR_OK, of_first = mine;

    GCR_TRY(gcr_comm_broadcast(ranks->all, &of_first, sizeof of_first, ranks->first));
    if (ranks->selected == NULL && of_first != GCR_OK)
        GCR_FAIL(of_first, "the ranks that compute have failed");
    status = mine;
out:
    return status;
}

gcr_status gcr_ranks_end(gcr_ranks *ranks, gcr_status mine, int *exit_code)
{
    gcr_status status = GCR_OK;

    if (gcr_ranks_are_broken(ranks))
        return mine;
    GCR_TRY(gcr_comm_meet(ranks->all)); /* one may be lost since it came, while the first saved */
    GCR_TRY(ranks->selected == ranks->all ? gcr_comm_agree(ranks->all, mine)
                                          : end_of_some(ranks, mine));
    GCR_TRY(gcr_comm_broadcast(ranks->all, exit_code, sizeof *exit_code, ranks->first));
out:
    return gcr_ranks_are_broken(ranks) ? mine : status;
}
