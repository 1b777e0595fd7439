# What `cmake --install` puts where. Folders are those of GNUInstallDirs; nothing that is installed
# knows the build or source folder, so that an installation can be moved as a whole.
include(CMakePackageConfigHelpers)

set(gcr_libexec ${CMAKE_INSTALL_LIBEXECDIR}/gridcrunch)
file(RELATIVE_PATH libexec_from_bin ${CMAKE_INSTALL_FULL_BINDIR}
     ${CMAKE_INSTALL_FULL_LIBEXECDIR}/gridcrunch)
file(RELATIVE_PATH libexec_from_lib ${CMAKE_INSTALL_FULL_LIBDIR}
     ${CMAKE_INSTALL_FULL_LIBEXECDIR}/gridcrunch)
file(RELATIVE_PATH lib_from_bin ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
set_source_files_properties(src/base/install.c PROPERTIES COMPILE_DEFINITIONS
    "GCR_LIBEXEC_FROM_BIN=\"${libexec_from_bin}\";GCR_LIBEXEC_FROM_LIB=\"${libexec_from_lib}\";GCR_LIB_FROM_BIN=\"${lib_from_bin}\"")

install(TARGETS gridcrunch RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS gridcrunch-read-hdf5 RUNTIME DESTINATION ${gcr_libexec})
install(TARGETS gcr_library EXPORT gridcrunch LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/gridcrunch DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

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
