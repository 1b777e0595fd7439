/* tests/unit/cli/test_restrain.c -- what the reader of HDF5 files can do after it is restrained,
 * tried. */
#include "cli/read_hdf5/restrain.h"

#include "support/gcr_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DATA GCR_TEST_DATA "/groups.h5"

/* Runs `body` in a process of its own that is restrained; true where it returned 1. */
static int is_true_when_restrained(int (*body)(void))
{
    const pid_t child = fork();
    int ended = 0;

    if (child == 0)
        _exit(gcr_restrain(DATA) == GCR_OK ? body() : 2);
    assert_true(child > 0 && waitpid(child, &ended, 0) == child);
    return WIFEXITED(ended) && WEXITSTATUS(ended) == 1;
}

/* Each may do something to a process, which is why they are aimed at the parent or at nothing: a
 * call that gets past the filter fails in another way, or kills the test. */
static long call(long number)
{
    const long parent = getppid();

    switch (number) {
    case SYS_openat: return syscall(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY);
#if defined(SYS_open)
    case SYS_open: return syscall(SYS_open, "/dev/null", O_RDWR);
#endif
    case SYS_ptrace: return syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
    case SYS_kill: return syscall(SYS_kill, parent, 0);
    case SYS_tgkill: return syscall(SYS_tgkill, parent, parent, 0);
    case SYS_dup3: return syscall(SYS_dup3, 0, 9, 0);
    case SYS_socket: return syscall(SYS_socket, 1, 1, 0);
    default: return syscall(number, parent, 0, 0, 0, 0, 0);
    }
}

static int refuses_each(void)
{
    static const long numbers[] = {
        SYS_openat,
        SYS_ptrace,
        SYS_kill,
        SYS_tgkill,
        SYS_socket,
        SYS_rt_sigqueueinfo,
        SYS_rt_tgsigqueueinfo,
        SYS_pidfd_open,
        SYS_pidfd_send_signal,
        SYS_pidfd_getfd,
        SYS_process_vm_readv,
        SYS_process_vm_writev,
        SYS_execve,
        SYS_execveat,
        SYS_clone,
        SYS_unlinkat,
        SYS_renameat2,
        SYS_prlimit64,
        SYS_fcntl,
        SYS_ioctl,
        SYS_dup3,
        SYS_setxattr,
        SYS_io_uring_setup,
        SYS_bpf,
        SYS_truncate,
        SYS_ftruncate,
#if defined(__x86_64__)
        SYS_open,
        SYS_fork,
        SYS_creat,
        SYS_unlink,
        SYS_rename,
        SYS_chmod,
#endif
    };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const long expected = call(numbers[i]);

        if (expected != -1 || (errno != ENOSYS && errno != EPERM)) {
            dprintf(2, "call %ld was let through\n", numbers[i]);
            return 0;
        }
    }
    return 1;
}

static void test_what_is_not_needed_to_read_is_refused(void **state)
{
    (void)state;
    assert_true(is_true_when_restrained(refuses_each));
}

static int reads(void)
{
    struct stat info;
    char bytes[8];
    const int fd = open(DATA, O_RDONLY | O_CLOEXEC);

    return fd >= 0 && fstat(fd, &info) == 0 && info.st_size > 1000 && pread(fd, bytes, 8, 0) == 8 &&
           memcmp(bytes + 1, "HDF", 3) == 0 && close(fd) == 0;
}

static void test_files_can_be_read(void **state)
{
    (void)state;
    assert_true(is_true_when_restrained(reads));
}

static int allocates(void)
{
    char *block = malloc(1 << 22);

    if (block == NULL)
        return 0;
    memset(block, 1, 1 << 22);
    free(block);
    return 1;
}

static void test_memory_can_be_had(void **state)
{
    (void)state;
    assert_true(is_true_when_restrained(allocates));
}

/* Makes a system of this process that filters nothing more. */
static int take_prctl_away(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof filter[0], filter };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void test_a_system_that_filters_nothing_is_told(void **state)
{
    const pid_t child = fork();
    int ended = 0;

    (void)state;
    if (child == 0)
        _exit(take_prctl_away() && gcr_restrain(DATA) == GCR_EUNSUPPORTED &&
                      strstr(gcr_last_error(), "groups.h5 is not read: this system") != NULL
                  ? 1
                  : 2);
    assert_true(child > 0 && waitpid(child, &ended, 0) == child);
    assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_needed_to_read_is_refused),
        cmocka_unit_test(test_files_can_be_read),
        cmocka_unit_test(test_memory_can_be_had),
        cmocka_unit_test(test_a_system_that_filters_nothing_is_told),
    };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    !(defined(__x86_64__) || defined(__aarch64__))
    return 77; /* there is no filter */
#endif
    return cmocka_run_group_tests_name("restrain", tests, NULL, NULL);
}
