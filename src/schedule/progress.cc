#include "schedule/progress.h"

#include <algorithm>
#include <utility>

namespace millpond {

Progress::Progress(const DependencyGraph& graph)
    : graph_(graph),
      states_(static_cast<std::size_t>(graph.num_tasks()), TaskState::kIdle),
      counts_(graph.nodes().size()),
      announced_(graph.nodes().size(), false),
      satisfied_(graph.nodes().size(), false) {
  for (std::size_t stage = 0; stage < counts_.size(); ++stage) {
    counts_[stage][static_cast<std::size_t>(TaskState::kIdle)] = graph.node(stage).shape.tasks;
  }
}

Progress::Changes Progress::take_changes() { return std::exchange(changes_, {}); }

std::int64_t Progress::num_open(std::size_t stage) const {
  return count(stage, TaskState::kWaiting) + count(stage, TaskState::kReady) + count(stage, TaskState::kDelayed) +
         count(stage, TaskState::kRunning);
}

std::int64_t Progress::num_missing(std::size_t stage) const {
  return num_open(stage) + count(stage, TaskState::kIdle);
}

std::int64_t Progress::task_of(const DependencyGraph::Edge& edge, std::int64_t partition) const {
  return graph_.node(edge.stage).first_task + partition;
}

void Progress::set_state(std::size_t stage, std::int64_t task, TaskState state) {
  TaskState& current = states_[static_cast<std::size_t>(task)];
  --counts_[stage][static_cast<std::size_t>(current)];
  ++counts_[stage][static_cast<std::size_t>(state)];
  total_open_ += static_cast<int>(is_open(state)) - static_cast<int>(is_open(current));
  total_ready_ += static_cast<int>(state == TaskState::kReady) - static_cast<int>(current == TaskState::kReady);
  current = state;
}

bool Progress::inputs_ready(std::size_t stage, std::int64_t partition) const {
  for (const DependencyGraph::Edge& edge : graph_.node(stage).inputs) {
    if (edge.kind == DependencyKind::kAll) {
      if (num_missing(edge.stage) > 0) return false;
    } else {
      const TaskState upstream = state(task_of(edge, partition));
      if (upstream != TaskState::kAccepted && upstream != TaskState::kSkipped) return false;
    }
  }
  return true;
}

bool Progress::is_needed(std::int64_t task) const {
  if (state(task) == TaskState::kSkipped) return false;
  const DependencyGraph::Node& node = graph_.node(graph_.stage_of(task));
  if (node.consumers.empty()) return true;
  const std::int64_t partition = task - node.first_task;
  for (const DependencyGraph::Edge& edge : node.consumers) {
    if (edge.kind == DependencyKind::kAll ? num_open(edge.stage) > 0 : is_open(task_of(edge, partition))) return true;
  }
  return false;
}

void Progress::make_ready(std::size_t stage, std::int64_t task) {
  set_state(stage, task, TaskState::kReady);
  changes_.ready.push_back(task);
}

void Progress::announce(std::size_t stage) {
  if (!started_ || announced_[stage] || num_open(stage) > 0) return;
  announced_[stage] = true;
  changes_.finished.push_back(stage);
}

void Progress::start() {
  if (started_) return;
  started_ = true;
  for (const std::size_t stage : graph_.topological()) {
    const DependencyGraph::Node& node = graph_.node(stage);
    if (!node.consumers.empty()) continue;
    for (std::int64_t i = 0; i < node.shape.tasks; ++i) demand(node.first_task + i);
  }
  settle();
  for (const std::size_t stage : graph_.topological()) announce(stage);
}

void Progress::demand(std::int64_t first) {
  std::vector<std::int64_t> next{first};
  while (!next.empty()) {
    const std::int64_t task = next.back();
    next.pop_back();
    if (state(task) != TaskState::kIdle) continue;
    const std::size_t stage = graph_.stage_of(task);
    const DependencyGraph::Node& node = graph_.node(stage);
    const std::int64_t partition = task - node.first_task;
    set_state(stage, task, TaskState::kWaiting);
    announced_[stage] = false;
    if (node.shape.determinacy == Determinacy::kIndeterminate) reruns_.push_back(task);
    if (inputs_ready(stage, partition)) {
      make_ready(stage, task);
    } else {
      demand_inputs(stage, partition, next);
    }
  }
}

void Progress::demand_inputs(std::size_t stage, std::int64_t partition, std::vector<std::int64_t>& next) const {
  for (const DependencyGraph::Edge& edge : graph_.node(stage).inputs) {
    if (edge.kind == DependencyKind::kSame) {
      next.push_back(task_of(edge, partition));
    } else if (count(edge.stage, TaskState::kIdle) > 0) {
      const DependencyGraph::Node& upstream = graph_.node(edge.stage);
      for (std::int64_t i = upstream.shape.tasks - 1; i >= 0; --i) {
        if (state(upstream.first_task + i) == TaskState::kIdle) next.push_back(upstream.first_task + i);
      }
    }
  }
}

void Progress::accept(std::int64_t task) {
  const std::size_t stage = graph_.stage_of(task);
  const std::int64_t partition = task - graph_.node(stage).first_task;
  set_state(stage, task, TaskState::kAccepted);
  wake_consumers(stage, partition);
  release_inputs({{stage, partition}});
  announce(stage);
  settle();
}

void Progress::wake_consumers(std::size_t stage, std::int64_t partition) {
  for (const DependencyGraph::Edge& edge : graph_.node(stage).consumers) {
    if (edge.kind == DependencyKind::kAll) {
      if (num_missing(stage) == 0) wake_stage(edge.stage);
      continue;
    }
    const std::int64_t consumer = task_of(edge, partition);
    if (state(consumer) == TaskState::kWaiting && inputs_ready(edge.stage, partition)) make_ready(edge.stage, consumer);
  }
}

void Progress::wake_stage(std::size_t stage) {
  const DependencyGraph::Node& node = graph_.node(stage);
  for (std::int64_t i = 0; i < node.shape.tasks && count(stage, TaskState::kWaiting) > 0; ++i) {
    const std::int64_t task = node.first_task + i;
    if (state(task) == TaskState::kWaiting && inputs_ready(stage, i)) make_ready(stage, task);
  }
}

/// After tasks ceased to be open: inputs that only they still waited for are not needed any more. This happens when an
/// input was lost while a task was reading it, or when a stage is satisfied.
void Progress::release_inputs(std::vector<Scope> closed) {
  std::vector<bool> scanned(graph_.nodes().size(), false);
  const auto retract = [&](std::size_t upstream, std::int64_t i) {
    const std::int64_t task = graph_.node(upstream).first_task + i;
    if (!is_open(task) || is_needed(task)) return;
    if (state(task) == TaskState::kRunning) changes_.abandoned.push_back(task);
    set_state(upstream, task, TaskState::kIdle);
    announce(upstream);
    closed.push_back({upstream, i});
  };
  while (!closed.empty()) {
    const Scope current = closed.back();
    closed.pop_back();
    for (const DependencyGraph::Edge& edge : graph_.node(current.stage).inputs) {
      if (num_open(edge.stage) == 0) continue;
      if (edge.kind == DependencyKind::kSame) {
        retract(edge.stage, current.partition);
      } else if (num_open(current.stage) == 0 && !scanned[current.stage]) {
        for (std::int64_t i = 0; i < graph_.node(edge.stage).shape.tasks; ++i) retract(edge.stage, i);
      }
    }
    if (num_open(current.stage) == 0) scanned[current.stage] = true;
  }
}

bool Progress::lose(std::int64_t task) {
  if (state(task) != TaskState::kAccepted) return false;
  set_state(graph_.stage_of(task), task, TaskState::kIdle);
  if (!started_ || !is_needed(task)) return false;
  demand(task);
  settle();
  return true;
}

void Progress::satisfy(std::size_t stage) {
  const DependencyGraph::Node& node = graph_.node(stage);
  satisfied_[stage] = true;
  std::vector<Scope> closed;
  for (std::int64_t i = 0; i < node.shape.tasks; ++i) {
    const std::int64_t task = node.first_task + i;
    if (state(task) == TaskState::kAccepted || state(task) == TaskState::kSkipped) continue;
    // A result that was removed after its use is not the same as one that never was: what was computed from it stands.
    if (state(task) == TaskState::kIdle && was_used(task)) continue;
    if (state(task) == TaskState::kRunning) changes_.abandoned.push_back(task);
    set_state(stage, task, TaskState::kSkipped);
    closed.push_back({stage, i});
  }
  release_inputs(std::move(closed));
  for (const DependencyGraph::Edge& edge : node.consumers) wake_stage(edge.stage);
  announce(stage);
  settle();
}

void Progress::set_running(std::int64_t task) { set_state(graph_.stage_of(task), task, TaskState::kRunning); }
void Progress::set_delayed(std::int64_t task) { set_state(graph_.stage_of(task), task, TaskState::kDelayed); }

void Progress::requeue(std::int64_t task) {
  const std::size_t stage = graph_.stage_of(task);
  set_state(stage, task, TaskState::kWaiting);
  if (has_inputs(task)) make_ready(stage, task);
}

bool Progress::has_inputs(std::int64_t task) const {
  const std::size_t stage = graph_.stage_of(task);
  return inputs_ready(stage, task - graph_.node(stage).first_task);
}

bool Progress::confirm_ready(std::int64_t task) {
  if (state(task) != TaskState::kReady) return false;
  if (has_inputs(task)) return true;
  set_state(graph_.stage_of(task), task, TaskState::kWaiting);
  return false;
}

/// Invalidating may demand further indeterminate tasks, so it goes on until there is none.
void Progress::settle() {
  while (!reruns_.empty()) {
    const std::int64_t task = reruns_.back();
    reruns_.pop_back();
    invalidate_consumers(task);
  }
}

void Progress::invalidate_consumers(std::int64_t task) {
  const std::vector<Scope> scopes = downstream_of(task);
  for (const Scope& scope : scopes) invalidate(scope);
  // Only now is known what is open downstream, and so what is needed.
  for (const Scope& scope : scopes) demand_needed(scope);
}

/// Everything computed from the task, stage by stage: the task of the same number as long as only that one is read,
/// all tasks after the first kAll edge.
std::vector<Progress::Scope> Progress::downstream_of(std::int64_t task) const {
  constexpr std::uint8_t kNone = 0;
  constexpr std::uint8_t kOne = 1;
  constexpr std::uint8_t kEvery = 2;
  const std::size_t origin = graph_.stage_of(task);
  const std::int64_t partition = task - graph_.node(origin).first_task;
  std::vector<std::uint8_t> reached(graph_.nodes().size(), kNone);
  std::vector<Scope> scopes;
  reached[origin] = kOne;
  for (const std::size_t stage : graph_.topological()) {
    if (reached[stage] == kNone) continue;
    // A satisfied stage may need the tasks that were skipped, now that the others will say something else.
    if (stage != origin && satisfied_[stage]) reached[stage] = kEvery;
    if (stage != origin) scopes.push_back({stage, reached[stage] == kEvery ? -1 : partition});
    for (const DependencyGraph::Edge& edge : graph_.node(stage).consumers) {
      const std::uint8_t how = edge.kind == DependencyKind::kAll ? kEvery : reached[stage];
      reached[edge.stage] = std::max(reached[edge.stage], how);
    }
  }
  return scopes;
}

bool Progress::was_used(std::int64_t task) const {
  const std::vector<Scope> scopes = downstream_of(task);
  return std::any_of(scopes.begin(), scopes.end(), [this](const Scope& scope) {
    if (scope.partition < 0) return count(scope.stage, TaskState::kAccepted) > 0;
    return state(graph_.node(scope.stage).first_task + scope.partition) == TaskState::kAccepted;
  });
}

void Progress::invalidate(const Scope& scope) {
  const DependencyGraph::Node& node = graph_.node(scope.stage);
  const bool all = scope.partition < 0;
  if (all && count(scope.stage, TaskState::kAccepted) == 0 && count(scope.stage, TaskState::kRunning) == 0 &&
      count(scope.stage, TaskState::kSkipped) == 0) {
    return;
  }
  if (all) satisfied_[scope.stage] = false;
  const std::int64_t first = all ? 0 : scope.partition;
  const std::int64_t last = all ? node.shape.tasks : scope.partition + 1;
  for (std::int64_t i = first; i < last; ++i) {
    const std::int64_t task = node.first_task + i;
    switch (state(task)) {
      case TaskState::kAccepted:
        changes_.invalidated.push_back(task);
        [[fallthrough]];
      case TaskState::kSkipped:
        set_state(scope.stage, task, TaskState::kIdle);
        break;
      case TaskState::kRunning:
        changes_.abandoned.push_back(task);
        set_state(scope.stage, task, TaskState::kWaiting);
        break;
      default:
        break;
    }
  }
}

void Progress::demand_needed(const Scope& scope) {
  const DependencyGraph::Node& node = graph_.node(scope.stage);
  if (!started_) return;
  if (count(scope.stage, TaskState::kIdle) == 0 && count(scope.stage, TaskState::kWaiting) == 0) return;
  const std::int64_t first = scope.partition < 0 ? 0 : scope.partition;
  const std::int64_t last = scope.partition < 0 ? node.shape.tasks : scope.partition + 1;
  for (std::int64_t i = first; i < last; ++i) {
    const std::int64_t task = node.first_task + i;
    if (state(task) == TaskState::kIdle && is_needed(task)) demand(task);
    // An attempt that was stopped although its own inputs stand goes on from here.
    if (state(task) == TaskState::kWaiting && inputs_ready(scope.stage, i)) make_ready(scope.stage, task);
  }
}

}  // namespace millpond
