# millpond_module(NAME [LINK target...] [PRIVATE_LINK target...])
#
# Makes the static library millpond_<NAME> of all .cc files below src/<NAME>. Files are found by pattern, so adding one
# needs no change here. A module without sources yet is its headers alone.
function(millpond_module name)
  cmake_parse_arguments(ARG "" "" "LINK;PRIVATE_LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  if(NOT sources)
    add_library(millpond_${name} INTERFACE)
    target_link_libraries(millpond_${name} INTERFACE ${ARG_LINK})
    target_include_directories(millpond_${name} INTERFACE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")
    return()
  endif()
  add_library(millpond_${name} STATIC ${sources})
  target_include_directories(millpond_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(
    millpond_${name}
    PUBLIC ${ARG_LINK}
    PRIVATE ${ARG_PRIVATE_LINK} millpond_options)
endfunction()
