#include "object_store.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "errors.h"

namespace nb = nanobind;

namespace millpond::python {

namespace {

using Entry = std::tuple<std::string, std::int64_t, std::int64_t, bool>;

/// What `call` gives under the GIL, with a Python error as its status.
template <typename Call>
auto with_gil(Call call) -> Result<decltype(call())> {
  nb::gil_scoped_acquire acquired;
  try {
    return call();
  } catch (nb::python_error& error) {
    return status_from_exception(error);
  } catch (nb::cast_error& error) {
    return Status::internal(std::string("a store gave something else than it should: ") + error.what());
  }
}

/// Lets go of a Python object on any thread.
class Held {
 public:
  explicit Held(nb::object object) : object_(std::move(object)) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    nb::gil_scoped_acquire acquired;
    object_.reset();
  }

  const nb::object& operator*() const { return object_; }

 private:
  nb::object object_;
};

ObjectInfo to_info(Entry entry) {
  auto& [path, size, mtime_ns, is_directory] = entry;
  return {std::move(path), size, mtime_ns, is_directory};
}

/// The bytes of a buffer, at most as many as `out` has room for, which are copied without the GIL held by the store's client.
std::size_t copy_buffer(const nb::object& buffer, std::span<std::byte> out) {
  Py_buffer view;
  if (PyObject_GetBuffer(buffer.ptr(), &view, PyBUF_SIMPLE) != 0) throw nb::python_error();
  const std::size_t size = std::min(static_cast<std::size_t>(view.len), out.size());
  {
    nb::gil_scoped_release released;
    std::memcpy(out.data(), view.buf, size);
  }
  PyBuffer_Release(&view);
  return size;
}

class StoredObject final : public ReadableObject {
 public:
  explicit StoredObject(nb::object file) : size_(nb::cast<std::int64_t>(file.attr("size")())), file_(std::move(file)) {}

  Result<std::size_t> read_at(std::int64_t offset, std::span<std::byte> out) override {
    const auto wanted = std::min<std::int64_t>(static_cast<std::int64_t>(out.size()), std::max<std::int64_t>(0, size_ - offset));
    if (wanted == 0) return std::size_t{0};
    return with_gil([&] {
      const nb::object buffer = (*file_).attr("read_at")(wanted, offset);
      return copy_buffer(buffer, out);
    });
  }
  std::int64_t size() const override { return size_; }

 private:
  std::int64_t size_;
  Held file_;
};

class PyStore final : public ObjectStore {
 public:
  explicit PyStore(nb::object store) : store_(std::move(store)) {}

  Result<ObjectInfo> stat(const std::string& path) override {
    return with_gil([&] { return to_info(nb::cast<Entry>((*store_).attr("stat")(path))); });
  }
  Result<std::vector<ObjectInfo>> list(const std::string& path) override {
    return with_gil([&] {
      std::vector<ObjectInfo> entries;
      for (Entry& entry : nb::cast<std::vector<Entry>>((*store_).attr("list")(path))) {
        entries.push_back(to_info(std::move(entry)));
      }
      return entries;
    });
  }
  Result<std::unique_ptr<ReadableObject>> open(const std::string& path) override {
    return with_gil([&] {
      return std::unique_ptr<ReadableObject>(std::make_unique<StoredObject>(nb::object((*store_).attr("open")(path))));
    });
  }
  std::string settings() override {
    Result<std::string> settings = with_gil([&] { return nb::cast<std::string>((*store_).attr("settings")()); });
    return settings.is_ok() ? std::move(*settings) : std::string();
  }
  Status configure(const std::string& settings) override {
    return with_gil([&] {
             (*store_).attr("configure")(settings);
             return true;
           })
        .status();
  }

 private:
  Held store_;
};

}  // namespace

std::shared_ptr<ObjectStore> object_store_of(nb::object store) {
  if (store.is_none()) return nullptr;
  return std::make_shared<PyStore>(std::move(store));
}

}  // namespace millpond::python
