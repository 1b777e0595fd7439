/*
 * cli/read_hdf5/restrain.c -- limits of setrlimit(2), and a filter of system calls.
 *
 * The filter names what is allowed: what libhdf5 was seen to call (10 calls, with glibc 2.36 and
 * HDF5 1.10), and what only reads, allocates or ends, for the libc that does it another way. Any
 * other call is answered as by a system that does not have it, so that a libc which has two ways
 * tries the second. A sanitizer makes calls of its own and needs more addresses than any bound, so
 * it goes without both.
 */
#include "cli/read_hdf5/restrain.h"

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

/* ---- limits ---------------------------------------------------------------------------------- */

/* Addresses: what the machine has. Time: generous for a slow disk, and an end for an endless loop.
 * What setrlimit() refuses is lower already. */
static void limit(const char *path)
{
    const uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    struct stat stat_of = { .st_size = 0 };
    const struct rlimit none = { 0, 0 }, few = { 16, 16 }, addresses = { memory, memory };
    struct rlimit seconds = { 30, 30 };

    if (stat(path, &stat_of) == 0)
        seconds.rlim_cur = seconds.rlim_max = 30 + (rlim_t)stat_of.st_size / (1 << 20);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_FSIZE, &none); /* of files; the answer is a pipe */
    setrlimit(RLIMIT_NOFILE, &few);
    setrlimit(RLIMIT_CPU, &seconds);
    if (!IS_SANITIZED)
        setrlimit(RLIMIT_AS, &addresses);
}

/* ---- system calls ---------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0 /* no filter */
#endif

static const uint32_t allowed[] = {
    SYS_read,          SYS_pread64,      SYS_readv,        SYS_preadv,         SYS_lseek,
    SYS_close,         SYS_fstat,        SYS_newfstatat,   SYS_statx,          SYS_faccessat,
    SYS_readlinkat,    SYS_getcwd,       SYS_write,        SYS_writev,         SYS_brk,
    SYS_mmap,          SYS_munmap,       SYS_mremap,       SYS_mprotect,       SYS_madvise,
    SYS_futex,         SYS_sched_yield,  SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,
    SYS_getpid,        SYS_gettid,       SYS_getuid,       SYS_geteuid,        SYS_uname,
    SYS_clock_gettime, SYS_gettimeofday, SYS_getrusage,    SYS_getrandom,      SYS_restart_syscall,
    SYS_exit,          SYS_exit_group,
#if defined(__x86_64__) /* older ways to the same */
    SYS_stat,          SYS_lstat,        SYS_access,       SYS_readlink,       SYS_time,
#endif
};

/* May be called to read. */
static const struct opener {
    uint32_t call, flags; /* which argument */
} openers[] = {
    { SYS_openat, offsetof(struct seccomp_data, args[2]) },
#if defined(__x86_64__)
    { SYS_open, offsetof(struct seccomp_data, args[1]) },
#endif
};

enum {
    ALLOWED = sizeof allowed / sizeof *allowed,
    OPENERS = sizeof openers / sizeof *openers,
    UNKNOWN = 4 + ALLOWED + 3 * OPENERS, /* places in the filter */
    ALLOW,
    REFUSE,
    FILTER_COUNT,
    WRITING = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC,
};

/* From place `at`, jumps count what they leave out. */
static struct sock_filter jump_if(int at, uint16_t test, uint32_t value, int to, int or_to)
{
    return (struct sock_filter){ (uint16_t)(BPF_JMP | test | BPF_K), (uint8_t)(to - at - 1),
                                 (uint8_t)(or_to - at - 1), value };
}

static struct sock_filter load(size_t offset)
{
    return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static struct sock_filter answer_with(uint32_t answer)
{
    return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer);
}

/* Numbers of calls mean something on one architecture only (x32 shares it with x86-64 and has
 * numbers of its own, which are not in the list); of the flags, which are an int, the low half of
 * the argument comes first. */
static int filter_calls(void)
{
    struct sock_filter filter[FILTER_COUNT];
    int n = 4;

    filter[0] = load(offsetof(struct seccomp_data, arch));
    filter[1] = jump_if(1, BPF_JEQ, ARCHITECTURE, 3, 2);
    filter[2] = answer_with(SECCOMP_RET_KILL_PROCESS);
    filter[3] = load(offsetof(struct seccomp_data, nr));
    for (int i = 0; i < ALLOWED; i++, n++)
        filter[n] = jump_if(n, BPF_JEQ, allowed[i], ALLOW, n + 1);
    for (int i = 0; i < OPENERS; i++, n += 3) {
        filter[n] = jump_if(n, BPF_JEQ, openers[i].call, n + 1, n + 3);
        filter[n + 1] = load(openers[i].flags);
        filter[n + 2] = jump_if(n + 2, BPF_JSET, WRITING, REFUSE, ALLOW);
    }
    filter[UNKNOWN] = answer_with(SECCOMP_RET_ERRNO | ENOSYS);
    filter[ALLOW] = answer_with(SECCOMP_RET_ALLOW);
    filter[REFUSE] = answer_with(SECCOMP_RET_ERRNO | EPERM);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &(struct sock_fprog){ FILTER_COUNT, filter });
}

gcr_status gcr_restrain(const char *path)
{
    gcr_status status = GCR_OK;
    const int is_filtered = ARCHITECTURE != 0 && !IS_SANITIZED;

    limit(path);
    signal(SIGINT, SIG_IGN);                     /* Ctrl-C is for the one that started us */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || /* nobody waits for the answer any more */
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || (is_filtered && filter_calls() != 0))
        GCR_FAIL(GCR_EUNSUPPORTED,
                 "%s is not read: this system does not let the reader of HDF5 files give up what a "
                 "damaged one could make it do (prctl: %s)",
                 path, strerror(errno));
out:
    return status;
}
