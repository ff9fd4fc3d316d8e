#include "sql/column_codec_vectors.h"

#include <exception>
#include <string>

#include "duckdb/common/serializer/binary_deserializer.hpp"
#include "duckdb/common/serializer/binary_serializer.hpp"
#include "duckdb/common/serializer/memory_stream.hpp"
#include "duckdb/common/vector_operations/vector_operations.hpp"

namespace millpond {
namespace {

using duckdb::LogicalType;
using duckdb::SelectionVector;
using duckdb::Vector;

std::string serialize(const LogicalType& type, const Vector& source, const SelectionVector& rows, std::size_t count) {
  // Appending copies just the rows that are wanted, also of children; slicing would keep and store all of them.
  Vector gathered(type, count);
  gathered.Append(source, rows, count, duckdb::VectorAppendMode::ALLOW_RESIZE);
  duckdb::MemoryStream stream;
  duckdb::SerializationOptions options;
  options.storage_compatibility = duckdb::StorageCompatibility::Latest();
  duckdb::BinarySerializer serializer(stream, options);
  serializer.Begin();
  gathered.Serialize(serializer, false);
  serializer.End();
  return std::string(reinterpret_cast<const char*>(stream.GetData()), stream.GetPosition());
}

class VectorsEncoder : public ColumnEncoder {
 public:
  VectorsEncoder(const LogicalType& type, std::size_t partitions)
      : type_(type), partitions_(partitions), all_(type, duckdb::idx_t{STANDARD_VECTOR_SIZE}) {}

  void measure(const Vector& rows, std::span<const std::uint32_t> partitions) override {
    all_.Append(rows, partitions.size(), duckdb::VectorAppendMode::ALLOW_RESIZE);
    partition_.insert(partition_.end(), partitions.begin(), partitions.end());
  }

  void layout(std::span<const std::uint32_t> rows, std::span<std::uint64_t> sizes) override {
    std::vector<std::uint32_t> next(partitions_ + 1, 0);
    for (std::size_t p = 0; p < partitions_; ++p) next[p + 1] = next[p] + rows[p];
    SelectionVector order(partition_.size());
    for (std::size_t row = 0; row < partition_.size(); ++row) {
      order.set_index(next[partition_[row]]++, static_cast<duckdb::idx_t>(row));
    }
    encoded_.resize(partitions_);
    for (std::size_t p = 0; p < partitions_; ++p) {
      if (rows[p] == 0) continue;
      const SelectionVector selected(order.data() + (next[p] - rows[p]), rows[p]);
      encoded_[p] = serialize(type_, all_, selected, rows[p]);
      sizes[p] += kChunkHeaderSize + encoded_[p].size();
    }
  }

  void begin(std::span<std::byte* const> chunks, std::span<const std::uint32_t> rows) override {
    NullBitmaps none(partitions_);
    const std::vector<std::byte*> bodies = none.begin({ChunkKind::kVectors, false, 0}, chunks, rows);
    for (std::size_t p = 0; p < partitions_; ++p) {
      if (bodies[p] != nullptr) std::memcpy(bodies[p], encoded_[p].data(), encoded_[p].size());
    }
  }

  void write(const Vector&, std::span<const std::uint32_t>) override {}

 private:
  LogicalType type_;
  std::size_t partitions_;
  Vector all_;                            // The batch's rows in their first order.
  std::vector<std::uint32_t> partition_;  // Where each of them goes.
  std::vector<std::string> encoded_;
};

class VectorsDecoder : public ColumnDecoder {
 public:
  explicit VectorsDecoder(std::unique_ptr<Vector> rows) : rows_(std::move(rows)) {}

  void read(std::size_t from, std::size_t count, Vector& out, std::size_t out_offset) const override {
    duckdb::VectorOperations::Copy(*rows_, out, from + count, from, out_offset);
  }

 private:
  std::unique_ptr<Vector> rows_;
};

}  // namespace

std::unique_ptr<ColumnEncoder> make_vectors_encoder(const LogicalType& type, std::size_t partitions) {
  return std::make_unique<VectorsEncoder>(type, partitions);
}

Result<std::unique_ptr<ColumnDecoder>> make_vectors_decoder(const LogicalType& type, const OpenedChunk& chunk,
                                                            std::size_t rows) {
  if (chunk.header.kind != ChunkKind::kVectors) return damaged_chunk("its encoding does not fit the column's type");
  try {
    auto vector = std::make_unique<Vector>(type, std::max<std::size_t>(rows, STANDARD_VECTOR_SIZE));
    duckdb::MemoryStream stream(reinterpret_cast<duckdb::data_ptr_t>(const_cast<char*>(chunk.body.data())),
                                chunk.body.size());
    duckdb::BinaryDeserializer deserializer(stream);
    deserializer.Begin();
    vector->Deserialize(deserializer, rows);
    deserializer.End();
    return std::unique_ptr<ColumnDecoder>(std::make_unique<VectorsDecoder>(std::move(vector)));
  } catch (const std::exception&) {
    return damaged_chunk("its values can't be read");
  }
}

}  // namespace millpond
