#include <algorithm>
#include <utility>

#include "job/job.h"
#include "job/task_weights.h"
#include "job/write_commit.h"
#include "job/write_notes.h"

namespace millpond {
namespace {

constexpr std::int64_t kReportEveryNs = 100'000'000;

}  // namespace

void Job::carry_out(Scheduler&, const action::Start& start) {
  const Stage& stage = graph_.stages[static_cast<std::size_t>(start.task.stage)];
  auto fail = [&](const Status& status) {
    pending_.push_back(event::TaskFinished{start.task, start.attempt, status, 0, false});
    reported_[start.attempt].result.status = status;
  };
  const Result<const Share*> share = share_of(stage, start.task.partition);
  if (!share.is_ok()) return fail(share.status());
  if (*share != nullptr && (*share)->is_idle()) {
    // Others read all there is. The first event says so, the second gives the worker back.
    results_[static_cast<std::size_t>(stage.id)][static_cast<std::size_t>(start.task.partition)] = TaskResult{};
    pending_.push_back(event::TaskReused{start.task});
    pending_.push_back(event::TaskFinished{start.task, start.attempt, Status::ok(), 0, false});
    return;
  }
  Result<BuiltTask> built = build_task(stage, start.task.partition, resolver_, context_.task_context, *share);
  if (!built.is_ok()) return fail(built.status());
  fingerprints_[start.task] = built->fingerprint;
  if (auto known = context_.store->find(built->fingerprint)) {
    reported_[start.attempt] = {std::move(*known), {}, true};
    pending_.push_back(event::TaskFinished{start.task, start.attempt, Status::ok(), 0, false});
    return;
  }
  Task task = std::move(built->task);
  task.id = next_task_id_++;
  task.attempt = context_.attempts->next();
  task.resources = start.resources;
  if (task.resources.threads == 0 && is_for_one_thread(stage, start.task.partition)) task.resources.threads = 1;
  if (stage.write) {
    task.output.directory =
        staging_directory(stage.write->path, context_.job_id, write_job(stage).fingerprint) + "/attempts/" + task.attempt;
  } else {
    task.output.directory = context_.job_directory + "/exchange";
    task.output.exchange_file = task.attempt + ".exchange";
  }
  running_[task.attempt] = {start.task, start.attempt, built->fingerprint, task.output};
  attempt_names_[start.attempt] = task.attempt;
  const std::string name = task.attempt;
  if (Status status = context_.runner->start_at(start.worker, std::move(task)); !status.is_ok()) {
    running_.erase(name);
    attempt_names_.erase(start.attempt);
    fail(status);
  }
}

void Job::carry_out(Scheduler&, const action::Cancel& cancel) {
  if (auto name = attempt_names_.find(cancel.attempt); name != attempt_names_.end()) context_.runner->cancel(name->second);
}

void Job::finish_attempt(Scheduler& scheduler, RunnerEvent event) {
  auto running = running_.find(event.result.attempt);
  if (running == running_.end()) return;
  const Running attempt = running->second;
  running_.erase(running);
  attempt_names_.erase(attempt.attempt);
  TaskResult& result = event.result;
  const Stage& stage = graph_.stages[static_cast<std::size_t>(attempt.task.stage)];
  if (result.status.is_ok()) result.status = check_result(result, stage);
  result.status = result.status.with_context(
      {stage.location, stage.name, "stage " + std::to_string(stage.id) + ", partition " + std::to_string(attempt.task.partition), {}, {}});
  if (result.directory.empty()) result.directory = attempt.output.directory;
  context_.log->write("task_finished", Json::object({{"stage", stage.id},
                                                     {"name", stage.name},
                                                     {"partition", attempt.task.partition},
                                                     {"attempt", result.attempt},
                                                     {"status", std::string(status_code_name(result.status.code()))},
                                                     {"message", result.status.message()},
                                                     {"seconds", result.metrics.seconds},
                                                     {"rows_in", result.metrics.rows_in},
                                                     {"rows_out", result.metrics.rows_out},
                                                     {"bytes_out", result.metrics.bytes_out},
                                                     {"peak_memory_bytes", result.metrics.peak_memory_bytes},
                                                     {"spill_bytes", result.metrics.spill_bytes},
                                                     {"worker", result.metrics.worker}}));
  note_lost_output(scheduler, result.status);
  const Status status = result.status;
  const double seconds = result.metrics.seconds;
  // What is written for the user lies with all.
  const std::int64_t kept_bytes = stage.placement ? result.metrics.bytes_out : 0;
  if (status.is_ok()) weigh_readers(scheduler, attempt.task, result);
  reported_[attempt.attempt] = {std::move(result), attempt.output, false};
  handle(scheduler, event::TaskFinished{attempt.task, attempt.attempt, status, seconds, event.worker_died, kept_bytes});
}

void Job::weigh_readers(Scheduler& scheduler, TaskRef last, const TaskResult& result) {
  const Stage& stage = graph_.stages[static_cast<std::size_t>(last.stage)];
  if (scheduler.is_accepted(last) || scheduler.num_accepted(last.stage) + 1 < stage.tasks) return;
  const ResultOf known = [&](std::int64_t upstream, std::int64_t task) {
    if (TaskRef{upstream, task} == last) return &result;
    const auto& found = results_[static_cast<std::size_t>(upstream)][static_cast<std::size_t>(task)];
    return found ? &*found : nullptr;
  };
  for (const Stage& reader : graph_.stages) {
    if (!reads_shuffled(reader, last.stage)) continue;
    for (const event::TaskHint& hint : task_weights(reader, graph_.stages, known)) handle(scheduler, hint);
  }
}

bool Job::is_for_one_thread(const Stage& stage, std::int64_t task) {
  // With shares a task's partition isn't that of its number.
  if (context_.shared_threads == 0 || !stage.write || has_shared(stage.id)) return false;
  const auto [found, is_new] = one_thread_.try_emplace(stage.id);
  std::vector<bool>& tasks = found->second;
  if (is_new) {
    const ResultOf known = [&](std::int64_t upstream, std::int64_t number) { return &result_of(upstream, number); };
    const auto to_do = std::ranges::count_if(results_[static_cast<std::size_t>(stage.id)], [](const auto& result) { return !result; });
    tasks = one_thread_tasks(stage, graph_.stages, known, to_do, context_.shared_threads);
  }
  return !tasks.empty() && tasks[static_cast<std::size_t>(task)];
}

void Job::note_lost_output(Scheduler& scheduler, const Status& status) {
  if (status.code() != StatusCode::kDataCorrupt && status.code() != StatusCode::kNotFound) return;
  const std::string& file = status.context().file;
  if (file.empty()) return;
  for (std::size_t stage = 0; stage < results_.size(); ++stage) {
    for (std::size_t task = 0; task < results_[stage].size(); ++task) {
      const auto& result = results_[stage][task];
      if (!result || !graph_.stages[stage].placement || result->files.empty()) continue;
      if (result->path_of(result->files.front()) != file) continue;
      const TaskRef lost{static_cast<std::int64_t>(stage), static_cast<std::int64_t>(task)};
      context_.log->write("output_lost", Json::object({{"stage", lost.stage}, {"partition", lost.partition}, {"file", file}}));
      (void)context_.store->forget(fingerprints_[lost]);
      handle(scheduler, event::OutputLost{lost});
      return;
    }
  }
}

/// Rows may not be lost or invented between a task and its files, nor columns be others than those that were planned with.
Status Job::check_result(const TaskResult& result, const Stage& stage) const {
  for (std::size_t i = 0; stage.placement && stage.schema && i < stage.schema->size(); ++i) {
    const Column& planned = (*stage.schema)[i];
    const auto written = std::find_if(result.schema.begin(), result.schema.end(),
                                      [&](const Column& column) { return column.name == planned.name; });
    const bool is_there = written != result.schema.end();
    if (is_there && written->type == planned.type) continue;
    return Status::internal("column \"" + planned.name + "\" was planned as " + planned.type + " and is " +
                            (is_there ? written->type : "missing"));
  }
  std::int64_t rows = 0;
  for (const OutputFile& file : result.files) {
    std::int64_t in_segments = 0;
    for (const auto& segment : file.segments) in_segments += segment.num_rows;
    if (stage.placement && in_segments != file.num_rows) {
      return Status::internal("an exchange file holds " + std::to_string(file.num_rows) + " rows but its partitions " +
                              std::to_string(in_segments));
    }
    // DuckDB tells no rows a file for CSV and JSON in several files.
    if (file.num_rows < 0 && stage.write) return Status::ok();
    rows += file.num_rows;
  }
  if (rows != result.metrics.rows_out) {
    return Status::internal("a task gave " + std::to_string(result.metrics.rows_out) + " rows but wrote " + std::to_string(rows));
  }
  return Status::ok();
}

void Job::carry_out(Scheduler& scheduler, const action::Accept& accept) {
  auto reported = reported_.find(accept.attempt);
  if (reported == reported_.end()) return;
  TaskResult result = std::move(reported->second.result);
  if (reported->second.is_recorded) {
    reused_.insert(accept.task);
  } else {
    reused_.erase(accept.task);
  }
  reported_.erase(reported);
  const Status recorded = context_.store->put(fingerprints_[accept.task], result);
  if (!recorded.is_ok()) pending_.push_back(event::CancelRequested{recorded});
  auto& accepted = results_[static_cast<std::size_t>(accept.task.stage)][static_cast<std::size_t>(accept.task.partition)];
  if (accepted) resolver_.forget();
  accepted = std::move(result);
  note_early_stop(scheduler, graph_.stages[static_cast<std::size_t>(accept.task.stage)]);
  report(accept.task.stage, false, false);
}

/// A limit is served when the first tasks, without a gap, gave enough rows.
void Job::note_early_stop(Scheduler&, const Stage& stage) {
  const auto at = static_cast<std::size_t>(stage.id);
  if (stage.early_stop_rows < 0 || is_satisfied_[at]) return;
  std::int64_t rows = 0;
  for (const auto& result : results_[at]) {
    if (!result || rows >= stage.early_stop_rows) break;
    rows += result->metrics.rows_out;
  }
  if (rows >= stage.early_stop_rows) {
    is_satisfied_[at] = true;
    pending_.push_back(event::StageSatisfied{stage.id});
  }
}

void Job::carry_out(Scheduler&, const action::Drop& drop) {
  auto reported = reported_.find(drop.attempt);
  if (reported == reported_.end()) return;
  // Best effort: what can't be removed now goes with the job's folder.
  const TaskOutput& output = reported->second.output;
  if (!reported->second.is_recorded) {
    if (output.files) (void)context_.files->remove_tree(output.directory);
    if (output.exchange) (void)context_.files->remove_file(output.directory + "/" + output.exchange_file);
  }
  reported_.erase(reported);
}

void Job::carry_out(Scheduler&, const action::Invalidate& invalidate) {
  auto& result = results_[static_cast<std::size_t>(invalidate.task.stage)][static_cast<std::size_t>(invalidate.task.partition)];
  result.reset();
  (void)context_.store->forget(fingerprints_[invalidate.task]);
}

void Job::carry_out(Scheduler&, const action::StageFinished& finished) {
  const Stage& stage = graph_.stages[static_cast<std::size_t>(finished.stage)];
  context_.log->write("stage_finished", Json::object({{"stage", stage.id}, {"name", stage.name}, {"tasks", stage.tasks}}));
  report(stage.id, true, false);
  if (!stage.write || written_.contains(stage.id)) return;
  std::vector<TaskResult> results;
  for (const auto& result : results_[static_cast<std::size_t>(stage.id)]) {
    if (result) results.push_back(*result);
  }
  Result<std::vector<OutputFile>> files =
      commit_write(*context_.files, *context_.store, *stage.write, write_job(stage), results);
  if (!files.is_ok()) {
    pending_.push_back(event::CancelRequested{files.status().with_context({stage.location, stage.name, {}, {}, {}})});
    return;
  }
  written_[stage.id] = std::move(*files);
  begun_.erase(stage.id);
  const bool has_another = std::any_of(begun_.begin(), begun_.end(), [&](const auto& begun) {
    return graph_.stages[static_cast<std::size_t>(begun.first)].write->path == stage.write->path;
  });
  // Only for tidiness: nothing is staged any more.
  if (!has_another) (void)forget_write(*context_.files, context_.job_directory, stage.write->path);
}

void Job::carry_out(Scheduler&, const action::JobFinished& finished) {
  end_ = finished.status;
  // A result that could not be recorded or published, told too late for the scheduler, is the job's failure all the same.
  for (const Event& late : pending_) {
    const auto* cancel = std::get_if<event::CancelRequested>(&late);
    if (end_->is_ok() && cancel != nullptr) end_ = cancel->reason;
  }
  context_.log->write("job_finished",
                      Json::object({{"status", std::string(status_code_name(end_->code()))},
                                    {"message", end_->message()},
                                    {"seconds", static_cast<double>(context_.clock->monotonic_ns() - start_ns_) / 1e9}}));
  if (!graph_.stages.empty()) report(graph_.stages.back().id, true, true);
}

void Job::report(std::int64_t stage_id, bool is_due, bool is_last) {
  if (!context_.progress) return;
  const std::int64_t now = context_.clock->monotonic_ns();
  if (!is_due && now - last_report_ns_ < kReportEveryNs) return;
  last_report_ns_ = now;
  const Stage& stage = graph_.stages[static_cast<std::size_t>(stage_id)];
  ProgressEvent progress;
  progress.stage = stage.name;
  progress.stage_id = stage.id;
  progress.tasks_total = stage.tasks;
  progress.seconds = static_cast<double>(now - start_ns_) / 1e9;
  progress.finished = is_last;
  for (const auto& result : results_[static_cast<std::size_t>(stage_id)]) {
    if (!result) continue;
    ++progress.tasks_done;
    progress.rows += result->metrics.rows_out;
    progress.bytes += result->metrics.bytes_out;
  }
  context_.progress(progress);
}

}  // namespace millpond
