#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "millpond/worker_launcher.h"

namespace millpond::python {

/// A launcher of Python's: an object with the methods of WorkerLauncher (millpond.ray_launcher.RayLauncher). None: null.
std::shared_ptr<WorkerLauncher> launcher_of(nanobind::object launcher);

}  // namespace millpond::python
