#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "arrow_stream.h"
#include "dataframe.h"
#include "options.h"
#include "millpond/version.h"
#include "paths.h"
#include "placeholders.h"
#include "session.h"
#include "worker.h"

NB_MODULE(_core, module) {
  module.doc() = "The C++ API as Python sees it. Translation only; use the millpond package.";
  millpond::python::bind_options(module);
  millpond::python::bind_arrow_stream(module);
  millpond::python::bind_dataframe(module);
  millpond::python::bind_session(module);
  millpond::python::bind_worker(module);
  millpond::python::bind_paths(module);
  millpond::python::bind_placeholders(module);
  module.def("version", &millpond::version, "This library's version.");
  // The library does not print: what Python still holds at its exit is no news to the user.
  nanobind::set_leak_warnings(false);
}
