#include "sql/bound_schemas.h"

#include <string_view>
#include <utility>

namespace millpond {

std::string BoundSchemas::key_of(const Task& task) {
  std::string key;
  const auto add = [&key](std::string_view part) { key += std::to_string(part.size()) + ":" + std::string(part); };
  add(task.query);
  key += 's';
  for (const std::string& statement : task.setup) add(statement);
  for (const TaskInput& input : task.inputs) {
    key += 'i';
    add(input.name);
    for (const Column& column : input.schema) {
      add(column.name);
      add(column.type);
    }
  }
  return key;
}

std::optional<BoundTask> BoundSchemas::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(key);
  if (found == known_.end()) return std::nullopt;
  return found->second;
}

void BoundSchemas::add(const std::string& key, BoundTask bound) {
  const std::lock_guard lock(mutex_);
  if (!known_.emplace(key, std::move(bound)).second) return;
  order_.push_back(key);
  if (order_.size() <= kMost) return;
  known_.erase(order_.front());
  order_.pop_front();
}

}  // namespace millpond
