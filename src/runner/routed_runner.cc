#include "runner/routed_runner.h"

#include <algorithm>
#include <utility>

namespace millpond {
namespace {

class RoutedRunner final : public Runner {
 public:
  RoutedRunner(std::unique_ptr<Runner> local, std::unique_ptr<Runner> calls)
      : local_(std::move(local)), calls_(std::move(calls)) {}
  ~RoutedRunner() override { shutdown(); }

  std::int64_t slots() const override { return std::max(local_->slots(), calls_->slots()); }

  std::vector<RunnerPlace> places() override {
    RunnerPlace place = calls_->places().front();
    place.slots = slots();
    place.resources.threads = slots();
    // Tasks in this process share the engine's memory; nothing is gained by counting it.
    place.resources.memory_bytes = 0;
    return {std::move(place)};
  }

  Status start(Task task) override {
    Runner& target = task.call ? *calls_ : *local_;
    return target.start(std::move(task));
  }

  void cancel(const std::string& attempt) override {
    local_->cancel(attempt);
    calls_->cancel(attempt);
  }

  // The inbox is shared, and an inline runner works in its own wait: so the local one waits for both.
  std::vector<RunnerEvent> wait(std::chrono::nanoseconds timeout) override { return local_->wait(timeout); }
  void wake() override { local_->wake(); }

  void shutdown() override {
    local_->shutdown();
    calls_->shutdown();
  }

 private:
  const std::unique_ptr<Runner> local_;
  const std::unique_ptr<Runner> calls_;
};

}  // namespace

std::unique_ptr<Runner> make_routed_runner(std::unique_ptr<Runner> local, std::unique_ptr<Runner> calls) {
  return std::make_unique<RoutedRunner>(std::move(local), std::move(calls));
}

}  // namespace millpond
