#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "millpond/result.h"
#include "plan/node.h"

namespace millpond {

/// A query whose plan may change once the sizes of some of its parts are known. Asked again with the answers so far, it
/// gives the plan that they make best, and what else is worth knowing before that runs.
class AdaptiveQuery {
 public:
  virtual ~AdaptiveQuery() = default;

  /// Rows whose number decides about the plan. What they cost to compute, the plan needs anyway.
  struct Question {
    std::string id;
    NodePtr rows;
  };
  struct Plan {
    NodePtr root;
    std::vector<Question> questions;  ///< None of them lies below another.
  };
  /// By the numbers of rows known so far. Equal answers give equal plans.
  virtual Result<Plan> plan(const std::map<std::string, std::int64_t>& known_rows) const = 0;
};

}  // namespace millpond
