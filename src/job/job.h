#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "job/event_log.h"
#include "job/kept_results.h"
#include "job/result_store.h"
#include "job/task_builder.h"
#include "job/write_commit.h"
#include "millpond/options.h"
#include "runner/runner.h"
#include "schedule/scheduler.h"
#include "stage/figures.h"
#include "stage/resolve.h"
#include "stage/stage.h"
#include "storage/file_system.h"

namespace millpond {

/// What a job needs of the world. All outlive it.
struct JobContext {
  std::shared_ptr<FileSystem> files;
  Runner* runner = nullptr;
  ResultStore* store = nullptr;
  EventLog* log = nullptr;
  const Clock* clock = nullptr;
  AttemptNames* attempts = nullptr;
  std::string job_directory;         ///< For what outlives the job: exchange files and notes. May be on a store.
  std::string job_id;
  std::string task_context;          ///< See build_task.
  /// What is worth a task of its own, for stages that share partitions; 0: each task reads the partition of its number.
  std::int64_t min_task_bytes = 0;
  /// Threads that as many tasks of this process share at a time; 0: a task has those of its runner for itself.
  std::int64_t shared_threads = 0;
  SchedulerOptions scheduler;
  ProgressCallback progress;
  const std::atomic<bool>* cancelled = nullptr;
};

/// Drives one stage graph to its end: resolves inputs, asks the scheduler, hands attempts to the runner, journals
/// results, and puts finished outputs in place. Used by one thread.
class Job {
 public:
  Job(const StageGraph& graph, JobContext context);

  /// Runs everything. The first failure ends the job; what was finished stays in the store.
  Status run();

  /// The partitions of a source whose stages are finished; kInternal when they are files and not exchange data.
  Result<std::vector<std::vector<SegmentSlice>>> segments(const SourcePtr& source);
  /// What finished tasks left in the job's folder, whether the job succeeded or not.
  std::vector<StoredOutput> stored_outputs() const;
  /// The columns that the tasks behind a source wrote, if any did.
  std::optional<Schema> written_schema(const SourcePtr& source) { return resolver_.written_schema(source); }
  /// The write stages that are not done: their staged files wait for a rerun, or for discard_write.
  std::vector<StageWrite> unfinished_writes() const;
  /// What each task of a stage used and did; for a job that is done.
  std::vector<TaskRecord> task_records(std::int64_t stage) const;
  /// Whether tasks of the stage read other partitions than those of their numbers.
  bool has_shared(std::int64_t stage) const { return shares_.contains(stage) && !shares_.at(stage).empty(); }
  /// What a finished write stage put in place.
  const std::vector<OutputFile>& written_files(std::int64_t stage) const { return written_.at(stage); }

 private:
  struct Running {
    TaskRef task;
    std::int64_t attempt = 0;
    std::string fingerprint;
    TaskOutput output;
  };

  struct Reported {
    TaskResult result;
    TaskOutput output;         ///< The attempt's own.
    bool is_recorded = false;  ///< Taken from the store: its files are not this attempt's to remove.
  };

  Status check_outputs();
  Status reuse_results(Scheduler& scheduler);
  std::vector<StageShape> shapes() const;
  void handle(Scheduler& scheduler, const Event& event);
  void carry_out(Scheduler& scheduler, const action::Start& start);
  void carry_out(Scheduler& scheduler, const action::Cancel& cancel);
  void carry_out(Scheduler& scheduler, const action::Accept& accept);
  void carry_out(Scheduler& scheduler, const action::Drop& drop);
  void carry_out(Scheduler& scheduler, const action::Invalidate& invalidate);
  void carry_out(Scheduler& scheduler, const action::StageFinished& finished);
  void carry_out(Scheduler& scheduler, const action::JobFinished& finished);
  /// Tells the scheduler of places that came, will go, and went.
  void follow_places(Scheduler& scheduler);
  void take_runner_events(Scheduler& scheduler);
  void finish_attempt(Scheduler& scheduler, RunnerEvent event);
  /// A reader that met a missing or damaged exchange file of this job has its producer run again.
  void note_lost_output(Scheduler& scheduler, const Status& status);
  /// Before the last result of a shuffled stage is handed in: what its readers will have to read.
  void weigh_readers(Scheduler& scheduler, TaskRef last, const TaskResult& result);
  /// Whether the task, which writes for the user, reads its partitions with one thread.
  bool is_for_one_thread(const Stage& stage, std::int64_t task);
  Status check_result(const TaskResult& result, const Stage& stage) const;
  void note_early_stop(Scheduler& scheduler, const Stage& stage);
  /// Tells the progress callback; not more often than every 100 ms unless `is_due`.
  void report(std::int64_t stage, bool is_due, bool is_last);
  WriteJob write_job(const Stage& stage) const;
  const TaskResult& result_of(std::int64_t stage, std::int64_t task) const;
  /// What the task reads of partitions that its stage shares, once all are written; null: the partition of its number.
  Result<const Share*> share_of(const Stage& stage, std::int64_t task);

  const StageGraph& graph_;
  JobContext context_;
  SourceResolver resolver_;
  std::vector<std::vector<std::optional<TaskResult>>> results_;
  std::set<TaskRef> reused_;                                      ///< Their results were recorded before this job.
  std::unordered_map<std::string, Running> running_;              ///< By attempt name.
  std::unordered_map<std::int64_t, std::string> attempt_names_;   ///< By the scheduler's number.
  std::map<std::int64_t, Reported> reported_;                     ///< Waiting for Accept or Drop.
  std::map<TaskRef, std::string> fingerprints_;
  /// By stage; empty where each task reads its own partition. Made once: whoever wrote the partitions may have to do so again,
  /// and some tasks may have read them by then.
  std::map<std::int64_t, std::vector<Share>> shares_;
  std::map<std::int64_t, std::vector<bool>> one_thread_;          ///< By stage: one_thread_tasks().
  std::map<std::int64_t, std::vector<OutputFile>> written_;
  std::map<std::int64_t, BegunWrite> begun_;                      ///< Writes that are not done yet, by stage.
  std::deque<Event> pending_;                                     ///< Events that carrying out an action caused.
  std::vector<bool> is_satisfied_;
  std::vector<RunnerPlace> places_;  ///< That the scheduler knows.
  std::optional<Status> end_;
  std::int64_t start_ns_ = 0;
  std::int64_t last_report_ns_ = 0;
  std::int64_t next_place_look_ns_ = 0;
  std::int64_t next_task_id_ = 1;
};

}  // namespace millpond
