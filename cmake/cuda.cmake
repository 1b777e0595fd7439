# The module for NVIDIA GPUs, libgridcrunch_cuda.so, which the program opens when a device of it is asked
# for (src/backend/backend_module.h).
#
# GCR_CUDA=AUTO builds it where the CUDA toolkit is, ON fails where it is not, OFF leaves it out.
set(GCR_CUDA AUTO CACHE STRING "The module for NVIDIA GPUs: AUTO, ON or OFF")
set(gcr_cuda_least 13.0)

gcr_hash_seam(gcr_seam src/backend/backend.h)
set_source_files_properties(src/backend/backend_module.c PROPERTIES
                            COMPILE_DEFINITIONS "GCR_SEAM=\"${gcr_seam}\"")

if(GCR_CUDA STREQUAL "ON")
    find_package(CUDAToolkit ${gcr_cuda_least} REQUIRED)
elseif(GCR_CUDA)
    find_package(CUDAToolkit ${gcr_cuda_least} QUIET)
endif()
if(NOT GCR_CUDA OR NOT CUDAToolkit_FOUND)
    set(GCR_HAS_CUDA OFF)
    message(STATUS "CUDA: the module for GPUs is left out (GCR_CUDA=${GCR_CUDA}, "
                   "toolkit ${gcr_cuda_least} or newer: ${CUDAToolkit_FOUND}); all jobs run on the CPU")
    return()
endif()
set(GCR_HAS_CUDA ON)
message(STATUS "CUDA: toolkit ${CUDAToolkit_VERSION} in ${CUDAToolkit_LIBRARY_DIR}")

# The host files of the module, which tests link with a fake in place of CUDA's runtime.
file(GLOB cuda_sources CONFIGURE_DEPENDS cuda/*.c)
find_package(NCCL QUIET)
if(NCCL_FOUND)
    message(STATUS "NCCL: ${NCCL_VERSION} in ${NCCL_INCLUDE_DIR}")
else()
    message(STATUS "NCCL: no nccl.h; GPUs of several ranks are not linked")
    list(FILTER cuda_sources EXCLUDE REGEX "cuda_(nccl|bridge)\\.c$")
endif()
add_library(gcr_cuda STATIC ${cuda_sources})
target_include_directories(gcr_cuda PUBLIC ${CMAKE_SOURCE_DIR})
target_include_directories(gcr_cuda SYSTEM PUBLIC ${CUDAToolkit_INCLUDE_DIRS})
target_include_directories(gcr_cuda SYSTEM PUBLIC ${NCCL_INCLUDE_DIR})
target_compile_definitions(gcr_cuda PRIVATE GCR_SEAM="${gcr_seam}"
                                            GCR_CUDA_HAS_NCCL=$<BOOL:${NCCL_FOUND}>)
target_link_libraries(gcr_cuda PUBLIC gcr_base PRIVATE PkgConfig::XXHASH ${CMAKE_DL_LIBS})

# What it compiles while it runs: the engines of the device and the built-in kernels, as text.
file(GLOB device_text CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} cuda/device/*.h)
file(GLOB kernel_text CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} src/kernels/*.c)
list(FILTER kernel_text EXCLUDE REGEX "registry\\.c$")
gcr_embed(gcr_cuda device_text ${device_text})
gcr_embed(gcr_cuda kernel_text ${kernel_text})

# The runtime is part of the module. The compiler (110 MB), the libraries of linear algebra (700 MB)
# and NCCL (220 MB) are not linked: they are opened when they are needed, in the toolkit of this machine or wherever
# the loader finds them.
gcr_add_module(gcr_cuda_module cuda SOURCES ${gcr_module_map} RPATH ${CUDAToolkit_LIBRARY_DIR}
    LIBRARIES -Wl,--whole-archive gcr_cuda -Wl,--no-whole-archive CUDA::cudart_static)
