#include "sql/column_codec.h"

#include "sql/column_codec_chunk.h"
#include "sql/column_codec_fixed.h"
#include "sql/column_codec_strings.h"
#include "sql/column_codec_vectors.h"

namespace millpond {

std::unique_ptr<ColumnEncoder> make_column_encoder(const duckdb::LogicalType& type, std::size_t partitions) {
  if (is_fixed_width(type)) return make_fixed_encoder(type, partitions);
  if (type.InternalType() == duckdb::PhysicalType::VARCHAR) return make_strings_encoder(partitions);
  return make_vectors_encoder(type, partitions);
}

Result<std::unique_ptr<ColumnDecoder>> make_column_decoder(const duckdb::LogicalType& type, std::string_view chunk,
                                                           std::size_t rows) {
  MILLPOND_ASSIGN_OR_RETURN(const OpenedChunk opened, open_chunk(chunk, rows));
  if (is_fixed_width(type)) return make_fixed_decoder(type, opened, rows);
  if (type.InternalType() == duckdb::PhysicalType::VARCHAR) return make_strings_decoder(opened, rows);
  return make_vectors_decoder(type, opened, rows);
}

}  // namespace millpond
