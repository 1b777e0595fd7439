/*
 * cli/read_hdf5/read_hdf5.c -- gridcrunch-read-hdf5 PATH [NAME...]: reads arrays from a file that
 * nobody has checked, and hands them back as data/h5_answer.h says.
 *
 * A program of its own so that it may die: libhdf5 does, of damaged files. It is started by the
 * library, with bounds on memory and time, and without plugins, links out of the file, or storage
 * elsewhere.
 */
#include "cli/read_hdf5/h5_arrays.h"

#include "data/h5_answer.h"

#include "base/check.h"

#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Addresses: what the machine has. Time: generous for a slow disk, and an end for an endless loop.
 * A sanitizer's shadow needs more addresses than any bound. */
static void limit(const char *path)
{
    const uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    struct stat stat_of = { .st_size = 0 };
    const struct rlimit none = { 0, 0 }, addresses = { memory, memory };
    struct rlimit seconds = { 30, 30 };

    if (stat(path, &stat_of) == 0)
        seconds.rlim_cur = seconds.rlim_max = 30 + (rlim_t)stat_of.st_size / (1 << 20);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_CPU, &seconds);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    setrlimit(RLIMIT_AS, &addresses);
#else
    (void)addresses;
#endif
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody waits for the answer any more */
    signal(SIGINT, SIG_IGN);          /* Ctrl-C is for the one that started us */
}

/* File locking would refuse files on folders that are only to be read. */
static gcr_status close_doors(void)
{
    gcr_status status = GCR_OK;

    unsetenv("HDF5_PLUGIN_PATH");
    unsetenv("HDF5_PLUGIN_PRELOAD");
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
    if (H5open() < 0 || H5Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0 || H5PLset_loading_state(0) < 0 ||
        H5Lunregister(H5L_TYPE_EXTERNAL) < 0)
        GCR_FAIL(GCR_EFORMAT, "libhdf5 does not start");
out:
    return status;
}

static gcr_status map_memory(void **out, uint64_t bytes)
{
    gcr_status status = GCR_OK;

    *out = MAP_FAILED;
    if (ftruncate(GCR_H5_DESCRIPTOR, (off_t)bytes) == 0)
        *out = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, GCR_H5_DESCRIPTOR, 0);
    if (*out == MAP_FAILED)
        GCR_FAIL(GCR_ENOMEM, "no memory for the arrays of an HDF5 file");
out:
    return status;
}

static gcr_status answer(const char *path, char *const *names, int count)
{
    gcr_status status = GCR_OK;
    gcr_h5_arrays arrays = { .path = path, .names = names, .name_count = count };
    void *memory = NULL;

    GCR_TRY(close_doors());
    GCR_TRY(gcr_h5_arrays_open(&arrays));
    GCR_TRY(map_memory(&memory, arrays.bytes));
    GCR_TRY(gcr_h5_arrays_fill(memory, &arrays));
    ((gcr_h5_answer *)memory)->count = (uint32_t)arrays.count;
    ((gcr_h5_answer *)memory)->magic = GCR_H5_ANSWER_MAGIC;
out:
    gcr_h5_arrays_close(&arrays);
    return status;
}

static int refuse(gcr_status failure)
{
    gcr_h5_answer *memory = NULL;
    char sentence[GCR_H5_SENTENCE_BYTES];

    snprintf(sentence, sizeof sentence, "%s", gcr_last_error());
    if (map_memory((void **)&memory, sizeof *memory) != GCR_OK)
        return 1;
    memory->failure = (int32_t)failure;
    strcpy(memory->sentence, sentence);
    memory->magic = GCR_H5_ANSWER_MAGIC;
    return 0;
}

int main(int argc, char **argv)
{
    gcr_status status;

    if (argc < 2 || fcntl(GCR_H5_DESCRIPTOR, F_GET_SEALS) < 0) {
        fprintf(stderr, "%s is started by gridcrunch, to read HDF5 files\n", argv[0]);
        return 2;
    }
    limit(argv[1]);
    status = answer(argv[1], argv + 2, argc - 2);
    return status == GCR_OK ? 0 : refuse(status);
}
