/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side: blocking, with one deadline, and sentences for an operator. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "steering/agent/control.h"

#define ANSWER_BYTES_MAX ((size_t)8 * 1024 * 1024)

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int
connect_to(const char *path, struct err *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) == 0)
		return fd;
	int why = errno;
	if (why == ENOENT || why == ECONNREFUSED)
		(void)err_set(e, "no agent listens on %s: is it running?", path);
	else
		(void)err_set(e, "%s: %s", path, strerror(why));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static bool
send_line(int fd, const char *line, size_t n)
{
	while (n > 0) {
		ssize_t done = send(fd, line, n, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		line += done;
		n -= (size_t)done;
	}
	return true;
}

/* Everything until the peer closes, grown by doubling. NULL with a sentence. */
static char *
receive(int fd, uint64_t until_ms, size_t *n, struct err *e)
{
	size_t room = 16384;
	char *text = malloc(room);

	for (*n = 0; text != NULL;) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		uint64_t now = now_ms();
		int got = now < until_ms ? poll(&ready, 1, (int)(until_ms - now)) : 0;
		ssize_t done = got > 0 ? recv(fd, text + *n, room - *n, 0) : -1;

		if ((got < 0 || (got > 0 && done < 0)) && errno == EINTR)
			continue;
		if (got == 0)
			(void)err_set(e, "the agent does not answer");
		else if (done < 0)
			(void)err_set(e, "the agent hung up: %s", strerror(errno));
		if (done == 0)
			return text;
		if (done < 0)
			break;
		*n += (size_t)done;
		if (*n < room)
			continue;
		room *= 2;
		if (room > ANSWER_BYTES_MAX) {
			(void)err_set(e, "the agent's answer has no end");
			break;
		}
		char *grown = realloc(text, room);
		if (grown == NULL)
			abort();
		text = grown;
	}
	free(text);
	return NULL;
}

struct json *
control_ask(const char *path, struct json *question, uint64_t timeout_ms, struct err *e)
{
	char *line = json_write(question, false);
	struct json *answer = NULL;
	size_t n = strlen(line);
	int fd = connect_to(path, e);

	json_free(question);
	line[n] = '\n'; /* over the 0: the length is known */
	if (fd >= 0 && send_line(fd, line, n + 1)) {
		char *text = receive(fd, now_ms() + timeout_ms, &n, e);

		if (text != NULL && n == 0)
			(void)err_set(
			    e, "the agent hung up: only root and its own user may ask");
		else if (text != NULL)
			answer = json_read(text, n, e);
		free(text);
	} else if (fd >= 0) {
		(void)err_set(e, "the agent hung up: %s", strerror(errno));
	}
	if (fd >= 0)
		(void)close(fd);
	free(line);
	return answer;
}
