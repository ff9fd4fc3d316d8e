#pragma once

#include <cstdint>
#include <string>

namespace millpond {

/// A shuffle on a cluster that fails at the rates of real ones. Seconds are virtual.
///
/// Nodes are lost as in MapReduce's first years: 1.2 deaths a job of 634 s on 157 machines (Dean, Ghemawat: OSDI 2004,
/// table 1), which is one a node and day. Our own choice, and pessimistic: one attempt in a thousand fails, one in two
/// thousand loses its process, one in twenty is slowed down by its machine, most of those by half to one and a half
/// times, a tenth of them up to ten times.
struct ShuffleOptions {
  std::uint64_t seed = 1;
  std::int64_t nodes = 50;
  std::int64_t cores = 192;            ///< Of a node.
  std::int64_t threads = 16;           ///< Cores a task uses.
  std::int64_t workers_per_node = 1;   ///< The node's cores are shared out among them.
  std::int64_t maps = 8192;
  std::int64_t reduces = 8192;         ///< Each reads from all maps.
  double seconds = 20;                 ///< The median task.
  double skew = 0.25;                  ///< Standard deviation of the logarithm of a task's work.
  double fails = 0.001;                ///< An attempt, at a moment of its run.
  double worker_dies = 0.0005;         ///< The process under an attempt.
  double slow = 0.05;                  ///< An attempt on its machine.
  double hint_noise = 0.1;             ///< Of the logarithm of a task's weight, beside its work; negative: no hints.
  double node_losses_a_day = 1.04;     ///< Each node, with the outputs of the maps that ran there.
  double node_returns_seconds = 180;   ///< Until another one takes its place.
  double detection_seconds = 10;       ///< From a node's end until the driver knows.
  std::int64_t shared_exchange = 0;    ///< 1: outputs lie where the whole cluster sees them, and outlive their nodes.
};

/// What came out.
struct ShuffleReport {
  std::string violation;               ///< Empty: every invariant held and the job succeeded.
  std::int64_t tasks = 0;
  std::int64_t attempts = 0;
  std::int64_t failures = 0;           ///< Attempts that failed or whose process died.
  std::int64_t node_losses = 0;
  std::int64_t outputs_lost = 0;
  std::int64_t copies = 0;             ///< Started beside a running attempt of the same task.
  std::int64_t local_maps = 0;         ///< Accepted from the node that holds the map's input.
  double makespan = 0;
  double undisturbed = 0;              ///< The work of all tasks alone, over all cores.
  double work_bound = 0;               ///< Work and lost work, over the cores that were there.
  double critical_path = 0;            ///< The longest map and the longest reduce, each with the work lost on it.
  /// What a loss leaves: no reduce can begin until the driver knows and the longest lost map is made again, and then
  /// all that had not begun is to be done on all cores. The latest of the losses.
  double after_losses = 0;
  double handling_seconds = 0;         ///< Processor time inside the scheduler.
  double longest_call_seconds = 0;

  double ideal() const { return work_bound > critical_path ? work_bound : critical_path; }
  double over_ideal() const { return makespan / ideal() - 1; }
  double over_possible() const { return makespan / (ideal() > after_losses ? ideal() : after_losses) - 1; }
  double microseconds_a_task() const { return handling_seconds * 1e6 / static_cast<double>(tasks); }
};

/// Runs it in virtual time. The same options give the same run.
ShuffleReport simulate_shuffle(const ShuffleOptions& options);

}  // namespace millpond
