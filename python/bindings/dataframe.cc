#include "dataframe.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <optional>
#include <string>

#include "arrow_stream.h"
#include "errors.h"
#include "options.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace millpond::python {

std::vector<DataFrame> frames_of(const std::vector<const PyDataFrame*>& frames) {
  std::vector<DataFrame> values;
  values.reserve(frames.size());
  for (const PyDataFrame* frame : frames) values.push_back(frame->frame());
  return values;
}

namespace {

using Names = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;
using Frames = std::vector<const PyDataFrame*>;
using Class = nb::class_<PyDataFrame>;

/// A frame made without the GIL.
template <typename Make>
PyDataFrame made(Make&& make) {
  return PyDataFrame(unwrap(without_gil(std::forward<Make>(make))));
}

/// The same for what may have to compute something first.
template <typename Make>
PyDataFrame made_slowly(const PyDataFrame& self, Make&& make) {
  return PyDataFrame(unwrap(interruptible(self.session(), std::forward<Make>(make))));
}

void bind_description(Class& frame) {
  frame
      .def("schema",
           [](const PyDataFrame& self) -> std::optional<ColumnList> {
             std::optional<Schema> schema = without_gil([&] { return self.frame().schema(); });
             if (!schema) return {};
             return columns_of(*schema);
           })
      .def("resolve_schema",
           [](const PyDataFrame& self) {
             return columns_of(unwrap(interruptible(self.session(), [&] { return self.frame().resolve_schema(); })));
           })
      .def("num_partitions", [](const PyDataFrame& self) { return self.frame().num_partitions(); })
      .def("partitioning", [](const PyDataFrame& self) { return self.frame().partitioning(); })
      .def(
          "explain",
          [](const PyDataFrame& self, bool analyze) {
            return unwrap(interruptible(self.session(), [&] { return self.frame().explain({analyze}); }));
          },
          "analyze"_a)
      .def("plan_json", [](const PyDataFrame& self) { return without_gil([&] { return self.frame().plan_json(); }); });
}

void bind_partition_wise(Class& frame) {
  frame
      .def(
          "repartition",
          [](const PyDataFrame& self, std::int64_t npartitions, const RepartitionOptions& options,
             const std::string& location) {
            return made([&] { return self.frame().repartition(npartitions, options, location); });
          },
          "npartitions"_a, "options"_a, "location"_a)
      .def(
          "random_shuffle",
          [](const PyDataFrame& self, std::optional<std::uint64_t> seed, const std::string& location) {
            return made([&] { return self.frame().random_shuffle(seed, location); });
          },
          "seed"_a.none(), "location"_a)
      .def(
          "partial_sort",
          [](const PyDataFrame& self, const Names& by, const std::string& location) {
            return made([&] { return self.frame().partial_sort(by, location); });
          },
          "by"_a, "location"_a)
      .def(
          "filter",
          [](const PyDataFrame& self, const std::string& condition, const std::string& location) {
            return made([&] { return self.frame().filter(condition, location); });
          },
          "condition"_a, "location"_a)
      .def(
          "map",
          [](const PyDataFrame& self, const std::string& projection, const std::string& location) {
            return made([&] { return self.frame().map(projection, location); });
          },
          "projection"_a, "location"_a)
      .def(
          "partial_sql",
          [](const PyDataFrame& self, const std::string& query, const Frames& others, const std::string& location) {
            return made([&] { return self.frame().partial_sql(query, frames_of(others), location); });
          },
          "query"_a, "others"_a, "location"_a)
      .def(
          "call",
          [](const PyDataFrame& self, const CallOptions& options, const std::string& location) {
            return made([&] { return self.frame().call(options, location); });
          },
          "options"_a, "location"_a);
}

void bind_columns(Class& frame) {
  frame
      .def(
          "select",
          [](const PyDataFrame& self, const Names& expressions, const std::string& location) {
            return made([&] { return self.frame().select(expressions, location); });
          },
          "expressions"_a, "location"_a)
      .def(
          "with_columns",
          [](const PyDataFrame& self, const Pairs& columns, const std::string& location) {
            return made_slowly(self, [&] { return self.frame().with_columns(columns, location); });
          },
          "columns"_a, "location"_a)
      .def(
          "drop",
          [](const PyDataFrame& self, const Names& columns, const std::string& location) {
            return made_slowly(self, [&] { return self.frame().drop(columns, location); });
          },
          "columns"_a, "location"_a)
      .def(
          "rename",
          [](const PyDataFrame& self, const Pairs& names, const std::string& location) {
            return made_slowly(self, [&] { return self.frame().rename(names, location); });
          },
          "names"_a, "location"_a)
      .def(
          "union_all",
          [](const PyDataFrame& self, const Frames& others, const std::string& location) {
            return made([&] { return self.frame().union_all(frames_of(others), location); });
          },
          "others"_a, "location"_a)
      .def(
          "limit",
          [](const PyDataFrame& self, std::int64_t n, const std::string& location) {
            return made([&] { return self.frame().limit(n, location); });
          },
          "n"_a, "location"_a);
}

void bind_actions(Class& frame) {
  frame
      .def(
          "write_lazy",
          [](const PyDataFrame& self, const std::string& path, const WriteFilesOptions& options,
             const std::string& location) {
            return made([&] { return self.frame().write_lazy(path, options, location); });
          },
          "path"_a, "options"_a, "location"_a)
      .def(
          "write",
          [](const PyDataFrame& self, const std::string& path, const WriteFilesOptions& options,
             const std::string& location) {
            check(interruptible(self.session(), [&] { return self.frame().write(path, options, location); }));
          },
          "path"_a, "options"_a, "location"_a)
      .def("compute",
           [](const PyDataFrame& self) {
             check(interruptible(self.session(), [&] { return self.frame().compute(); }));
           })
      .def("recompute", [](const PyDataFrame& self) { check(without_gil([&] { return self.frame().recompute(); })); })
      .def("is_computed", [](const PyDataFrame& self) { return without_gil([&] { return self.frame().is_computed(); }); })
      .def("count",
           [](const PyDataFrame& self) {
             return unwrap(interruptible(self.session(), [&] { return self.frame().count(); }));
           })
      .def("to_arrow",
           [](const PyDataFrame& self) {
             auto failure = std::make_shared<Status>();
             return PyArrowStream(
                 unwrap(interruptible(self.session(), [&] { return self.frame().to_arrow(failure); })), failure);
           })
      .def(
          "to_arrow_partition",
          [](const PyDataFrame& self, std::int64_t partition) {
            auto failure = std::make_shared<Status>();
            return PyArrowStream(unwrap(interruptible(self.session(),
                                                      [&] { return self.frame().to_arrow_partition(partition, failure); })),
                                 failure);
          },
          "partition"_a);
}

}  // namespace

void bind_dataframe(nb::module_& module) {
  Class frame(module, "DataFrame");
  bind_description(frame);
  bind_partition_wise(frame);
  bind_columns(frame);
  bind_actions(frame);
}

}  // namespace millpond::python
