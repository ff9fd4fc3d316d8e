#include "stage/deal_files.h"

#include "catch.hpp"

namespace millpond {
namespace {

std::vector<Slice> files(std::int64_t count) {
  std::vector<Slice> slices;
  for (std::int64_t i = 0; i < count; ++i) {
    FileSlice file;
    file.path = "/" + std::to_string(i);
    file.num_rows = 10;
    slices.emplace_back(file);
  }
  return slices;
}

/// Every file has three groups: 4, 4 and 2 rows.
Result<std::vector<RowRange>> groups(const std::string&) { return std::vector<RowRange>{{0, 4}, {4, 8}, {8, 10}}; }

/// "/0[4-8] /1" for each partition.
std::vector<std::string> dealt(std::vector<Slice> slices, std::int64_t count, FileFormat format = FileFormat::kParquet) {
  ScanOptions options;
  options.format = format;
  auto result = deal_file_slices({std::move(slices)}, options, count, groups);
  REQUIRE(result.is_ok());
  if (!result->has_value()) return {"by rows"};
  std::vector<std::string> texts;
  for (const auto& partition : **result) {
    std::string text;
    for (const auto& slice : partition) {
      const FileSlice& file = std::get<FileSlice>(slice);
      text += (text.empty() ? "" : " ") + file.path;
      if (file.rows) text += "[" + std::to_string(file.rows->begin) + "-" + std::to_string(file.rows->end) + "]";
    }
    texts.push_back(text);
  }
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("whole files are dealt in runs, the first ones longer") {
  CHECK(dealt(files(5), 2) == Texts{"/0 /1 /2", "/3 /4"});
  CHECK(dealt(files(3), 3) == Texts{"/0", "/1", "/2"});
  CHECK(dealt(files(3), 1) == Texts{"/0 /1 /2"});
}

TEST_CASE("with fewer files than partitions, row groups are") {
  CHECK(dealt(files(1), 2) == Texts{"/0[0-8]", "/0[8-10]"});
  CHECK(dealt(files(2), 4) == Texts{"/0[0-8]", "/0[8-10] /1[0-4]", "/1[4-8]", "/1[8-10]"});
  CHECK(dealt(files(1), 5) == Texts{"/0[0-4]", "/0[4-8]", "/0[8-10]", "", ""});
}

TEST_CASE("a row group that the input cuts is cut") {
  std::vector<Slice> part = files(1);
  std::get<FileSlice>(part.front()).rows = RowRange{3, 9};
  CHECK(dealt(part, 3) == Texts{"/0[3-4]", "/0[4-8]", "/0[8-9]"});
}

TEST_CASE("formats without row groups are dealt by rows when their files are too few") {
  CHECK(dealt(files(2), 3, FileFormat::kCsv) == Texts{"by rows"});
  CHECK(dealt(files(3), 3, FileFormat::kCsv) == Texts{"/0", "/1", "/2"});
}

TEST_CASE("no files give empty partitions") { CHECK(dealt({}, 3) == Texts{"", "", ""}); }

TEST_CASE("files are dealt to the partitions that are asked for") {
  const auto dealt = deal_files_to({files(4)}, {2, 0, 2, 0}, 3);
  REQUIRE(dealt.is_ok());
  REQUIRE(dealt->size() == 3);
  CHECK((*dealt)[1].empty());
  CHECK(std::get<FileSlice>((*dealt)[0][1]).path == "/3");
  CHECK(std::get<FileSlice>((*dealt)[2][0]).path == "/0");
  CHECK_FALSE(deal_files_to({files(2)}, {0}, 3).is_ok());
  CHECK_FALSE(deal_files_to({files(2)}, {0, 3}, 3).is_ok());
  CHECK_FALSE(deal_files_to({files(2)}, {0, 0, 0}, 3).is_ok());
}

}  // namespace millpond
