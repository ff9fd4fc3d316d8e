#include "storage/parent_path.h"

#include "catch.hpp"

namespace millpond {

TEST_CASE("paths are taken apart at their last slash") {
  struct Case {
    const char* path;
    const char* parent;
    const char* name;
    const char* trimmed;
  };
  const Case cases[] = {
      {"/a/b", "/a", "b", "/a/b"},
      {"/a/b/", "/a", "b", "/a/b"},
      {"/a//b", "/a", "b", "/a//b"},
      {"a/b", "a", "b", "a/b"},
      {"b", ".", "b", "b"},
      {"b//", ".", "b", "b"},
      {"/b", "/", "b", "/b"},
      {"//b", "/", "b", "//b"},
      {"/", "/", "", "/"},
      {"//", "/", "", "/"},
      {"", ".", "", ""},
      {".", ".", ".", "."},
      {"a/..", "a", "..", "a/.."},
  };
  for (const Case& test : cases) {
    INFO(test.path);
    CHECK(parent_path(test.path) == test.parent);
    CHECK(base_name(test.path) == test.name);
    CHECK(trimmed_path(test.path) == test.trimmed);
  }
}

}  // namespace millpond
