#include "sql/exchange_types.h"

#include <exception>

#include "duckdb/common/serializer/binary_deserializer.hpp"
#include "duckdb/common/serializer/binary_serializer.hpp"
#include "duckdb/common/serializer/memory_stream.hpp"

namespace millpond {

ExchangeColumn exchange_column(const std::string& name, const duckdb::LogicalType& type) {
  duckdb::MemoryStream stream;
  duckdb::SerializationOptions options;
  options.storage_compatibility = duckdb::StorageCompatibility::Latest();
  duckdb::BinarySerializer::Serialize(type, stream, options);
  ExchangeColumn column;
  column.name = name;
  column.type = type.ToString();
  column.type_blob.assign(reinterpret_cast<const char*>(stream.GetData()), stream.GetPosition());
  return column;
}

Result<duckdb::LogicalType> exchange_column_type(const ExchangeColumn& column) {
  try {
    duckdb::MemoryStream stream(reinterpret_cast<duckdb::data_ptr_t>(const_cast<char*>(column.type_blob.data())),
                                column.type_blob.size());
    duckdb::BinaryDeserializer deserializer(stream);
    deserializer.Begin();
    duckdb::LogicalType type = duckdb::LogicalType::Deserialize(deserializer);
    deserializer.End();
    return type;
  } catch (const std::exception&) {
    return Status::data_corrupt("the type of column \"" + column.name + "\" of an exchange file can't be read");
  }
}

}  // namespace millpond
