/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile bytes are parsed in the worker, so it must be worth nothing to whoever takes
 * it over: it starts from exec with an empty environment, holds no credential, and can
 * become nothing else. Every step is checked: a worker that is not confined must not
 * run.
 *
 * The order matters: limits while still root, then identity, then capabilities, then
 * the flags that the change of identity would have reset. The system-call filter comes
 * last (sandbox_filter.c), because it would forbid most of what stands here.
 */
#include "probe/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534

/* As many as we may: root in a container is often not allowed to raise the maximum. */
static bool
limit_files(rlim_t files, struct err *e)
{
	struct rlimit r = {.rlim_cur = files, .rlim_max = files};

	if (setrlimit(RLIMIT_NOFILE, &r) == 0)
		return true;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &r) == 0)
			return true;
	}
	return err_set(e, "limit on open files: %s", strerror(errno));
}

static bool
forbid(bool children, struct err *e)
{
	const struct rlimit none = {0};

	if (setrlimit(RLIMIT_CORE, &none) == 0 &&
	    (!children || setrlimit(RLIMIT_NPROC, &none) == 0))
		return true;
	return err_set(e, "limits on core files and processes: %s", strerror(errno));
}

static bool
become_nobody(struct err *e)
{
	const struct passwd *pw = getpwnam("nobody");
	uid_t uid = pw == NULL ? NOBODY : pw->pw_uid;
	gid_t gid = pw == NULL ? NOBODY : pw->pw_gid;

	if (geteuid() != 0)
		return true;
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return err_set(e, "cannot become nobody: %s", strerror(errno));
	if (setresuid(0, 0, 0) == 0)
		return err_set(e, "became root again: the system does not confine");
	return true;
}

static bool
drop_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) == 0)
		return true;
	return err_set(e, "cannot drop capabilities: %s", strerror(errno));
}

static bool
enter(bool children, struct err *e)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)umask(077);
	if (chdir("/") < 0)
		return err_set(e, "cannot enter /: %s", strerror(errno));
	if (!limit_files(children ? SANDBOX_RUNNER_FILES : SANDBOX_FILES_MAX, e) ||
	    !forbid(!children && !SANDBOX_RELAXED, e))
		return false;
	if (!become_nobody(e) || !drop_capabilities(e))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    (!SANDBOX_RELAXED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_set(e, "prctl: %s", strerror(errno));
	return true;
}

bool
sandbox_enter(struct err *e)
{
	return enter(false, e);
}

bool
sandbox_enter_runner(struct err *e)
{
	return enter(true, e);
}
