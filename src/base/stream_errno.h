#pragma once

#include "millpond/status.h"

namespace millpond {

/// A status's code as the errno that an Arrow stream gives, so that who reads the stream can tell what happened.
int stream_errno(StatusCode code);

/// The inverse; kIoError for numbers that stream_errno never gives.
StatusCode code_of_stream_errno(int number);

}  // namespace millpond
