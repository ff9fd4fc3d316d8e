# Python: the interpreter fetches sources and runs the tests; its headers are for the module `_core`; its library is
# for executables, since the DuckDB inside the Python package needs Python's symbols.

find_package(Python 3.11 REQUIRED COMPONENTS Interpreter OPTIONAL_COMPONENTS Development.Module Development.Embed)

if(MILLPOND_PYTHON AND NOT Python_Development.Module_FOUND)
  message(FATAL_ERROR "Python.h of ${Python_EXECUTABLE} was not found. On Debian: apt-get install python3-dev")
endif()
if(NOT Python_Development.Embed_FOUND AND NOT DuckDB_ROOT AND NOT DEFINED ENV{DuckDB_ROOT}
   AND (MILLPOND_TESTS OR MILLPOND_INSTALL))
  message(FATAL_ERROR "libpython of ${Python_EXECUTABLE} was not found; the C++ tests and library need it, because the "
                      "DuckDB inside the Python package does. On Debian: apt-get install python3-dev. Or set DuckDB_ROOT.")
endif()
