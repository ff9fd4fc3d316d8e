#pragma once

#include <string>
#include <vector>

#include "plan/node.h"

namespace millpond {

/// The plans as one Graphviz digraph, data flowing down; a node that several plans share stands once.
std::string plans_to_graphviz(const std::vector<NodePtr>& roots);

}  // namespace millpond
