#include "schedule/simulation.h"

#include <cstdlib>
#include <string>

#include "catch.hpp"

namespace millpond {
namespace {

/// MILLPOND_SEEDS says how many seeds to run, MILLPOND_FIRST_SEED where to begin.
std::uint64_t number_from(const char* variable, std::uint64_t fallback) {
  const char* text = std::getenv(variable);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

TEST_CASE("random jobs on random clusters keep every invariant", "[simulation]") {
  const std::uint64_t first = number_from("MILLPOND_FIRST_SEED", 1);
  const std::uint64_t count = number_from("MILLPOND_SEEDS", 2000);
  SimulationReport sum;
  std::uint64_t succeeded = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const SimulationReport report = simulate(seed);
    if (!report.violation.empty()) {
      FAIL("repeat with MILLPOND_FIRST_SEED=" << seed << " MILLPOND_SEEDS=1: " << report.violation);
    }
    succeeded += report.succeeded ? 1 : 0;
    sum.tasks += report.tasks;
    sum.attempts += report.attempts;
    sum.drivers += report.drivers;
    sum.worker_deaths += report.worker_deaths;
    sum.zombies += report.zombies;
    sum.invalidated += report.invalidated;
    sum.speculated += report.speculated;
    sum.lost += report.lost;
    sum.skipped += report.skipped;
  }
  INFO(succeeded << " of " << count << " jobs succeeded; tasks " << sum.tasks << ", attempts " << sum.attempts
                 << ", drivers " << sum.drivers << ", deaths " << sum.worker_deaths << ", zombies " << sum.zombies
                 << ", invalidated " << sum.invalidated << ", speculated " << sum.speculated << ", lost " << sum.lost
                 << ", skipped " << sum.skipped);
  // The campaign must have met what it is made for.
  if (count >= 1000) {
    CHECK(succeeded > count / 2);
    CHECK(succeeded < count);
    CHECK(sum.drivers > static_cast<std::int64_t>(count));
    CHECK(sum.worker_deaths > 0);
    CHECK(sum.zombies > 0);
    CHECK(sum.invalidated > 0);
    CHECK(sum.speculated > 0);
    CHECK(sum.lost > 0);
    CHECK(sum.skipped > 0);
  }
  SUCCEED();
}

TEST_CASE("a simulated run is a function of its seed", "[simulation]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const SimulationReport once = simulate(seed);
    const SimulationReport again = simulate(seed);
    CHECK(once.attempts == again.attempts);
    CHECK(once.zombies == again.zombies);
    CHECK(once.succeeded == again.succeeded);
  }
}

}  // namespace
}  // namespace millpond
