// A stand-in for 3FS' libhf3fs_api_shared.so, for tests only: the functions that deepseek-ai/3FS publishes in
// src/lib/api/hf3fs_usrbio.h, over ordinary files and threads of its own. No code of 3FS is in it. What the header and UsrbIo.md
// forbid ends the process (abort) with a line on stderr; what they have an errno for gets that errno. The environment tells
// where the mounts are and what goes wrong:
//
//   FAKE_USRBIO_MOUNTS    folders that are mounts, with colons between
//   FAKE_USRBIO_FAULTS    "what=n,what=n": every n-th of … is so
//       short     I/O: half of what was asked            error    I/O: EIO, nothing moved
//       lost      I/O: answered only by fake_usrbio_answer_lost()
//       late      I/O: answered after 30 ms              odd      I/O: an answer to something never asked
//       prep, submit, wait, reg, iov, ior   the call: its errno (ENOMEM, EIO, EINTR, EMFILE, ENOMEM, EIO)
//   FAKE_USRBIO_SHUFFLE   any value: answers in any order, one at a time
//   FAKE_USRBIO_COUNTERS  a file of counters (see `enum counter`), shared by processes
#define _GNU_SOURCE
#include "usrbio_fake.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct hf3fs_iov {
  uint8_t *base;
  void *iovh;
  char id[16];
  char mount_point[256];
  size_t size;
  size_t block_size;
  int numa;
};

struct hf3fs_ior {
  struct hf3fs_iov iov;
  void *iorh;
  char mount_point[256];
  bool for_read;
  int io_depth;
  int priority;
  int timeout;
  uint64_t flags;
};

struct hf3fs_cqe {
  int32_t index;
  int32_t reserved;
  int64_t result;
  const void *userdata;
};

// ---- Mounts and files.

static bool mount_of(const char *path, char *mount) {
  const char *text = getenv("FAKE_USRBIO_MOUNTS");
  char real[PATH_MAX], folder[PATH_MAX];
  if (text == NULL || realpath(path, real) == NULL) return false;
  char *const all = strdup(text);
  bool found = false;
  for (char *rest = all, *one; !found && (one = strsep(&rest, ":")) != NULL;) {
    if (realpath(one, folder) == NULL) continue;
    const size_t length = strlen(folder);
    found = strncmp(real, folder, length) == 0 && (real[length] == '/' || real[length] == '\0');
  }
  free(all);
  if (found) strcpy(mount, folder);
  return found;
}

EXPORT bool hf3fs_is_hf3fs(int fd) {
  char link[64], mount[PATH_MAX];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  return mount_of(link, mount);
}

EXPORT int hf3fs_extract_mount_point(char *mount_point, int size, const char *path) {
  char mount[PATH_MAX];
  if (!mount_of(path, mount)) return -1;
  const int length = (int)strlen(mount);
  if (length < size) strcpy(mount_point, mount);
  return length + 1;
}

EXPORT int hf3fs_reg_fd(int fd, uint64_t flags) {
  if (flags != 0) broken("flags of reg_fd");
  if (!hf3fs_is_hf3fs(fd) || fd >= MAX_FDS) return EBADF;
  pthread_mutex_lock(&fake.mutex);
  int result = EINVAL;
  if (strikes(kReg)) {
    result = EMFILE;
  } else if (fake.dup_of[fd] == 0 && !fake.is_dup[fd]) {
    const int copy = dup(fd);
    if (copy < 0 || copy >= MAX_FDS) broken("no descriptor");
    fake.dup_of[fd] = copy + 1;
    fake.is_dup[copy] = true;
    count(kFilesMade, 1);
    count(kFilesLeft, 1);
    result = -copy;
  }
  pthread_mutex_unlock(&fake.mutex);
  return result;
}

EXPORT void hf3fs_dereg_fd(int fd) {
  if (!hf3fs_is_hf3fs(fd)) broken("dereg_fd of a file that is closed, or was never on 3FS");
  pthread_mutex_lock(&fake.mutex);
  if (fake.dup_of[fd] == 0) broken("dereg_fd of a file that is not registered");
  const int copy = fake.dup_of[fd] - 1;
  fake.dup_of[fd] = 0;
  fake.is_dup[copy] = false;
  close(copy);
  count(kFilesLeft, -1);
  pthread_mutex_unlock(&fake.mutex);
}

// ---- Buffers and rings.

EXPORT int hf3fs_iovcreate(struct hf3fs_iov *iov, const char *mount_point, size_t size, size_t block_size, int numa) {
  char mount[PATH_MAX];
  if (iov == NULL || mount_point == NULL || size == 0 || block_size > size) return -EINVAL;
  if (!mount_of(mount_point, mount) || strcmp(mount, mount_point) != 0) return -ENOENT;
  pthread_mutex_lock(&fake.mutex);
  const bool fails = strikes(kIov);
  pthread_mutex_unlock(&fake.mutex);
  if (fails) return -ENOMEM;
  struct buffer *buffer = calloc(1, sizeof(*buffer));
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *base = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED || mprotect(base + page, size, PROT_READ | PROT_WRITE) != 0) broken("no memory");
  memset(base + page, 0xA5, size);
  *buffer = (struct buffer){base + page, size, true, 0};
  *iov = (struct hf3fs_iov){.base = buffer->base, .iovh = buffer, .size = size, .block_size = block_size, .numa = numa};
  strcpy(iov->mount_point, mount_point);
  count(kBuffersMade, 1);
  count(kBuffersLeft, 1);
  count(kNamesLeft, 1);
  return 0;
}

EXPORT void hf3fs_iovunlink(struct hf3fs_iov *iov) {
  struct buffer *buffer = iov->iovh;
  if (buffer->has_name) count(kNamesLeft, -1);
  buffer->has_name = false;
}

EXPORT void hf3fs_iovdestroy(struct hf3fs_iov *iov) {
  struct buffer *buffer = iov->iovh;
  if (buffer == NULL) broken("iovdestroy twice");
  pthread_mutex_lock(&fake.mutex);
  if (buffer->under_way != 0) broken("iovdestroy with I/O under way");
  pthread_mutex_unlock(&fake.mutex);
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  munmap(buffer->base - page, buffer->size + 2 * page);
  hf3fs_iovunlink(iov);
  free(buffer);
  iov->iovh = NULL;
  count(kBuffersLeft, -1);
}

EXPORT int hf3fs_iorcreate4(struct hf3fs_ior *ior, const char *mount_point, int entries, bool for_read, int io_depth,
                            int timeout, int numa, uint64_t flags) {
  char mount[PATH_MAX];
  if (ior == NULL || mount_point == NULL || timeout < 0 || entries <= 0 || entries > MAX_ENTRIES) return -EINVAL;
  if (!mount_of(mount_point, mount) || strcmp(mount, mount_point) != 0) return -ENOENT;
  if (!for_read) broken("this stand-in reads only");
  if (io_depth > 0) broken("requests of a part of a batch would wait for ever");
  pthread_mutex_lock(&fake.mutex);
  const bool fails = strikes(kIor);
  if (!fails) start_workers();
  struct ring *ring = fails ? NULL : calloc(1, sizeof(*ring));
  if (!fails) {
    ring->entries = entries;
    ring->next = fake.rings;
    fake.rings = ring;
  }
  pthread_mutex_unlock(&fake.mutex);
  if (fails) return -EIO;
  memset(ior, 0, sizeof(*ior));
  ior->iorh = ring;
  ior->for_read = for_read;
  ior->io_depth = io_depth;
  ior->timeout = timeout;
  ior->flags = flags;
  ior->iov.numa = numa;
  strcpy(ior->mount_point, mount_point);
  count(kRingsLeft, 1);
  return 0;
}

EXPORT void hf3fs_iordestroy(struct hf3fs_ior *ior) {
  struct ring *ring = ior->iorh;
  if (ring == NULL) broken("iordestroy twice");
  pthread_mutex_lock(&fake.mutex);
  for (int i = 0; i < ring->entries; ++i) {
    if (ring->ios[i].state != kFree) broken("iordestroy with I/O under way, or with answers that nobody took");
  }
  struct ring **link = &fake.rings;
  while (*link != ring) link = &(*link)->next;
  *link = ring->next;
  pthread_mutex_unlock(&fake.mutex);
  free(ring);
  ior->iorh = NULL;
  count(kRingsLeft, -1);
}

// ---- Requests.

static void enter(atomic_int *place, const char *what) {
  if (atomic_fetch_add(place, 1) != 0) broken(what);
}

static int prepare(struct ring *ring, struct buffer *buffer, uint8_t *place, int fd, size_t offset, uint64_t length,
                   const void *userdata) {
  if (strikes(kPrep)) return -EIO;
  const int registered = fd >= 0 ? fd : -fd;
  if (registered >= MAX_FDS || (fake.dup_of[registered] == 0 && !fake.is_dup[registered])) return -EBADF;
  if (ring->prepared - ring->reclaimed >= (uint64_t)ring->entries) {
    count(kFull, 1);
    return -EAGAIN;
  }
  int slot = 0;
  while (slot < ring->entries && ring->ios[slot].state != kFree) ++slot;
  if (slot == ring->entries) return -EAGAIN;
  for (int i = 0; i < ring->entries; ++i) {
    const struct io *other = &ring->ios[i];
    if (other->state == kFree || other->state == kAnswered) continue;
    if (place < other->place + other->length && other->place < place + length) broken("two I/Os into one place");
  }
  const int copy = fake.dup_of[registered] != 0 ? fake.dup_of[registered] - 1 : registered;
  ring->ios[slot] = (struct io){.state = kPrepared, .place = place, .fd = copy, .offset = offset, .length = length,
                                .userdata = userdata, .buffer = buffer, .number = ring->prepared++};
  ++buffer->under_way;
  memset(place, 0xA5, length);  // What was there before is no data.
  return slot;
}

EXPORT int hf3fs_prep_io(const struct hf3fs_ior *ior, const struct hf3fs_iov *iov, bool read, void *ptr, int fd, size_t off,
                         uint64_t len, const void *userdata) {
  if (ior == NULL || ior->iorh == NULL || read != ior->for_read || iov == NULL || ptr == NULL || len == 0) return -EINVAL;
  struct ring *ring = ior->iorh;
  struct buffer *buffer = iov->iovh;
  uint8_t *place = ptr;
  if (strcmp(ior->mount_point, iov->mount_point) != 0) broken("a ring and a buffer of two mounts");
  if (place < buffer->base || len > buffer->size || place > buffer->base + buffer->size - len) {
    broken("a place outside of the buffer");
  }
  enter(&ring->preparing, "two threads prepare in one ring");
  pthread_mutex_lock(&fake.mutex);
  const int slot = prepare(ring, buffer, place, fd, off, len, userdata);
  pthread_mutex_unlock(&fake.mutex);
  sched_yield();
  atomic_fetch_sub(&ring->preparing, 1);
  return slot;
}

EXPORT int hf3fs_submit_ios(const struct hf3fs_ior *ior) {
  if (ior == NULL || ior->iorh == NULL) return -EINVAL;
  struct ring *ring = ior->iorh;
  enter(&ring->preparing, "two threads submit in one ring");
  pthread_mutex_lock(&fake.mutex);
  const bool fails = strikes(kSubmit);
  // As 3FS may find them by itself, they are under way even when this fails.
  for (int i = 0; i < ring->entries; ++i) {
    if (ring->ios[i].state == kPrepared) ring->ios[i].state = kSubmitted;
  }
  count(kSubmits, 1);
  pthread_cond_broadcast(&fake.work);
  pthread_mutex_unlock(&fake.mutex);
  sched_yield();
  atomic_fetch_sub(&ring->preparing, 1);
  return fails ? -EIO : 0;
}

static int take(struct ring *ring, struct hf3fs_cqe *cqes, int cqec) {
  int most = fake.shuffles ? 1 : cqec, filled = 0;
  while (filled < most && ring->num_answers > 0) {
    const int place = fake.shuffles ? (int)(next_random() % (uint64_t)ring->num_answers) : 0;
    struct io *io = &ring->ios[ring->answers[place]];
    cqes[filled++] = (struct hf3fs_cqe){(int32_t)ring->answers[place], 0, io->result, io->userdata};
    memmove(&ring->answers[place], &ring->answers[place + 1], sizeof(int) * (size_t)(--ring->num_answers - place));
    io->state = kFree;
  }
  return filled;
}

static int wait_for(struct ring *ring, struct hf3fs_cqe *cqes, int cqec, int least, const struct timespec *until) {
  if (strikes(kWait)) return -EINTR;
  int filled = 0;
  for (;;) {
    filled += take(ring, cqes + filled, cqec - filled);
    if (filled >= least) return filled;
    bool any = false;
    for (int i = 0; i < ring->entries; ++i) {
      if (ring->ios[i].state == kPrepared) broken("a wait for I/O that was not submitted");
      any = any || ring->ios[i].state != kFree;
    }
    if (!any) broken("a wait for I/O that was not asked for");
    if (until == NULL) {
      pthread_cond_wait(&fake.answered, &fake.mutex);
    } else if (pthread_cond_timedwait(&fake.answered, &fake.mutex, until) == ETIMEDOUT) {
      return filled + take(ring, cqes + filled, cqec - filled);
    }
  }
}

EXPORT int hf3fs_wait_for_ios(const struct hf3fs_ior *ior, struct hf3fs_cqe *cqes, int cqec, int min_results,
                              const struct timespec *abs_timeout) {
  if (cqec <= 0 || ior == NULL || ior->iorh == NULL) return -EINVAL;
  struct ring *ring = ior->iorh;
  enter(&ring->waiting, "two threads wait for one ring");
  pthread_mutex_lock(&fake.mutex);
  const int filled = wait_for(ring, cqes, cqec, min_results < cqec ? min_results : cqec, abs_timeout);
  pthread_mutex_unlock(&fake.mutex);
  atomic_fetch_sub(&ring->waiting, 1);
  return filled;
}
