#pragma once

/// Marks what libmillpond shows to other programs; all else in it is hidden.
#define MILLPOND_EXPORT [[gnu::visibility("default")]]
