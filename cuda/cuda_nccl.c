/* cuda/cuda_nccl.c -- see cuda_nccl.h. Tests have another file in its place. */
#include "cuda/cuda_nccl.h"

#include "cuda/cuda_library.h"

static cuda_nccl table;

/* The functions of `table`, in its order. */
static const char *const names[] = {
    "ncclGetVersion",   "ncclGetUniqueId", "ncclCommInitRankConfig", "ncclCommFinalize",
    "ncclCommDestroy",  "ncclCommAbort",   "ncclCommGetAsyncError",  "ncclGetErrorString",
    "ncclGetLastError", "ncclGroupStart",  "ncclGroupEnd",           "ncclSend",
    "ncclRecv",         "ncclBroadcast",
};

_Static_assert(sizeof table == sizeof names / sizeof names[0] * sizeof(void *),
               "a name for each function");

/* They are found by name while the program runs: that each is what nccl.h says is seen to here. */
#define SAME_TYPE(member, function)                                                                \
    _Static_assert(                                                                                \
        __builtin_types_compatible_p(__typeof__(table.member), __typeof__(&(function))),           \
        #function " has another type")

SAME_TYPE(get_version, ncclGetVersion);
SAME_TYPE(get_unique_id, ncclGetUniqueId);
SAME_TYPE(init, ncclCommInitRankConfig);
SAME_TYPE(finalize, ncclCommFinalize);
SAME_TYPE(destroy, ncclCommDestroy);
SAME_TYPE(give_up, ncclCommAbort);
SAME_TYPE(get_async_error, ncclCommGetAsyncError);
SAME_TYPE(error_string, ncclGetErrorString);
SAME_TYPE(last_error, ncclGetLastError);
SAME_TYPE(group_start, ncclGroupStart);
SAME_TYPE(group_end, ncclGroupEnd);
SAME_TYPE(send, ncclSend);
SAME_TYPE(receive, ncclRecv);
SAME_TYPE(broadcast, ncclBroadcast);

static cuda_library library =
    CUDA_LIBRARY(names, table, .file = "libnccl.so.2",
                 .lacking = "GPUs cannot be linked, because NCCL", .package = "NCCL 2 for CUDA 13");

gcr_status gcr_cuda_nccl(const cuda_nccl **out)
{
    *out = &table;
    return gcr_cuda_library_open(&library);
}
