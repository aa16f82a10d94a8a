/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mode is given by mkdir and never afterwards. Rejected: chmod on whatever stands
 * there. As root, and with `state: /tmp`, it would close /tmp to everybody.
 *
 * Two locks: on a file, which `doctor` looks at, and on the directory itself, because a
 * full disk may have no room for that file and steering must begin all the same. Both
 * are always tried, for the next agent may find the room. A file system that locks no
 * directories makes do with the file.
 */
#include "steering/agent/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
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

/* 0: locked; else errno. */
static int
take(int *fd, const char *path, int flags)
{
	*fd = open(path, flags | O_CLOEXEC, 0600);
	if (*fd < 0)
		return errno;
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	int error = errno;
	(void)close(*fd);
	*fd = -1;
	return error;
}

bool
state_lock(const char *directory, int lock[2], struct err *e)
{
	char path[600];
	int file, folder;
	bool no_room;

	(void)snprintf(path, sizeof path, "%s/lock", directory);
	file = take(&lock[0], path, O_RDWR | O_CREAT);
	folder = take(&lock[1], directory, O_RDONLY | O_DIRECTORY);
	no_room = file == ENOSPC || file == EDQUOT || file == EROFS || file == EISDIR;
	if (file == EWOULDBLOCK || folder == EWOULDBLOCK)
		(void)err_set(e,
		    "another agent runs on the state directory %.200s: stop it, or "
		    "give this one a directory of its own",
		    directory);
	else if (file == 0 || (no_room && folder == 0))
		return true;
	else
		(void)err_set(e, "cannot lock %.200s: %s", path, strerror(file));
	state_unlock(lock);
	return false;
}

void
state_unlock(int lock[2])
{
	for (unsigned i = 0; i < 2; i++) {
		if (lock[i] >= 0)
			(void)close(lock[i]);
		lock[i] = -1;
	}
}

/* fopen() waits at a pipe, and at the start nobody waits with us. */
static FILE *
open_plain(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0600);
	FILE *f =
	    fd < 0 ? NULL : fdopen(fd, (flags & O_ACCMODE) == O_RDONLY ? "r" : "w");

	if (f == NULL && fd >= 0)
		(void)close(fd);
	return f;
}

/* Absent, or anything but a number that we wrote: nothing is remembered. */
static uint64_t
stored_boot(const char *path)
{
	FILE *f = open_plain(path, O_RDONLY);
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
	f = open_plain(next, O_WRONLY | O_CREAT | O_TRUNC);
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
