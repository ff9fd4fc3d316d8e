#include "launcher.h"

#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "errors.h"

namespace nb = nanobind;

namespace millpond::python {

namespace {

/// Called and let go of on any thread.
class PyLauncher final : public WorkerLauncher {
 public:
  explicit PyLauncher(nb::object object) : object_(std::move(object)) {}
  ~PyLauncher() override {
    nb::gil_scoped_acquire acquired;
    object_.reset();
  }

  std::vector<WorkerHost> hosts() override {
    using Entry = std::tuple<std::int64_t, std::int64_t, std::int64_t, double, std::map<std::string, double>, bool>;
    std::vector<WorkerHost> hosts;
    for (const auto& [node, slots, memory, gpus, resources, is_draining] : call<std::vector<Entry>>({}, "hosts")) {
      hosts.push_back({node, slots, memory, gpus, resources, is_draining});
    }
    return hosts;
  }
  Status start(std::int64_t number, const WorkerShare& share, int fd) override {
    return run("start", number, share.node, share.memory_bytes, share.gpu_numbers, fd);
  }
  std::optional<WorkerEnd> ended(std::int64_t number) override {
    using Entry = std::optional<std::pair<std::string, bool>>;
    const Entry end = call<Entry>(std::pair<std::string, bool>("ended, nobody knows how", false), "ended", number);
    if (!end) return std::nullopt;
    return WorkerEnd{end->first, end->second};
  }
  void kill(std::int64_t number) override { (void)run("kill", number); }
  std::optional<std::int64_t> size_of(const std::string& path) override {
    return call<std::optional<std::int64_t>>(std::nullopt, "size_of", path);
  }
  Status fetch(const std::string& path) override { return run("fetch", path); }
  void remove(const std::string& path) override { (void)run("remove", path); }

 private:
  template <typename Value, typename... Arguments>
  Value call(Value otherwise, const char* method, const Arguments&... arguments) {
    nb::gil_scoped_acquire acquired;
    try {
      return nb::cast<Value>(object_.attr(method)(arguments...));
    } catch (nb::python_error& error) {
      error.discard_as_unraisable(method);
    } catch (nb::cast_error&) {
    }
    return otherwise;
  }

  template <typename... Arguments>
  Status run(const char* method, const Arguments&... arguments) {
    nb::gil_scoped_acquire acquired;
    try {
      object_.attr(method)(arguments...);
      return Status::ok();
    } catch (nb::python_error& error) {
      return status_from_exception(error);
    }
  }

  nb::object object_;
};

}  // namespace

std::shared_ptr<WorkerLauncher> launcher_of(nb::object launcher) {
  if (launcher.is_none()) return nullptr;
  return std::make_shared<PyLauncher>(std::move(launcher));
}

}  // namespace millpond::python
