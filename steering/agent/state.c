/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mode is given by mkdir and never afterwards. Rejected: chmod on whatever stands
 * there. As root, and with `state: /tmp`, it would close /tmp to everybody.
 */
#include "steering/agent/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "steering/core/peer.h"

bool
state_fits(const char *directory, const struct stat *st, uid_t uid, struct err *e)
{
	unsigned mode = (unsigned)(st->st_mode & 07777);

	if (!S_ISDIR(st->st_mode))
		return err_set(e,
		    "%.200s is no directory: move it away, or name another", directory);
	if ((mode & S_ISVTX) != 0)
		return err_set(e,
		    "%.200s is shared by many (mode %04o, sticky): name a directory "
		    "of the agent's own, like %.200s/pointsman",
		    directory, mode, directory);
	if (st->st_uid != uid)
		return err_set(e,
		    "%.200s belongs to uid %u, and this is uid %u: run as its owner, "
		    "or chown it",
		    directory, (unsigned)st->st_uid, (unsigned)uid);
	if ((mode & 022) != 0)
		return err_set(e,
		    "%.200s can be written by others (mode %04o): chmod 700 it",
		    directory, mode);
	return true;
}

bool
state_open(const char *directory, struct err *e)
{
	struct stat st;

	if (mkdir(directory, 0700) == 0)
		return true;
	if (errno != EEXIST)
		return err_set(e, "cannot make the state directory %.200s: %s",
		    directory, strerror(errno));
	if (stat(directory, &st) != 0)
		return err_set(e, "cannot look at the state directory %.200s: %s",
		    directory, strerror(errno));
	return state_fits(directory, &st, geteuid(), e) ||
	    err_wrap(e, "state directory");
}

/* Absent, or anything but a number that we wrote: nothing is remembered. */
static uint64_t
stored_boot(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t boot = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%" SCNx64, &boot) != 1 || boot == UINT64_MAX)
		boot = 0;
	(void)fclose(f);
	return boot;
}

static bool
store_boot(const char *path, uint64_t boot, struct err *e)
{
	char next[600];
	FILE *f;

	(void)snprintf(next, sizeof next, "%s.new", path);
	f = fopen(next, "we");
	if (f == NULL)
		return err_set(e, "cannot write %.200s: %s", next, strerror(errno));
	bool good = fprintf(f, "%016" PRIx64 "\n", boot) > 0;
	good = fclose(f) == 0 && good;
	if (!good || rename(next, path) != 0)
		return err_set(e, "cannot write %.200s: %s", path, strerror(errno));
	return true;
}

uint64_t
state_next_boot(const char *directory, uint64_t wall_ms, uint64_t random, struct err *e)
{
	char path[560];
	uint64_t boot;

	if (directory[0] == '\0')
		return peer_boot(wall_ms, random, 0);
	(void)snprintf(path, sizeof path, "%s/boot", directory);
	boot = peer_boot(wall_ms, random, stored_boot(path));
	(void)store_boot(path, boot, e);
	return boot;
}
