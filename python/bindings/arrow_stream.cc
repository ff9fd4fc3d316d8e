#include "arrow_stream.h"

#include <memory>
#include <string>

#include "base/stream_errno.h"
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

// A stream that passes everything on and notes the error.
struct Observed {
  ArrowStream inner;
  std::shared_ptr<Status> error;
};

Observed& observed(ArrowArrayStream* stream) { return *static_cast<Observed*>(stream->private_data); }

int noted(Observed& self, int number) {
  if (number == 0 || !self.error->is_ok()) return number;
  const char* text = self.inner->get_last_error(self.inner.get());
  *self.error = Status(code_of_stream_errno(number), text == nullptr ? "reading the rows failed" : text);
  return number;
}

ArrowArrayStream observe(ArrowStream stream, std::shared_ptr<Status> error) {
  ArrowArrayStream outer{};
  outer.get_schema = [](ArrowArrayStream* self, ArrowSchema* out) {
    Observed& state = observed(self);
    return noted(state, state.inner->get_schema(state.inner.get(), out));
  };
  outer.get_next = [](ArrowArrayStream* self, ArrowArray* out) {
    Observed& state = observed(self);
    return noted(state, state.inner->get_next(state.inner.get(), out));
  };
  outer.get_last_error = [](ArrowArrayStream* self) {
    Observed& state = observed(self);
    return state.inner->get_last_error(state.inner.get());
  };
  outer.release = [](ArrowArrayStream* self) {
    delete &observed(self);
    self->release = nullptr;
  };
  outer.private_data = new Observed{std::move(stream), std::move(error)};
  return outer;
}

}  // namespace

PyArrowStream::PyArrowStream(ArrowStream stream, std::shared_ptr<Status> error)
    : error_(std::move(error)), stream_(observe(std::move(stream), error_)) {}

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
          nb::sig("def __arrow_c_stream__(self, requested_schema: object | None = None) -> object"))
      .def(
          "raise_error", [](const PyArrowStream& self) { check(self.error()); },
          "Raises what broke the stream off while it was read, if anything did.");
}

}  // namespace millpond::python
