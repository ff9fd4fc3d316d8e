#include "storage/line_range_file.h"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"
#include "temporary_directory.h"

namespace millpond {
namespace {

/// The lines that begin in [begin, end), by looking at each byte.
std::string expected(const std::string& text, std::size_t begin, std::size_t end) {
  std::string lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t next = std::min(text.find('\n', at), text.size() - 1) + 1;
    if (at >= begin && at < end) lines += text.substr(at, next - at);
    at = next;
  }
  return lines;
}

std::string content(ReadableFile& file, std::size_t chunk) {
  std::string all;
  std::vector<std::byte> buffer(chunk);
  while (true) {
    const auto got = file.read_at(static_cast<std::int64_t>(all.size()), buffer);
    REQUIRE(got.is_ok());
    all.append(reinterpret_cast<const char*>(buffer.data()), *got);
    if (*got < chunk) return all;
  }
}

std::unique_ptr<ReadableFile> lines_of(const std::string& path, std::int64_t begin, std::int64_t end) {
  auto file = local_file_system()->open(path);
  REQUIRE(file.is_ok());
  auto lines = open_lines(std::move(*file), begin, end);
  REQUIRE(lines.is_ok());
  return std::move(*lines);
}

}  // namespace

TEST_CASE("a range of a file has the lines that begin in it") {
  const TemporaryDirectory folder;
  for (const std::string text : {"a\nbb\nccc\n", "a\nbb\nccc", "\n\n\na\n", "no end", "\n", "x\r\ny\r\n"}) {
    INFO(text);
    folder.write("text", text);
    const auto size = static_cast<std::int64_t>(text.size());
    for (std::int64_t begin = 0; begin <= size + 1; ++begin) {
      for (std::int64_t end = begin; end <= size + 2; ++end) {
        INFO(begin << " to " << end);
        const auto lines = lines_of(folder / "text", begin, end);
        const std::string wanted = expected(text, static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
        CHECK(content(*lines, 3) == wanted);
        CHECK(lines->info()->size == static_cast<std::int64_t>(wanted.size()));
      }
    }
  }
}

TEST_CASE("ranges that follow each other give each line once, however long it is") {
  const TemporaryDirectory folder;
  std::string text;
  for (int i = 0; i < 40; ++i) text += std::string(static_cast<std::size_t>(i) * 5'000, static_cast<char>('a' + i % 26)) + "\n";
  folder.write("text", text);
  for (const std::int64_t piece : {1'000, 64 * 1024, 100'000, 3'000'000}) {
    std::string all;
    const auto size = static_cast<std::int64_t>(text.size());
    for (std::int64_t begin = 0; begin < size; begin += piece) all += content(*lines_of(folder / "text", begin, begin + piece), 4'096);
    CHECK((all == text));
  }
}

}  // namespace millpond
