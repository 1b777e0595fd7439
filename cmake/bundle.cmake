# Makes FOLDER, which runs on another Linux of this processor, with or without a GPU: what is installed from
# BUILD, the tests for such machines, and every shared library that those need but the C library's own
# and CUDA's; and FOLDER.tar.xz. A script:
#
#     cmake -DSOURCE=. -DBUILD=build -DFOLDER=PATH [-DIS_PACKED=NO] -P cmake/bundle.cmake
#
# Packed by xz: programs have the same kernels, which it finds again and gzip does not (four times the size).
# Programs find the libraries by their own place (gcr_find_libraries_from() in install.cmake).
set(most_bytes 48000000) # of the archive
set(of_libc "^(libc|libm|libpthread|libdl|librt|libresolv|libutil|libanl|libmvec|ld-linux-x86-64)\\.so")

function(run)
    execute_process(COMMAND ${ARGV} RESULT_VARIABLE failed OUTPUT_QUIET)
    if(failed)
        list(JOIN ARGV " " command)
        message(FATAL_ERROR "bundle: failed: ${command}")
    endif()
endfunction()

file(REMOVE_RECURSE ${FOLDER} ${FOLDER}.tar.xz)
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${FOLDER} --strip)
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${FOLDER} --strip --component tests)
file(COPY ${SOURCE}/scripts/gpu-check DESTINATION ${FOLDER}/scripts)

# Everything goes into the folder of the library, wherever that is.
file(GLOB_RECURSE library ${FOLDER}/libgridcrunch.so)
get_filename_component(lib ${library} DIRECTORY)
file(REMOVE ${lib}/libgridcrunch_mpi.so) # an MPI belongs to its cluster: its mpirun, its plugins
# Rivals by a library of their own stay at home: MPI by hand, and StarPU.
file(GLOB_RECURSE rivals ${FOLDER}/gridcrunch-bench-gather ${FOLDER}/rival-starpu)
file(REMOVE ${rivals})
file(GLOB modules ${lib}/libgridcrunch_*.so)
file(GLOB programs ${FOLDER}/bin/* ${FOLDER}/libexec/gridcrunch/*)
list(FILTER programs EXCLUDE REGEX "\\.py$")
file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${programs} LIBRARIES ${library} ${modules}
     RESOLVED_DEPENDENCIES_VAR found UNRESOLVED_DEPENDENCIES_VAR missing
     PRE_EXCLUDE_REGEXES ${of_libc})
if(missing)
    message(FATAL_ERROR "bundle: not found: ${missing}")
endif()
foreach(path ${found})
    get_filename_component(name ${path} NAME)
    file(REAL_PATH ${path} real)
    file(COPY_FILE ${real} ${lib}/${name})
endforeach()

execute_process(COMMAND git -C ${SOURCE} describe --always --dirty OUTPUT_VARIABLE commit
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
string(TIMESTAMP date "%Y-%m-%d" UTC)
file(WRITE ${FOLDER}/BUNDLE "commit ${commit}\nmade ${date}\n")

if(DEFINED IS_PACKED AND NOT IS_PACKED)
    return()
endif()
get_filename_component(parent ${FOLDER} DIRECTORY)
get_filename_component(name ${FOLDER} NAME)
execute_process(COMMAND ${CMAKE_COMMAND} -E tar cJf ${FOLDER}.tar.xz ${name}
                WORKING_DIRECTORY ${parent} COMMAND_ERROR_IS_FATAL ANY)
file(SIZE ${FOLDER}.tar.xz bytes)
message(STATUS "bundle: ${FOLDER}.tar.xz, ${bytes} bytes")
if(bytes GREATER most_bytes)
    message(FATAL_ERROR "bundle: that is more than ${most_bytes} bytes")
endif()
