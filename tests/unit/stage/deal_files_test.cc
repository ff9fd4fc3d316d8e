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
Result<std::vector<RowRange>> groups(const FileSlice&) { return std::vector<RowRange>{{0, 4}, {4, 8}, {8, 10}}; }

Result<bool> holds_lines(const FileSlice& file, const ScanOptions&) { return file.path != "/pretty"; }

/// "/0[4-8] /1", or "/0{0-100}" of lines, for each partition.
std::vector<std::string> dealt(std::vector<Slice> slices, std::int64_t count, FileFormat format = FileFormat::kParquet) {
  ScanOptions options;
  options.format = format;
  auto result = deal_file_slices({std::move(slices)}, options, count, {groups, holds_lines});
  REQUIRE(result.is_ok());
  if (!result->has_value()) return {"by rows"};
  std::vector<std::string> texts;
  for (const auto& partition : **result) {
    std::string text;
    for (const auto& slice : partition) {
      const FileSlice& file = std::get<FileSlice>(slice);
      text += (text.empty() ? "" : " ") + file.path;
      if (file.rows) text += "[" + std::to_string(file.rows->begin) + "-" + std::to_string(file.rows->end) + "]";
      if (file.lines) text += "{" + std::to_string(file.lines->begin) + "-" + std::to_string(file.lines->end) + "}";
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

TEST_CASE("lines of JSON files are dealt when they are too few") {
  constexpr std::int64_t kMega = std::int64_t{1} << 20;
  FileSlice large;
  large.path = "/large";
  large.size = 4 * kMega;
  CHECK(dealt({large}, 3, FileFormat::kJson) == Texts{"/large{0-1398101}", "/large{1398101-2796202}", "/large{2796202-4194304}"});
  CHECK(dealt({large}, 1, FileFormat::kJson) == Texts{"/large"});
  CHECK(dealt({large}, 3, FileFormat::kCsv) == Texts{"by rows"});
  CHECK(dealt({large}, 5, FileFormat::kJson) == Texts{"/large{0-1048576}", "/large{1048576-2097152}", "/large{2097152-3145728}",
                                                      "/large{3145728-4194304}", ""});

  FileSlice small = large;
  small.path = "/small";
  small.size = 10;
  CHECK(dealt({small}, 2, FileFormat::kJson) == Texts{"by rows"});
  CHECK(dealt({small, large}, 3, FileFormat::kJson) == Texts{"/small /large{0-1398101}", "/large{1398101-2796202}", "/large{2796202-4194304}"});

  FileSlice pretty = large;
  pretty.path = "/pretty";
  CHECK(dealt({pretty}, 2, FileFormat::kJson) == Texts{"by rows"});
  CHECK(dealt({pretty, large}, 4, FileFormat::kJson) ==
        Texts{"/pretty", "/large{0-2097152}", "/large{2097152-4194304}", ""});

  FileSlice part = large;
  part.lines = LineRange{kMega, 4 * kMega};
  CHECK(dealt({part}, 3, FileFormat::kJson) == Texts{"/large{1048576-2097152}", "/large{2097152-3145728}", "/large{3145728-4194304}"});
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
