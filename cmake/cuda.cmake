# Modules: backends in shared libraries of their own (src/backend/module.h).

# What a module must have been compiled with to be opened by this build: the version and the text of
# the seam.
set(seam "")
gcr_gather(seam ${CMAKE_SOURCE_DIR}/src/backend/backend.h)
set(hashes "")
foreach(file ${seam})
    file(SHA256 ${file} hash)
    string(APPEND hashes ${hash})
endforeach()
string(SHA256 hash "${hashes}")
string(SUBSTRING ${hash} 0 16 hash)
set(gcr_seam "${PROJECT_VERSION}-${hash}")
set_source_files_properties(src/backend/module.c PROPERTIES
                            COMPILE_DEFINITIONS "GCR_SEAM=\"${gcr_seam}\"")

