#pragma once

#include <nanobind/nanobind.h>

#include <utility>

#include "millpond/arrow.h"

namespace millpond::python {

/// Rows as Python sees them: an object whose __arrow_c_stream__ gives the stream away, once.
class PyArrowStream {
 public:
  explicit PyArrowStream(ArrowStream stream) : stream_(std::move(stream)) {}
  PyArrowStream(PyArrowStream&&) = default;
  ~PyArrowStream();

  nanobind::object to_capsule();

 private:
  ArrowStream stream_;
};

/// Takes the stream that `object.__arrow_c_stream__()` gives. Raises TypeError when it has none.
ArrowStream take_stream(nanobind::handle object);

void bind_arrow_stream(nanobind::module_& module);

}  // namespace millpond::python
