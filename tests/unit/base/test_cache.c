/* The folder of compiled kernels: where it is, who may write it, what is trusted in it. */
#include "support/gcr_test.h"
#include "support/test_folder.h"

#include "base/cache.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* No other folder is named by the environment. */
static int begin(void **state)
{
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    return test_folder_begin(state) != 0 ? -1 : setenv("TMPDIR", test_folder, 1);
}

/* Keeps an object with some bytes as NAME, and returns its path. */
static char *keep(const gcr_cache *cache, const char *name)
{
    char *object = NULL, *work = NULL, file[300];
    int is_there;

    assert_ok(gcr_cache_find(&object, &is_there, cache, name));
    assert_false(is_there);
    assert_ok(gcr_cache_work_open(&work, cache));
    assert_ok(gcr_cache_write(work, "object.so", "some bytes", 10));
    snprintf(file, sizeof file, "%s/object.so", work);
    assert_ok(gcr_cache_keep(cache, file, object));
    gcr_cache_work_close(work);
    return object;
}

/* As if the object had been used last so many hours ago. */
static void age(const gcr_cache *cache, const char *name, int hours)
{
    const struct timespec used[2] = { { .tv_sec = time(NULL) - 3600 * hours },
                                      { .tv_sec = time(NULL) - 3600 * hours } };
    char object[300];

    snprintf(object, sizeof object, "%s/%s", cache->folder, name);
    assert_int_equal(utimensat(AT_FDCWD, object, used, 0), 0);
}

static void keep_of_age(const gcr_cache *cache, const char *name, int hours)
{
    free(keep(cache, name));
    age(cache, name, hours);
}

static int is_in(const gcr_cache *cache, const char *name)
{
    char object[300];

    snprintf(object, sizeof object, "%s/%s", cache->folder, name);
    return access(object, F_OK) == 0;
}

static int is_there(const gcr_cache *cache, const char *name)
{
    char *object = NULL;
    int found;

    assert_ok(gcr_cache_find(&object, &found, cache, name));
    free(object);
    return found;
}

static void test_it_is_made_for_its_user_alone(void **state)
{
    const mode_t mask = umask(0);
    struct stat info;
    gcr_cache cache;

    (void)state;
    assert_ok(gcr_cache_open(&cache));
    umask(mask);
    assert_string_equal(cache.folder, in_folder("cache"));
    assert_int_equal(stat(cache.folder, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    gcr_cache_close(&cache);
    assert_int_equal(access(in_folder("cache"), F_OK), 0);
}

static void test_without_a_name_of_its_own_it_is_in_the_users_cache(void **state)
{
    gcr_cache cache;

    (void)state;
    unsetenv("GRIDCRUNCH_CACHE");
    setenv("HOME", in_folder("home"), 1);
    assert_ok(gcr_cache_open(&cache));
    assert_string_equal(cache.folder, in_folder("home/.cache/gridcrunch"));
    gcr_cache_close(&cache);
    setenv("XDG_CACHE_HOME", in_folder("xdg"), 1);
    assert_ok(gcr_cache_open(&cache));
    assert_string_equal(cache.folder, in_folder("xdg/gridcrunch"));
    gcr_cache_close(&cache);
}

static void test_what_is_kept_is_found(void **state)
{
    gcr_cache cache;
    struct stat info;
    char *object;

    (void)state;
    assert_ok(gcr_cache_open(&cache));
    object = keep(&cache, "fit.so");
    assert_true(is_there(&cache, "fit.so"));
    assert_int_equal(stat(object, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(count_entries(cache.folder), 1); /* no work folder is left */
    free(object);
    gcr_cache_close(&cache);
}

static void test_what_is_read_is_what_was_kept(void **state)
{
    gcr_cache cache;
    char *object;
    void *bytes;
    size_t count;

    (void)state;
    assert_ok(gcr_cache_open(&cache));
    object = keep(&cache, "fit.cubin");
    assert_ok(gcr_cache_read(&bytes, &count, object));
    assert_int_equal(count, 10);
    assert_memory_equal(bytes, "some bytes", 10);
    free(bytes);
    assert_int_equal(unlink(object), 0);
    assert_status(gcr_cache_read(&bytes, &count, object), GCR_EIO);
    free(object);
    gcr_cache_close(&cache);
}

static void test_a_damaged_object_is_not_there(void **state)
{
    gcr_cache cache;
    char *object;
    int fd;

    (void)state;
    assert_ok(gcr_cache_open(&cache));
    object = keep(&cache, "fit.so");
    fd = open(object, O_WRONLY);
    assert_int_equal(pwrite(fd, "S", 1, 0), 1);
    close(fd);
    assert_false(is_there(&cache, "fit.so"));
    assert_int_equal(truncate(object, 5), 0);
    assert_false(is_there(&cache, "fit.so"));
    assert_int_equal(truncate(object, 0), 0);
    assert_false(is_there(&cache, "fit.so"));
    free(object);
    gcr_cache_close(&cache);
}

static void test_a_folder_that_others_may_write_is_refused(void **state)
{
    gcr_cache cache;

    (void)state;
    assert_int_equal(mkdir(in_folder("cache"), 0700), 0);
    assert_int_equal(chmod(in_folder("cache"), 0770), 0);
    assert_status(gcr_cache_open(&cache), GCR_EINVAL);
    assert_error_mentions("may be written by other users");
    assert_error_mentions("chmod go-w");
    gcr_cache_close(&cache);
}

static void test_a_link_is_refused(void **state)
{
    char folder[256];
    gcr_cache cache;

    (void)state;
    strcpy(folder, in_folder("elsewhere"));
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(symlink(folder, in_folder("cache")), 0);
    assert_status(gcr_cache_open(&cache), GCR_EINVAL);
    assert_error_mentions("is a link");
    gcr_cache_close(&cache);
}

static void test_a_folder_of_another_user_is_refused(void **state)
{
    gcr_cache cache;

    (void)state;
    assert_int_equal(mkdir(in_folder("cache"), 0700), 0);
    if (chown(in_folder("cache"), 12345, 12345) != 0)
        skip(); /* only root can give a folder away */
    assert_status(gcr_cache_open(&cache), GCR_EINVAL);
    assert_error_mentions("belongs to another user");
    gcr_cache_close(&cache);
}

static void test_an_object_that_others_may_write_is_refused(void **state)
{
    gcr_cache cache;
    char *object, *found = NULL;
    int is_found;

    (void)state;
    assert_ok(gcr_cache_open(&cache));
    object = keep(&cache, "fit.so");
    assert_int_equal(chmod(object, 0702), 0);
    assert_status(gcr_cache_find(&found, &is_found, &cache, "fit.so"), GCR_EINVAL);
    assert_error_mentions("the object of compiled kernels");
    assert_int_equal(unlink(object), 0);
    assert_int_equal(symlink("/bin/true", object), 0);
    free(found);
    assert_status(gcr_cache_find(&found, &is_found, &cache, "fit.so"), GCR_EINVAL);
    free(found);
    free(object);
    gcr_cache_close(&cache);
}

static void test_where_there_is_no_folder_a_temporary_one_does(void **state)
{
    gcr_cache cache;
    char folder[256];

    (void)state;
    setenv("GRIDCRUNCH_CACHE", "/proc/no/such/place", 1);
    assert_ok(gcr_cache_open(&cache));
    strcpy(folder, cache.folder);
    assert_memory_equal(folder, test_folder, strlen(test_folder));
    free(keep(&cache, "fit.so"));
    gcr_cache_close(&cache);
    assert_int_equal(access(folder, F_OK), -1);
    unsetenv("GRIDCRUNCH_CACHE"); /* and no HOME */
    assert_ok(gcr_cache_open(&cache));
    assert_true(cache.is_temporary);
    gcr_cache_close(&cache);
    assert_int_equal(count_entries(test_folder), 0);
}

static void test_nowhere_at_all_says_so(void **state)
{
    gcr_cache cache;

    (void)state;
    setenv("GRIDCRUNCH_CACHE", "/proc/no/such/place", 1);
    setenv("TMPDIR", "/proc/nowhere", 1);
    assert_status(gcr_cache_open(&cache), GCR_EIO);
    assert_error_mentions("/proc/nowhere");
    gcr_cache_close(&cache);
}

static void test_what_a_dead_process_left_is_removed_after_a_day(void **state)
{
    const struct timespec old[2] = { { .tv_sec = 1000000 }, { .tv_sec = 1000000 } };
    char *work = NULL;
    gcr_cache cache;

    (void)state;
    assert_ok(gcr_cache_open(&cache));
    assert_ok(gcr_cache_write(in_folder("cache/work-4194303-old"), "engine.h", "x", 1));
    assert_ok(gcr_cache_write(in_folder("cache/work-4194303-new"), "engine.h", "x", 1));
    assert_int_equal(utimensat(AT_FDCWD, in_folder("cache/work-4194303-old"), old, 0), 0);
    assert_ok(gcr_cache_work_open(&work, &cache));
    assert_int_equal(access(in_folder("cache/work-4194303-old"), F_OK), -1);
    assert_int_equal(access(in_folder("cache/work-4194303-new"), F_OK), 0);
    gcr_cache_work_close(work);
    gcr_cache_close(&cache);
}

enum { OBJECT_BYTES = 26 }; /* of keep(): 10, and the seal */

static void test_what_was_not_used_for_longest_makes_room(void **state)
{
    gcr_cache cache;

    (void)state;
    assert_ok(gcr_cache_open(&cache));
    cache.bytes_max = 3 * OBJECT_BYTES;
    keep_of_age(&cache, "a.so", 5);
    keep_of_age(&cache, "b.so", 6);
    keep_of_age(&cache, "c.so", 4);
    assert_true(is_there(&cache, "b.so")); /* and so it is used */
    free(keep(&cache, "d.so"));
    assert_false(is_in(&cache, "a.so"));
    assert_true(is_in(&cache, "b.so") && is_in(&cache, "c.so") && is_in(&cache, "d.so"));
    cache.bytes_max = 1;
    free(keep(&cache, "e.so"));
    assert_false(is_in(&cache, "c.so"));
    gcr_cache_close(&cache);
}

/* Another process may be about to load it. */
static void test_what_was_used_within_the_hour_stays(void **state)
{
    gcr_cache cache;

    (void)state;
    assert_ok(gcr_cache_open(&cache));
    cache.bytes_max = 1;
    free(keep(&cache, "a.so"));
    free(keep(&cache, "b.so"));
    assert_int_equal(count_entries(cache.folder), 2);
    gcr_cache_close(&cache);
}

/* GRIDCRUNCH_CACHE may name a folder in which there are other things. */
static void test_what_is_no_object_is_neither_counted_nor_removed(void **state)
{
    char link[300];
    gcr_cache cache;

    (void)state;
    assert_ok(gcr_cache_open(&cache));
    cache.bytes_max = 2 * OBJECT_BYTES;
    assert_ok(gcr_cache_write(cache.folder, "thesis.so", "ten years of work, and a seal", 29));
    assert_ok(gcr_cache_write(cache.folder, "notes/more.txt", "x", 1));
    age(&cache, "thesis.so", 9);
    snprintf(link, sizeof link, "%s/link.so", cache.folder);
    assert_int_equal(symlink("thesis.so", link), 0);
    keep_of_age(&cache, "a.so", 8);
    free(keep(&cache, "b.so"));
    assert_true(is_in(&cache, "a.so"));
    free(keep(&cache, "c.so"));
    assert_false(is_in(&cache, "a.so"));
    assert_true(is_in(&cache, "thesis.so") && is_in(&cache, "notes/more.txt"));
    assert_true(is_in(&cache, "link.so"));
    gcr_cache_close(&cache);
}

enum { PROCESSES = 4 };

/* Keeps and finds an object of its own, which looks old until it is found, and others make room. A
 * bit for each thing that was seen: what is found and there, what is found and not there. */
static int crowd(const gcr_cache *cache, int process)
{
    int seen = 0;

    for (int i = 0; i < 400; i++) {
        const struct timespec old[2] = { { .tv_sec = 1000000 }, { .tv_sec = 1000000 } };
        char name[32], *object = NULL;
        int is_found;

        snprintf(name, sizeof name, "%d.so", process);
        assert_ok(gcr_cache_find(&object, &is_found, cache, name));
        if (is_found) {
            seen |= access(object, R_OK) == 0 ? 1 : 2;
        } else {
            free(keep(cache, name));
        }
        utimensat(AT_FDCWD, object, old, 0);
        free(object);
    }
    return seen;
}

static void test_what_is_found_is_there_whoever_makes_room(void **state)
{
    pid_t children[PROCESSES];
    gcr_cache cache;
    int seen = 0;

    (void)state;
    assert_ok(gcr_cache_open(&cache));
    cache.bytes_max = PROCESSES / 2 * OBJECT_BYTES;
    for (int c = 0; c < PROCESSES; c++) {
        children[c] = fork();
        if (children[c] == 0)
            _exit(crowd(&cache, c));
    }
    for (int c = 0; c < PROCESSES; c++) {
        int ended;

        assert_int_equal(waitpid(children[c], &ended, 0), children[c]);
        assert_true(WIFEXITED(ended));
        seen |= WEXITSTATUS(ended);
    }
    assert_int_equal(seen, 1);
    gcr_cache_close(&cache);
}

/* A limit on the size of files says no as a full disk does, in the same calls. */
static void test_a_full_disk_is_one_sentence(void **state)
{
    struct rlimit limit, none;
    gcr_cache cache;
    char *work = NULL;
    gcr_status status;

    (void)state;
    assert_ok(gcr_cache_open(&cache));
    assert_ok(gcr_cache_work_open(&work, &cache));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
    setrlimit(RLIMIT_FSIZE, &none);
    status = gcr_cache_write(work, "engine.h", "text", 4);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_status(status, GCR_EIO);
    assert_error_mentions("cannot write");
    assert_error_mentions("engine.h");
    gcr_cache_work_close(work);
    assert_int_equal(count_entries(cache.folder), 0);
    gcr_cache_close(&cache);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, test_folder_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_made_for_its_user_alone),
        TEST(test_without_a_name_of_its_own_it_is_in_the_users_cache),
        TEST(test_what_is_kept_is_found),
        TEST(test_what_is_read_is_what_was_kept),
        TEST(test_a_damaged_object_is_not_there),
        TEST(test_a_folder_that_others_may_write_is_refused),
        TEST(test_a_link_is_refused),
        TEST(test_a_folder_of_another_user_is_refused),
        TEST(test_an_object_that_others_may_write_is_refused),
        TEST(test_where_there_is_no_folder_a_temporary_one_does),
        TEST(test_nowhere_at_all_says_so),
        TEST(test_what_a_dead_process_left_is_removed_after_a_day),
        TEST(test_what_was_not_used_for_longest_makes_room),
        TEST(test_what_was_used_within_the_hour_stays),
        TEST(test_what_is_no_object_is_neither_counted_nor_removed),
        TEST(test_what_is_found_is_there_whoever_makes_room),
        TEST(test_a_full_disk_is_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
