#include <random>

#include "exchange/bytes.h"
#include "exchange/exchange_sample.h"

using namespace millpond;
using Texts = std::vector<std::string>;

namespace {

// Reads everything there is of the sample; the first error ends it.
Status read_all(const std::string& path, Texts& all) {
  for (std::int64_t p = 0; p < 3; ++p) {
    Result<Texts> read = read_partition(path, p, {0, 1});
    if (!read.is_ok()) return read.status();
    all.insert(all.end(), read->begin(), read->end());
  }
  return Status::ok();
}

// A damaged file must give an error that names it. Bytes that no reader looks at do not exist in the format.
void check_detected(const TemporaryDirectory& folder, const std::string& content) {
  folder.write("damaged.mpx", content);
  Texts all;
  const Status status = read_all(folder / "damaged.mpx", all);
  REQUIRE_FALSE(status.is_ok());
  REQUIRE((status.code() == StatusCode::kDataCorrupt || status.code() == StatusCode::kUnsupported));
  REQUIRE(status.context().file == folder / "damaged.mpx");
}

std::string framed(const std::string& lists, const std::string& root) {
  ExchangeFooter footer;
  footer.root_offset = kExchangeHeaderSize + lists.size();
  footer.root_length = root.size();
  footer.root_digest = xxh3_128_hex(root);
  return encode_exchange_header() + lists + root + encode_exchange_footer(footer);
}

}  // namespace

TEST_CASE("every flipped bit is detected") {
  TemporaryDirectory folder;
  write_sample(folder / "a.mpx");
  const std::string content = folder.read("a.mpx");
  for (std::size_t i = 0; i < content.size(); ++i) {
    for (const int bit : {0, 5, 7}) {
      std::string damaged = content;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      INFO("byte " << i);
      check_detected(folder, damaged);
    }
  }
}

TEST_CASE("a file that was cut or has grown is detected") {
  TemporaryDirectory folder;
  write_sample(folder / "a.mpx");
  const std::string content = folder.read("a.mpx");
  for (std::size_t size = 0; size < content.size(); ++size) check_detected(folder, content.substr(0, size));
  check_detected(folder, content + "x");
  check_detected(folder, content + content);
  check_detected(folder, std::string(100, '\0') + content);
  check_detected(folder, std::string(content.size(), '\0'));
}

TEST_CASE("random edits are detected") {
  TemporaryDirectory folder;
  write_sample(folder / "a.mpx");
  const std::string content = folder.read("a.mpx");
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = content;
    const std::size_t at = random() % damaged.size();
    switch (random() % 4) {
      case 0:
        damaged.erase(at, 1 + random() % 20);
        break;
      case 1:
        damaged.insert(at, std::string(1 + random() % 20, static_cast<char>(random())));
        break;
      case 2:
        damaged.replace(at, 8, damaged.substr(random() % damaged.size(), 8));
        break;
      default:
        std::swap(damaged[at], damaged[random() % damaged.size()]);
        break;
    }
    if (damaged == content) continue;
    INFO("edit " << i);
    check_detected(folder, damaged);
  }
}

TEST_CASE("the footer of another file is detected by the digest that was planned") {
  TemporaryDirectory folder;
  const ExchangeTotals first = write_sample(folder / "a.mpx");
  auto writer = *ExchangeWriter::create(*local_file_system(), folder / "b.mpx", sample_columns(2), 3);
  add_batch(*writer, {{{0, 1}}, {"other", "rows"}});
  REQUIRE(writer->finish(1).is_ok());
  CHECK(read_partition(folder / "b.mpx", 0, {0}).is_ok());
  CHECK(read_partition(folder / "b.mpx", 0, {0}, first.digest).status().code() == StatusCode::kDataCorrupt);
}

TEST_CASE("numbers of a hostile index neither crash nor reserve memory") {
  TemporaryDirectory folder;
  const std::uint64_t huge = ~std::uint64_t{0};
  const auto root_with = [](std::uint64_t columns, std::uint64_t partitions, ExchangePartition entry) {
    ByteWriter out;
    out.varint(columns);
    for (std::uint64_t i = 0; i < columns && i < 2; ++i) {
      for (const char* text : {"c", "BIGINT", "blob"}) out.text(text);
    }
    out.varint(partitions);
    for (const std::uint64_t number :
         {entry.rows, entry.bytes, entry.segments, entry.list.offset, entry.list.length, entry.list.checksum}) {
      out.u64(number);
    }
    return out.take();
  };
  check_detected(folder, framed("", root_with(huge, 1, {})));
  check_detected(folder, framed("", root_with(1 << 20, 1, {})));
  check_detected(folder, framed("", root_with(2, huge, {})));
  check_detected(folder, framed("", root_with(2, 2, {})));
  check_detected(folder, framed("", root_with(2, 1, {1, 1, 1, {huge, 16, 0}})));
  check_detected(folder, framed("", root_with(2, 1, {1, 1, 1, {16, huge, 0}})));
  check_detected(folder, framed("", root_with(2, 1, {1, 1, huge, {16, 0, xxh3_64("")}})));

  const auto with_list = [&](const std::string& list, std::uint64_t rows, std::uint64_t bytes, std::uint64_t segments) {
    return framed(list, root_with(2, 1, {rows, bytes, segments, {kExchangeHeaderSize, list.size(), xxh3_64(list)}}));
  };
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{17}, huge}) {
    for (const std::uint64_t length : {std::uint64_t{1000}, huge, huge - 16}) {
      std::string list;
      encode_exchange_link({}, list);
      encode_exchange_segment({offset, 1, {{length, 0}, {length, 0}}}, list);
      check_detected(folder, with_list(list, 1, length * 2, 1));
    }
  }
  std::string segment;
  encode_exchange_segment({kExchangeHeaderSize, huge, {{0, xxh3_64("")}, {0, xxh3_64("")}}}, segment);
  const std::string list = std::string(1, '\0') + segment;
  check_detected(folder, with_list(list, 1, 0, 1));
  check_detected(folder, with_list(list + segment, huge - 1, 0, 2));
  check_detected(folder, with_list(list, huge, 0, 2));

  // A piece that names itself, one after it, or one outside of the file as the piece before it.
  for (const std::uint64_t offset : {std::uint64_t{kExchangeHeaderSize}, std::uint64_t{40}, huge}) {
    for (const std::uint64_t length : {std::uint64_t{1}, std::uint64_t{30}, huge, huge - 16}) {
      std::string linked;
      encode_exchange_link({offset, length, 0}, linked);
      check_detected(folder, with_list(linked + segment, huge, 0, 1));
    }
  }
}

TEST_CASE("another format version is refused as such") {
  TemporaryDirectory folder;
  write_sample(folder / "a.mpx");
  std::string content = folder.read("a.mpx");
  content[8] = 1;
  folder.write("b.mpx", content);
  const Status status = read_partition(folder / "b.mpx", 0, {}).status();
  CHECK(status.code() == StatusCode::kUnsupported);
  CHECK(status.message().find("version 1") != std::string::npos);
}
