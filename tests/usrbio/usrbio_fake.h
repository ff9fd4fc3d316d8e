// What the parts of the stand-in for 3FS' library share; usrbio_fake.c says what it is. All of `fake` is read and changed under
// its mutex, but for the counters.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

// In the order of the 64-bit numbers of the file of counters.
enum counter {
  kReads, kBytes, kMostAtOnce, kBuffersMade, kBuffersLeft, kRingsLeft, kFilesMade, kFilesLeft, kNamesLeft, kFaults, kSubmits,
  kFull, kCounters
};

enum fault { kShort, kError, kLost, kLate, kOdd, kPrep, kSubmit, kWait, kReg, kIov, kIor, kFaultKinds };
#define MAX_ENTRIES 1024
#define MAX_FDS 65536

enum state { kFree, kPrepared, kSubmitted, kAtWork, kHeld, kAnswered };

struct io {
  enum state state;
  bool is_reclaimed;  // Its place among the requests is free again: all before it are done, too.
  uint8_t *place;
  int fd;
  uint64_t offset, length;
  int64_t result;
  const void *userdata;
  struct buffer *buffer;
  uint64_t number;  // Of the request in its ring.
};

struct buffer {
  uint8_t *base;
  size_t size;
  bool has_name;
  int under_way;
};

struct ring {
  struct io ios[MAX_ENTRIES];
  int entries;
  int answers[MAX_ENTRIES];  // Slots that are answered, to be taken.
  int num_answers;
  uint64_t prepared, reclaimed;  // Requests so far; those whose places are free again.
  bool done[MAX_ENTRIES];        // By number % entries.
  bool is_dying;
  atomic_int preparing, waiting;
  struct ring *next;
};

struct fake {
  pthread_mutex_t mutex;
  pthread_cond_t work, answered;
  struct ring *rings;
  bool is_running;
  int at_work;
  int dup_of[MAX_FDS];  // Of registered files, plus one.
  bool is_dup[MAX_FDS];
  int every[kFaultKinds];
  uint64_t seen[kFaultKinds];
  bool shuffles;
  uint64_t random;
  _Atomic uint64_t own_counters[kCounters], *counters;
};
extern struct fake fake;

/// Ends the process: the caller did what the contract forbids.
_Noreturn void broken(const char *what);
void count(enum counter counter, int64_t by);
/// Whether this one goes wrong.
bool strikes(enum fault fault);
uint64_t next_random(void);
/// The threads that stand for 3FS' own process.
void start_workers(void);
void answer(struct ring *ring, struct io *io);
