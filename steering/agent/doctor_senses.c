/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker is started as the agent starts it: what keeps it from living here would
 * keep the agent from probing. Canaries are only connected to, as the agent does it.
 */
#include "steering/agent/doctor.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/prober.h"
#include "steering/agent/exec_once.h"

#define WORKER_MS 5000
#define CONNECT_MS 2000

/* ---- the sandbox ---- */

static bool
worker_is_ready(int fd)
{
	struct prober_msg hello = {
	    .kind = PROBER_HELLO, .protocol = PROBER_PROTOCOL, .once = true, .seed = 1};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct probe_event ev[PROBE_EVENTS_MAX];

	if (send(fd, &hello, sizeof hello, MSG_NOSIGNAL) != (ssize_t)sizeof hello)
		return false;
	return poll(&p, 1, WORKER_MS) == 1 && prober_receive(fd, ev) == 1 &&
	    ev[0].kind == PROBE_READY;
}

static void
look_at_worker(struct doctor *d)
{
	struct err e;
	pid_t pid;
	int fd, status = 0;

	if (!prober_spawn(NULL, &fd, &pid, &e)) {
		doctor_say(d, DOCTOR_WRONG, "prober", "%s", e.text);
		return;
	}
	bool ready = worker_is_ready(fd);
	(void)close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (ready)
		doctor_say(d, DOCTOR_GOOD, "prober",
		    "a worker starts and has dropped its privileges");
	else if (WIFEXITED(status) && WEXITSTATUS(status) == PROBER_EXIT_SANDBOX)
		doctor_say(d, DOCTOR_WRONG, "prober",
		    "a worker could not drop its privileges: the unit or the container "
		    "must leave it setuid, setgid and prctl, and raise no file limit");
	else if (WIFSIGNALED(status))
		doctor_say(d, DOCTOR_WRONG, "prober",
		    "a worker was killed by signal %d as it began: look at memory "
		    "limits and at system call filters",
		    WTERMSIG(status));
	else
		doctor_say(d, DOCTOR_WRONG, "prober",
		    "a worker was not ready within %d s: is this machine overloaded?",
		    WORKER_MS / 1000);
}

/* ---- the runner, where there is something to run ---- */

static void
look_at_runner(struct doctor *d)
{
	bool asked = false, gone = false;
	struct exec_once x;
	struct runner_event ev;
	struct err e;

	for (uint32_t i = 0; i < d->config->checks; i++)
		asked = asked || d->config->check[i].kind == CHECK_EXEC;
	if (!asked)
		return;
	if (!exec_once_open(&x, &e)) {
		doctor_say(d, DOCTOR_WRONG, "runner", "%s", e.text);
		return;
	}
	for (int i = 0; i < WORKER_MS / 1000 && !x.ready && !gone; i++) {
		struct pollfd p = {.fd = x.fd, .events = POLLIN};

		if (poll(&p, 1, 1000) == 1)
			(void)!exec_once_hear(&x, &ev, &gone);
	}
	if (!x.ready)
		doctor_say(d, DOCTOR_WRONG, "runner",
		    "the process that runs programs does not start: the unit or the "
		    "container must leave it setuid, setgid and prctl");
	else if (geteuid() == 0)
		doctor_say(d, DOCTOR_WARN, "runner",
		    "it starts; an agent that is root runs programs as nobody: to give "
		    "them more, run the agent as a user of its own");
	else
		doctor_say(d, DOCTOR_GOOD, "runner",
		    "it starts; programs run as uid %u", (unsigned)geteuid());
	exec_once_close(&x);
}

/* ---- canaries ---- */

/* "" it can be connected to; else why not. */
static const char *
connects(const struct addrinfo *at)
{
	struct pollfd p = {.events = POLLOUT};
	socklen_t n = sizeof(int);
	const char *why = "";
	int error = 0;

	p.fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p.fd < 0)
		return strerror(errno);
	if (connect(p.fd, at->ai_addr, at->ai_addrlen) != 0) {
		if (errno != EINPROGRESS)
			why = strerror(errno);
		else if (poll(&p, 1, CONNECT_MS) != 1)
			why = "no answer";
		else if (getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 ||
		    error != 0)
			why = strerror(error != 0 ? error : errno);
	}
	(void)close(p.fd);
	return why;
}

static bool
look_at_canary(struct doctor *d, const struct config_canary *c)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
	char what[DNS_NAME_MAX + 24], port[8];
	const char *why = "it has no address";

	(void)snprintf(what, sizeof what, "canary %s:%u", c->host, (unsigned)c->port);
	(void)snprintf(port, sizeof port, "%u", (unsigned)c->port);
	int error = getaddrinfo(c->host, port, &hints, &all);
	if (error != 0)
		why = gai_strerror(error);
	for (const struct addrinfo *a = all; a != NULL; a = a->ai_next) {
		why = connects(a);
		if (why[0] == '\0')
			break;
	}
	if (all != NULL)
		freeaddrinfo(all);
	if (why[0] == '\0')
		doctor_say(d, DOCTOR_GOOD, what, "it can be connected to");
	else
		doctor_say(d, DOCTOR_WARN, what,
		    "%s: if it is well, let this machine out to it; else name another",
		    why);
	return why[0] == '\0';
}

static void
look_at_canaries(struct doctor *d)
{
	uint32_t n = d->config->canaries, pass = 0;

	if (n == 0) {
		doctor_say(d, DOCTOR_WARN, "canaries",
		    "none are configured: an agent whose own uplink is gone cannot "
		    "tell; name three places outside that are always there");
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		pass += look_at_canary(d, &d->config->canary[i]);
	if (pass * 3 < n * 2)
		doctor_say(d, DOCTOR_WRONG, "canaries",
		    "%u of %u can be connected to, two thirds are needed: an agent "
		    "here abstains from everything until they can",
		    (unsigned)pass, (unsigned)n);
}

void
doctor_senses(struct doctor *d)
{
	look_at_worker(d);
	look_at_runner(d);
	look_at_canaries(d);
}
