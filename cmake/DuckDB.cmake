# The target millpond_duckdb: DuckDB's library and headers. Only src/sql and its tests use it.
#
# The library is, in this order:
#   1. DuckDB_ROOT (a CMake or environment variable): lib/libduckdb.so and include/duckdb.hpp of DuckDB 2.0.0;
#   2. the one inside the Python package duckdb 2.0.0 of the Python that builds, with headers from the same release's
#      source archive. It needs Python's own symbols, so executables also link libpython (millpond_duckdb_runtime).

set(MILLPOND_DUCKDB_VERSION 2.0.0)
add_library(millpond_duckdb INTERFACE)
add_library(millpond_duckdb_runtime INTERFACE) # What an executable needs besides millpond_duckdb.

if(NOT DuckDB_ROOT AND DEFINED ENV{DuckDB_ROOT})
  set(DuckDB_ROOT "$ENV{DuckDB_ROOT}")
endif()

if(DuckDB_ROOT)
  find_path(MILLPOND_DUCKDB_INCLUDE duckdb.hpp HINTS "${DuckDB_ROOT}" PATH_SUFFIXES include src/include
            NO_DEFAULT_PATH REQUIRED)
  find_library(MILLPOND_DUCKDB_LIBRARY duckdb HINTS "${DuckDB_ROOT}" PATH_SUFFIXES lib . NO_DEFAULT_PATH REQUIRED)
  target_link_libraries(millpond_duckdb INTERFACE "${MILLPOND_DUCKDB_LIBRARY}")
  get_filename_component(MILLPOND_DUCKDB_DIRECTORY "${MILLPOND_DUCKDB_LIBRARY}" DIRECTORY)
else()
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c
            "import importlib.metadata as m, importlib.util as u; print(m.version('duckdb'), u.find_spec('_duckdb').origin)"
    OUTPUT_VARIABLE _duckdb OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT _duckdb MATCHES "^${MILLPOND_DUCKDB_VERSION} (.+)$")
    message(FATAL_ERROR "DuckDB ${MILLPOND_DUCKDB_VERSION} was not found (found: \"${_duckdb}\"). Set DuckDB_ROOT to a "
                        "folder with its include/ and lib/, or install it beside ${Python_EXECUTABLE}:\n"
                        "  ${Python_EXECUTABLE} -m pip install duckdb==${MILLPOND_DUCKDB_VERSION}")
  endif()
  set(MILLPOND_DUCKDB_LIBRARY "${CMAKE_MATCH_1}")
  set(MILLPOND_DUCKDB_INCLUDE "${MILLPOND_SOURCES_duckdb}/include")
  get_filename_component(MILLPOND_DUCKDB_DIRECTORY "${MILLPOND_DUCKDB_LIBRARY}" DIRECTORY)
  get_filename_component(_name "${MILLPOND_DUCKDB_LIBRARY}" NAME)
  # By name, not by path: the library has no soname, and a path would be written into whatever links it.
  target_link_directories(millpond_duckdb INTERFACE "${MILLPOND_DUCKDB_DIRECTORY}")
  target_link_libraries(millpond_duckdb INTERFACE "-l:${_name}")

  if(Python_Development.Embed_FOUND)
    # Nothing of ours calls Python, so a linker that drops unused libraries would drop this one.
    target_link_libraries(millpond_duckdb_runtime
                          INTERFACE "-Wl,--push-state,--no-as-needed,${Python_LIBRARIES},--pop-state")
    target_link_options(millpond_duckdb_runtime INTERFACE "LINKER:-rpath,${Python_RUNTIME_LIBRARY_DIRS}")
  endif()
endif()

target_include_directories(millpond_duckdb SYSTEM INTERFACE "${MILLPOND_DUCKDB_INCLUDE}")
target_link_libraries(millpond_duckdb_runtime INTERFACE millpond_duckdb)
# Of use in the build tree only; what is installed gets its own rpath.
target_link_options(millpond_duckdb_runtime INTERFACE "LINKER:-rpath,${MILLPOND_DUCKDB_DIRECTORY}")
message(STATUS "millpond: DuckDB ${MILLPOND_DUCKDB_VERSION} from ${MILLPOND_DUCKDB_LIBRARY}")
