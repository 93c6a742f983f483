/* Preloaded into redis-server, or Valkey's: its wall clock is the 8 bytes (int64, microseconds since
 * the epoch, this machine's byte order) of the file named by FROZEN_CLOCK. The monotonic clock is
 * left alone, so the server's own timers go on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *clock_us;
static uint64_t (**valkeys)(void);

static int64_t now_us(void) {
    if (!clock_us) {
        int fd = open(getenv("FROZEN_CLOCK"), O_RDONLY);
        if (fd < 0) abort();
        void *page = mmap(0, 8, PROT_READ, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED) abort();
        clock_us = page;
        valkeys = dlsym(RTLD_DEFAULT, "getMonotonicUs");
    }
    return *clock_us;
}

/* Valkey reads the wall clock once a millisecond, and adds what has passed since by a monotonic clock
 * of its own. This one goes by a millisecond each time it is read, so nothing is ever added. */
static uint64_t leaping(void) {
    static uint64_t last;
    struct timespec ts;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    uint64_t now = (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
    uint64_t before = __atomic_load_n(&last, __ATOMIC_RELAXED), next;
    do next = now > before + 1000 ? now : before + 1000;
    while (!__atomic_compare_exchange_n(&last, &before, next, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return next;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz) {
    (void)tz;
    int64_t now = now_us();
    if (valkeys && *valkeys) *valkeys = leaping;
    tv->tv_sec = now / 1000000;
    tv->tv_usec = now % 1000000;
    return 0;
}
