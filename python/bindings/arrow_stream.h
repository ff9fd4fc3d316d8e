#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <utility>

#include "millpond/arrow.h"
#include "millpond/status.h"

namespace millpond::python {

/// Rows as Python sees them: an object whose __arrow_c_stream__ gives the stream away, once.
/// A consumer turns the stream's error into an exception of its own; this object keeps it as it was.
class PyArrowStream {
 public:
  /// `error`, if given, is where the stream's maker notes why it broke off; otherwise it is read off the stream.
  explicit PyArrowStream(ArrowStream stream, std::shared_ptr<Status> error = std::make_shared<Status>());
  PyArrowStream(PyArrowStream&&) = default;
  ~PyArrowStream();

  nanobind::object to_capsule();
  /// Why the stream broke off, or OK.
  const Status& error() const { return *error_; }

 private:
  std::shared_ptr<Status> error_;
  ArrowStream stream_;
};

/// Takes the stream that `object.__arrow_c_stream__()` gives. Raises TypeError when it has none.
ArrowStream take_stream(nanobind::handle object);

void bind_arrow_stream(nanobind::module_& module);

}  // namespace millpond::python
