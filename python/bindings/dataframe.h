#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <utility>
#include <vector>

#include "blocking.h"
#include "millpond/dataframe.h"

namespace millpond::python {

/// A DataFrame that is let go of without the GIL, since it may be the last to hold its session.
class PyDataFrame {
 public:
  explicit PyDataFrame(DataFrame frame) : frame_(std::make_shared<const DataFrame>(std::move(frame))) {}
  PyDataFrame(const PyDataFrame&) = default;
  PyDataFrame(PyDataFrame&&) = default;
  ~PyDataFrame() { drop_without_gil(frame_); }

  const DataFrame& frame() const { return *frame_; }
  Session& session() const { return *frame_->session(); }

 private:
  std::shared_ptr<const DataFrame> frame_;
};

std::vector<DataFrame> frames_of(const std::vector<const PyDataFrame*>& frames);

void bind_dataframe(nanobind::module_& module);

}  // namespace millpond::python
