/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent opens what a check names, not the worker: it may read a key that is its
 * owner's alone, and the worker, which parses what strangers send, needs no way to open
 * anything at all. Contents would not fit into a message, descriptors do.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/prober.h"

static uint64_t
stamp_of(const struct stat *st)
{
	const uint64_t part[] = {(uint64_t)st->st_dev, (uint64_t)st->st_ino,
	    (uint64_t)st->st_size, (uint64_t)st->st_mtim.tv_sec,
	    (uint64_t)st->st_mtim.tv_nsec};
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
		hash = (hash ^ part[i]) * UINT64_C(1099511628211);
	return hash;
}

static void
attach(struct prober_file *f, const char *path)
{
	struct stat st;

	*f = (struct prober_file){.fd = -1};
	if (path[0] == '\0')
		return;
	/* Whatever the path leads to, opening it must not make the agent wait. */
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (f->fd >= 0 && fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode)) {
		f->stamp = stamp_of(&st);
		return;
	}
	f->error = f->fd < 0 ? errno : EINVAL;
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
}

static bool
send_with(int fd, struct prober_msg *m)
{
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(PROBER_FILES * sizeof(int))] = {
	    0};
	struct iovec piece = {.iov_base = m, .iov_len = sizeof *m};
	struct msghdr head = {.msg_iov = &piece, .msg_iovlen = 1};
	struct cmsghdr *c;
	int attached[PROBER_FILES];
	size_t n = 0;

	for (unsigned i = 0; i < PROBER_FILES; i++) {
		if (m->file[i].fd >= 0)
			attached[n++] = m->file[i].fd;
	}
	if (n > 0) {
		head.msg_control = room;
		head.msg_controllen = CMSG_SPACE(n * sizeof attached[0]);
		c = CMSG_FIRSTHDR(&head);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof attached[0]);
		memcpy(CMSG_DATA(c), attached, n * sizeof attached[0]);
	}
	return sendmsg(fd, &head, MSG_NOSIGNAL) == (ssize_t)sizeof *m;
}

bool
prober_send(int fd, const struct prober_msg *m)
{
	const struct check_http *http = &m->check.http;
	struct prober_msg full = *m;
	const struct check_tcp *tcp = &m->check.tcp;
	bool tls = m->kind == PROBER_TARGET && m->check.kind == CHECK_HTTP &&
	    (http->https || http->redirects > 0);
	bool tcp_tls =
	    m->kind == PROBER_TARGET && m->check.kind == CHECK_TCP && tcp->tls;
	bool sent;
	int error;

	attach(&full.file[PROBER_CA],
	    tls && http->verify          ? http->ca
		: tcp_tls && tcp->verify ? tcp->ca
					 : "");
	attach(&full.file[PROBER_CERT], tls ? http->cert : "");
	attach(&full.file[PROBER_KEY], tls ? http->key : "");
	sent = send_with(fd, &full);
	error = errno;
	for (unsigned i = 0; i < PROBER_FILES; i++) {
		if (full.file[i].fd >= 0)
			(void)close(full.file[i].fd);
	}
	errno = error;
	return sent;
}

int
prober_receive(int fd, struct probe_event ev[PROBE_EVENTS_MAX])
{
	struct iovec piece = {.iov_base = ev, .iov_len = PROBE_EVENTS_MAX * sizeof *ev};
	struct msghdr head = {.msg_iov = &piece, .msg_iovlen = 1};
	ssize_t n;

	do
		n = recvmsg(fd, &head, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return (int)n;
	if ((head.msg_flags & MSG_TRUNC) == 0 && (size_t)n % sizeof *ev == 0)
		return (int)((size_t)n / sizeof *ev);
	errno = EBADMSG;
	return -1;
}
