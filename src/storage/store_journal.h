#pragma once

#include <memory>
#include <string>

#include "storage/journal.h"

namespace millpond {

/// Opens a journal on a store, where nothing can be appended to: objects "000000000012" below `folder`, each a small journal whose
/// records follow those of the number before, each made with "only if there is none". Who opens it makes the next number
/// at once, so whoever had it open before meets that object with its next one and gets kConflict from then on: nothing of it
/// counts any more. Records are sent together, about ten times a second, and when sync() asks; a kill loses those that
/// wait. An open that finds many objects writes one with all their records, "checkpoint-000000000012" for those below 12.
/// Costs two requests to open a new one, else one more for each object since the checkpoint, sixteen at a time.
Result<Journal::Opened> open_store_journal(std::shared_ptr<FileSystem> files, const std::string& folder, const Json& header);

}  // namespace millpond
