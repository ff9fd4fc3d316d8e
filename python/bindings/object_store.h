#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "millpond/object_store.h"

namespace millpond::python {

/// Python's object with the methods of ObjectStore as a store: entries are tuples of path, size, mtime_ns, is_directory, tag; `open`
/// gives an object with `size()`, `tag()` and `read_at(nbytes, offset)`, which gives a buffer; `create` one with `write(bytes)` and
/// `finish()`; `version_of` a tuple of size, tag, mark; `get` one of content and tag; `copy` takes tuples of from, to, size. None
/// is none.
std::shared_ptr<ObjectStore> object_store_of(nanobind::object store);

}  // namespace millpond::python
