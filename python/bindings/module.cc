#include <nanobind/nanobind.h>

#include "arrow_stream.h"
#include "dataframe.h"
#include "options.h"
#include "session.h"

NB_MODULE(_core, module) {
  module.doc() = "The C++ API as Python sees it. Translation only; use the millpond package.";
  millpond::python::bind_options(module);
  millpond::python::bind_arrow_stream(module);
  millpond::python::bind_dataframe(module);
  millpond::python::bind_session(module);
}
