/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares opens the hosts file for each question, which the system-call filter forbids.
 * The file is read through a descriptor that was opened before, whole, at each
 * question: questions come once a TTL, the file is a few lines, and keeping a parsed
 * copy would only add the question whether it is still true.
 */
#include "probe/hosts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct hosts {
	int fd; /* -1: none */
	char text[HOSTS_BYTES_MAX + 1];
};

struct hosts *
hosts_new(const char *path)
{
	struct hosts *h = malloc(sizeof *h);

	if (h != NULL)
		h->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return h;
}

void
hosts_free(struct hosts *h)
{
	if (h == NULL)
		return;
	if (h->fd >= 0)
		(void)close(h->fd);
	free(h);
}

static void
read_all(struct hosts *h)
{
	size_t have = 0;

	while (h->fd >= 0 && have < HOSTS_BYTES_MAX) {
		ssize_t n =
		    pread(h->fd, h->text + have, HOSTS_BYTES_MAX - have, (off_t)have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	h->text[have] = '\0';
}

static bool
names_it(char *names, const char *name)
{
	char *save;

	for (char *word = strtok_r(names, " \t\r", &save); word != NULL;
	     word = strtok_r(NULL, " \t\r", &save)) {
		if (strcasecmp(word, name) == 0)
			return true;
	}
	return false;
}

uint32_t
hosts_find(struct hosts *h, const char *name, enum family family, struct address *to,
    uint32_t room)
{
	char *save, *line;
	uint32_t found = 0;

	read_all(h);
	for (line = strtok_r(h->text, "\n", &save); line != NULL && found < room;
	     line = strtok_r(NULL, "\n", &save)) {
		char *first, *rest;
		bool known = false;

		line[strcspn(line, "#")] = '\0';
		first = strtok_r(line, " \t\r", &rest);
		if (first == NULL || !address_parse(&to[found], first) ||
		    to[found].family != family || !names_it(rest, name))
			continue;
		for (uint32_t i = 0; i < found; i++)
			known = known || address_equal(&to[i], &to[found]);
		found += known ? 0 : 1;
	}
	return found;
}
