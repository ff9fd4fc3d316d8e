#include "stage/deal_files.h"

#include <algorithm>
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
Result<std::vector<Slice>> row_group_slices(
    const FileSlice& file, const std::function<Result<std::vector<RowRange>>(const std::string& path)>& row_groups) {
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<RowRange> groups, row_groups(file.path));
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

/// Neighbouring ranges of one file as one range, so that a task reads a file once.
void merge_ranges(std::vector<Slice>& slices) {
  std::vector<Slice> merged;
  for (auto& slice : slices) {
    auto* file = std::get_if<FileSlice>(&slice);
    auto* last = merged.empty() ? nullptr : std::get_if<FileSlice>(&merged.back());
    if (file && last && file->rows && last->rows && file->path == last->path && last->rows->end == file->rows->begin) {
      last->rows->end = file->rows->end;
    } else {
      merged.push_back(std::move(slice));
    }
  }
  slices = std::move(merged);
}

}  // namespace

Result<std::optional<std::vector<std::vector<Slice>>>> deal_file_slices(
    const std::vector<std::vector<Slice>>& partitions, const ScanOptions& options, std::int64_t count,
    const std::function<Result<std::vector<RowRange>>(const std::string& path)>& row_groups) {
  std::vector<Slice> slices;
  for (const auto& partition : partitions) slices.insert(slices.end(), partition.begin(), partition.end());
  if (static_cast<std::int64_t>(slices.size()) < count && !slices.empty()) {
    if (options.format != FileFormat::kParquet) return std::optional<std::vector<std::vector<Slice>>>();
    std::vector<Slice> groups;
    for (const auto& slice : slices) {
      MILLPOND_ASSIGN_OR_RETURN(std::vector<Slice> some, row_group_slices(std::get<FileSlice>(slice), row_groups));
      groups.insert(groups.end(), some.begin(), some.end());
    }
    slices = std::move(groups);
  }
  auto dealt = deal_runs(std::move(slices), count);
  for (auto& partition : dealt) merge_ranges(partition);
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
