#include <thread>

#include "exchange/exchange_sample.h"

using namespace millpond;
using Texts = std::vector<std::string>;

TEST_CASE("partitions are read back in batch order, column by column") {
  TemporaryDirectory folder;
  const std::string path = folder / "a.mpx";
  const ExchangeTotals totals = write_sample(path);
  CHECK(totals.rows == 12);
  CHECK(totals.partitions[0].rows == 7);
  CHECK(totals.partitions[0].bytes == 2 + 3 + 300 + 3);
  CHECK(totals.partitions[1].rows == 0);
  CHECK(totals.file_size == std::filesystem::file_size(path));
  CHECK(*read_partition(path, 0, {0, 1}) == Texts{"2", "a1", "bb1", "5", std::string(300, 'x'), "end"});
  CHECK(*read_partition(path, 0, {1}) == Texts{"2", "bb1", "5", "end"});
  CHECK(*read_partition(path, 2, {0, 1}) == Texts{"1", "ccc1", "", "4", "second", "batch"});
  CHECK(*read_partition(path, 2, {}) == Texts{"1", "4"});
  CHECK(read_partition(path, 1, {0, 1})->empty());
  CHECK(read_partition(path, 3, {}).status().code() == StatusCode::kInvalidArgument);
  CHECK(read_partition(path, -1, {}).status().code() == StatusCode::kInvalidArgument);
  CHECK(read_partition(path, 0, {0}, totals.digest).is_ok());
}

TEST_CASE("the order of appends is the order of rows, not that of writes") {
  TemporaryDirectory folder;
  auto writer = *ExchangeWriter::create(*local_file_system(), folder / "a.mpx", sample_columns(1), 1);
  std::vector<ExchangeBatch> batches(2);
  const Texts texts = {"first", "second"};
  for (const std::size_t i : {1, 0}) {
    batches[i].parts = {{0, 1}};
    batches[i].chunks = {{texts[i].size(), xxh3_64(texts[i])}};
    batches[i].offset = *writer->write(std::as_bytes(std::span(texts[i])));
  }
  REQUIRE(writer->append(batches[0]).is_ok());
  REQUIRE(writer->append(batches[1]).is_ok());
  REQUIRE(writer->finish(2).is_ok());
  CHECK(*read_partition(folder / "a.mpx", 0, {0}) == Texts{"1", "first", "1", "second"});
}

TEST_CASE("batches of many threads do not overwrite one another, in a shared partition neither") {
  TemporaryDirectory folder;
  auto writer = *ExchangeWriter::create(*local_file_system(), folder / "a.mpx", sample_columns(1), 5);
  std::vector<std::thread> threads;
  for (std::uint32_t p = 0; p < 4; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < 200; ++i) {
        const std::string text(static_cast<std::size_t>(i), static_cast<char>('a' + p));
        const std::string twice = text + text;
        ExchangeBatch batch;
        batch.parts = {{p, 1}, {4, 1}};
        batch.chunks = {{text.size(), xxh3_64(text)}, {text.size(), xxh3_64(text)}};
        batch.offset = writer->write(std::as_bytes(std::span(twice))).value();
        (void)writer->append(batch);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(writer->finish(1600).is_ok());
  CHECK(read_partition(folder / "a.mpx", 4, {0}).value().size() == 1600);
  for (std::uint32_t p = 0; p < 4; ++p) {
    const auto read = read_partition(folder / "a.mpx", p, {0});
    REQUIRE(read.is_ok());
    REQUIRE(read->size() == 400);
    for (std::size_t i = 0; i < 200; ++i) CHECK((*read)[2 * i + 1] == std::string(i, static_cast<char>('a' + p)));
  }
}

TEST_CASE("a row that is lost on the way is an error, not a smaller file") {
  TemporaryDirectory folder;
  auto writer = *ExchangeWriter::create(*local_file_system(), folder / "a.mpx", sample_columns(1), 1);
  add_batch(*writer, {{{0, 2}}, {"ab"}});
  CHECK(writer->finish(3).status().code() == StatusCode::kInternal);
  CHECK(read_partition(folder / "a.mpx", 0, {}).status().code() == StatusCode::kDataCorrupt);
}

TEST_CASE("an existing file, and numbers of partitions that make no sense, are refused") {
  TemporaryDirectory folder;
  write_sample(folder / "a.mpx");
  const auto create = [&](const std::string& name, std::int64_t partitions) {
    return ExchangeWriter::create(*local_file_system(), folder / name, sample_columns(1), partitions).status().code();
  };
  CHECK(create("a.mpx", 1) == StatusCode::kAlreadyExists);
  CHECK(create("b.mpx", 0) == StatusCode::kInvalidArgument);
  CHECK(create("b.mpx", kMaxExchangePartitions + 1) == StatusCode::kInvalidArgument);
  CHECK_FALSE(folder.exists("b.mpx"));
  CHECK(read_partition(folder / "none.mpx", 0, {}).status().code() == StatusCode::kNotFound);
}

TEST_CASE("one partition among 10,000 is found without reading the others' lists") {
  TemporaryDirectory folder;
  auto writer = *ExchangeWriter::create(*local_file_system(), folder / "a.mpx", sample_columns(3), 10000);
  for (int b = 0; b < 20; ++b) {
    SampleBatch sample;
    for (std::uint32_t p = 0; p < 10000; ++p) {
      sample.parts.push_back({p, 3});
      for (int c = 0; c < 3; ++c) sample.chunks.push_back(std::to_string(p));
    }
    add_batch(*writer, sample);
  }
  const auto totals = writer->finish(20 * 10000 * 3);
  REQUIRE(totals.is_ok());
  const auto read = read_partition(folder / "a.mpx", 9999, {1});
  REQUIRE(read.is_ok());
  CHECK(read->size() == 40);
  CHECK(read->back() == "9999");
  // Less than 50 bytes a segment of three columns.
  CHECK(totals->file_size < 20u * 10000u * 50u);
}

TEST_CASE("the index of a long file is written in pieces, and every segment is found") {
  TemporaryDirectory folder;
  auto writer = *ExchangeWriter::create(*local_file_system(), folder / "a.mpx", sample_columns(40), 3);
  // About 400 bytes of index a segment: several megabytes, and several pieces a partition.
  constexpr int kBatches = 6000;
  for (int b = 0; b < kBatches; ++b) {
    SampleBatch sample;
    sample.parts.push_back({b % 7 == 0 ? 0u : 2u, 1});
    for (int c = 0; c < 40; ++c) sample.chunks.push_back(c == 0 ? std::to_string(b) : "");
    add_batch(*writer, sample);
  }
  const auto totals = writer->finish(kBatches);
  REQUIRE(totals.is_ok());
  const Texts some = read_partition(folder / "a.mpx", 0, {0}).value();
  const Texts most = read_partition(folder / "a.mpx", 2, {0}).value();
  REQUIRE(some.size() + most.size() == 2 * kBatches);
  CHECK(read_partition(folder / "a.mpx", 1, {0})->empty());
  std::size_t next_some = 1;
  std::size_t next_most = 1;
  for (int b = 0; b < kBatches; ++b) {
    std::size_t& next = b % 7 == 0 ? next_some : next_most;
    REQUIRE((b % 7 == 0 ? some : most)[next] == std::to_string(b));
    next += 2;
  }
  // A piece that is not the last is damaged: the first byte of its first checksum, after link, offset, rows and length.
  std::string content = folder.read("a.mpx");
  const auto file = ExchangeFile::open(*local_file_system(), folder / "a.mpx").value();
  const std::uint64_t last = file->partition(0)->list.offset;
  const std::size_t first_list = content.find(std::string(1, '\0'), kExchangeHeaderSize);
  REQUIRE(first_list < last);
  content[first_list + 20] = static_cast<char>(content[first_list + 20] ^ 1);
  folder.write("b.mpx", content);
  CHECK(read_partition(folder / "b.mpx", 0, {0}).status().code() == StatusCode::kDataCorrupt);
}
