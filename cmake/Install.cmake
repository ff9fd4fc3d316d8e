# The C++ library for other projects: libmillpond.so of all modules, the public headers, and find_package(millpond).

# The library is not part of `all`: who works on the Python package need not link it.
# These two define what the public headers declare; the other modules come along as far as they are used.
add_library(millpond SHARED EXCLUDE_FROM_ALL)
add_library(millpond::millpond ALIAS millpond)
foreach(module base api)
  get_target_property(type millpond_${module} TYPE)
  if(type STREQUAL "STATIC_LIBRARY")
    target_sources(millpond PRIVATE $<TARGET_OBJECTS:millpond_${module}>)
  endif()
endforeach()
target_link_libraries(millpond PRIVATE millpond_api millpond_duckdb_runtime)
target_link_options(millpond PRIVATE LINKER:--exclude-libs,ALL)
target_compile_features(millpond PUBLIC cxx_std_20)

# CMake compiles each public header alone (target all_verify_interface_header_sets).
file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/millpond/*.h")
target_sources(millpond PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${headers})

# Installed, the library looks for DuckDB's beside itself, and where it was when this was built (cmake/DuckDB.cmake).
set_target_properties(
  millpond
  PROPERTIES VERSION "${PROJECT_VERSION}"
             SOVERSION "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}"
             VERIFY_INTERFACE_HEADER_SETS ON
             INSTALL_RPATH "$ORIGIN")

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
install(
  TARGETS millpond
  EXPORT millpond
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT cpp NAMELINK_COMPONENT cpp
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT cpp)
install(
  EXPORT millpond
  NAMESPACE millpond::
  FILE millpondConfig.cmake
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/millpond"
  COMPONENT cpp)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/millpondConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(
  FILES "${CMAKE_CURRENT_BINARY_DIR}/millpondConfigVersion.cmake"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/millpond"
  COMPONENT cpp)
