#include "stage/deal_files.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

namespace millpond {
namespace {

std::vector<std::vector<Slice>> deal_runs(std::vector<Slice> slices, std::int64_t count) {
  std::vector<std::vector<Slice>> dealt(static_cast<std::size_t>(count));
  const auto total = static_cast<std::int64_t>(slices.size());
  std::int64_t next = 0;
  for (std::int64_t part = 0; part < count; ++part) {
    const std::int64_t size = total / count + (part < total % count ? 1 : 0);
    for (std::int64_t i = 0; i < size; ++i) dealt[static_cast<std::size_t>(part)].push_back(std::move(slices[static_cast<std::size_t>(next++)]));
  }
  return dealt;
}

/// The row groups of a file that lie in the slice, as slices; a group that a row range cuts is cut.
Result<std::vector<Slice>> row_group_slices(const FileSlice& file, const FileParts& parts) {
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<RowRange> groups, parts.row_groups(file));
  std::vector<Slice> slices;
  for (RowRange group : groups) {
    if (file.rows) group = {std::max(group.begin, file.rows->begin), std::min(group.end, file.rows->end)};
    if (group.size() <= 0) continue;
    FileSlice slice = file;
    slice.rows = group;
    slices.emplace_back(std::move(slice));
  }
  return slices;
}

/// Less is not worth a reader of its own.
constexpr std::int64_t kLeastLineBytes = std::int64_t{1} << 20;

std::int64_t bytes_of(const std::vector<Slice>& slices) {
  return std::accumulate(slices.begin(), slices.end(), std::int64_t{0},
                         [](std::int64_t bytes, const Slice& slice) { return bytes + slice_bytes(slice); });
}

/// Pieces of about `piece_bytes` of the file's lines; the file itself where it has none, or is no larger.
Result<std::vector<Slice>> line_slices(const FileSlice& file, const ScanOptions& options, std::int64_t piece_bytes,
                                       const FileParts& parts) {
  const LineRange all = file.lines.value_or(LineRange{0, file.size});
  const std::int64_t count = (all.size() + piece_bytes - 1) / piece_bytes;
  if (count <= 1) return std::vector<Slice>{file};
  MILLPOND_ASSIGN_OR_RETURN(const bool holds_lines, parts.holds_lines(file, options));
  if (!holds_lines) return std::vector<Slice>{file};
  std::vector<Slice> slices;
  for (std::int64_t i = 0; i < count; ++i) {
    FileSlice slice = file;
    slice.lines = LineRange{all.begin + all.size() / count * i, i + 1 == count ? all.end : all.begin + all.size() / count * (i + 1)};
    slices.emplace_back(std::move(slice));
  }
  return slices;
}

/// What `slices` consist of, where they are fewer than wanted; nothing when they have no parts that can be told.
Result<std::optional<std::vector<Slice>>> parts_of(const std::vector<Slice>& slices, const ScanOptions& options,
                                                   std::int64_t count, const FileParts& parts) {
  const bool is_json = options.format == FileFormat::kJson && parts.holds_lines;
  if (options.format != FileFormat::kParquet && !is_json) return std::optional<std::vector<Slice>>();
  const std::int64_t piece_bytes = std::max(kLeastLineBytes, (bytes_of(slices) + count - 1) / count);
  std::vector<Slice> all;
  for (const Slice& slice : slices) {
    const auto& file = std::get<FileSlice>(slice);
    MILLPOND_ASSIGN_OR_RETURN(std::vector<Slice> some,
                              is_json ? line_slices(file, options, piece_bytes, parts) : row_group_slices(file, parts));
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  if (is_json && all.size() == slices.size()) return std::optional<std::vector<Slice>>();
  return std::optional(std::move(all));
}

}  // namespace

Result<std::optional<std::vector<std::vector<Slice>>>> deal_file_slices(const std::vector<std::vector<Slice>>& partitions,
                                                                        const ScanOptions& options, std::int64_t count,
                                                                        const FileParts& parts) {
  std::vector<Slice> slices;
  for (const auto& partition : partitions) slices.insert(slices.end(), partition.begin(), partition.end());
  if (static_cast<std::int64_t>(slices.size()) < count && !slices.empty()) {
    MILLPOND_ASSIGN_OR_RETURN(std::optional<std::vector<Slice>> smaller, parts_of(slices, options, count, parts));
    if (!smaller) return std::optional<std::vector<std::vector<Slice>>>();
    slices = std::move(*smaller);
  }
  auto dealt = deal_runs(std::move(slices), count);
  for (auto& partition : dealt) partition = joined_ranges(partition);  // A task reads a file once.
  return std::optional(std::move(dealt));
}

Result<std::vector<std::vector<Slice>>> deal_files_to(const std::vector<std::vector<Slice>>& partitions,
                                                      const std::vector<std::int64_t>& targets, std::int64_t count) {
  std::vector<std::vector<Slice>> dealt(static_cast<std::size_t>(count));
  std::size_t next = 0;
  for (const auto& partition : partitions) {
    for (const Slice& slice : partition) {
      const std::int64_t target = next < targets.size() ? targets[next++] : -1;
      if (target < 0 || target >= count) return Status::internal("a file is dealt to no partition");
      dealt[static_cast<std::size_t>(target)].push_back(slice);
    }
  }
  if (next != targets.size()) return Status::internal("more files are dealt than there are");
  return dealt;
}

}  // namespace millpond
