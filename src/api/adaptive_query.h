#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "millpond/result.h"
#include "plan/node.h"
#include "sql/cut/cut_plan.h"

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
    NodePtr keys;  ///< One row that says of the rows' keys what KnownKeys holds, as texts. May be null.
  };
  /// What is known so far, by Question::id.
  struct Answers {
    std::map<std::string, std::int64_t> rows;
    std::map<std::string, KnownKeys> keys;
  };
  struct Plan {
    NodePtr root;
    std::vector<Question> questions;  ///< None of them lies below another.
  };
  /// Equal answers give equal plans.
  virtual Result<Plan> plan(const Answers& answers) const = 0;
};

}  // namespace millpond
