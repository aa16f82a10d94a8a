/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child's end is seen on its socket: the kernel closes it however the process dies,
 * so there is no SIGCHLD handler and no race with one. What is left is to wait for it.
 */
#include "steering/agent/child.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>

#define REST_MS 100
#define REST_MS_MAX 5000
#define LEFT_MAX 16

static bool
ends_within(pid_t pid, uint64_t wait_ms, int *status)
{
	struct timespec t = {.tv_nsec = 1000000};

	for (uint64_t waited_ms = 0; waitpid(pid, status, WNOHANG) == 0; waited_ms++) {
		if (waited_ms >= wait_ms)
			return false;
		(void)nanosleep(&t, NULL);
	}
	return true;
}

int
child_reap(pid_t pid, uint64_t wait_ms)
{
	static pid_t left[LEFT_MAX];
	static uint32_t lefts;
	int status = 0;

	for (uint32_t i = 0; i < lefts;) {
		if (waitpid(left[i], &status, WNOHANG) != 0)
			left[i] = left[--lefts];
		else
			i++;
	}
	status = 0;
	if (ends_within(pid, wait_ms, &status))
		return status;
	(void)kill(pid, SIGKILL);
	if (ends_within(pid, CHILD_KILLED_MS, &status))
		return status;
	if (lefts < LEFT_MAX)
		left[lefts++] = pid;
	return SIGKILL;
}

uint64_t
child_rest_ms(uint32_t deaths)
{
	uint64_t ms = REST_MS;

	for (uint32_t i = 1; i < deaths && ms < REST_MS_MAX; i++)
		ms *= 2;
	return ms < REST_MS_MAX ? ms : REST_MS_MAX;
}
