/*
 * cli/read_hdf5/restrain.c -- limits of setrlimit(2), and a filter of system calls.
 *
 * The filter names what is forbidden, not what is allowed: which calls a libc makes to allocate or
 * to read changes from one to the next, and a reader that stops working is of no use. A sanitizer
 * makes calls of its own and needs more addresses than any bound, so it goes without both.
 */
#include "cli/read_hdf5/restrain.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
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

/* ---- limits ----------------------------------------------------------------------------------- */

/* Addresses: what the machine has. Time: generous for a slow disk, and an end for an endless loop. */
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

/* ---- system calls ----------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0 /* no filter */
#endif

static const uint32_t forbidden[] = {
    SYS_execve,   SYS_execveat,       SYS_clone,    SYS_clone3,
    SYS_socket,   SYS_socketpair,     SYS_kill,     SYS_tkill,
    SYS_tgkill,   SYS_ptrace,         SYS_unlinkat, SYS_renameat2,
    SYS_linkat,   SYS_symlinkat,      SYS_mkdirat,  SYS_mknodat,
    SYS_fchmodat, SYS_fchmod,         SYS_fchownat, SYS_fchown,
    SYS_truncate, SYS_openat2,        SYS_setxattr, SYS_process_vm_writev,
    SYS_renameat, SYS_io_uring_setup,
#if defined(__x86_64__) /* older ways to the same */
    SYS_creat,    SYS_fork,           SYS_vfork,    SYS_unlink,
    SYS_rename,   SYS_rmdir,          SYS_link,     SYS_symlink,
    SYS_mkdir,    SYS_mknod,          SYS_chmod,    SYS_chown,
    SYS_lchown,
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
    FORBIDDEN = sizeof forbidden / sizeof *forbidden,
    OPENERS = sizeof openers / sizeof *openers,
    ALLOW = 4 + FORBIDDEN + 3 * OPENERS, /* places in the filter */
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

/* Numbers of calls mean something on one architecture only; of the flags, which are an int, the low
 * half of the argument comes first. */
static void forbid(void)
{
    struct sock_filter filter[FILTER_COUNT];
    int n = 4;

    filter[0] = load(offsetof(struct seccomp_data, arch));
    filter[1] = jump_if(1, BPF_JEQ, ARCHITECTURE, 3, 2);
    filter[2] = answer_with(SECCOMP_RET_KILL_PROCESS);
    filter[3] = load(offsetof(struct seccomp_data, nr));
    for (int i = 0; i < FORBIDDEN; i++, n++)
        filter[n] = jump_if(n, BPF_JEQ, forbidden[i], REFUSE, n + 1);
    for (int i = 0; i < OPENERS; i++, n += 3) {
        filter[n] = jump_if(n, BPF_JEQ, openers[i].call, n + 1, n + 3);
        filter[n + 1] = load(openers[i].flags);
        filter[n + 2] = jump_if(n + 2, BPF_JSET, WRITING, REFUSE, ALLOW);
    }
    filter[ALLOW] = answer_with(SECCOMP_RET_ALLOW);
    filter[REFUSE] = answer_with(SECCOMP_RET_ERRNO | EPERM);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &(struct sock_fprog){ FILTER_COUNT, filter });
}

void gcr_restrain(const char *path)
{
    limit(path);
    signal(SIGINT, SIG_IGN);          /* Ctrl-C is for the one that started us */
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody waits for the answer any more  */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (ARCHITECTURE != 0 && !IS_SANITIZED)
        forbid();
}
