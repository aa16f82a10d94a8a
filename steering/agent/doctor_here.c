/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands on this machine. Nothing is made, not even the state directory: the
 * lock of a running agent is looked at with the flock that would be refused.
 */
#include "steering/agent/doctor.h"

#include <errno.h>
#include <event2/util.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steering/agent/control.h"
#include "steering/agent/state.h"

#define ASK_MS 3000

/* ---- the state directory ---- */

/* Does somebody hold the lock? No file, no holder. */
static bool
is_locked(const char *directory)
{
	char path[600];

	(void)snprintf(path, sizeof path, "%s/lock", directory);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	(void)close(fd);
	return held;
}

static void
look_absent_state(struct doctor *d, const char *path)
{
	char parent[512];
	char *slash;

	(void)snprintf(parent, sizeof parent, "%s", path);
	slash = strrchr(parent, '/');
	if (slash != NULL)
		slash[slash == parent ? 1 : 0] = '\0';
	if (access(parent, W_OK | X_OK) == 0)
		doctor_say(d, DOCTOR_GOOD, "state", "%s: the agent will make it", path);
	else
		doctor_say(d, DOCTOR_WRONG, "state",
		    "%s is not there and %s cannot be written (%s): make it, owned by "
		    "the agent's user, mode 0700",
		    path, parent, strerror(errno));
}

static void
look_at_state(struct doctor *d)
{
	const char *path = d->config->state;
	struct stat s;
	struct err e;

	if (path[0] == '\0') {
		doctor_say(d, DOCTOR_WARN, "state",
		    "no directory is configured: a restart forgets which change was "
		    "under way and keeps no timeline: set state");
		return;
	}
	if (stat(path, &s) != 0) {
		if (errno == ENOENT)
			look_absent_state(d, path);
		else
			doctor_say(
			    d, DOCTOR_WRONG, "state", "%s: %s", path, strerror(errno));
		return;
	}
	if (!S_ISDIR(s.st_mode)) {
		doctor_say(d, DOCTOR_WRONG, "state",
		    "%s is no directory: move it away, or name another", path);
	} else if (access(path, R_OK | W_OK | X_OK) != 0) {
		doctor_say(d, DOCTOR_WRONG, "state",
		    "%s cannot be written by uid %u (%s): run as its owner, uid %u, or "
		    "chown it",
		    path, (unsigned)geteuid(), strerror(errno), (unsigned)s.st_uid);
	} else if (!state_fits(path, &s, geteuid() == 0 ? s.st_uid : geteuid(), &e)) {
		doctor_say(d, DOCTOR_WRONG, "state", "%s", e.text);
	} else {
		d->running = is_locked(path);
		doctor_say(d, DOCTOR_GOOD, "state", "%s can be written%s", path,
		    d->running ? "; an agent runs on it" : "");
		if (geteuid() == 0 && s.st_uid != 0)
			doctor_say(d, DOCTOR_WARN, "state",
			    "%s belongs to uid %u, and this is root, who may read "
			    "everything: run doctor as that user to see what it sees",
			    path, (unsigned)s.st_uid);
	}
}

/* ---- files ---- */

static void
look_at_file(struct doctor *d, const char *what, const char *path, bool secret)
{
	struct stat s;
	int fd;

	if (path[0] == '\0')
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &s) != 0)
		doctor_say(d, DOCTOR_WRONG, what,
		    "%s: %s: put it there, readable by the agent's user", path,
		    strerror(errno));
	else if (!S_ISREG(s.st_mode))
		doctor_say(d, DOCTOR_WRONG, what, "%s is no regular file", path);
	else if (secret && (s.st_mode & 077) != 0)
		doctor_say(d, DOCTOR_WRONG, what,
		    "%s can be read by others (mode %03o): chmod 600 it", path,
		    (unsigned)(s.st_mode & 0777));
	else if ((s.st_mode & 022) != 0)
		doctor_say(d, DOCTOR_WRONG, what,
		    "%s can be written by others (mode %03o): chmod go-w it", path,
		    (unsigned)(s.st_mode & 0777));
	else if (s.st_size == 0)
		doctor_say(d, DOCTOR_WRONG, what, "%s is empty", path);
	else
		doctor_say(d, DOCTOR_GOOD, what, "%s can be read", path);
	if (fd >= 0)
		(void)close(fd);
}

static void
look_at_program(
    struct doctor *d, const char *what, const char *path, const char *meanwhile)
{
	struct stat s;

	if (stat(path, &s) != 0)
		doctor_say(d, DOCTOR_WRONG, what, "%s: %s: %s until it is there", path,
		    strerror(errno), meanwhile);
	else if (!S_ISREG(s.st_mode))
		doctor_say(d, DOCTOR_WRONG, what, "%s is no regular file", path);
	else if ((s.st_mode & 0111) == 0 || access(path, X_OK) != 0)
		doctor_say(d, DOCTOR_WRONG, what,
		    "%s cannot be executed by uid %u (mode %03o): chmod 755 it", path,
		    (unsigned)geteuid(), (unsigned)(s.st_mode & 0777));
	else if ((s.st_mode & 022) != 0)
		doctor_say(d, DOCTOR_WRONG, what,
		    "%s can be written by others (mode %03o), and the agent runs it: "
		    "chmod go-w it",
		    path, (unsigned)(s.st_mode & 0777));
	else if (geteuid() == 0 && (s.st_mode & 0001) == 0)
		doctor_say(d, DOCTOR_WARN, what,
		    "%s may be executed by some (mode %03o), and an agent that is root "
		    "runs it as nobody: run the agent as a user of its own",
		    path, (unsigned)(s.st_mode & 0777));
	else
		doctor_say(d, DOCTOR_GOOD, what, "%s can be executed", path);
}

/* Whichever agent carries out a step needs what is in it. */
static void
look_at_steps(struct doctor *d, const struct config_scenario *s)
{
	char what[2 * WORD_MAX + 16];

	for (unsigned i = 0; i < SLOTS; i++) {
		const struct config_act *a = &s->act[i];

		(void)snprintf(
		    what, sizeof what, "%s %s", s->name, slot_word((enum slot)i));
		if (a->kind == ACT_EXEC)
			look_at_program(d, what, a->arg[0],
			    "the step fails when this agent carries it out");
		for (uint32_t h = 0; h < a->webhook.headers; h++)
			look_at_file(d, what, a->webhook.header[h].file, true);
	}
}

static void
look_at_files(struct doctor *d)
{
	const struct config *c = d->config;
	struct config_notes notes = {0};
	char what[WORD_MAX + 16];

	look_at_file(d, "configuration", c->path, false);
	if (!config_runnable(c, &notes))
		doctor_say(d, DOCTOR_WRONG, "configuration",
		    "'pointsman run' refuses this file: %.300s%s", notes.note[0].text,
		    notes.errors > 1 ? " ('pointsman validate' says what else)" : "");
	config_notes_free(&notes);
	look_at_file(d, "tls.cert", c->tls_cert, false);
	look_at_file(d, "tls.key", c->tls_key, true);
	look_at_file(d, "tls.ca", c->tls_ca, false);
	for (uint32_t i = 0; i < c->checks; i++) {
		(void)snprintf(what, sizeof what, "check %s", c->check[i].name);
		look_at_file(d, what, c->check[i].http.ca, false);
		if (c->check[i].kind == CHECK_EXEC)
			look_at_program(
			    d, what, c->exec[i].arg[0], "its samples are UNKNOWN");
	}
	for (uint32_t i = 0; i < c->scenarios; i++)
		look_at_steps(d, &c->scenario[i]);
	if (getenv("AWS_CA_BUNDLE") != NULL)
		look_at_file(d, "AWS_CA_BUNDLE", getenv("AWS_CA_BUNDLE"), false);
}

/* ---- where the agent listens ---- */

static void
look_at_control(struct doctor *d)
{
	const char *path = d->config->control;
	struct json *question, *answer;
	struct err e;
	struct stat s;

	if (path[0] == '\0')
		return;
	if (lstat(path, &s) != 0 && errno == ENOENT) {
		doctor_say(d, d->running ? DOCTOR_WRONG : DOCTOR_GOOD, "control",
		    d->running ? "%s is gone although an agent runs: restart it"
			       : "%s is free",
		    path);
		return;
	}
	question = json_map_new();
	json_put_text(question, "command", "status");
	answer = control_ask(path, question, ASK_MS, &e);
	if (answer != NULL) {
		d->running = true;
		doctor_say(d, DOCTOR_GOOD, "control", "%s: an agent answers", path);
	} else if (strstr(e.text, "no agent listens") != NULL) {
		doctor_say(d, DOCTOR_GOOD, "control",
		    "%s is left over and will be replaced", path);
	} else {
		doctor_say(d, DOCTOR_WRONG, "control",
		    "%s is in use and no agent answers on it: %s", path, e.text);
	}
	json_free(answer);
}

static void
look_at_page(struct doctor *d)
{
	const char *address = d->config->page;
	struct sockaddr_storage at;
	int n = (int)sizeof at, one = 1;

	if (address[0] == '\0')
		return;
	if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&at, &n) != 0) {
		doctor_say(d, DOCTOR_WRONG, "page", "%s is no ip:port", address);
		return;
	}
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&at, (socklen_t)n) == 0)
		doctor_say(d, DOCTOR_GOOD, "page", "%s is free", address);
	else if (errno == EADDRINUSE && d->running)
		doctor_say(
		    d, DOCTOR_GOOD, "page", "%s is held; an agent runs here", address);
	else if (errno == EADDRINUSE)
		doctor_say(d, DOCTOR_WRONG, "page",
		    "%s is taken by another program: stop it ('ss -ltnp' names it), or "
		    "give page another port",
		    address);
	else
		doctor_say(d, DOCTOR_WRONG, "page",
		    "%s cannot be listened on (%s): page needs an address of this "
		    "machine, and a port above 1023",
		    address, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
}

void
doctor_here(struct doctor *d)
{
	look_at_state(d);
	look_at_files(d);
	look_at_control(d);
	look_at_page(d);
}
