/* Preloaded: every other look at the clock of the day finds it an hour ahead, those between an hour behind. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*original)(clockid_t, struct timespec *);
    static unsigned looks;
    if (original == NULL)
        original = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = original(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += looks++ % 2 == 0 ? 3600 : -3600;
    return result;
}
