#include "session.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arrow_stream.h"
#include "blocking.h"
#include "dataframe.h"
#include "errors.h"
#include "object_store.h"
#include "options.h"
#include "millpond/session.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace millpond::python {

namespace {

/// A Session that is let go of without the GIL.
class PySession {
 public:
  explicit PySession(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  PySession(PySession&&) = default;
  ~PySession() { drop_without_gil(session_); }

  Session& operator*() const { return *session_; }
  Session* operator->() const { return session_.get(); }

 private:
  std::shared_ptr<Session> session_;
};

using Paths = std::vector<std::string>;
using Frames = std::vector<const PyDataFrame*>;
using Class = nb::class_<PySession>;
using Read = Result<DataFrame> (Session::*)(const Paths&, const ReadOptions&, const std::string&);

auto read_by(Read read) {
  return [read](const PySession& self, const Paths& paths, const ReadOptions& options, const std::string& location) {
    return PyDataFrame(unwrap(without_gil([&] { return ((*self).*read)(paths, options, location); })));
  };
}

/// Of each file, for each column: the least and the greatest value as text, whether NULL and whether another.
using BoundsOfColumn = std::tuple<std::optional<std::string>, std::optional<std::string>, bool, bool>;
using BoundsOfFiles = std::map<std::string, std::vector<BoundsOfColumn>>;

FileBounds file_bounds(const ColumnList& columns, const BoundsOfFiles& files) {
  FileBounds bounds{schema_of(columns), {}};
  for (const auto& [path, known] : files) {
    auto& all = bounds.files[path];
    for (const auto& [least, greatest, may_be_null, may_have_value] : known) {
      all.push_back({least, greatest, may_be_null, may_have_value});
    }
  }
  return bounds;
}

/// The callback for C++: called on any thread, let go of on any thread. Its errors are reported, never thrown.
ProgressCallback callback_of(nb::object function) {
  if (function.is_none()) return {};
  std::shared_ptr<nb::object> held(new nb::object(std::move(function)), [](nb::object* object) {
    nb::gil_scoped_acquire acquired;
    delete object;
  });
  return [held](const ProgressEvent& event) {
    nb::gil_scoped_acquire acquired;
    try {
      (*held)(event);
    } catch (nb::python_error& error) {
      error.discard_as_unraisable("the progress callback");
    }
  };
}

void bind_frames(Class& session) {
  session.def("read_parquet", read_by(&Session::read_parquet), "paths"_a, "options"_a, "location"_a)
      .def(
          "read_table_files",
          [](const PySession& self, const Paths& paths, const ReadOptions& options, const ColumnList& columns,
             const BoundsOfFiles& files, const std::string& location) {
            FileBounds bounds = file_bounds(columns, files);
            return PyDataFrame(unwrap(without_gil([&] { return self->read_table_files(paths, options, std::move(bounds), location); })));
          },
          "paths"_a, "options"_a, "columns"_a, "files"_a, "location"_a)
      .def("read_csv", read_by(&Session::read_csv), "paths"_a, "options"_a, "location"_a)
      .def("read_json", read_by(&Session::read_json), "paths"_a, "options"_a, "location"_a)
      .def(
          "from_arrow",
          [](const PySession& self, nb::handle rows, const std::string& location) {
            ArrowStream stream = take_stream(rows);
            return PyDataFrame(unwrap(without_gil([&] { return self->from_arrow(std::move(stream), location); })));
          },
          "rows"_a, "location"_a)
      .def(
          "partial_sql",
          [](const PySession& self, const std::string& query, const Frames& inputs, const std::string& location) {
            return PyDataFrame(
                unwrap(without_gil([&] { return self->partial_sql(query, frames_of(inputs), location); })));
          },
          "query"_a, "inputs"_a, "location"_a)
      .def(
          "table_names",
          [](const PySession& self, const std::string& query) {
            return unwrap(without_gil([&] { return self->table_names(query); }));
          },
          "query"_a)
      .def(
          "sql",
          [](const PySession& self, const std::string& query, const std::vector<std::string>& names, const Frames& frames,
             const std::string& distribute, std::int64_t partitions, std::int64_t broadcast_limit, const std::string& location) {
            std::vector<SqlTable> tables;
            std::vector<DataFrame> inputs = frames_of(frames);
            for (std::size_t i = 0; i < names.size() && i < inputs.size(); ++i) tables.push_back({names[i], inputs[i]});
            SqlOptions options;
            options.partitions = partitions;
            options.broadcast_limit = broadcast_limit;
            if (distribute == "always") options.distribute = Distribute::kAlways;
            if (distribute == "never") options.distribute = Distribute::kNever;
            return PyDataFrame(unwrap(without_gil([&] { return self->sql(query, tables, options, location); })));
          },
          "query"_a, "names"_a, "frames"_a, "distribute"_a, "partitions"_a, "broadcast_limit"_a, "location"_a);
}

void bind_running(Class& session) {
  session
      .def(
          "wait",
          [](const PySession& self, const Frames& frames) {
            check(interruptible(*self, [&] { return self->wait(frames_of(frames)); }));
          },
          "frames"_a)
      .def("graph", [](const PySession& self) { return without_gil([&] { return self->graph(); }); })
      .def("finish", [](const PySession& self) { check(without_gil([&] { return self->finish(); })); })
      .def("has_unfinished_reads", [](const PySession& self) { return self->has_unfinished_reads(); })
      .def(
          "note_table_write",
          [](const PySession& self, const std::string& folder) {
            check(without_gil([&] { return self->note_table_write(folder); }));
          },
          "folder"_a)
      .def(
          "finish_table_write",
          [](const PySession& self, const std::string& folder) {
            check(without_gil([&] { return self->finish_table_write(folder); }));
          },
          "folder"_a)
      .def("shutdown", [](const PySession& self) { check(without_gil([&] { return self->shutdown(); })); })
      .def("cancel", [](const PySession& self) { without_gil([&] { self->cancel(); }); })
      .def(
          "set_progress",
          [](const PySession& self, nb::object callback) {
            ProgressCallback function = callback_of(std::move(callback));
            without_gil([&] { self->set_progress(std::move(function)); });
          },
          "callback"_a.none(),
          nb::sig("def set_progress(self, callback: collections.abc.Callable[[ProgressEvent], None] | None) -> None"))
      .def("take_warnings", [](const PySession& self) { return self->take_warnings(); })
      .def("options", [](const PySession& self) { return self->options(); })
      .def("job_id", [](const PySession& self) { return self->job_id(); })
      .def("job_directory", [](const PySession& self) { return self->job_directory(); });
}

}  // namespace

void bind_session(nb::module_& module) {
  Class session(module, "Session");
  session.def_static(
      "open",
      [](const SessionOptions& options) {
        return PySession(unwrap(without_gil([&] { return Session::open(options); })));
      },
      "options"_a);
  bind_frames(session);
  bind_running(session);
  module.def(
      "remove_job",
      [](const std::string& job_directory, nb::object store) {
        const std::shared_ptr<ObjectStore> stores = object_store_of(std::move(store));
        check(without_gil([&] { return remove_job(job_directory, stores); }));
      },
      "job_directory"_a, "store"_a = nb::none(),
      "Removes a job that nobody runs, with what its unfinished writes left beside their outputs, on `store` too.");
}

}  // namespace millpond::python
