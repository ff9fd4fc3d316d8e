#include "placeholders.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "errors.h"
#include "sql/placeholders.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace millpond::python {

void bind_placeholders(nb::module_& module) {
  module.def(
      "substitute", [](const std::string& query, const std::vector<std::string>& names) { return unwrap(substitute(query, names)); },
      "query"_a, "names"_a, "The query with names for {0}, {1} …; braces in literals are left alone.");
}

}  // namespace millpond::python
