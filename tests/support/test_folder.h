/*
 * tests/support/test_folder.h -- a folder of its own for each test, where compiled code is kept,
 * too.
 */
#ifndef TEST_FOLDER_H
#define TEST_FOLDER_H

#include "support/gcr_test.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char test_folder[64];

/* Valid until the next call. */
static inline const char *in_folder(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", test_folder, name);
    return path;
}

static inline int count_entries(const char *folder)
{
    DIR *entries = opendir(folder);
    int count = -2; /* . and .. */

    assert_non_null(entries);
    while (readdir(entries) != NULL)
        count++;
    closedir(entries);
    return count;
}

/* Setup of a test; `cache` in the folder is not made yet. */
static inline int test_folder_begin(void **state)
{
    (void)state;
    strcpy(test_folder, "/tmp/gridcrunch-test-XXXXXX");
    if (mkdtemp(test_folder) == NULL)
        return -1;
    return setenv("GRIDCRUNCH_CACHE", in_folder("cache"), 1);
}

static inline int test_folder_remove(const char *path, const struct stat *info, int kind,
                                     struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

/* Its teardown. */
static inline int test_folder_end(void **state)
{
    (void)state;
    return nftw(test_folder, test_folder_remove, 8, FTW_DEPTH | FTW_PHYS);
}

#endif /* TEST_FOLDER_H */
