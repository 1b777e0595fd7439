# What `cmake --install` puts where. Folders are those of GNUInstallDirs; nothing that is installed
# knows the build or source folder, so that an installation can be moved as a whole.
include(CMakePackageConfigHelpers)

set(gcr_libexec ${CMAKE_INSTALL_LIBEXECDIR}/gridcrunch)
file(RELATIVE_PATH libexec_from_bin ${CMAKE_INSTALL_FULL_BINDIR}
     ${CMAKE_INSTALL_FULL_LIBEXECDIR}/gridcrunch)
file(RELATIVE_PATH libexec_from_lib ${CMAKE_INSTALL_FULL_LIBDIR}
     ${CMAKE_INSTALL_FULL_LIBEXECDIR}/gridcrunch)
file(RELATIVE_PATH lib_from_bin ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH lib_from_libexec ${CMAKE_INSTALL_FULL_LIBEXECDIR}/gridcrunch
     ${CMAKE_INSTALL_FULL_LIBDIR})
set_source_files_properties(src/base/install.c PROPERTIES COMPILE_DEFINITIONS
    "GCR_LIBEXEC_FROM_BIN=\"${libexec_from_bin}\";GCR_LIBEXEC_FROM_LIB=\"${libexec_from_lib}\";GCR_LIB_FROM_BIN=\"${lib_from_bin}\";GCR_LIB_FROM_LIBEXEC=\"${lib_from_libexec}\"")

# Where TARGET, installed in FOLDER, finds libraries that were put beside it (cmake/bundle.cmake): by the old
# kind of entry, which counts for the libraries of those libraries, too.
function(gcr_find_libraries_from target folder)
    file(RELATIVE_PATH lib ${CMAKE_INSTALL_PREFIX}/${folder} ${CMAKE_INSTALL_FULL_LIBDIR})
    set_target_properties(${target} PROPERTIES
        BUILD_WITH_INSTALL_RPATH ON # CMake pads the other kind with empty entries: the working folder
        INSTALL_RPATH "$ORIGIN/${lib}")
    target_link_options(${target} PRIVATE LINKER:--disable-new-dtags)
endfunction()
gcr_find_libraries_from(gridcrunch ${CMAKE_INSTALL_BINDIR})
gcr_find_libraries_from(gridcrunch-read-hdf5 ${gcr_libexec})

install(TARGETS gridcrunch RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS gridcrunch-read-hdf5 RUNTIME DESTINATION ${gcr_libexec})
install(TARGETS gcr_library EXPORT gridcrunch LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/gridcrunch DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY scripts/slurm DESTINATION ${CMAKE_INSTALL_DOCDIR}/scripts) # as docs/cluster.md links to it

# find_package(gridcrunch) and gridcrunch::gridcrunch
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/gridcrunch)
install(EXPORT gridcrunch NAMESPACE gridcrunch:: DESTINATION ${package}
        FILE gridcrunchTargets.cmake)
configure_package_config_file(cmake/gridcrunchConfig.cmake.in gridcrunchConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(gridcrunchConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gridcrunchConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/gridcrunchConfigVersion.cmake DESTINATION ${package})

# pkg-config gridcrunch
set(pkgconfig ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH prefix_from_pkgconfig ${pkgconfig} ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" prefix_from_pkgconfig "${prefix_from_pkgconfig}")
file(RELATIVE_PATH lib_from_prefix ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH include_from_prefix ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(cmake/gridcrunch.pc.in gridcrunch.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gridcrunch.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# A folder that has all that it needs but CUDA and the C library, and an archive of it.
if(GCR_TESTS AND GCR_BENCH AND NOT GCR_SANITIZE)
    set(bundle gridcrunch-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
    add_custom_target(bundle
        COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DBUILD=${CMAKE_BINARY_DIR}
                -DFOLDER=${CMAKE_BINARY_DIR}/${bundle} -P ${CMAKE_SOURCE_DIR}/cmake/bundle.cmake
        DEPENDS gridcrunch gridcrunch-read-hdf5 gcr_library
        COMMENT "${bundle}.tar.xz" USES_TERMINAL VERBATIM)
    if(GCR_HAS_CUDA)
        add_dependencies(bundle gcr_cuda_module)
    endif()
endif()
# Has these targets built before it.
function(gcr_bundle)
    if(TARGET bundle)
        add_dependencies(bundle ${ARGN})
    endif()
endfunction()
