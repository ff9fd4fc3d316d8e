#include "data/slice.h"

#include "catch.hpp"

namespace millpond {
namespace {

FileSlice file(std::string path, std::int64_t rows, std::optional<RowRange> range = {}) {
  return FileSlice{std::move(path), 1000, 7, "", rows, range};
}

FileSlice lines(std::string path, std::int64_t begin, std::int64_t end) {
  FileSlice slice = file(std::move(path), -1);
  slice.lines = LineRange{begin, end};
  return slice;
}

}  // namespace

TEST_CASE("a slice knows its rows and its share of bytes") {
  CHECK(slice_rows(file("a", 10)) == 10);
  CHECK(slice_rows(file("a", -1)) == -1);
  CHECK(slice_rows(file("a", 10, RowRange{2, 5})) == 3);
  CHECK(slice_bytes(file("a", 10)) == 1000);
  CHECK(slice_bytes(file("a", 10, RowRange{2, 5})) == 300);
  CHECK(slice_bytes(file("a", 0, RowRange{0, 0})) == 1000);
  CHECK(slice_rows(lines("a", 300, 500)) == -1);
  CHECK(slice_bytes(lines("a", 300, 500)) == 200);
  CHECK(slice_rows(SegmentSlice{"x", 3, 40, 80, "d", RowRange{0, 10}}) == 10);
  CHECK(slice_bytes(SegmentSlice{"x", 3, 40, 80, "d", RowRange{0, 10}}) == 20);
}

TEST_CASE("ranges that follow each other are one") {
  CHECK(joined_ranges({file("a", 10, RowRange{0, 4}), file("a", 10, RowRange{4, 6})}) ==
        std::vector<Slice>{file("a", 10, RowRange{0, 6})});
  CHECK(joined_ranges({file("a", 10, RowRange{0, 4}), file("a", 10, RowRange{4, 10})}) == std::vector<Slice>{file("a", 10)});
  CHECK(joined_ranges({lines("a", 0, 400), lines("a", 400, 1000)}) == std::vector<Slice>{file("a", -1)});
  CHECK(joined_ranges({lines("a", 1, 400), lines("a", 400, 1000)}) == std::vector<Slice>{lines("a", 1, 1000)});
  const std::vector<Slice> apart = {lines("a", 0, 400), lines("b", 400, 500), lines("b", 600, 700), file("b", 10), file("b", 10)};
  CHECK(joined_ranges(apart) == apart);
}

TEST_CASE("slices come back from JSON") {
  const Slice slices[] = {
      file("/a b/\"ü\n", 10),
      file("a", -1),
      FileSlice{"s3://b/k", 5, 0, "tag", 3, RowRange{1, 2}},
      lines("a", 5, 9),
      SegmentSlice{"x", 3, 40, 80, "00ff", std::nullopt},
      SegmentSlice{"x", 0, 0, 0, "", RowRange{0, 0}},
  };
  for (const Slice& slice : slices) {
    INFO(slice_to_json(slice).dump());
    auto back = slice_from_json(slice_to_json(slice));
    REQUIRE(back.is_ok());
    CHECK(*back == slice);
  }
  for (const char* bad :
       {"{}", R"({"path":1})", R"({"path":"a","size":1})", R"({"path":"a","partition":"x"})",
        R"({"path":"a","size":1,"mtime_ns":1,"rows":[2,1]})", R"({"path":"a","size":1,"mtime_ns":1,"rows":[-1,1]})",
        R"({"path":"a","size":1,"mtime_ns":1,"rows":3})", R"({"path":"a","size":1,"mtime_ns":1,"lines":[2,1]})"}) {
    INFO(bad);
    CHECK(slice_from_json(*Json::parse(bad)).status().code() == StatusCode::kDataCorrupt);
  }
}

TEST_CASE("rows are dealt as numpy.array_split does") {
  struct Case {
    std::vector<std::int64_t> files;
    std::int64_t parts;
    std::vector<std::int64_t> expected;
  };
  const Case cases[] = {
      {{10}, 3, {4, 3, 3}}, {{3, 0, 7}, 3, {4, 3, 3}}, {{}, 2, {0, 0}},        {{1, 1}, 4, {1, 1, 0, 0}},
      {{5, 5, 5}, 1, {15}}, {{2, 2, 2}, 3, {2, 2, 2}}, {{0, 0}, 3, {0, 0, 0}}, {{7}, 7, {1, 1, 1, 1, 1, 1, 1}},
  };
  for (const Case& test : cases) {
    std::vector<Slice> slices;
    for (std::size_t i = 0; i < test.files.size(); ++i) slices.push_back(file(std::to_string(i), test.files[i]));
    const auto parts = split_by_rows(slices, test.parts);
    REQUIRE(parts.size() == test.expected.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      std::int64_t rows = 0;
      for (const Slice& slice : parts[i]) rows += slice_rows(slice);
      CHECK(rows == test.expected[i]);
    }
  }
  CHECK(split_by_rows({file("a", 1)}, 0).empty());
}

TEST_CASE("dealing keeps the order, row ranges inside row ranges, and whole slices whole") {
  const auto parts = split_by_rows({file("a", 100, RowRange{10, 14}), file("b", 2)}, 2);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0] == std::vector<Slice>{file("a", 100, RowRange{10, 13})});
  CHECK(parts[1] == std::vector<Slice>{file("a", 100, RowRange{13, 14}), file("b", 2)});
}

}  // namespace millpond
