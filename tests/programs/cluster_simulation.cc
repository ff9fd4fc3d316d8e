#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include "simulation/shuffle_options.h"

namespace millpond {
namespace {

using Setter = std::function<void(const char*)>;

struct Limits {
  std::int64_t seeds = 1;
  double over_ideal = 0.1;         ///< Of all seeds together.
  double over_possible = 0.1;      ///< Of each seed.
  double microseconds_a_task = 50;
  double memory_gb = 4;
};

/// Every field of the options by its own name: --workers-per-node 12.
std::map<std::string, Setter> setters(ShuffleOptions& options, Limits& limits) {
  const auto whole = [](std::int64_t& field) { return [&field](const char* text) { field = std::atoll(text); }; };
  const auto real = [](double& field) { return [&field](const char* text) { field = std::atof(text); }; };
  return {{"--seed", [&options](const char* text) { options.seed = std::strtoull(text, nullptr, 10); }},
          {"--seeds", whole(limits.seeds)},
          {"--over-ideal", real(limits.over_ideal)},
          {"--over-possible", real(limits.over_possible)},
          {"--microseconds-a-task", real(limits.microseconds_a_task)},
          {"--memory-gb", real(limits.memory_gb)},
          {"--nodes", whole(options.nodes)},
          {"--cores", whole(options.cores)},
          {"--threads", whole(options.threads)},
          {"--workers-per-node", whole(options.workers_per_node)},
          {"--maps", whole(options.maps)},
          {"--reduces", whole(options.reduces)},
          {"--seconds", real(options.seconds)},
          {"--skew", real(options.skew)},
          {"--fails", real(options.fails)},
          {"--worker-dies", real(options.worker_dies)},
          {"--slow", real(options.slow)},
          {"--hint-noise", real(options.hint_noise)},
          {"--node-losses-a-day", real(options.node_losses_a_day)},
          {"--node-returns-seconds", real(options.node_returns_seconds)},
          {"--detection-seconds", real(options.detection_seconds)},
          {"--shared-exchange", whole(options.shared_exchange)}};
}

double peak_memory_gb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e9;
}

void print(const ShuffleOptions& options, const ShuffleReport& report) {
  const double local = static_cast<double>(report.local_maps) / static_cast<double>(options.maps);
  std::printf("%5llu %8.1f %8.1f %8.1f %8.1f %8.1f %+6.1f%% %+6.1f%% %8lld %8lld %5lld %7lld %6lld %6.2f %7.2f %6.2f\n",
              static_cast<unsigned long long>(options.seed), report.makespan, report.undisturbed, report.work_bound,
              report.critical_path, report.after_losses, report.over_ideal() * 100, report.over_possible() * 100,
              static_cast<long long>(report.attempts),
              static_cast<long long>(report.failures), static_cast<long long>(report.node_losses),
              static_cast<long long>(report.outputs_lost), static_cast<long long>(report.copies),
              local, report.microseconds_a_task(), report.longest_call_seconds * 1e3);
}

int run(ShuffleOptions options, const Limits& limits) {
  std::printf(" seed makespan     work    +lost critical   losses    over possible attempts failures nodes");
  std::printf(" outputs copies  local us/task max ms\n");
  double makespan = 0;
  double ideal = 0;
  double most_over = 0;
  double handling = 0;
  std::int64_t tasks = 0;
  for (std::int64_t i = 0; i < limits.seeds; ++i, ++options.seed) {
    const ShuffleReport report = simulate_shuffle(options);
    if (!report.violation.empty()) {
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(options.seed), report.violation.c_str());
      return 1;
    }
    print(options, report);
    makespan += report.makespan;
    ideal += report.ideal();
    most_over = std::max(most_over, report.over_possible());
    handling += report.handling_seconds;
    tasks += report.tasks;
  }
  const double over = makespan / ideal - 1;
  const double microseconds = handling * 1e6 / static_cast<double>(tasks);
  const double memory = peak_memory_gb();
  std::printf("all: %.1f %% over the ideal, each at most %.1f %% over what its losses allow, %.2f us a task, %.3f GB\n",
              over * 100, most_over * 100, microseconds, memory);
  return over > limits.over_ideal || most_over > limits.over_possible ||
         microseconds > limits.microseconds_a_task || memory > limits.memory_gb;
}

}  // namespace
}  // namespace millpond

/// Simulates shuffles with one seed after the other. Ends with 1 when an invariant broke or a limit was passed.
int main(int argc, char** argv) {
  millpond::ShuffleOptions options;
  millpond::Limits limits;
  const auto known = millpond::setters(options, limits);
  for (int i = 1; i < argc; i += 2) {
    const auto found = known.find(argv[i]);
    if (found == known.end() || i + 1 == argc) {
      std::fprintf(stderr, "cluster_simulation: %s is no option or has no value; the options are\n", argv[i]);
      for (const auto& [name, setter] : known) std::fprintf(stderr, "  %s\n", name.c_str());
      return 2;
    }
    found->second(argv[i + 1]);
  }
  return millpond::run(options, limits);
}
