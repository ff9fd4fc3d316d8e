#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "millpond/object_store.h"

namespace millpond::python {

/// Python's object with `stat(path)`, `list(path)` (tuples of path, size, mtime_ns, is_directory) and `open(path)` (an object
/// with `size()` and `read_at(nbytes, offset)`, which gives a buffer), `settings()` and `configure(text)` as a store. None is none.
std::shared_ptr<ObjectStore> object_store_of(nanobind::object store);

}  // namespace millpond::python
