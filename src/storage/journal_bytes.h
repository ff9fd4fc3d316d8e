#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "millpond/result.h"

namespace millpond {

/// Bumped whenever an older reader could misread a journal; docs/journal-format.md describes the bytes.
inline constexpr std::uint32_t kJournalVersion = 1;

/// What a record may have at most, bytes.
inline constexpr std::size_t kMaxJournalPayload = std::size_t{1} << 30;

/// What a journal holds.
struct JournalContent {
  Json header;                ///< As given when the journal was made.
  std::vector<Json> records;  ///< In the order they were appended.
  bool is_torn = false;       ///< The last append was cut off; what is left of it was dropped.
};

/// What a journal's bytes begin with.
std::string journal_preamble();

/// A payload with its lengths and checksum.
std::string journal_frame(const std::string& payload);

/// Adds to `content` what `bytes` hold and gives the number of good bytes. `path` is for messages. kDataCorrupt for damage before
/// the end or what is no journal; kUnsupported for another format version.
Result<std::size_t> parse_journal(std::string_view bytes, const std::string& path, JournalContent& content);

}  // namespace millpond
