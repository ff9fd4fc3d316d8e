#include "millpond/version.h"

namespace millpond {

std::string version() { return MILLPOND_VERSION; }

}  // namespace millpond
