#include "stage/leave_files_out.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace millpond {
namespace {

bool has_bounds(const StageInput& input) { return input.source->kind == Source::Kind::kStatic && input.source->bounds; }

SourcePtr without(const Source& source, const std::set<std::string>& unread) {
  auto made = std::make_shared<Source>(source);
  std::set<std::string> left_out;
  for (auto& partition : made->partitions) {
    std::erase_if(partition, [&](const Slice& slice) {
      const auto* file = std::get_if<FileSlice>(&slice);
      const bool is_unread = file != nullptr && unread.contains(file->path);
      if (is_unread) left_out.insert(file->path);
      return is_unread;
    });
  }
  made->files_left_out += static_cast<std::int64_t>(left_out.size());
  return made;
}

}  // namespace

void leave_files_out(RenderedQuery& query, const PlannerContext& context) {
  const bool may_ask = context.unread_files && query.setup.empty();
  if (!may_ask || std::none_of(query.inputs.begin(), query.inputs.end(), has_bounds)) return;
  const auto unread = context.unread_files(query.query, query.inputs);
  // What can't be told of a query costs time only.
  if (!unread.is_ok()) return;
  for (std::size_t i = 0; i < query.inputs.size() && i < unread->size(); ++i) {
    if (has_bounds(query.inputs[i]) && !(*unread)[i].empty()) query.inputs[i].source = without(*query.inputs[i].source, (*unread)[i]);
  }
}

}  // namespace millpond
