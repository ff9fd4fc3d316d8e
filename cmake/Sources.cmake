# Third-party C sources, pinned in cmake/sources.txt: headers of DuckDB and Catch, yyjson and xxhash to compile.
# They stay in MILLPOND_SOURCE_CACHE across builds; only the first build needs the network.

if(DEFINED ENV{MILLPOND_SOURCE_CACHE})
  set(_default_cache "$ENV{MILLPOND_SOURCE_CACHE}")
elseif(DEFINED ENV{XDG_CACHE_HOME})
  set(_default_cache "$ENV{XDG_CACHE_HOME}/millpond/sources")
else()
  set(_default_cache "$ENV{HOME}/.cache/millpond/sources")
endif()
set(MILLPOND_SOURCE_CACHE "${_default_cache}" CACHE PATH "Where downloaded source archives are kept across builds")

execute_process(
  COMMAND "${Python_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/fetch_sources.py" "${MILLPOND_SOURCE_CACHE}" duckdb xxhash
          yyjson
  OUTPUT_VARIABLE _folders
  RESULT_VARIABLE _failed)
if(_failed)
  message(FATAL_ERROR "The sources of cmake/sources.txt are not there (see above). They need pip and the package index "
                      "once; afterwards they lie in ${MILLPOND_SOURCE_CACHE}.")
endif()
foreach(_name duckdb xxhash yyjson)
  string(REGEX MATCH "${_name}=([^\n]*)" _match "${_folders}")
  set(MILLPOND_SOURCES_${_name} "${CMAKE_MATCH_1}")
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/sources.txt")

add_library(millpond_yyjson STATIC "${MILLPOND_SOURCES_yyjson}/yyjson.c")
target_include_directories(millpond_yyjson SYSTEM PUBLIC "${MILLPOND_SOURCES_yyjson}")

add_library(millpond_xxhash STATIC "${MILLPOND_SOURCES_xxhash}/xxhash.c")
target_include_directories(millpond_xxhash SYSTEM PUBLIC "${MILLPOND_SOURCES_xxhash}")
