// What Transport needs from C and Swift cannot reach by itself: zstd, and the Linux calls that the
// Glibc module leaves out (epoll, eventfd, signalfd, mallopt) or hides behind _GNU_SOURCE (accept4,
// sem_clockwait, ucred).
#pragma once
#include <malloc.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <zstd.h>
#include <zstd_errors.h>

extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int sem_clockwait(sem_t *, clockid_t, const struct timespec *);
extern int pthread_setname_np(pthread_t, const char *);

/// The kernel's `struct ucred`, as SO_PEERCRED returns it.
struct dongbo_credentials {
  int32_t pid;
  uint32_t uid;
  uint32_t gid;
};

static inline int dongbo_peer_credentials(int socket, struct dongbo_credentials *out) {
  socklen_t length = sizeof *out;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, out, &length);
}
