#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/file_system.h"
#include "storage/output_manifest.h"
#include "storage/staging.h"

namespace millpond {

enum class PublishMode {
  kError,      ///< The target must not exist (an empty folder counts as absent).
  kOverwrite,  ///< The target is replaced in one step; what was there stays whole until then.
  kAppend,     ///< New files are put beside those in the target folder.
};

/// What the target was when a job began, to notice other writers: see observe_target.
struct TargetState {
  bool exists = false;
  std::uint64_t file_id = 0;
  std::int64_t mtime_ns = 0;
  std::string tag;  ///< On a store: which writes are in a folder, or which content an object has.
};

/// A finished file in the staging folder and where it belongs.
struct StagedFile {
  std::string path;  ///< Where it lies now, anywhere on the target's file system.
  /// Its name in the output ("part-0.parquet", "p=1/part-0.parquet"; not used for a single file), rows, bytes, digest.
  /// Names of kAppend must be this write's own: no other may ever give them.
  ManifestFile file;
};

struct PublishRequest {
  std::string target;   ///< The final name: a folder, or one file.
  std::string staging;  ///< From staging_directory(); all in it belongs to this write and goes with it.
  PublishMode mode = PublishMode::kError;
  bool single_file = false;  ///< The target is the one file in `files`.
  std::string job_id;
  /// Names this write: the same for a rerun, another for any other data. For kAppend it must differ from write to
  /// write, else the second counts as done.
  std::string fingerprint;
  std::vector<StagedFile> files;
  std::optional<TargetState> observed;  ///< Set: kConflict when the target is no longer what was observed (kOverwrite).
};

/// kAlreadyExists with what to do.
Status exists_already(const PublishRequest& request);

/// kConflict: the target is no longer what was observed.
Status changed_meanwhile(const PublishRequest& request);

/// What the target is now.
Result<TargetState> observe_target(FileSystem& files, const std::string& target);

/// Whether a write may begin, before any work is done: kAlreadyExists in mode kError when the target is there and this
/// write did not make it, kInvalidArgument when it is of the wrong kind. Returns the manifest if this very write is
/// already done. Changes nothing. `request` needs no files yet.
Result<std::optional<OutputManifest>> check_target(FileSystem& files, const PublishRequest& request);

/// A write that may be worked on.
struct BegunWrite {
  std::unique_ptr<Lease>
      lease;  ///< Keeps other drivers and clean-up out of the staging folder; hold it until the write is over.
  TargetState observed;  ///< What the target is now: for PublishRequest::observed.
};

/// Begins a write that check_target let pass: makes the folders above the target and the staging folder, takes its
/// lease, and brings what a killed publish() had moved back to where the tasks had left it, so that their results are
/// valid again. kConflict when another driver works in the staging folder. On a store there is no lease: the job's own folder
/// has one, and what lies in the staging folder has names that no other run gives.
Result<BegunWrite> begin_write(FileSystem& files, const PublishRequest& request);

/// Gives a finished write its name:
/// 1. every file is made durable and moved below staged_output(staging), with its manifest, and all folders are made
/// durable;
/// 2. one rename (kError; kOverwrite of nothing) or one swap (kOverwrite) puts the whole in place, and the parent is
/// made
///    durable; a reader sees the old, or nothing, or all of the new. kAppend moves the files one by one after noting in
///    the staging folder which, the manifest last: each file is whole, but a reader that lists the folder may see some
///    of them, and a kill leaves that state until the job is run again (it goes on) or remove_stale takes them back;
/// 3. the staging folder, with the replaced data, is removed. A failure here is not reported: remove_stale does it
/// later. Where a store can't swap (NFS, many over FUSE), kOverwrite is two renames: between them there is no target,
/// and after a kill there the old data lies in the staging folder until the job is run again or remove_stale puts it
/// back. May be repeated after a kill or an error at any point (the files are taken from where they were or were moved
/// to). When another writer was first, this one gets kAlreadyExists or kConflict and its staging folder is removed;
/// after other errors it stays, to be resumed. On a store, where nothing can be renamed, see store_folder.h and
/// store_object.h. Costs one fsync a file and folder. Returns the manifest with the final
/// names.
Result<OutputManifest> publish(FileSystem& files, const PublishRequest& request);

}  // namespace millpond
