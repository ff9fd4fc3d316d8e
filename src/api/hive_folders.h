#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/frames.h"

namespace millpond {

/// The nodes that a query reads, as it reads them in `partitions` partitions: of files in key=value folders only those that
/// its filters on the folders' columns let pass. Where these folders have about equal sizes, whole ones are dealt
/// to the partitions, so that rows of equal values lie together, those of other inputs with such folders beside them.
/// A node that can't be told anything of stays as it is. Plans the query once when there are such inputs.
std::vector<NodePtr> with_folders(const FrameContext& context, const std::string& query, const std::vector<std::string>& names,
                                  const std::vector<NodePtr>& nodes, std::int64_t partitions);

}  // namespace millpond
