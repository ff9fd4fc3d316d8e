#include "schedule/retry_policy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/random.h"

namespace millpond {
namespace {

/// Saturating: a limit may be larger than the counter.
template <typename T>
void count(T& counter) {
  if (counter < std::numeric_limits<T>::max()) ++counter;
}

}  // namespace

Verdict judge(const SchedulerOptions& options, const Status& status, bool worker_died, std::int64_t next_escalation,
              TaskHistory& history) {
  if (status.code() == StatusCode::kOutOfMemory) {
    if (next_escalation <= history.escalation) return Verdict::kFail;
    history.escalation = static_cast<std::uint8_t>(next_escalation);
    return Verdict::kRetryNow;
  }
  if (worker_died) {
    count(history.deaths);
    return history.deaths > options.max_worker_deaths ? Verdict::kFail : Verdict::kRetryNow;
  }
  if (!status.is_retryable()) return Verdict::kFail;
  count(history.failures);
  return history.failures > options.max_retries ? Verdict::kFail : Verdict::kRetryLater;
}

double retry_delay_seconds(const SchedulerOptions& options, std::int64_t failures, std::int64_t attempt) {
  const auto doublings = static_cast<double>(std::max<std::int64_t>(failures, 1) - 1);
  const double doubled = options.retry_delay_seconds * std::exp2(doublings);
  const double share = static_cast<double>(splitmix64(static_cast<std::uint64_t>(attempt)) >> 11) * 0x1.0p-53;
  return std::min(doubled, options.max_retry_delay_seconds) * (0.75 + 0.5 * share);
}

Status poison_status(const std::vector<action::AttemptError>& errors, const std::string& task) {
  const Status& last = errors.back().status;
  ErrorContext context = last.context();
  if (context.task.empty()) context.task = task;
  const bool alike = std::all_of(errors.begin(), errors.end(), [&last](const action::AttemptError& error) {
    return error.status.code() == last.code() && error.status.message() == last.message();
  });
  std::string message = last.message();
  if (errors.size() > 1) {
    message += alike ? " (the same in each of " : " (the last of ";
    message += std::to_string(errors.size()) + " attempts)";
  }
  if (!alike) {
    for (std::size_t i = 0; i + 1 < errors.size(); ++i) {
      if (!context.detail.empty()) context.detail += '\n';
      context.detail += "attempt " + std::to_string(i + 1) + ": " + errors[i].status.message();
    }
  }
  return Status(last.code(), message, last.hint()).with_context(context);
}

}  // namespace millpond
