/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential_process: a program that prints credentials. It runs in a process group of
 * its own, with our environment, /dev/null as input and for its complaints (which may
 * quote secrets), and a pipe that is read from the loop. Its end is looked for by a
 * short timer rather than by SIGCHLD, which belongs to whoever owns the process. When
 * it has ended, or its time is over, whatever is left of its group is killed, before
 * the leader is reaped: until then its number cannot be anybody else's.
 */
#include "steering/zone/credentials_source.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe/clock.h"
#include "steering/zone/json.h"
#include "steering/zone/text.h"

#define PATIENCE_MS 30000
#define LOOK_MS 10
#define OUTPUT_MAX (64 * 1024)
#define WORDS_MAX 64

extern char **environ;

struct process {
	struct credentials_fetch fetch; /* first */
	pid_t pid;
	int fd; /* of its output */
	struct event *readable, *look;
	uint64_t end_ms; /* CLOCK_BOOTTIME */
	struct text output;
};

/* ---- the command line ---- */

/* Cuts `line` in place: blanks part words; '…' is literal; in "…" and outside, a
 * backslash takes the next character as it is. */
static bool
split(char *line, char *word[WORDS_MAX], struct err *e)
{
	size_t n = 0;
	char *in = line, *out = line;

	for (;;) {
		char quote = '\0';

		in += strspn(in, " \t");
		if (*in == '\0')
			break;
		if (n == WORDS_MAX - 1)
			return err_set(e, "it has more than %d words", WORDS_MAX - 1);
		word[n++] = out;
		for (; *in != '\0' && (quote != '\0' || strchr(" \t", *in) == NULL);
		     in++) {
			if (*in == quote)
				quote = '\0';
			else if (quote == '\0' && (*in == '"' || *in == '\''))
				quote = *in;
			else if (*in == '\\' && quote != '\'' && in[1] != '\0')
				*out++ = *++in;
			else
				*out++ = *in;
		}
		if (quote != '\0')
			return err_set(e, "a quote in it has no end");
		bool last = *in == '\0';
		*out++ = '\0';
		if (last)
			break;
		in++;
	}
	word[n] = NULL;
	return n > 0 || err_set(e, "it is empty");
}

static int
spawn_files(posix_spawn_file_actions_t *files, int out)
{
	int error =
	    posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

	if (error == 0)
		error = posix_spawn_file_actions_adddup2(files, out, 1);
	if (error == 0)
		error = posix_spawn_file_actions_addopen(
		    files, 2, "/dev/null", O_WRONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(files, 3);
	return error;
}

static int
spawn_words(char *const word[], int out, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int error;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	if ((error = posix_spawn_file_actions_init(&files)) != 0)
		return error;
	if ((error = posix_spawnattr_init(&attr)) == 0) {
		error = spawn_files(&files, out);
		(void)posix_spawnattr_setsigdefault(&attr, &all);
		(void)posix_spawnattr_setsigmask(&attr, &none);
		(void)posix_spawnattr_setpgroup(&attr, 0);
		(void)posix_spawnattr_setflags(&attr,
		    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
			POSIX_SPAWN_SETPGROUP);
		if (error == 0)
			error =
			    posix_spawnp(pid, word[0], &files, &attr, word, environ);
		(void)posix_spawnattr_destroy(&attr);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	return error;
}

static bool
spawn(struct process *p, const char *command, struct err *e)
{
	char *word[WORDS_MAX], *line = strdup(command);
	int ends[2] = {-1, -1}, error = 0;
	struct err why = {""};
	bool ok = false;

	if (line == NULL || pipe2(ends, O_CLOEXEC) != 0)
		(void)err_set(&why, "%s", strerror(errno));
	else if (ends[1] < 3)
		(void)err_set(&why, "this process has no standard streams");
	else if (split(line, word, &why)) {
		error = spawn_words(word, ends[1], &p->pid);
		ok = error == 0;
		if (!ok)
			(void)err_set(
			    &why, "it cannot be started: %s", strerror(error));
	}
	if (ends[1] >= 0)
		(void)close(ends[1]);
	p->fd = ends[0];
	if (p->fd >= 0)
		(void)fcntl(p->fd, F_SETFL, O_NONBLOCK);
	text_wipe(line, line != NULL ? strlen(command) : 0);
	free(line);
	return ok || err_set(e, "%.200s: %.200s", p->fetch.source, why.text);
}

/* ---- its end ---- */

static void
free_process(struct process *p)
{
	if (p->readable != NULL)
		event_free(p->readable);
	if (p->look != NULL)
		event_free(p->look);
	if (p->fd >= 0)
		(void)close(p->fd);
	text_fini(&p->output);
	free(p);
}

/* Killed processes are gone within microseconds; one that the kernel holds is left. */
static void
kill_group(struct process *p, int *status)
{
	if (p->pid <= 0)
		return;
	(void)kill(-p->pid, SIGKILL);
	for (int i = 0; i < 20 && waitpid(p->pid, status, WNOHANG) == 0; i++)
		(void)usleep(500);
	p->pid = 0;
}

static void
cancel(struct credentials_fetch *f)
{
	struct process *p = (struct process *)f;
	int status;

	kill_group(p, &status);
	free_process(p);
}

static bool
check_version(struct credentials_got *got, const struct process *p)
{
	struct err quoting;
	struct json *j = json_read(text_str(&p->output), p->output.n, &quoting);
	int64_t version = json_int(j, "Version", 0);

	text_wipe(&quoting, sizeof quoting);
	json_free(j);
	return version == 1 ||
	    err_set(&got->err,
		"%.200s: its answer is not of \"Version\": 1: it must print what the AWS "
		"CLI's 'credential_process' expects",
		p->fetch.source);
}

static void
judge(struct process *p, int status, struct credentials_got *got)
{
	const char *s = p->fetch.source;

	got->found = CREDENTIALS_BAD;
	got->now_wall_s = (int64_t)time(NULL);
	if (WIFSIGNALED(status))
		(void)err_set(&got->err,
		    "%.200s: it was ended by signal %d: run it by hand as this user", s,
		    WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		(void)err_set(&got->err,
		    "%.200s: it ended with status %d: run it by hand as this user to "
		    "see why",
		    s, WEXITSTATUS(status));
	else if (credentials_reply_json(got, text_str(&p->output), p->output.n,
		     "SessionToken", s, &got->err) &&
	    check_version(got, p))
		got->found = CREDENTIALS_FOUND;
}

/* why: NULL when it has ended by itself. */
static void
finish(struct process *p, const char *why)
{
	struct credentials_got got = {.found = CREDENTIALS_BAD};
	credentials_got_cb cb = p->fetch.cb;
	void *arg = p->fetch.arg;
	int status = 0;

	kill_group(p, &status);
	if (why != NULL)
		(void)err_set(&got.err, "%.200s: %s", p->fetch.source, why);
	else
		judge(p, status, &got);
	free_process(p);
	cb(&got, arg);
	text_wipe(&got, sizeof got);
}

/* False: it has said more than anybody needs. */
static bool
read_output(struct process *p)
{
	char bytes[4096];
	ssize_t n;

	for (;;) {
		n = read(p->fd, bytes, sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0) /* closed: readable for ever, and nothing to read */
			(void)event_del(p->readable);
		if (n <= 0)
			break;
		text_add(&p->output, bytes, (size_t)n);
		text_wipe(bytes, sizeof bytes);
		if (!text_ok(&p->output))
			return false;
	}
	return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct process *p = arg;

	(void)fd, (void)what;
	if (!read_output(p))
		finish(p, "it printed more than 64 KiB: that is no credentials");
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct timeval again = {.tv_usec = LOOK_MS * 1000};
	struct process *p = arg;
	siginfo_t info = {0};

	(void)fd, (void)what;
	/* WNOWAIT: its group is killed while the number is still its own. */
	bool ended =
	    waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	    info.si_pid == p->pid;
	if (ended) {
		bool whole = read_output(p);

		finish(p, whole ? NULL : "it printed more than 64 KiB");
	} else if (now_boot_ms() >= p->end_ms) {
		finish(p,
		    "it did not end in its time and was killed: run it by hand as "
		    "this user; it must not ask for anything");
	} else if (event_add(p->look, &again) != 0) {
		abort();
	}
}

struct credentials_fetch *
credentials_process_start(const struct credentials_help *h, const char *command,
    const char *source, credentials_got_cb cb, void *arg, struct err *e)
{
	struct process *p = calloc(1, sizeof *p);
	struct timeval soon = {.tv_usec = LOOK_MS * 1000};

	if (p == NULL) {
		(void)err_set(e, "%.200s: memory is short", source);
		return NULL;
	}
	p->fetch.cancel = cancel;
	p->fetch.cb = cb;
	p->fetch.arg = arg;
	p->fd = -1;
	p->output = TEXT_INIT(OUTPUT_MAX);
	p->end_ms =
	    now_boot_ms() + (h->patience_ms != 0 ? h->patience_ms : PATIENCE_MS);
	(void)snprintf(p->fetch.source, sizeof p->fetch.source, "%.190s", source);
	if (!spawn(p, command, e)) {
		cancel(&p->fetch);
		return NULL;
	}
	p->readable = event_new(h->base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
	p->look = evtimer_new(h->base, on_look, p);
	if (p->readable == NULL || p->look == NULL ||
	    event_add(p->readable, NULL) != 0 || event_add(p->look, &soon) != 0) {
		(void)err_set(e, "%.200s: memory is short", source);
		cancel(&p->fetch);
		return NULL;
	}
	return &p->fetch;
}
