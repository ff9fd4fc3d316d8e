#include "job/job.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/hash.h"
#include "job/write_notes.h"

namespace millpond {
namespace {

constexpr std::int64_t kLongestWaitNs = 200'000'000;

const TaskResult& no_result() {
  static const TaskResult kNone;
  return kNone;
}

}  // namespace

Job::Job(const StageGraph& graph, JobContext context)
    : graph_(graph),
      context_(std::move(context)),
      resolver_(graph.stages, [this](std::int64_t stage, std::int64_t task) -> const TaskResult& { return result_of(stage, task); }),
      is_satisfied_(graph.stages.size(), false) {
  for (const Stage& stage : graph_.stages) results_.emplace_back(static_cast<std::size_t>(stage.tasks));
}

const TaskResult& Job::result_of(std::int64_t stage, std::int64_t task) const {
  const auto& result = results_[static_cast<std::size_t>(stage)][static_cast<std::size_t>(task)];
  return result ? *result : no_result();
}

std::vector<StageShape> Job::shapes() const {
  std::vector<StageShape> shapes;
  for (const Stage& stage : graph_.stages) {
    StageShape shape;
    shape.id = stage.id;
    shape.tasks = stage.tasks;
    shape.name = "stage " + std::to_string(stage.id) + " (" + stage.name + ")";
    shape.resources = stage.resources;
    shape.max_running = stage.concurrency;
    shape.determinacy = stage.is_volatile ? Determinacy::kIndeterminate : Determinacy::kDeterminate;
    for (const StageInput& input : stage.inputs) {
      const bool same = input.source->kind == Source::Kind::kStage && !input.source->is_shuffled && input.divisor == 1;
      for (std::int64_t upstream : stages_of(*input.source)) {
        const StageDependency wanted{upstream, same ? DependencyKind::kSame : DependencyKind::kAll};
        auto known = std::find_if(shape.dependencies.begin(), shape.dependencies.end(),
                                  [&](const StageDependency& dependency) { return dependency.stage == upstream; });
        if (known == shape.dependencies.end()) {
          shape.dependencies.push_back(wanted);
        } else if (wanted.kind == DependencyKind::kAll) {
          known->kind = DependencyKind::kAll;
        }
      }
    }
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

Status Job::run() {
  start_ns_ = context_.clock->monotonic_ns();
  MILLPOND_RETURN_IF_ERROR(check_outputs());
  MILLPOND_ASSIGN_OR_RETURN(Scheduler scheduler, Scheduler::create(shapes(), context_.scheduler));
  context_.log->write("job_started", Json::object({{"stages", static_cast<std::int64_t>(graph_.stages.size())}}));
  MILLPOND_RETURN_IF_ERROR(reuse_results(scheduler));
  handle(scheduler, event::Tick{context_.clock->monotonic_ns()});
  follow_places(scheduler);
  for (const auto& [stage, files] : written_) handle(scheduler, event::StageSatisfied{stage});
  handle(scheduler, event::JobStarted{});
  bool cancel_sent = false;
  while (!end_) {
    if (!cancel_sent && context_.cancelled != nullptr && context_.cancelled->load()) {
      cancel_sent = true;
      handle(scheduler, event::CancelRequested{});
      continue;
    }
    take_runner_events(scheduler);
  }
  // Losers of a race may still be running; their files go with them.
  while (scheduler.num_running() > 0 && !running_.empty()) take_runner_events(scheduler);
  return *end_;
}

Status Job::check_outputs() {
  for (const Stage& stage : graph_.stages) {
    if (!stage.write) continue;
    auto done = check_write(*context_.files, *stage.write, write_job(stage));
    if (!done.is_ok()) return done.status().with_context({stage.location, stage.name, {}, {}, {}});
    if (*done) {
      written_[stage.id] = std::move(**done);
      (void)forget_write(*context_.files, context_.job_directory, stage.write->path);
      continue;
    }
    MILLPOND_RETURN_IF_ERROR(note_write(*context_.files, context_.job_directory, stage.write->path));
    auto begun = open_write(*context_.files, *stage.write, write_job(stage));
    if (!begun.is_ok()) return begun.status().with_context({stage.location, stage.name, {}, {}, {}});
    begun_[stage.id] = std::move(*begun);
  }
  return Status::ok();
}

/// Results of an earlier run of this job stand in for their tasks, as far as their inputs are the same.
Status Job::reuse_results(Scheduler& scheduler) {
  if (context_.store->size() == 0) return Status::ok();
  std::vector<bool> is_complete(graph_.stages.size(), true);
  for (const Stage& stage : graph_.stages) {
    const auto at = static_cast<std::size_t>(stage.id);
    bool inputs_known = true;
    for (const StageInput& input : stage.inputs) {
      for (std::int64_t upstream : stages_of(*input.source)) inputs_known = inputs_known && is_complete[static_cast<std::size_t>(upstream)];
    }
    if (!inputs_known) {
      is_complete[at] = false;
      continue;
    }
    for (std::int64_t partition = 0; partition < stage.tasks; ++partition) {
      MILLPOND_ASSIGN_OR_RETURN(const Share* share, share_of(stage, partition));
      if (share != nullptr && share->is_idle()) {
        results_[at][static_cast<std::size_t>(partition)] = TaskResult{};
        handle(scheduler, event::TaskReused{{stage.id, partition}});
        continue;
      }
      MILLPOND_ASSIGN_OR_RETURN(const BuiltTask built, build_task(stage, partition, resolver_, context_.task_context, share));
      auto result = context_.store->find(built.fingerprint);
      if (!result) {
        is_complete[at] = false;
        continue;
      }
      results_[at][static_cast<std::size_t>(partition)] = std::move(*result);
      fingerprints_[{stage.id, partition}] = built.fingerprint;
      reused_.insert({stage.id, partition});
      context_.log->write("task_reused", Json::object({{"stage", stage.id}, {"partition", partition}}));
      handle(scheduler, event::TaskReused{{stage.id, partition}});
    }
  }
  return Status::ok();
}

Result<const Share*> Job::share_of(const Stage& stage, std::int64_t task) {
  if (!stage.shares_partitions || context_.min_task_bytes == 0) return nullptr;
  auto known = shares_.find(stage.id);
  if (known == shares_.end()) {
    MILLPOND_ASSIGN_OR_RETURN(const std::vector<PartitionSize> sizes, resolver_.sizes(stage));
    known = shares_.emplace(stage.id, share_partitions(sizes, context_.min_task_bytes)).first;
    std::int64_t busy = 0;
    std::int64_t parts = 0;
    for (const Share& share : known->second) {
      busy += share.is_idle() ? 0 : 1;
      parts += share.cut_input >= 0 ? 1 : 0;
    }
    if (!known->second.empty()) {
      context_.log->write("partitions_shared", Json::object({{"stage", stage.id}, {"name", stage.name}, {"partitions", stage.tasks}, {"tasks", busy}, {"parts", parts}}));
    }
  }
  return known->second.empty() ? nullptr : &known->second[static_cast<std::size_t>(task)];
}

void Job::handle(Scheduler& scheduler, const Event& event) {
  pending_.push_back(event);
  // Carrying out an action may cause further events; they wait until all actions of this one are done.
  while (!pending_.empty()) {
    const Event next = std::move(pending_.front());
    pending_.pop_front();
    for (const Action& action : scheduler.handle(next)) {
      std::visit([&](const auto& one) { carry_out(scheduler, one); }, action);
    }
  }
}

void Job::follow_places(Scheduler& scheduler) {
  std::vector<RunnerPlace> places = context_.runner->places();
  if (places == places_) return;
  const auto same = [](const RunnerPlace& place) {
    return [&place](const RunnerPlace& other) { return other.node == place.node; };
  };
  for (const RunnerPlace& before : places_) {
    if (std::any_of(places.begin(), places.end(), same(before))) continue;
    context_.log->write("place_lost", Json::object({{"node", before.node}}));
    handle(scheduler, event::WorkerLost{before.node, "its machine is gone"});
  }
  for (const RunnerPlace& place : places) {
    const auto before = std::find_if(places_.begin(), places_.end(), same(place));
    const bool is_new = before == places_.end();
    if (is_new && !place.is_draining) {
      context_.log->write("place_joined", Json::object({{"node", place.node}, {"slots", place.slots}}));
      handle(scheduler, event::WorkerJoined{place.node, place.slots, place.resources, place.node});
    } else if (!is_new && place.is_draining && !before->is_draining) {
      context_.log->write("place_draining", Json::object({{"node", place.node}}));
      handle(scheduler, event::WorkerDraining{place.node});
    }
  }
  places_ = std::move(places);
}

void Job::take_runner_events(Scheduler& scheduler) {
  const std::int64_t now = context_.clock->monotonic_ns();
  std::int64_t wait = kLongestWaitNs;
  if (auto wakeup = scheduler.next_wakeup_ns()) wait = std::clamp<std::int64_t>(*wakeup - now, 0, kLongestWaitNs);
  std::vector<RunnerEvent> events = context_.runner->wait(std::chrono::nanoseconds(wait));
  handle(scheduler, event::Tick{context_.clock->monotonic_ns()});
  const std::int64_t after = context_.clock->monotonic_ns();
  // A worker that died may have gone with its machine: who decides where its task goes next must know, or the task's
  // attempts are used up on a place that is no more.
  const bool has_deaths = std::any_of(events.begin(), events.end(), [](const RunnerEvent& e) { return e.worker_died; });
  if (has_deaths || after >= next_place_look_ns_) {
    next_place_look_ns_ = after + kLongestWaitNs;
    follow_places(scheduler);
  }
  for (RunnerEvent& event : events) finish_attempt(scheduler, std::move(event));
}

Result<std::vector<std::vector<SegmentSlice>>> Job::segments(const SourcePtr& source) {
  std::vector<std::vector<SegmentSlice>> partitions(static_cast<std::size_t>(source->count));
  for (std::int64_t i = 0; i < source->count; ++i) {
    MILLPOND_ASSIGN_OR_RETURN(ResolvedPartition resolved, resolver_.partition(source, i));
    for (Slice& slice : resolved.slices) {
      auto* segment = std::get_if<SegmentSlice>(&slice);
      if (segment == nullptr) return Status::internal("a computed result holds the user's own files");
      partitions[static_cast<std::size_t>(i)].push_back(std::move(*segment));
    }
  }
  return partitions;
}

std::vector<StoredOutput> Job::stored_outputs() const {
  std::vector<StoredOutput> outputs;
  for (const Stage& stage : graph_.stages) {
    if (!stage.placement) continue;
    for (std::int64_t task = 0; task < stage.tasks; ++task) {
      const TaskResult& result = result_of(stage.id, task);
      auto fingerprint = fingerprints_.find({stage.id, task});
      if (result.files.empty() || fingerprint == fingerprints_.end()) continue;
      outputs.push_back({fingerprint->second, result.path_of(result.files.front()), result.files.front().num_bytes, stage.is_repeatable});
    }
  }
  return outputs;
}

std::vector<TaskRecord> Job::task_records(std::int64_t stage) const {
  std::vector<TaskRecord> records;
  const auto& results = results_[static_cast<std::size_t>(stage)];
  for (std::size_t task = 0; task < results.size(); ++task) {
    TaskRecord record;
    if (const auto& result = results[task]) {
      const auto tells_rows = [](const OutputFile& file) { return file.num_rows >= 0; };
      record.has_result = true;
      if (has_shared(stage)) {
        const Share& share = shares_.at(stage)[task];
        record.partitions = share.end - share.begin;
        record.is_part = share.cut_input >= 0;
      }
      record.is_reused = reused_.contains({stage, static_cast<std::int64_t>(task)});
      record.tells_rows = std::all_of(result->files.begin(), result->files.end(), tells_rows);
      record.metrics = result->metrics;
    }
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<StageWrite> Job::unfinished_writes() const {
  std::vector<StageWrite> writes;
  for (const Stage& stage : graph_.stages) {
    if (stage.write && !written_.contains(stage.id)) writes.push_back(*stage.write);
  }
  return writes;
}

WriteJob Job::write_job(const Stage& stage) const {
  WriteJob job{context_.job_id, xxh3_128_hex(context_.job_id + "/" + stage.fingerprint), {}};
  if (auto begun = begun_.find(stage.id); begun != begun_.end()) job.observed = begun->second.observed;
  return job;
}

}  // namespace millpond
