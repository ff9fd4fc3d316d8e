#include "storage/file_tails.h"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"

namespace millpond {
namespace {

constexpr std::int64_t kSize = 3 * FileTails::kTailBytes + 5;

std::byte byte_at(std::int64_t offset) { return static_cast<std::byte>(offset % 251); }

/// A file whose bytes follow from their places. Counts what is read of it.
class CountedFile final : public ReadableFile {
 public:
  explicit CountedFile(int& reads) : reads_(reads) {}
  Result<std::size_t> read_at(std::int64_t offset, std::span<std::byte> out) override {
    ++reads_;
    const auto count = static_cast<std::size_t>(std::clamp<std::int64_t>(kSize - offset, 0, static_cast<std::int64_t>(out.size())));
    for (std::size_t i = 0; i < count; ++i) out[i] = byte_at(offset + static_cast<std::int64_t>(i));
    return count;
  }
  Result<FileInfo> info() override { return FileInfo{}; }

 private:
  int& reads_;
};

FileInfo known(const std::string& path, const std::string& tag, std::int64_t size = kSize) {
  FileInfo info;
  info.path = path;
  info.tag = tag;
  info.size = size;
  return info;
}

/// Whether the bytes are those of the file.
bool is_right(ReadableFile& file, std::int64_t offset, std::size_t count) {
  std::vector<std::byte> out(count);
  const auto got = file.read_at(offset, out);
  REQUIRE(got.is_ok());
  const auto wanted = static_cast<std::size_t>(std::clamp<std::int64_t>(kSize - offset, 0, static_cast<std::int64_t>(count)));
  if (*got != wanted) return false;
  for (std::size_t i = 0; i < wanted; ++i) {
    if (out[i] != byte_at(offset + static_cast<std::int64_t>(i))) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("what lies near a file's end is read once") {
  const auto tails = std::make_shared<FileTails>();
  int reads = 0;
  for (int opened = 0; opened < 3; ++opened) {
    const auto file = with_known_tail(std::make_unique<CountedFile>(reads), known("a", "1"), tails);
    CHECK(is_right(*file, kSize - 8, 8));
    CHECK(is_right(*file, kSize - 1'000, 900));
    CHECK(is_right(*file, kSize - FileTails::kTailBytes, 1'000'000));
    CHECK(reads == 1);
  }
  const auto other = with_known_tail(std::make_unique<CountedFile>(reads), known("a", "2"), tails);
  CHECK(is_right(*other, kSize - 8, 8));
  CHECK(reads == 2);  // Another content.
  CHECK(is_right(*other, 0, 100));
  CHECK(is_right(*other, kSize - FileTails::kTailBytes - 1, 10));
  CHECK(is_right(*other, kSize, 10));
  CHECK(is_right(*other, kSize + 7, 10));
  CHECK(reads == 6);  // These are not near the end.
}

TEST_CASE("only so many tails are kept, those asked for last") {
  FileTails tails;
  const auto tail = std::make_shared<const std::vector<std::byte>>(1);
  for (std::size_t i = 0; i < FileTails::kMostTails; ++i) tails.keep(std::to_string(i), tail);
  CHECK(tails.find("0") != nullptr);
  tails.keep("one more", tail);
  CHECK(tails.find("0") != nullptr);
  CHECK(tails.find("1") == nullptr);
  CHECK(tails.find("one more") != nullptr);
}

TEST_CASE("small files and those without a tag have no known tail") {
  CHECK(FileTails::may_hold(known("a", "1")));
  CHECK_FALSE(FileTails::may_hold(known("a", "")));
  CHECK_FALSE(FileTails::may_hold(known("a", "1", FileTails::kTailBytes)));
}

}  // namespace millpond
