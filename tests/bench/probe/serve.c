/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve PORT - answers every HTTP request on 0.0.0.0:PORT with 200 and "ok", closes.
 * One epoll loop; the other core's work in the bench.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 512

static void
answer(int fd)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
				   "Connection: close\r\n\r\nok";
	char request[2048];

	if (recv(fd, request, sizeof request, 0) > 0)
		(void)send(fd, text, sizeof text - 1, MSG_NOSIGNAL);
	(void)close(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int poll = epoll_create1(0);
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener};

	at.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 8080));
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 ||
	    listen(listener, 4096) < 0) {
		perror("serve");
		return 1;
	}
	(void)epoll_ctl(poll, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		struct epoll_event ready[EVENTS];
		int n = epoll_wait(poll, ready, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;

			if (fd != listener) {
				answer(fd);
				continue;
			}
			while (
			    (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
				ev.data.fd = fd;
				(void)epoll_ctl(poll, EPOLL_CTL_ADD, fd, &ev);
			}
		}
	}
}
