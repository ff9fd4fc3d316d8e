#pragma once

#include <string>
#include <vector>

#include "api/frames.h"

namespace millpond {

/// The query with lists of values in all PIVOTs that have none: each is a query over the tables, which is run now. Any other
/// query comes back as it is. kInvalidArgument when there are no values.
Result<std::string> with_pivot_values(const FrameContext& context, const std::string& query, const std::vector<SqlTable>& tables,
                                      const SqlOptions& options);

}  // namespace millpond
