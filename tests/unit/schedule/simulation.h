#pragma once

#include <cstdint>
#include <string>

namespace millpond {

/// What one simulated job did.
struct SimulationReport {
  std::string violation;       ///< Empty: every invariant held. Otherwise what broke, with the last steps before it.
  bool succeeded = false;      ///< The job, not the simulation: jobs with poison tasks fail as they should.
  std::int64_t tasks = 0;
  std::int64_t attempts = 0;
  std::int64_t drivers = 1;    ///< Driver processes; each further one resumed from the journal.
  std::int64_t worker_deaths = 0;
  std::int64_t zombies = 0;    ///< Reports that came after their attempt no longer counted.
  std::int64_t invalidated = 0;
  std::int64_t speculated = 0;
  std::int64_t lost = 0;       ///< Committed outputs that vanished.
  std::int64_t skipped = 0;    ///< Tasks that a satisfied stage saved.
};

/// Runs one random job on a random cluster in virtual time. The same seed gives the same run.
SimulationReport simulate(std::uint64_t seed);

}  // namespace millpond
