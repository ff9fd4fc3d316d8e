#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "base/random.h"
#include "schedule/scheduler.h"

namespace millpond {

/// A job and a cluster drawn from a seed.
struct RandomJob {
  std::vector<StageShape> stages;
  std::vector<std::int64_t> enough;       ///< By stage: this many results satisfy it; 0: all are wanted.
  std::set<TaskRef> poison;               ///< Fail always, for good.
  SchedulerOptions options;
  std::int64_t workers = 1;
  std::int64_t slots = 1;
  std::int64_t memory = 0;                ///< Of each worker; 0: unknown.
  // Chances of one attempt.
  double fails = 0;
  double runs_out_of_memory = 0;          ///< Unless it has half of its worker.
  double kills_worker = 0;
  double hangs = 0;                       ///< Until cancelled.
  double is_slow = 0;
  // Chances of one step.
  double worker_dies = 0;
  double output_vanishes = 0;
  double driver_dies = 0;
  double user_cancels = 0;
};

RandomJob random_job(SeededRandom& random);

}  // namespace millpond
