#pragma once

#include <string>
#include <string_view>

#include "millpond/result.h"

namespace millpond {

/// Where something lies: "s3://bucket/key" is {"s3", "bucket", "key"}; a path of this machine has no scheme.
struct Uri {
  std::string scheme;     ///< Lower case; empty for a path of this machine.
  std::string authority;  ///< Bucket or host; empty for a path of this machine.
  std::string path;       ///< The key without a leading slash, or the path as it was given.

  bool is_local() const { return scheme.empty(); }
  /// The text that parses to this.
  std::string to_string() const;
  bool operator==(const Uri&) const = default;
};

/// Takes apart a path or URI. What looks like a scheme is one, so that "s3:x" is never taken for a local folder: two or
/// more letters or digits before a colon that follows no slash. "file:" gives the local path (percent signs are
/// decoded). Paths may hold any characters but zero; a local name with a colon in front is written "./a:b".
/// kUnsupported, naming the schemes that are known, for any other scheme; kInvalidArgument for an empty or broken one.
Result<Uri> parse_uri(std::string_view text);

/// Whether a path is on a store, as Uri::to_string writes it: one of the known schemes in lower case, then "://".
bool has_scheme(std::string_view path);

/// "s3, gs, …": the schemes that parse_uri takes, for messages.
std::string known_schemes();

}  // namespace millpond
