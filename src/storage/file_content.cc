#include "storage/file_content.h"

#include <span>

#include "base/hash.h"

namespace millpond {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;

}  // namespace

Result<std::string> read_file(FileSystem& files, const std::string& path) {
  MILLPOND_ASSIGN_OR_RETURN(const auto file, files.open(path));
  MILLPOND_ASSIGN_OR_RETURN(const FileInfo info, file->info());
  std::string bytes(static_cast<std::size_t>(info.size), '\0');
  MILLPOND_ASSIGN_OR_RETURN(const std::size_t size,
                            file->read_at(0, std::as_writable_bytes(std::span(bytes.data(), bytes.size()))));
  bytes.resize(size);
  return bytes;
}

Result<std::string> file_digest(FileSystem& files, const std::string& path) {
  MILLPOND_ASSIGN_OR_RETURN(const auto file, files.open(path));
  std::string piece(kPiece, '\0');
  ContentHasher hasher;
  for (std::int64_t offset = 0;;) {
    MILLPOND_ASSIGN_OR_RETURN(const std::size_t size,
                              file->read_at(offset, std::as_writable_bytes(std::span(piece.data(), piece.size()))));
    hasher.update(std::string_view(piece.data(), size));
    if (size < piece.size()) return hasher.hex();
    offset += static_cast<std::int64_t>(size);
  }
}

Status write_file(FileSystem& files, const std::string& path, std::string_view content) {
  const bool is_whole_at_once = files.store_of(path) != nullptr;
  const std::string name = is_whole_at_once ? path : path + ".new";
  if (!is_whole_at_once) MILLPOND_RETURN_IF_ERROR(files.remove_file(name));
  MILLPOND_ASSIGN_OR_RETURN(const auto file, files.create(name));
  MILLPOND_RETURN_IF_ERROR(file->write_at(0, std::as_bytes(std::span(content.data(), content.size()))));
  MILLPOND_RETURN_IF_ERROR(file->sync());
  MILLPOND_RETURN_IF_ERROR(file->close());
  return is_whole_at_once ? Status::ok() : files.rename_replace(name, path);
}

Status sync_file(FileSystem& files, const std::string& path) {
  MILLPOND_ASSIGN_OR_RETURN(const auto file, files.open_append(path));
  MILLPOND_RETURN_IF_ERROR(file->sync());
  return file->close();
}

}  // namespace millpond
