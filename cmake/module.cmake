# Modules: parts of the program that are shared libraries of their own, libgridcrunch_NAME.so, beside
# libgridcrunch.so and not linked to it (src/base/module.h).

# What a module must have been compiled with to be opened by this build: the version and the text of
# the seam, HEADER with all that it includes.
function(gcr_hash_seam out header)
    set(seam "")
    gcr_gather(seam ${CMAKE_SOURCE_DIR}/src/base/module.h)
    gcr_gather(seam ${CMAKE_SOURCE_DIR}/${header})
    set(hashes "")
    foreach(file ${seam})
        file(SHA256 ${file} hash)
        string(APPEND hashes ${hash})
    endforeach()
    string(SHA256 hash "${hashes}")
    string(SUBSTRING ${hash} 0 16 hash)
    set(${out} "${PROJECT_VERSION}-${hash}" PARENT_SCOPE)
endfunction()

# A module exports its entry alone: it has copies of things that the program has too.
set(gcr_module_map ${CMAKE_SOURCE_DIR}/cmake/module.map)

# Makes TARGET libgridcrunch_NAME.so, built and installed with the program. RPATH: folders beside its
# own in which it looks for libraries.
function(gcr_add_module target name)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SOURCES;LIBRARIES;RPATH")
    add_library(${target} MODULE ${arg_SOURCES})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME gridcrunch_${name} LINKER_LANGUAGE C
        LINK_DEPENDS ${gcr_module_map}
        BUILD_WITH_INSTALL_RPATH ON # CMake pads the other kind with empty entries: the working folder
        INSTALL_RPATH "$ORIGIN;${arg_RPATH}")
    target_link_libraries(${target} PRIVATE gcr_flags ${arg_LIBRARIES})
    target_link_options(${target} PRIVATE LINKER:--version-script=${gcr_module_map})
    add_dependencies(gridcrunch ${target})
    install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endfunction()
