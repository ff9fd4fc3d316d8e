#include "sql/parquet_check.h"

#include <array>
#include <cstring>
#include <memory>

namespace millpond {
namespace {

// "PAR1" footer, its length in 4 bytes, "PAR1"; "PARE" when the footer is encrypted.
constexpr std::int64_t kHead = 4;
constexpr std::int64_t kTail = 8;

Status corrupt(const std::string& path, const std::string& why) {
  ErrorContext context;
  context.file = path;
  return Status::data_corrupt("this is no whole Parquet file: " + why,
                              "It may be still being written, or cut short by a failed copy.")
      .with_context(context);
}

bool is_magic(const std::byte* bytes) { return std::memcmp(bytes, "PAR1", 4) == 0 || std::memcmp(bytes, "PARE", 4) == 0; }

}  // namespace

Status check_parquet_ends(FileSystem& files, const std::string& path) {
  MILLPOND_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, files.open(path));
  MILLPOND_ASSIGN_OR_RETURN(const FileInfo info, file->info());
  if (info.size == 0) return corrupt(path, "it is empty (0 bytes)");
  if (info.size < kHead + kTail) return corrupt(path, "it has only " + std::to_string(info.size) + " bytes");
  std::array<std::byte, kTail> bytes{};
  MILLPOND_ASSIGN_OR_RETURN(std::size_t got, file->read_at(0, std::span(bytes).first(kHead)));
  if (got != kHead || !is_magic(bytes.data())) return corrupt(path, "it does not begin with \"PAR1\"");
  MILLPOND_ASSIGN_OR_RETURN(got, file->read_at(info.size - kTail, bytes));
  if (got != kTail || !is_magic(bytes.data() + 4)) return corrupt(path, "its end is missing (no \"PAR1\" there)");
  std::uint32_t length = 0;
  for (int i = 3; i >= 0; --i) length = length << 8 | std::to_integer<std::uint32_t>(bytes[static_cast<std::size_t>(i)]);
  if (length == 0 || static_cast<std::int64_t>(length) + kHead + kTail > info.size) {
    return corrupt(path, "its footer of " + std::to_string(length) + " bytes does not fit in " + std::to_string(info.size));
  }
  return Status::ok();
}

}  // namespace millpond
