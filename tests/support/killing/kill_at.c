/* Kills its process at the Nth operation on a file under a folder; loaded before libc (LD_PRELOAD).

   KILL_UNDER    the folder, with a slash at its end; without it, nothing is done
   KILL_COUNTER  a file of 8 bytes that all processes count in: the number of operations so far
   KILL_AT       the operation to die at, from 1 on; 0 only counts
   KILL_WHEN     "before" the operation, "after" it, or "half": of a write, after half of its bytes

   Counted are opening to write, writing, linking, renaming, removing and making folders: all that changes what
   a reader finds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 65536

static uint64_t *counter;
static uint64_t kill_at;
static char when_[16];
static char under[PATH_MAX];
static unsigned char watched[FILES];

static int ready(void) {
  if (counter) return 1;
  const char *folder = getenv("KILL_UNDER"), *file = getenv("KILL_COUNTER");
  if (!folder || !file) return 0;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR, 0);
  if (fd < 0) return 0;
  void *map = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (map == MAP_FAILED) return 0;
  strncpy(under, folder, sizeof under - 1);
  strncpy(when_, getenv("KILL_WHEN") ? getenv("KILL_WHEN") : "before", sizeof when_ - 1);
  kill_at = getenv("KILL_AT") ? strtoull(getenv("KILL_AT"), NULL, 10) : 0;
  counter = map;
  return 1;
}

static int inside(int folder, const char *path) {
  if (!path || !ready()) return 0;
  char whole[2 * PATH_MAX];
  if (path[0] == '/') {
    snprintf(whole, sizeof whole, "%s", path);
  } else {
    char link[64], base[PATH_MAX];
    if (folder == AT_FDCWD) {
      if (!getcwd(base, sizeof base)) return 0;
    } else {
      snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
      ssize_t length = readlink(link, base, sizeof base - 1);
      if (length < 0) return 0;
      base[length] = 0;
    }
    snprintf(whole, sizeof whole, "%s/%s", base, path);
  }
  size_t length = strlen(under);
  return !strncmp(whole, under, length) || (!strncmp(whole, under, length - 1) && !whole[length - 1]);
}

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

/* Counts one operation; says whether the process is to die at it. */
static int reached(void) { return __sync_add_and_fetch(counter, 1) == kill_at; }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define COUNTED(is_inside, call)                    \
  do {                                              \
    if (!(is_inside)) return call;                  \
    int fatal_ = reached();                         \
    if (fatal_ && strcmp(when_, "after")) die();    \
    __typeof__(call) result_ = call;                \
    if (fatal_) die();                              \
    return result_;                                 \
  } while (0)

static int writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)); }

static int opened(int fd, int is_inside) {
  if (fd >= 0 && fd < FILES) watched[fd] = (unsigned char)is_inside;
  return fd;
}

#define MODE(flags)                                  \
  mode_t mode = 0;                                   \
  if ((flags) & (O_CREAT | O_TMPFILE)) {             \
    va_list rest;                                    \
    va_start(rest, flags);                           \
    mode = va_arg(rest, mode_t);                     \
    va_end(rest);                                    \
  }

#define OPENED(folder, path, flags, call)                                   \
  int is_inside_ = writes(flags) && inside(folder, path);                   \
  COUNTED(is_inside_, opened(call, is_inside_))

int open(const char *path, int flags, ...) {
  MODE(flags)
  OPENED(AT_FDCWD, path, flags, REAL(open)(path, flags, mode));
}
int open64(const char *path, int flags, ...) {
  MODE(flags)
  OPENED(AT_FDCWD, path, flags, REAL(open64)(path, flags, mode));
}
int openat(int folder, const char *path, int flags, ...) {
  MODE(flags)
  OPENED(folder, path, flags, REAL(openat)(folder, path, flags, mode));
}
int openat64(int folder, const char *path, int flags, ...) {
  MODE(flags)
  OPENED(folder, path, flags, REAL(openat64)(folder, path, flags, mode));
}

static int watching(int fd) { return fd >= 0 && fd < FILES && watched[fd] && ready(); }

ssize_t write(int fd, const void *bytes, size_t count) {
  if (!watching(fd)) return REAL(write)(fd, bytes, count);
  int fatal = reached();
  if (fatal && !strcmp(when_, "half") && count > 1) REAL(write)(fd, bytes, count / 2);
  if (fatal && strcmp(when_, "after")) die();
  ssize_t result = REAL(write)(fd, bytes, count);
  if (fatal) die();
  return result;
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  if (!watching(fd)) return REAL(pwrite64)(fd, bytes, count, at);
  int fatal = reached();
  if (fatal && !strcmp(when_, "half") && count > 1) REAL(pwrite64)(fd, bytes, count / 2, at);
  if (fatal && strcmp(when_, "after")) die();
  ssize_t result = REAL(pwrite64)(fd, bytes, count, at);
  if (fatal) die();
  return result;
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) { COUNTED(watching(fd), REAL(writev)(fd, parts, count)); }

int close(int fd) {
  if (fd >= 0 && fd < FILES) watched[fd] = 0;
  return REAL(close)(fd);
}

int rename(const char *from, const char *to) { COUNTED(inside(AT_FDCWD, to), REAL(rename)(from, to)); }
int renameat(int a, const char *from, int b, const char *to) { COUNTED(inside(b, to), REAL(renameat)(a, from, b, to)); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
  COUNTED(inside(b, to), REAL(renameat2)(a, from, b, to, flags));
}
int link(const char *from, const char *to) { COUNTED(inside(AT_FDCWD, to), REAL(link)(from, to)); }
int linkat(int a, const char *from, int b, const char *to, int flags) {
  COUNTED(inside(b, to), REAL(linkat)(a, from, b, to, flags));
}
int unlink(const char *path) { COUNTED(inside(AT_FDCWD, path), REAL(unlink)(path)); }
int unlinkat(int folder, const char *path, int flags) {
  COUNTED(inside(folder, path), REAL(unlinkat)(folder, path, flags));
}
int rmdir(const char *path) { COUNTED(inside(AT_FDCWD, path), REAL(rmdir)(path)); }
int mkdir(const char *path, mode_t mode) { COUNTED(inside(AT_FDCWD, path), REAL(mkdir)(path, mode)); }
int mkdirat(int folder, const char *path, mode_t mode) { COUNTED(inside(folder, path), REAL(mkdirat)(folder, path, mode)); }
int ftruncate64(int fd, off64_t length) { COUNTED(watching(fd), REAL(ftruncate64)(fd, length)); }
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
