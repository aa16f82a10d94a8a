/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing is sent and nothing is read: a service that greets slowly is no worse for it.
 * curl's CONNECT_ONLY does the same for twice the processor time.
 */
#include "probe/tcp.h"

#include <stdlib.h>
#include <unistd.h>

struct tcp_try {
	struct connect connect;
	tcp_done_fn *done;
	void *arg;
};

static void
on_connect(void *arg, int fd, int error)
{
	struct tcp_try *t = arg;
	struct probe_result r = {0};

	if (error == 0) {
		(void)close(fd);
		result_pass(&r);
	} else {
		result_from_connect(&r, error, false);
	}
	t->done(t->arg, &r);
	free(t);
}

struct tcp_try *
tcp_start(struct event_base *base, const struct address *to, uint16_t port,
    const struct connect_from *from, tcp_done_fn *done, void *arg,
    struct probe_result *r)
{
	struct tcp_try *t = malloc(sizeof *t);

	if (t == NULL) {
		result_local(r, "cannot probe from here: out of memory");
		return NULL;
	}
	t->done = done;
	t->arg = arg;
	if (connect_start(&t->connect, base, to, port, from, on_connect, t, r))
		return t;
	free(t);
	return NULL;
}

void
tcp_cancel(struct tcp_try *t)
{
	connect_cancel(&t->connect);
	free(t);
}
