#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "millpond/object_store.h"

namespace millpond {

/// Calls `work` with 0 … count-1, up to sixteen at once, for what waits for a store's answers. `work` may not throw.
void at_once(std::size_t count, const std::function<void(std::size_t)>& work);

/// Small objects whole, many at once; in the order of `paths`.
std::vector<Result<TaggedObject>> get_all(ObjectStore& store, const std::vector<std::string>& paths);

}  // namespace millpond
