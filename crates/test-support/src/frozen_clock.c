/* Preloaded into redis-server: its wall clock is the 8 bytes (int64, microseconds since the
 * epoch, this machine's byte order) of the file named by FROZEN_CLOCK. The monotonic clock is
 * left alone, so the server's own timers go on. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>

static volatile int64_t *clock_us;

int gettimeofday(struct timeval *restrict tv, void *restrict tz) {
    (void)tz;
    if (!clock_us) {
        int fd = open(getenv("FROZEN_CLOCK"), O_RDONLY);
        if (fd < 0) abort();
        void *page = mmap(0, 8, PROT_READ, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED) abort();
        clock_us = page;
    }
    int64_t now = *clock_us;
    tv->tv_sec = now / 1000000;
    tv->tv_usec = now % 1000000;
    return 0;
}
