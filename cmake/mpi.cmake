# The module for many ranks, libgridcrunch_mpi.so, which the program opens when mpirun or srun has started
# it as one of several (src/comm/comm.h). A program that runs alone never loads MPI.
#
# GCR_MPI=AUTO builds it where MPI is, ON fails where it is not, OFF leaves it out.
set(GCR_MPI AUTO CACHE STRING "The module for many ranks: AUTO, ON or OFF")

gcr_hash_seam(gcr_seam_of_ranks src/comm/transport.h)
set_source_files_properties(src/comm/comm_open.c src/comm/same_build.c PROPERTIES
                            COMPILE_DEFINITIONS "GCR_SEAM=\"${gcr_seam_of_ranks}\"")

if(GCR_MPI STREQUAL "ON")
    find_package(MPI 3.1 REQUIRED COMPONENTS C)
elseif(GCR_MPI)
    find_package(MPI 3.1 QUIET COMPONENTS C)
endif()
if(NOT GCR_MPI OR NOT MPI_C_FOUND)
    set(GCR_HAS_MPI OFF)
    message(STATUS "MPI: the module for many ranks is left out (GCR_MPI=${GCR_MPI}, MPI 3.1 or newer: "
                   "${MPI_C_FOUND}); all jobs run in one process")
    return()
endif()
set(GCR_HAS_MPI ON)
list(GET MPI_C_LIBRARIES 0 library)
cmake_path(GET library PARENT_PATH folder)
message(STATUS "MPI: ${MPI_C_VERSION} in ${folder}")

file(GLOB mpi_sources CONFIGURE_DEPENDS src/comm/mpi/*.c)
gcr_add_module(gcr_mpi_module mpi SOURCES ${mpi_sources} RPATH ${folder}
               LIBRARIES gcr_base MPI::MPI_C ${CMAKE_DL_LIBS})
target_compile_definitions(gcr_mpi_module PRIVATE GCR_SEAM="${gcr_seam_of_ranks}"
                                                  OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
