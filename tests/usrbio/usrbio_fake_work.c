// The other side of the rings: what 3FS' own process does, and what goes wrong there.
#define _GNU_SOURCE
#include "usrbio_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORKERS 4

static const char *const kFaultNames[] = {"short", "error", "lost", "late", "odd", "prep", "submit", "wait", "reg", "iov", "ior"};

struct fake fake = {
    .mutex = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};

void broken(const char *what) {
  fprintf(stderr, "usrbio_fake: the contract is broken: %s\n", what);
  abort();
}

uint64_t next_random(void) {
  fake.random = fake.random * 6364136223846793005u + 1442695040888963407u;
  return fake.random >> 33;
}

void count(enum counter counter, int64_t by) { atomic_fetch_add(&fake.counters[counter], (uint64_t)by); }

// Whether this one goes wrong. Under the mutex.
bool strikes(enum fault fault) {
  if (fake.every[fault] == 0 || ++fake.seen[fault] % (uint64_t)fake.every[fault] != 0) return false;
  count(kFaults, 1);
  return true;
}

static void read_settings(void) {
  const char *text = getenv("FAKE_USRBIO_FAULTS");
  for (int i = 0; i < kFaultKinds; ++i) {
    char name[16];
    snprintf(name, sizeof(name), "%s=", kFaultNames[i]);
    const char *found = text != NULL ? strstr(text, name) : NULL;
    fake.every[i] = found != NULL ? atoi(found + strlen(name)) : 0;
    fake.seen[i] = 0;
  }
  fake.shuffles = getenv("FAKE_USRBIO_SHUFFLE") != NULL;
  fake.random = 1;
}

__attribute__((constructor)) static void start(void) {
  fake.counters = fake.own_counters;
  const char *path = getenv("FAKE_USRBIO_COUNTERS");
  if (path != NULL) {
    const size_t size = kCounters * sizeof(uint64_t);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) broken("no file of counters");
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED) broken("no file of counters");
    fake.counters = shared;
  }
  read_settings();
}

static bool find_work(struct ring **ring, struct io **io) {
  int seen = 0;
  for (struct ring *r = fake.rings; r != NULL; r = r->next) {
    struct io *first = NULL;
    for (int i = 0; i < r->entries; ++i) {
      struct io *one = &r->ios[i];
      if (one->state != kSubmitted) continue;
      if (fake.shuffles) {
        if (next_random() % (uint64_t)++seen == 0) *ring = r, *io = one;
      } else if (first == NULL || one->number < first->number) {
        first = one;
      }
    }
    if (first != NULL) {
      *ring = r, *io = first;
      return true;
    }
  }
  return seen > 0;
}

void answer(struct ring *ring, struct io *io) {
  io->state = kAnswered;
  --io->buffer->under_way;
  ring->answers[ring->num_answers++] = (int)(io - ring->ios);
  ring->done[io->number % (uint64_t)ring->entries] = true;
  // Places become free in order only.
  while (ring->reclaimed < ring->prepared && ring->done[ring->reclaimed % (uint64_t)ring->entries]) {
    ring->done[ring->reclaimed++ % (uint64_t)ring->entries] = false;
  }
  pthread_cond_broadcast(&fake.answered);
}

static int64_t read_some(const struct io *io, uint64_t length) {
  uint64_t done = 0;
  while (done < length) {
    const ssize_t got = pread(io->fd, io->place + done, length - done, (off_t)(io->offset + done));
    if (got < 0) return errno == EINTR ? -EIO : -errno;
    if (got == 0) break;
    done += (uint64_t)got;
  }
  return (int64_t)done;
}

static void carry_out(struct ring *ring, struct io *io) {
  io->state = kAtWork;
  ++fake.at_work;
  uint64_t at_work = (uint64_t)fake.at_work;
  for (uint64_t most = fake.counters[kMostAtOnce]; most < at_work;) {
    if (atomic_compare_exchange_weak(&fake.counters[kMostAtOnce], &most, at_work)) break;
  }
  const bool fails = strikes(kError), is_short = strikes(kShort), is_late = strikes(kLate);
  const bool is_lost = strikes(kLost), is_odd = strikes(kOdd);
  pthread_mutex_unlock(&fake.mutex);
  if (is_late) usleep(30000);
  else if (fake.shuffles) usleep(200);
  io->result = fails ? -EIO : read_some(io, is_short ? io->length / 2 : io->length);
  pthread_mutex_lock(&fake.mutex);
  --fake.at_work;
  count(kReads, 1);
  if (io->result > 0) count(kBytes, io->result);
  if (is_odd) io->userdata = (const void *)(uintptr_t)0xdead;
  if (is_lost) io->state = kHeld;
  else answer(ring, io);
}

static void *work(void *unused) {
  (void)unused;
  pthread_mutex_lock(&fake.mutex);
  for (;;) {
    struct ring *ring = NULL;
    struct io *io = NULL;
    if (find_work(&ring, &io)) carry_out(ring, io);
    else pthread_cond_wait(&fake.work, &fake.mutex);
  }
  return NULL;
}

void start_workers(void) {
  if (fake.is_running) return;
  fake.is_running = true;
  for (int i = 0; i < WORKERS; ++i) {
    pthread_t worker;
    if (pthread_create(&worker, NULL, work, NULL) != 0) broken("no thread");
    pthread_detach(worker);
  }
}

/// Reads the faults from the environment anew and sets the counters that only grow to 0.
EXPORT void fake_usrbio_restart(void) {
  pthread_mutex_lock(&fake.mutex);
  read_settings();
  const enum counter growing[] = {kReads, kBytes, kMostAtOnce, kBuffersMade, kFilesMade, kFaults, kSubmits, kFull};
  for (size_t i = 0; i < sizeof(growing) / sizeof(growing[0]); ++i) fake.counters[growing[i]] = 0;
  pthread_mutex_unlock(&fake.mutex);
}

EXPORT void fake_usrbio_answer_lost(void) {
  pthread_mutex_lock(&fake.mutex);
  for (struct ring *ring = fake.rings; ring != NULL; ring = ring->next) {
    for (int i = 0; i < ring->entries; ++i) {
      if (ring->ios[i].state == kHeld) answer(ring, &ring->ios[i]);
    }
  }
  pthread_mutex_unlock(&fake.mutex);
}

EXPORT uint64_t fake_usrbio_count(int counter) { return fake.counters[counter]; }
