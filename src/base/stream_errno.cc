#include "base/stream_errno.h"

#include <cerrno>

namespace millpond {

namespace {

struct Pair {
  StatusCode code;
  int number;
};

// Each number once: the way back must be unique.
constexpr Pair kPairs[] = {
    {StatusCode::kInvalidArgument, EINVAL},     {StatusCode::kNotFound, ENOENT},
    {StatusCode::kAlreadyExists, EEXIST},       {StatusCode::kPermissionDenied, EACCES},
    {StatusCode::kConflict, EBUSY},             {StatusCode::kOutOfMemory, ENOMEM},
    {StatusCode::kOutOfSpace, ENOSPC},          {StatusCode::kIoError, EIO},
    {StatusCode::kDataCorrupt, EBADMSG},        {StatusCode::kUnavailable, ECONNABORTED},
    {StatusCode::kCancelled, ECANCELED},        {StatusCode::kDeadlineExceeded, ETIMEDOUT},
    {StatusCode::kUserFunction, EPROTO},        {StatusCode::kUnsupported, ENOTSUP},
    {StatusCode::kInternal, ENOTRECOVERABLE},
};

}  // namespace

int stream_errno(StatusCode code) {
  for (const Pair& pair : kPairs) {
    if (pair.code == code) return pair.number;
  }
  return EIO;
}

StatusCode code_of_stream_errno(int number) {
  for (const Pair& pair : kPairs) {
    if (pair.number == number) return pair.code;
  }
  return StatusCode::kIoError;
}

}  // namespace millpond
