#include "storage/output_manifest.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "storage/file_content.h"
#include "storage/parent_path.h"

namespace millpond {
namespace {

// A manifest is read from a folder that others may write to: a name in it must not lead to another place.
bool stays_below(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.find('\0') != std::string::npos) return false;
  const std::string framed = "/" + name + "/";
  return framed.find("/../") == std::string::npos && framed.find("/./") == std::string::npos &&
         framed.find("//") == std::string::npos;
}

Result<ManifestFile> file_from_json(const Json& json) {
  ManifestFile file;
  MILLPOND_ASSIGN_OR_RETURN(file.name, json.get_string("name"));
  if (!stays_below(file.name)) return Status::data_corrupt("a manifest names the file \"" + file.name + "\"");
  MILLPOND_ASSIGN_OR_RETURN(file.num_rows, json.get_int("num_rows"));
  MILLPOND_ASSIGN_OR_RETURN(file.num_bytes, json.get_int("num_bytes"));
  MILLPOND_ASSIGN_OR_RETURN(file.digest, json.get_string("digest"));
  return file;
}

Result<bool> holds(FileSystem& files, const std::string& path, const ManifestFile& file, bool check_digest) {
  const Result<FileInfo> info = files.stat(path);
  if (info.status().code() == StatusCode::kNotFound) return false;
  if (!info.is_ok()) return info.status();
  if (info->is_directory || info->size != file.num_bytes) return false;
  if (!check_digest || file.digest.empty()) return true;
  MILLPOND_ASSIGN_OR_RETURN(const std::string digest, file_digest(files, path));
  return digest == file.digest;
}

}  // namespace

Json manifest_to_json(const OutputManifest& manifest) {
  Json::Array files;
  files.reserve(manifest.files.size());
  for (const ManifestFile& file : manifest.files) {
    files.push_back(Json::object(
        {{"name", file.name}, {"num_rows", file.num_rows}, {"num_bytes", file.num_bytes}, {"digest", file.digest}}));
  }
  return Json::object({{"version", kManifestVersion},
                       {"fingerprint", manifest.fingerprint},
                       {"job_id", manifest.job_id},
                       {"files", Json(std::move(files))}});
}

Result<OutputManifest> manifest_from_json(const Json& json) {
  MILLPOND_ASSIGN_OR_RETURN(const std::int64_t version, json.get_int("version"));
  if (version != kManifestVersion) {
    return Status::unsupported("an output's manifest has format version " + std::to_string(version) +
                               ", this millpond reads version " + std::to_string(kManifestVersion));
  }
  OutputManifest manifest;
  MILLPOND_ASSIGN_OR_RETURN(manifest.fingerprint, json.get_string("fingerprint"));
  MILLPOND_ASSIGN_OR_RETURN(manifest.job_id, json.get_string("job_id"));
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* files, json.get_array("files"));
  manifest.files.reserve(files->size());
  for (const Json& item : *files) {
    MILLPOND_ASSIGN_OR_RETURN(ManifestFile file, file_from_json(item));
    manifest.files.push_back(std::move(file));
  }
  return manifest;
}

std::string manifest_path(const std::string& target, const std::string& fingerprint, bool single_file) {
  // The fingerprint is hashed again so that any text is fit for a name.
  const std::string id = xxh3_64_hex(fingerprint);
  if (!single_file) return target + "/._millpond-" + id + ".json";
  // A name has at most 255 bytes; that of the file is cut when it leaves no room for the rest.
  const std::string name = base_name(target).substr(0, 200);
  return parent_path(target) + "/." + name + ".millpond-" + id + ".json";
}

Result<std::optional<OutputManifest>> find_published(FileSystem& files, const std::string& target,
                                                     const std::string& fingerprint, bool single_file) {
  const std::optional<OutputManifest> none;
  const Result<std::string> text = read_file(files, manifest_path(target, fingerprint, single_file));
  if (text.status().code() == StatusCode::kNotFound) return none;
  if (!text.is_ok()) return text.status();
  // A manifest that can't be read proves nothing: the output is then one that somebody else made.
  const Result<Json> json = Json::parse(*text);
  if (!json.is_ok()) return none;
  Result<OutputManifest> manifest = manifest_from_json(*json);
  if (!manifest.is_ok() || manifest->fingerprint != fingerprint) return none;
  for (const ManifestFile& file : manifest->files) {
    const std::string path = single_file ? target : target + "/" + file.name;
    MILLPOND_ASSIGN_OR_RETURN(const bool is_whole, holds(files, path, file, single_file));
    if (!is_whole) return none;
  }
  return std::optional<OutputManifest>(std::move(*manifest));
}

}  // namespace millpond
