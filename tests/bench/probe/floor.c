/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor http|tcp COUNT PORT EVERY_MS SECONDS - the least that a prober can cost: bare
 * epoll, a fresh connection each, one 10 ms tick, starts spread evenly, answers looked
 * at for "200" only, nothing told to anybody. Prints processor µs a check.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512

struct probe {
	int fd;
	bool sent;
};

static int epoll;
static bool http;
static uint64_t checks, failed;

static uint64_t
now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
start(struct probe *p, uint32_t number, uint16_t port)
{
	static const struct linger reset = {.l_onoff = 1};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct epoll_event ev = {.events = EPOLLOUT, .data.ptr = p};

	if (p->fd >= 0)
		return;
	to.sin_addr.s_addr = htonl(0x7f400001 + number);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	p->sent = false;
	(void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	(void)connect(p->fd, (struct sockaddr *)&to, sizeof to);
	(void)epoll_ctl(epoll, EPOLL_CTL_ADD, p->fd, &ev);
}

static void
end(struct probe *p, bool good)
{
	(void)close(p->fd);
	p->fd = -1;
	checks++;
	failed += !good;
}

static void
go_on(struct probe *p)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: www.example.test\r\n"
				      "Connection: close\r\n\r\n";
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = p};
	char answer[8192];

	if (!http) {
		int error = 0;
		socklen_t size = sizeof error;

		(void)getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		end(p, error == 0);
	} else if (!p->sent) {
		p->sent = true;
		if (send(p->fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
			end(p, false);
		else
			(void)epoll_ctl(epoll, EPOLL_CTL_MOD, p->fd, &ev);
	} else {
		ssize_t n = recv(p->fd, answer, sizeof answer, 0);

		end(p, n > 12 && memcmp(answer + 9, "200", 3) == 0);
	}
}

int
main(int argc, char **argv)
{
	uint32_t count, next = 0;
	uint64_t every_us, begin_us, end_us, started = 0;
	struct probe *probes;
	struct rusage used;
	uint16_t port;

	if (argc != 6)
		return 64;
	http = strcmp(argv[1], "http") == 0;
	count = (uint32_t)atoi(argv[2]);
	port = (uint16_t)atoi(argv[3]);
	every_us = (uint64_t)atoi(argv[4]) * 1000;
	probes = calloc(count, sizeof *probes);
	for (uint32_t i = 0; i < count; i++)
		probes[i].fd = -1;
	epoll = epoll_create1(0);
	begin_us = now_us();
	end_us = begin_us + (uint64_t)atoi(argv[5]) * 1000000;
	for (uint64_t at_us = begin_us; at_us < end_us; at_us = now_us()) {
		struct epoll_event ready[EVENTS];
		uint64_t due = (at_us - begin_us) * count / every_us;
		int n;

		for (; started < due; started++, next = (next + 1) % count)
			start(&probes[next], next, port);
		n = epoll_wait(epoll, ready, EVENTS, 10);
		for (int i = 0; i < n; i++)
			go_on(ready[i].data.ptr);
	}
	(void)getrusage(RUSAGE_SELF, &used);
	printf("%.1f %llu %llu\n",
	    ((double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
		(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec)) /
		(double)checks,
	    (unsigned long long)checks, (unsigned long long)failed);
	return 0;
}
