#include "millpond/worker.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arrow_stream.h"
#include "base/hash.h"
#include "errors.h"
#include "object_store.h"
#include "options.h"
#include "worker.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace millpond::python {

namespace {

/// Gives the input to Python's handler and takes its output stream.
Result<ArrowStream> call_handler(const nb::object& handler, const WorkerCall& call, ArrowStream input) {
  nb::gil_scoped_acquire acquired;
  try {
    return take_stream(handler(call, PyArrowStream(std::move(input))));
  } catch (nb::python_error& error) {
    return status_from_exception(error);
  } catch (nb::builtin_exception& error) {
    return Status(StatusCode::kUserFunction, error.what());
  }
}

/// What broke the last stream, as Python's handler remembers it.
Status take_error(const nb::object& handler) {
  nb::gil_scoped_acquire acquired;
  try {
    nb::object error = handler.attr("take_error")();
    return error.is_none() ? Status::ok() : status_from_exception(error);
  } catch (nb::python_error& error) {
    return status_from_exception(error);
  }
}

int run(const std::vector<std::string>& arguments, const nb::object& handler, nb::object object_store) {
  const std::shared_ptr<ObjectStore> store = object_store_of(std::move(object_store));
  nb::gil_scoped_release released;
  return run_worker(
      arguments, [&](const WorkerCall& call, ArrowStream input) { return call_handler(handler, call, std::move(input)); },
      [&] { return take_error(handler); }, store);
}

}  // namespace

void bind_worker(nb::module_& module) {
  nb::class_<WorkerCall>(module, "WorkerCall")
      .def_ro("kind", &WorkerCall::kind)
      .def_ro("name", &WorkerCall::name)
      .def_ro("function_path", &WorkerCall::function_path)
      .def_ro("function_digest", &WorkerCall::function_digest)
      .def_ro("batch_size", &WorkerCall::batch_size)
      .def_ro("batch_bytes", &WorkerCall::batch_bytes)
      .def_ro("batch_format", &WorkerCall::batch_format)
      .def_prop_ro("schema",
                   [](const WorkerCall& self) -> std::optional<ColumnList> {
                     if (!self.has_schema) return {};
                     return columns_of(self.schema);
                   })
      .def_ro("partition", &WorkerCall::partition)
      .def_ro("files", &WorkerCall::files);
  module.def("run_worker", &run, "arguments"_a, "handler"_a, "object_store"_a.none(),
             "The whole life of a worker process. `handler(call, stream)` gives the output stream;\n"
             "`handler.take_error()` says why it broke off.");
  module.def(
      "content_digest",
      [](const nb::bytes& bytes) { return xxh3_128_hex(std::string_view(bytes.c_str(), bytes.size())); }, "content"_a,
      "XXH3-128 of bytes in hex, as files and functions are named.");
}

}  // namespace millpond::python
