#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "millpond/session.h"

namespace millpond::python {

/// Runs short work without the GIL, on this thread.
template <typename Work>
std::invoke_result_t<Work> without_gil(Work&& work) {
  nanobind::gil_scoped_release released;
  return work();
}

/// Runs long work without the GIL and lets Ctrl-C through: Python handles signals only on its main thread and only while
/// that runs Python, so the work goes to a thread of its own and this one looks for signals. After one, the session is
/// asked to stop, its end is waited for, and the signal's exception is raised.
template <typename Work>
std::invoke_result_t<Work> interruptible(Session& session, Work&& work) {
  std::optional<std::invoke_result_t<Work>> result;
  std::mutex mutex;
  std::condition_variable done;
  std::thread thread([&] {
    auto value = work();
    std::lock_guard lock(mutex);
    result.emplace(std::move(value));
    done.notify_one();
  });
  std::unique_ptr<nanobind::python_error> interrupt;
  for (;;) {
    {
      nanobind::gil_scoped_release released;
      std::unique_lock lock(mutex);
      if (done.wait_for(lock, std::chrono::milliseconds(50), [&] { return result.has_value(); })) break;
    }
    if (interrupt == nullptr && PyErr_CheckSignals() != 0) {
      interrupt = std::make_unique<nanobind::python_error>();
      without_gil([&] { session.cancel(); });
    }
  }
  without_gil([&] { thread.join(); });
  if (interrupt != nullptr) throw nanobind::python_error(std::move(*interrupt));
  return std::move(*result);
}

/// Lets go of `pointer` without the GIL: the last owner of a session joins threads that may be waiting for it.
template <typename T>
void drop_without_gil(std::shared_ptr<T>& pointer) {
  if (pointer == nullptr) return;
  nanobind::gil_scoped_release released;
  pointer.reset();
}

}  // namespace millpond::python
