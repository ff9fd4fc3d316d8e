#include <algorithm>
#include <memory>
#include <span>
#include <string>

#include "base/json.h"
#include "sql/engine_impl.h"
#include "sql/file_scan.h"

namespace millpond {
namespace {

constexpr std::size_t kLongestFirstLine = std::size_t{1} << 20;
constexpr std::size_t kLook = std::size_t{64} << 10;

/// What is before the first end of a line; empty when it is not near.
Result<std::string> first_line(FileSystem& files, const FileSlice& file) {
  MILLPOND_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> handle, files.open(file.path));
  std::string head;
  while (head.size() < kLongestFirstLine) {
    const std::size_t before = head.size();
    head.resize(before + kLook);
    const auto room = std::as_writable_bytes(std::span(head)).subspan(before);
    MILLPOND_ASSIGN_OR_RETURN(const std::size_t got, handle->read_at(static_cast<std::int64_t>(before), room));
    head.resize(before + got);
    if (const std::size_t end = head.find('\n', before); end != std::string::npos) return head.substr(0, end);
    if (got == 0) break;
  }
  return std::string();
}

}  // namespace

Result<bool> Engine::holds_lines(const FileSlice& file, const ScanOptions& options) {
  if (options.format != FileFormat::kJson || options.filename || options.file_row_number) return false;
  if (is_compressed(file.path, options.reader_options)) return false;
  const auto format = options.reader_options.find("format");
  if (format != options.reader_options.end() && format->second != "'auto'") {
    return format->second == "'newline_delimited'" || format->second == "'nd'";
  }
  MILLPOND_ASSIGN_OR_RETURN(const std::string line, first_line(*impl_->files, file));
  const Result<Json> value = Json::parse(line);
  return value.is_ok() && value->is_object();
}

}  // namespace millpond
