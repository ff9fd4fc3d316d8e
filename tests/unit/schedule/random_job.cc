#include "schedule/random_job.h"

#include <algorithm>

namespace millpond {
namespace {

std::int64_t between(SeededRandom& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}

/// Mostly 0, so that each kind of trouble also comes alone.
double chance(SeededRandom& random, double highest) {
  return random.below(3) == 0 ? random.uniform() * highest : 0;
}

StageShape random_stage(SeededRandom& random, const std::vector<StageShape>& earlier) {
  StageShape shape;
  shape.id = std::ssize(earlier) * 10;
  shape.tasks = random.below(12) == 0 ? 0 : between(random, 1, random.below(4) == 0 ? 24 : 6);
  if (!earlier.empty() && random.below(8) != 0) {
    const std::int64_t count = between(random, 1, std::min<std::int64_t>(3, std::ssize(earlier)));
    for (std::int64_t i = 0; i < count; ++i) {
      const StageShape& upstream = earlier[earlier.size() - 1 - random.below(std::min<std::size_t>(3, earlier.size()))];
      StageDependency dependency{upstream.id, DependencyKind::kAll};
      if (random.below(2) == 0 && (i == 0 || upstream.tasks == shape.tasks)) {
        dependency.kind = DependencyKind::kSame;
        if (i == 0) shape.tasks = upstream.tasks;
      }
      shape.dependencies.push_back(dependency);
    }
  }
  shape.determinacy = static_cast<Determinacy>(random.below(3));
  shape.weight = random.uniform();
  if (random.below(6) == 0) shape.resources.memory_bytes = between(random, 1, 120);
  if (random.below(6) == 0) shape.resources.threads = between(random, 1, 4);
  return shape;
}

}  // namespace

RandomJob random_job(SeededRandom& random) {
  RandomJob job;
  const std::int64_t stages = between(random, 1, 6);
  for (std::int64_t i = 0; i < stages; ++i) {
    job.stages.push_back(random_stage(random, job.stages));
    const std::int64_t tasks = job.stages.back().tasks;
    job.enough.push_back(tasks > 1 && random.below(5) == 0 ? between(random, 1, tasks) : 0);
    // Which tasks are skipped is chance, and a later driver may choose others.
    if (job.enough.back() > 0) job.stages.back().determinacy = Determinacy::kIndeterminate;
    if (tasks > 0 && random.below(60) == 0) job.poison.insert({job.stages.back().id, between(random, 0, tasks - 1)});
  }
  job.options.max_retries = between(random, 0, 5);
  job.options.max_worker_deaths = between(random, 2, 10);
  job.options.speculation_min_seconds = 0.5;
  job.options.speculation = random.below(2) == 0;
  job.options.task_deadline_seconds = random.below(2) == 0 ? 30 : 0;
  job.options.drain_seconds = random.below(2) == 0 ? 10 : 2;
  job.workers = between(random, 1, 5);
  job.slots = between(random, 1, 4);
  job.memory = random.below(2) == 0 ? 100 : 0;
  job.fails = chance(random, 0.3);
  job.runs_out_of_memory = chance(random, 0.3);
  job.kills_worker = chance(random, 0.15);
  job.hangs = job.options.task_deadline_seconds > 0 ? chance(random, 0.15) : 0;
  job.is_slow = chance(random, 0.2);
  job.worker_dies = chance(random, 0.1);
  job.output_vanishes = chance(random, 0.1);
  job.driver_dies = chance(random, 0.03);
  job.user_cancels = random.below(20) == 0 ? 0.01 : 0;
  return job;
}

}  // namespace millpond
