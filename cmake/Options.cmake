# The target millpond_options: how our own code is compiled. Third-party sources do not use it.

option(MILLPOND_WERROR "Turn warnings into errors (developers)" OFF)
option(MILLPOND_HARDENING "Stack protector, fortified libc calls, checked standard library, read-only relocations" OFF)
set(MILLPOND_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined or thread")

add_library(millpond_options INTERFACE)
target_compile_features(millpond_options INTERFACE cxx_std_20)
target_compile_options(millpond_options INTERFACE -Wall -Wextra $<$<BOOL:${MILLPOND_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees overlaps and uninitialized members in the standard library's own strings and optionals that are not there.
  target_compile_options(millpond_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(MILLPOND_HARDENING)
  target_compile_options(millpond_options INTERFACE -fstack-protector-strong)
  target_compile_definitions(millpond_options INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2> _GLIBCXX_ASSERTIONS)
  add_link_options(LINKER:-z,relro LINKER:-z,now)
endif()
if(MILLPOND_SANITIZE)
  # For every target, third-party ones too: a report must not stop at their border.
  add_compile_options(-fsanitize=${MILLPOND_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MILLPOND_SANITIZE})
endif()
