#include "storage/line_range_file.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace millpond {
namespace {

constexpr std::size_t kLook = 64 * 1024;

/// The bytes [begin, end) of a file.
class LineRangeFile final : public ReadableFile {
 public:
  LineRangeFile(std::unique_ptr<ReadableFile> file, FileInfo info, std::int64_t begin, std::int64_t end)
      : file_(std::move(file)), info_(std::move(info)), begin_(begin), end_(end) {
    info_.size = end - begin;
  }

  Result<std::size_t> read_at(std::int64_t offset, std::span<std::byte> out) override {
    const std::int64_t left = end_ - begin_ - offset;
    if (left <= 0) return std::size_t{0};
    return file_->read_at(begin_ + offset, out.first(std::min(out.size(), static_cast<std::size_t>(left))));
  }
  Result<FileInfo> info() override { return info_; }

 private:
  std::unique_ptr<ReadableFile> file_;
  FileInfo info_;
  std::int64_t begin_;
  std::int64_t end_;
};

/// Where the first line begins that begins at `place` or behind it; the file's size where none does.
Result<std::int64_t> line_from(ReadableFile& file, std::int64_t place, std::int64_t size) {
  if (place <= 0) return std::int64_t{0};
  std::vector<std::byte> look(kLook);
  // The byte before tells whether a line begins at the place itself.
  for (std::int64_t at = place - 1; at < size;) {
    MILLPOND_ASSIGN_OR_RETURN(const std::size_t got, file.read_at(at, look));
    if (got == 0) break;
    if (const void* found = std::memchr(look.data(), '\n', got)) {
      return at + (static_cast<const std::byte*>(found) - look.data()) + 1;
    }
    at += static_cast<std::int64_t>(got);
  }
  return size;
}

}  // namespace

Result<std::unique_ptr<ReadableFile>> open_lines(std::unique_ptr<ReadableFile> file, std::int64_t begin, std::int64_t end) {
  MILLPOND_ASSIGN_OR_RETURN(FileInfo info, file->info());
  MILLPOND_ASSIGN_OR_RETURN(const std::int64_t first, line_from(*file, begin, info.size));
  MILLPOND_ASSIGN_OR_RETURN(const std::int64_t behind, line_from(*file, std::max(end, first), info.size));
  return std::unique_ptr<ReadableFile>(std::make_unique<LineRangeFile>(std::move(file), std::move(info), first, behind));
}

}  // namespace millpond
