# Text of the source that the library carries, so that it can be compiled where there is no source.
#
#     gcr_embed(TARGET NAME ROOT...)
#
# adds to TARGET a C file that defines gcr_NAME, a table as base/text_file.h has it, of the
# files ROOT and all that they include of ours. Run as a script it writes that file.

# Appends to LIST the files of ours that the file PATH includes, with all that these include.
function(gcr_gather list path)
    set(found ${${list}})
    if(NOT path IN_LIST found)
        list(APPEND found ${path})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
        file(STRINGS ${path} lines REGEX "^#include \"")
        foreach(line ${lines})
            string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" name "${line}")
            foreach(folder src include .)
                if(EXISTS ${CMAKE_SOURCE_DIR}/${folder}/${name})
                    cmake_path(SET included NORMALIZE ${CMAKE_SOURCE_DIR}/${folder}/${name})
                    gcr_gather(found ${included})
                endif()
            endforeach()
        endforeach()
    endif()
    set(${list} ${found} PARENT_SCOPE)
endfunction()

function(gcr_embed target name)
    set(files "")
    foreach(root ${ARGN})
        gcr_gather(files ${CMAKE_SOURCE_DIR}/${root})
    endforeach()
    set(output ${CMAKE_BINARY_DIR}/embedded/${name}.c)
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DNAME=${name} "-DROOT=${CMAKE_SOURCE_DIR}"
                "-DFILES=${files}" -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
    target_sources(${target} PRIVATE ${output})
endfunction()

# As bytes: no compiler must take a string literal of more than 4095 characters.
if(DEFINED OUTPUT)
    set(arrays "")
    set(table "")
    set(index 0)
    foreach(file ${FILES})
        file(READ ${file} bytes HEX)
        string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
        string(REGEX REPLACE "^${ROOT}/((src|include)/)?" "" path "${file}")
        string(APPEND arrays "static const unsigned char text_${index}[] = {${bytes}0};\n")
        string(APPEND table
               "    { \"${path}\", (const char *)text_${index}, sizeof text_${index} - 1 },\n")
        math(EXPR index "${index} + 1")
    endforeach()
    file(WRITE ${OUTPUT} "/* Written by cmake/embed.cmake. */\n#include \"base/text_file.h\"\n"
         "\n${arrays}\nconst gcr_text_file gcr_${NAME}[] = {\n${table}    { 0 },\n};\n")
endif()
