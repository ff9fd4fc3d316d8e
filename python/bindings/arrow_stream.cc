#include "arrow_stream.h"

#include <memory>

#include "errors.h"

namespace nb = nanobind;

namespace millpond::python {

namespace {

constexpr const char* kCapsuleName = "arrow_array_stream";

// A capsule that nobody consumed still owns its stream. Ending a stream may wait for threads that want the GIL.
void free_capsule(PyObject* capsule) {
  auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule, kCapsuleName));
  if (stream == nullptr) {
    PyErr_Clear();
    return;
  }
  nb::gil_scoped_release released;
  if (stream->release != nullptr) stream->release(stream);
  delete stream;
}

}  // namespace

PyArrowStream::~PyArrowStream() {
  if (!stream_.is_valid()) return;
  nb::gil_scoped_release released;
  stream_ = ArrowStream();
}

nb::object PyArrowStream::to_capsule() {
  if (!stream_.is_valid()) raise(Status::invalid_argument("these rows were already read", "ask the frame for them again"));
  auto owned = std::make_unique<ArrowArrayStream>(stream_.release());
  PyObject* capsule = PyCapsule_New(owned.get(), kCapsuleName, free_capsule);
  if (capsule == nullptr) {
    if (owned->release != nullptr) owned->release(owned.get());
    throw nb::python_error();
  }
  owned.release();
  return nb::steal(capsule);
}

ArrowStream take_stream(nb::handle object) {
  if (!nb::hasattr(object, "__arrow_c_stream__")) {
    throw nb::type_error("expected an object with __arrow_c_stream__, such as a pyarrow.Table or a polars.DataFrame");
  }
  nb::object capsule = object.attr("__arrow_c_stream__")();
  auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule.ptr(), kCapsuleName));
  if (stream == nullptr) throw nb::python_error();
  return ArrowStream(std::exchange(*stream, ArrowArrayStream{}));
}

void bind_arrow_stream(nb::module_& module) {
  nb::class_<PyArrowStream>(module, "ArrowStream", "Rows that one consumer can take by the Arrow C stream interface.")
      .def(
          "__arrow_c_stream__", [](PyArrowStream& self, nb::handle) { return self.to_capsule(); },
          nb::arg("requested_schema") = nb::none(),
          nb::sig("def __arrow_c_stream__(self, requested_schema: object | None = None) -> object"));
}

}  // namespace millpond::python
