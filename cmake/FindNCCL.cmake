# NCCL's header, and its version. Its library is not linked: the module opens it while it runs.
#
#   NCCL_INCLUDE_DIR, NCCL_VERSION, NCCL_FOUND
#
# It is beside CUDA's headers where it came with the toolkit, in /usr where a distribution has it; pip's
# nvidia-nccl is found by NCCL_ROOT.
find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
mark_as_advanced(NCCL_INCLUDE_DIR)

set(NCCL_VERSION "")
if(NCCL_INCLUDE_DIR)
    foreach(part MAJOR MINOR PATCH)
        file(STRINGS ${NCCL_INCLUDE_DIR}/nccl.h line REGEX "^#define NCCL_${part} +[0-9]+$")
        string(REGEX MATCH "[0-9]+$" number "${line}")
        list(APPEND NCCL_VERSION ${number})
    endforeach()
    list(JOIN NCCL_VERSION "." NCCL_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(NCCL REQUIRED_VARS NCCL_INCLUDE_DIR VERSION_VAR NCCL_VERSION)
