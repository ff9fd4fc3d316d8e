#include "catch.hpp"
#include "simulation/shuffle_options.h"

namespace millpond {
namespace {

ShuffleOptions small_cluster() {
  ShuffleOptions options;
  options.nodes = 8;
  options.cores = 16;
  options.threads = 2;
  options.maps = 512;
  options.reduces = 512;
  return options;
}

TEST_CASE("a shuffle on a failing cluster is done once, and nearly as fast as can be", "[simulation]") {
  ShuffleOptions options = small_cluster();
  options.node_losses_a_day = 40;  // Many, so that the small form meets some.
  ShuffleReport sum;
  double ideal = 0;
  for (options.seed = 1; options.seed <= 20; ++options.seed) {
    const ShuffleReport report = simulate_shuffle(options);
    INFO("seed " << options.seed);
    REQUIRE(report.violation.empty());
    CHECK(report.makespan >= report.undisturbed);
    CHECK(report.makespan >= report.after_losses);
    CHECK(report.over_possible() < 0.3);
    sum.makespan += report.makespan;
    sum.failures += report.failures;
    sum.node_losses += report.node_losses;
    sum.outputs_lost += report.outputs_lost;
    sum.copies += report.copies;
    sum.local_maps += report.local_maps;
    ideal += report.ideal();
  }
  CHECK(sum.makespan / ideal < 1.3);
  CHECK(sum.failures > 0);
  CHECK(sum.node_losses > 0);
  CHECK(sum.outputs_lost > 0);
  CHECK(sum.copies > 0);
  CHECK(sum.local_maps > 20 * 512 * 3 / 4);
}

TEST_CASE("without failures a shuffle is within a twelfth of the ideal", "[simulation]") {
  ShuffleOptions options = small_cluster();
  options.node_losses_a_day = 0;
  options.fails = 0;
  options.worker_dies = 0;
  options.slow = 0;
  double makespan = 0;
  double ideal = 0;
  for (options.seed = 1; options.seed <= 20; ++options.seed) {
    const ShuffleReport report = simulate_shuffle(options);
    REQUIRE(report.violation.empty());
    makespan += report.makespan;
    ideal += report.ideal();
  }
  CHECK(makespan / ideal < 1.0 + 1.0 / 12);
}

TEST_CASE("a simulated shuffle is a function of its options", "[simulation]") {
  const ShuffleReport once = simulate_shuffle(small_cluster());
  const ShuffleReport again = simulate_shuffle(small_cluster());
  CHECK(once.makespan == again.makespan);
  CHECK(once.attempts == again.attempts);
}

TEST_CASE("many small workers cost the scheduler as little as few large ones", "[simulation]") {
  ShuffleOptions options = small_cluster();
  options.workers_per_node = 8;
  const ShuffleReport report = simulate_shuffle(options);
  REQUIRE(report.violation.empty());
  CHECK(report.makespan < report.ideal() * 1.3);
  CHECK(report.microseconds_a_task() < 50);
}

}  // namespace
}  // namespace millpond
