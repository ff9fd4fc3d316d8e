#include "stage/split_scans.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "stage/deal_files.h"
#include "stage/leave_files_out.h"

namespace millpond {
namespace {

using Partition = std::vector<Slice>;

std::int64_t bytes_of(const Partition& partition) {
  std::int64_t bytes = 0;
  for (const Slice& slice : partition) bytes += slice_bytes(slice);
  return bytes;
}

/// Runs of about equal bytes, `count` at most; none is empty.
std::vector<Partition> runs_of_equal_bytes(const Partition& partition, std::int64_t bytes, std::int64_t count) {
  std::vector<Partition> runs(1);
  std::int64_t before = 0;
  for (const Slice& slice : partition) {
    const std::int64_t end = bytes / count * static_cast<std::int64_t>(runs.size());
    if (before >= end && !runs.back().empty()) runs.emplace_back();
    runs.back().push_back(slice);
    before += slice_bytes(slice);
  }
  return runs;
}

Result<std::vector<Partition>> split_partition(const Partition& partition, const ScanOptions& scan,
                                               const PlannerContext& context) {
  const std::int64_t bytes = bytes_of(partition);
  const std::int64_t count = (bytes + context.scan_task_bytes - 1) / context.scan_task_bytes;
  if (count <= 1) return std::vector<Partition>{partition};
  if (static_cast<std::int64_t>(partition.size()) < 2 * count) {
    MILLPOND_ASSIGN_OR_RETURN(auto dealt, deal_file_slices({partition}, scan, count, context.parts));
    if (dealt) {
      std::erase_if(*dealt, [](const Partition& part) { return part.empty(); });
      if (!dealt->empty()) return std::move(*dealt);
    }
  }
  return runs_of_equal_bytes(partition, bytes, count);
}

/// The one leaf at the end of a chain of row-wise queries.
const Fragment& only_leaf(const Fragment& fragment) {
  return fragment.is_leaf() ? fragment : only_leaf(*fragment.children.front());
}

FragmentPtr with_leaf(const FragmentPtr& fragment, const FragmentPtr& leaf) {
  if (fragment->is_leaf()) return leaf;
  auto made = std::make_shared<Fragment>(*fragment);
  made->children = {with_leaf(fragment->children.front(), leaf)};
  made->tasks = leaf->tasks;
  return made;
}

}  // namespace

Result<FragmentPtr> split_scans(const FragmentPtr& fragment, const PlannerContext& context) {
  if (!fragment->is_row_wise || context.scan_task_bytes <= 0) return fragment;
  const Fragment& leaf = only_leaf(*fragment);
  MILLPOND_ASSIGN_OR_RETURN(RenderedQuery rendered, render(fragment));
  leave_files_out(rendered, context);
  const Source& source = *rendered.inputs.front().source;
  if (source.kind != Source::Kind::kStatic || !source.scan || leaf.divisor != 1) return fragment;
  std::vector<Partition> split;
  for (const Partition& partition : source.partitions) {
    MILLPOND_ASSIGN_OR_RETURN(std::vector<Partition> parts, split_partition(partition, *source.scan, context));
    std::move(parts.begin(), parts.end(), std::back_inserter(split));
  }
  if (split.size() == source.partitions.size()) return fragment;
  return with_leaf(fragment, leaf_fragment(with_partitions(source, std::move(split)), leaf.schema));
}

}  // namespace millpond
