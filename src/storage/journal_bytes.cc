#include "storage/journal_bytes.h"

#include <cstring>
#include <optional>
#include <utility>

#include "base/hash.h"

// The file: a preamble of 16 bytes ("MPJRNL\r\n", the version, zero), then frames. A frame is the payload's length, the
// same with all bits turned over, XXH3-64 of both and the payload, and the payload. The first payload is the header.
// Numbers are little-endian. The turned length lets a search for frames tell them from noise without hashing at every
// byte.
namespace millpond {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are written as they lie in memory");

constexpr char kMagic[8] = {'M', 'P', 'J', 'R', 'N', 'L', '\r', '\n'};
constexpr std::size_t kPreambleSize = 16;
constexpr std::size_t kFrameHeadSize = 16;

template <typename T>
T read_number(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

template <typename T>
void append_number(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// The payload of the frame that begins at `at`, if a whole and undamaged one does.
std::optional<std::string_view> frame_at(std::string_view bytes, std::size_t at) {
  if (bytes.size() - at < kFrameHeadSize) return std::nullopt;
  const auto length = read_number<std::uint32_t>(bytes, at);
  if (read_number<std::uint32_t>(bytes, at + 4) != ~length) return std::nullopt;
  if (bytes.size() - at - kFrameHeadSize < length) return std::nullopt;
  const std::string_view payload = bytes.substr(at + kFrameHeadSize, length);
  const std::string covered = std::string(bytes.substr(at, 8)) + std::string(payload);
  if (xxh3_64(covered) != read_number<std::uint64_t>(bytes, at + 8)) return std::nullopt;
  return payload;
}

bool has_frame_after(std::string_view bytes, std::size_t at) {
  for (; at + kFrameHeadSize <= bytes.size(); ++at) {
    if (frame_at(bytes, at).has_value()) return true;
  }
  return false;
}

Status damaged(const std::string& path, const std::string& what) {
  ErrorContext context;
  context.file = path;
  return Status::data_corrupt("the journal \"" + path + "\" " + what,
                              "Remove the job's folder, or run under another job id; everything is then computed anew.")
      .with_context(context);
}

Status check_preamble(std::string_view bytes, const std::string& path) {
  if (bytes.size() < kPreambleSize || std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0) {
    return damaged(path, "does not begin like a journal");
  }
  const auto version = read_number<std::uint32_t>(bytes, sizeof(kMagic));
  if (version == kJournalVersion) return Status::ok();
  return Status::unsupported("the journal \"" + path + "\" has format version " + std::to_string(version) +
                                 ", this millpond reads version " + std::to_string(kJournalVersion),
                             "Finish the job with the version that began it, or run under another job id.");
}

}  // namespace

std::string journal_preamble() {
  std::string bytes(kMagic, sizeof(kMagic));
  append_number(bytes, kJournalVersion);
  append_number(bytes, std::uint32_t{0});
  return bytes;
}

std::string journal_frame(const std::string& payload) {
  const auto length = static_cast<std::uint32_t>(payload.size());
  std::string lengths;
  append_number(lengths, length);
  append_number(lengths, ~length);
  std::string bytes = lengths;
  append_number(bytes, xxh3_64(lengths + payload));
  return bytes + payload;
}

Result<std::size_t> parse_journal(std::string_view bytes, const std::string& path, JournalContent& content) {
  MILLPOND_RETURN_IF_ERROR(check_preamble(bytes, path));
  std::size_t at = kPreambleSize;
  bool has_header = false;
  while (at < bytes.size()) {
    const std::optional<std::string_view> payload = frame_at(bytes, at);
    if (!payload.has_value()) {
      if (!has_header || has_frame_after(bytes, at + 1)) {
        return damaged(path, "is damaged at byte " + std::to_string(at));
      }
      content.is_torn = true;
      return at;
    }
    Result<Json> json = Json::parse(*payload);
    if (!json.is_ok()) return damaged(path, "holds a record that is no JSON at byte " + std::to_string(at));
    if (has_header) {
      content.records.push_back(std::move(*json));
    } else {
      content.header = std::move(*json);
      has_header = true;
    }
    at += kFrameHeadSize + payload->size();
  }
  if (!has_header) return damaged(path, "has no header");
  return at;
}

}  // namespace millpond
