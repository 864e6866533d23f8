/* cpu.h - how many processors this process may use. Threads: any. */
#pragma once
unsigned cpu_count(void);
