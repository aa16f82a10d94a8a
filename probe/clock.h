/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the clock that everything which waits, holds or ages runs on: it never goes
 * back, nobody sets it, and it goes on while the machine sleeps.
 */
#ifndef PROBE_CLOCK_H
#define PROBE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_BOOTTIME in milliseconds. */
static inline uint64_t
now_boot_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#endif
