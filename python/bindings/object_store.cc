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

using Entry = std::tuple<std::string, std::int64_t, std::int64_t, bool, std::string>;

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

template <typename Call>
Status done(Call call) {
  return with_gil([&] {
           call();
           return true;
         })
      .status();
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
  auto& [path, size, mtime_ns, is_directory, tag] = entry;
  return {std::move(path), size, mtime_ns, is_directory, std::move(tag)};
}

std::vector<ObjectInfo> to_infos(const nb::object& entries) {
  std::vector<ObjectInfo> infos;
  for (Entry& entry : nb::cast<std::vector<Entry>>(entries)) infos.push_back(to_info(std::move(entry)));
  return infos;
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
  explicit StoredObject(nb::object file)
      : size_(nb::cast<std::int64_t>(file.attr("size")())),
        tag_(nb::cast<std::string>(file.attr("tag")())),
        reads_into_(nb::hasattr(file, "read_into")),
        file_(std::move(file)) {}

  Result<std::size_t> read_at(std::int64_t offset, std::span<std::byte> out) override {
    const auto wanted = std::min<std::int64_t>(static_cast<std::int64_t>(out.size()), std::max<std::int64_t>(0, size_ - offset));
    if (wanted == 0) return std::size_t{0};
    return with_gil([&] {
      if (reads_into_) return read_into(offset, out.first(static_cast<std::size_t>(wanted)));
      const nb::object buffer = (*file_).attr("read_at")(wanted, offset);
      return copy_buffer(buffer, out);
    });
  }
  std::int64_t size() const override { return size_; }
  std::string tag() const override { return tag_; }

 private:
  // Without a buffer in between.
  std::size_t read_into(std::int64_t offset, std::span<std::byte> out) {
    char* const begin = reinterpret_cast<char*>(out.data());
    const auto size = static_cast<Py_ssize_t>(out.size());
    const nb::object view = nb::steal(PyMemoryView_FromMemory(begin, size, PyBUF_WRITE));
    if (!view.is_valid()) throw nb::python_error();
    return nb::cast<std::size_t>((*file_).attr("read_into")(view, offset));
  }

  std::int64_t size_;
  std::string tag_;
  bool reads_into_;
  Held file_;
};

class UploadedObject final : public WritableObject {
 public:
  explicit UploadedObject(nb::object upload) : upload_(std::move(upload)) {}

  Status append(std::span<const std::byte> data) override {
    return done([&] { (*upload_).attr("write")(nb::bytes(data.data(), data.size())); });
  }
  Status finish() override {
    return done([&] { (*upload_).attr("finish")(); });
  }

 private:
  Held upload_;
};

class PyStore final : public ObjectStore {
 public:
  explicit PyStore(nb::object store) : store_(std::move(store)) {}

  Result<ObjectInfo> stat(const std::string& path) override {
    return with_gil([&] { return to_info(nb::cast<Entry>((*store_).attr("stat")(path))); });
  }
  Result<std::vector<ObjectInfo>> list(const std::string& path) override {
    return with_gil([&] { return to_infos((*store_).attr("list")(path)); });
  }
  Result<std::unique_ptr<ReadableObject>> open(const std::string& path) override {
    return with_gil([&] {
      return std::unique_ptr<ReadableObject>(std::make_unique<StoredObject>(nb::object((*store_).attr("open")(path))));
    });
  }
  Result<std::unique_ptr<ReadableObject>> open_known(const ObjectInfo& known) override {
    return with_gil([&] {
      nb::object opened = (*store_).attr("open_known")(known.path, known.size, known.tag);
      return std::unique_ptr<ReadableObject>(std::make_unique<StoredObject>(std::move(opened)));
    });
  }
  Result<std::vector<ObjectInfo>> list_all(const std::string& folder) override {
    return with_gil([&] { return to_infos((*store_).attr("list_all")(folder)); });
  }
  Result<std::unique_ptr<WritableObject>> create(const std::string& path) override {
    return with_gil([&] {
      return std::unique_ptr<WritableObject>(std::make_unique<UploadedObject>(nb::object((*store_).attr("create")(path))));
    });
  }
  Result<ObjectVersion> version_of(const std::string& path) override {
    return with_gil([&] {
      auto [size, tag, mark] = nb::cast<std::tuple<std::int64_t, std::string, std::string>>((*store_).attr("version_of")(path));
      return ObjectVersion{size, std::move(tag), std::move(mark)};
    });
  }
  Result<TaggedObject> get(const std::string& path) override {
    return with_gil([&] {
      auto [content, tag] = nb::cast<std::tuple<nb::bytes, std::string>>((*store_).attr("get")(path));
      return TaggedObject{{content.c_str(), content.size()}, std::move(tag)};
    });
  }
  Status put_if(const std::string& path, const std::string& content, const std::string& tag) override {
    return done([&] { (*store_).attr("put_if")(path, nb::bytes(content.data(), content.size()), tag); });
  }
  Status copy(const std::vector<ObjectCopy>& copies, const std::string& mark) override {
    std::vector<std::tuple<std::string, std::string, std::int64_t>> list;
    for (const ObjectCopy& copy : copies) list.emplace_back(copy.from, copy.to, copy.size);
    return done([&] { (*store_).attr("copy")(list, mark); });
  }
  Status remove(const std::vector<std::string>& paths) override {
    return done([&] { (*store_).attr("remove")(paths); });
  }
  Status remove_prefix(const std::string& prefix) override {
    return done([&] { (*store_).attr("remove_prefix")(prefix); });
  }

  std::string settings() override {
    Result<std::string> settings = with_gil([&] { return nb::cast<std::string>((*store_).attr("settings")()); });
    return settings.is_ok() ? std::move(*settings) : std::string();
  }
  Status configure(const std::string& settings) override {
    return done([&] { (*store_).attr("configure")(settings); });
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
