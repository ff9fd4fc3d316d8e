#include "launcher.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <string>
#include <utility>

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

  std::int64_t slots() override { return call<std::int64_t>(1, "slots"); }
  Status start(std::int64_t number, int fd) override { return run("start", number, fd); }
  std::optional<std::string> ended(std::int64_t number) override {
    return call<std::optional<std::string>>(std::string("ended, nobody knows how"), "ended", number);
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
