#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/adaptive_query.h"
#include "api/new_reads.h"
#include "base/clock.h"
#include "base/ids.h"
#include "job/event_log.h"
#include "job/kept_results.h"
#include "job/result_store.h"
#include "millpond/session.h"
#include "plan/node.h"
#include "runner/runner.h"
#include "sql/cut/unread_files.h"
#include "sql/engine.h"
#include "stage/figures.h"
#include "stage/planner.h"
#include "stage/stage.h"
#include "storage/file_system.h"
#include "storage/lease.h"
#include "storage/store_lease.h"

namespace millpond {

class Job;
struct JobContext;

/// Kept results that somebody reads: while they are held, their files stay.
using HeldResults = std::vector<KeptResultPtr>;

/// What a job did, for explain.
struct JobReport {
  std::vector<NodePtr> plans;  ///< As they ran.
  StageGraph graph;
  std::vector<StageFigures> figures;
  double seconds = 0;
};
/// The jobs of a run, in order: those that find sizes out, then the one that gives the rows. None, when nothing ran.
using RunReport = std::vector<JobReport>;

/// What a session owns. Methods are thread-safe; jobs of one session run one after the other.
class Session::Impl {
 public:
  static Result<std::unique_ptr<Impl>> open(SessionOptions options, std::shared_ptr<FileSystem> files);
  ~Impl();

  /// Runs what `roots` need (plans as the user made them; schemas may be unknown) and keeps their results. `held`
  /// receives what reading the roots needs, `report` what was done.
  Status run(const std::vector<NodePtr>& roots, HeldResults* held = nullptr, RunReport* report = nullptr);

  /// The kept result of a node, if it was computed and its files are there.
  KeptResultPtr find_kept(const NodePtr& node) const { return kept_->find(node->fingerprint); }
  /// Drops the results of a node and of all frames made from it.
  void forget(const NodePtr& node);

  /// What a write node put in place, if it did.
  std::optional<std::vector<OutputFile>> find_written(const NodePtr& node) const;

  /// `node` with every schema below it known, computing functions without a declared schema where there is no other way.
  Result<NodePtr> resolve(const NodePtr& node);

  /// The plan as it will run: kept results in place of what made them, rules applied.
  Result<std::vector<NodePtr>> optimized(const std::vector<NodePtr>& roots, HeldResults& held);

  /// What planning a stage graph needs to know of this session.
  PlannerContext planner_context();

  /// See PlannerContext.
  Result<std::vector<std::set<std::string>>> unread_files(const std::string& query, const std::vector<StageInput>& inputs);

  /// The rows of the node as task inputs: of all partitions in order, or of one.
  Result<std::vector<TaskInput>> inputs_of(const NodePtr& node, std::optional<std::int64_t> partition, HeldResults& held);

  /// From now on actions on the node, or on what is made of it, look for the plan that the sizes of its parts make best.
  void remember_adaptive(const NodePtr& node, std::shared_ptr<const AdaptiveQuery> query);

  /// What the footers of a scan's files say of its columns, however it is dealt; nothing for other nodes and for many
  /// files. Kept, since each file takes about 0.1 ms.
  std::vector<ColumnStatistics> column_statistics(const Node& node);

  /// 1 for the session's first append, 2 for the next …: the same program counts the same way again.
  std::int64_t next_append() { return ++num_appends_; }
  /// How often the session has overwritten a path. One more is another write, since something else may lie there now.
  std::int64_t overwrites_of(const std::string& path) const;

  void warn(const std::string& message, const std::string& location);
  std::vector<std::string> take_warnings();
  void remember_frame(const NodePtr& node);
  std::vector<NodePtr> frames() const;

  /// See Session.
  Status note_table_write(const std::string& folder);
  Status finish_table_write(const std::string& folder);

  Status shutdown();
  void cancel();
  void set_progress(ProgressCallback callback);

  /// Stores a pickled function in the job's folder; gives its path and digest.
  Result<std::pair<std::string, std::string>> store_function(const std::string& bytes);
  /// A new empty directory for data given in memory.
  std::string new_values_directory();

  const SessionOptions& options() const { return options_; }
  /// Into how many partitions a query is spread when nobody says: one for each task that can run at once.
  std::int64_t spread() const;
  const std::string& job_directory() const { return job_directory_; }
  /// The engine that binds. The same as engine() as long as plans are not cut.
  Engine& planner();
  Engine& engine() { return *engine_; }
  /// An engine whose plans can be cut; opened when it is first asked for.
  Result<Engine*> cutter();
  FileSystem& files() { return *files_; }
  NewReads& new_reads() { return *new_reads_; }

 private:
  Impl() = default;
  Status open_job_directory();
  /// kConflict when another driver has taken over the job.
  Status check_lease() const { return store_lease_ ? store_lease_->check() : Status::ok(); }
  /// Removes what the next run does not need.
  Status remove_temporary();
  /// Removes what is not kept. kConflict, and nothing is touched on the store, when another driver has taken over there.
  Status leave_directories();
  Status leave_store();
  Status open_engines();
  Status open_runner();
  void count_overwrites(const std::vector<NodePtr>& roots);
  Status run_roots(const std::vector<NodePtr>& roots, HeldResults* held);
  Status run_resolved(const std::vector<NodePtr>& roots, HeldResults& held);
  Status run_once(const std::vector<NodePtr>& roots, HeldResults& held, std::vector<StageWrite>& unfinished);
  std::shared_ptr<const AdaptiveQuery> find_adaptive(const NodePtr& node) const;
  /// The plan with every adaptive query below it as it runs best; runs what decides about that. Fingerprints stay.
  Result<NodePtr> adapted(const NodePtr& node, std::map<NodePtr, NodePtr>& done, HeldResults& held);
  Result<NodePtr> best_plan(const AdaptiveQuery& query, const NodePtr& node, std::map<NodePtr, NodePtr>& done, HeldResults& held);
  /// What the only row says, as CutQuestion::keys has it.
  Result<KnownKeys> keys_in(const KeptResult& result);
  JobContext job_context(const std::vector<NodePtr>& roots);
  Status keep_results(Job& job, const StageGraph& graph, const std::vector<NodePtr>& roots);
  Status bind_late(Node& node);
  Result<TaskInput> written_files_input(const std::vector<OutputFile>& files);
  std::string task_context(const std::vector<NodePtr>& roots) const;
  Result<NodePtr> resolve_one(const NodePtr& node, std::map<const Node*, NodePtr>& done);
  NodePtr with_kept_results(const NodePtr& node, std::map<const Node*, NodePtr>& done, HeldResults& held) const;

  SessionOptions options_;
  std::string job_directory_;    ///< Of this machine: what only this session's processes need.
  std::string state_directory_;  ///< What the next run needs: the same, or a folder of a store.
  std::shared_ptr<FileSystem> files_;
  std::unique_ptr<Engine> engine_;
  std::mutex cutter_mutex_;
  std::unique_ptr<Engine> cutter_;  ///< Under cutter_mutex_.
  std::unique_ptr<UnreadFiles> unread_files_;  ///< Under cutter_mutex_ until it is there.
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<ResultStore> store_;
  std::unique_ptr<KeptResults> kept_;
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<Lease> lease_;
  std::unique_ptr<NewReads> new_reads_;
  std::unique_ptr<StoreLease> store_lease_;  ///< Of state_directory_ where that is on a store.
  AttemptNames attempts_;

  /// Under run_mutex_: writes that failed. A job that has a name can be run again and goes on from what they staged.
  std::vector<StageWrite> unfinished_writes_;
  bool has_failed_ = false;  ///< Under run_mutex_: a job of this session ended without success.
  bool has_given_id_ = false;
  std::set<std::string> table_writes_;  ///< Under mutex_: folders that their tables don't name yet.
  RunReport* report_ = nullptr;  ///< Under run_mutex_: receives what the jobs of a run did.

  std::mutex run_mutex_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<OutputFile>> written_;
  std::map<std::string, std::vector<ColumnStatistics>> column_statistics_;  ///< By the scan's fingerprint.
  std::map<std::string, std::int64_t> recomputed_;  ///< How often a node (by fingerprint) was to be computed anew.
  std::vector<std::string> warnings_;
  std::set<std::string> warned_;
  std::vector<std::weak_ptr<const Node>> frames_;
  std::size_t prune_frames_at_ = 1024;
  /// By fingerprint; gone some time after the node.
  std::map<std::string, std::pair<std::weak_ptr<const Node>, std::shared_ptr<const AdaptiveQuery>>> adaptive_;
  std::size_t prune_adaptive_at_ = 64;
  std::atomic<std::int64_t> num_appends_{0};
  std::map<std::string, std::int64_t> overwrites_;  ///< Under mutex_: how often each path was overwritten.
  ProgressCallback progress_;
  std::atomic<bool> cancelled_{false};
  bool is_shut_down_ = false;
};

}  // namespace millpond
