#pragma once

#include <cstdint>
#include <vector>

#include "schedule/events.h"
#include "schedule/scheduler_options.h"

namespace millpond {

/// What a task went through. Eight bytes.
struct TaskHistory {
  std::uint16_t live = 0;       ///< Attempts that count and have not ended.
  std::uint16_t failures = 0;   ///< By its own fault.
  std::uint16_t deaths = 0;     ///< Of workers under it.
  std::uint8_t losses = 0;      ///< Of its committed output.
  std::uint8_t escalation = 0;  ///< See Demand.
};

enum class Verdict { kRetryNow, kRetryLater, kFail };

/// Counts a failed attempt and says what follows. Out of memory is no failure while `next_escalation` (see Demand)
/// is higher than before.
Verdict judge(const SchedulerOptions& options, const Status& status, bool worker_died, std::int64_t next_escalation,
              TaskHistory& history);

/// The wait before the next attempt: doubling, a quarter more or less by `attempt`, so that tasks don't return at once.
double retry_delay_seconds(const SchedulerOptions& options, std::int64_t failures, std::int64_t attempt);

/// The job's error from those of one task: the last one, saying how many there were, with the others in its detail.
Status poison_status(const std::vector<action::AttemptError>& errors, const std::string& task);

}  // namespace millpond
