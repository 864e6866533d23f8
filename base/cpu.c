/* cpu.c - the CPU mask of the process, as the kernel, taskset or a container set it. */
#include "base/cpu.h"

#include <sched.h>
#include <unistd.h>

unsigned
cpu_count(void)
{
    cpu_set_t sets[16]; /* 16 * 1024 CPUs; the kernel refuses masks smaller than its own */
    if (sched_getaffinity(0, sizeof sets, sets) == 0) {
        int allowed = CPU_COUNT_S(sizeof sets, sets);
        if (allowed > 0)
            return (unsigned)allowed;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}
