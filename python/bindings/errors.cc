#include "errors.h"

#include <string>

namespace nb = nanobind;

namespace millpond::python {

void raise(const Status& status) {
  const ErrorContext& context = status.context();
  nb::object error = nb::module_::import_("millpond.errors")
                         .attr("from_status")(std::string(status_code_name(status.code())).c_str(), status.message().c_str(),
                                              status.hint().c_str(), context.location.c_str(), context.node.c_str(),
                                              context.task.c_str(), context.file.c_str(), context.detail.c_str());
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
  throw nb::python_error();
}

namespace {

std::string text_attribute(nb::handle object, const char* name) {
  nb::object value = nb::getattr(object, name, nb::none());
  return value.is_none() ? std::string() : std::string(nb::str(value).c_str());
}

}  // namespace

Status status_from_exception(nb::handle error) {
  nb::object ours = nb::module_::import_("millpond.errors").attr("MillpondError");
  if (!nb::isinstance(error, ours)) return Status(StatusCode::kUserFunction, nb::str(error).c_str());
  ErrorContext context;
  context.location = text_attribute(error, "location");
  context.node = text_attribute(error, "node");
  context.task = text_attribute(error, "task");
  context.file = text_attribute(error, "file");
  context.detail = text_attribute(error, "detail");
  return Status(status_code_from_name(text_attribute(error, "code")), text_attribute(error, "message"),
                text_attribute(error, "hint"))
      .with_context(context);
}

Status status_from_exception(nb::python_error& error) {
  return status_from_exception(nb::handle(error.value()));
}

}  // namespace millpond::python
