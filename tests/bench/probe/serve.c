/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve PORT TLS_PORT COUNTERS CERTIFICATE KEY - answers every request on both ports
 * with 200 and "ok", closes. Counts what came in the file COUNTERS, three uint64_t:
 * connections, answers, resumed sessions. One epoll loop; the other core's work in the
 * bench.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 512

struct connection {
	int fd;
	bool listens;
	SSL *ssl; /* NULL: none */
};

static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
			   "Connection: close\r\n\r\nok";
static volatile uint64_t *counters;
static SSL_CTX *context;
static int poll;

static void
end(struct connection *c)
{
	SSL_free(c->ssl);
	(void)close(c->fd);
	free(c);
}

static void
answer(struct connection *c)
{
	char request[2048];

	if (recv(c->fd, request, sizeof request, 0) > 0) {
		counters[1]++;
		(void)send(c->fd, text, sizeof text - 1, MSG_NOSIGNAL);
	}
	end(c);
}

static void
answer_tls(struct connection *c)
{
	char request[2048];
	int n = SSL_is_init_finished(c->ssl) ? 1 : SSL_accept(c->ssl);

	if (n == 1)
		n = SSL_read(c->ssl, request, sizeof request);
	if (n <= 0 && SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ)
		return;
	if (n > 0) {
		counters[1]++;
		counters[2] += SSL_session_reused(c->ssl) == 1;
		(void)SSL_write(c->ssl, text, sizeof text - 1);
		(void)SSL_shutdown(c->ssl);
	}
	end(c);
}

static struct connection *
watch(int fd, bool listens, bool tls)
{
	struct connection *c = calloc(1, sizeof *c);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

	c->fd = fd;
	c->listens = listens;
	if (tls) {
		c->ssl = SSL_new(context);
		(void)SSL_set_fd(c->ssl, fd);
	}
	(void)epoll_ctl(poll, EPOLL_CTL_ADD, fd, &ev);
	return c;
}

static void
listen_on(uint16_t port, bool tls)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 65535) < 0) {
		perror("serve");
		exit(1);
	}
	(void)watch(fd, true, tls);
}

static void
greet(const struct connection *listener)
{
	int fd;

	while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		counters[0]++;
		(void)watch(fd, false, listener->ssl != NULL);
	}
}

static void
open_context(const char *certificate, const char *key)
{
	context = SSL_CTX_new(TLS_server_method());
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "serve: no certificate\n");
		exit(1);
	}
	(void)SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
	(void)SSL_CTX_set_num_tickets(context, 1);
}

int
main(int argc, char **argv)
{
	int fd = argc == 6 ? open(argv[3], O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;

	if (fd < 0 || ftruncate(fd, 3 * sizeof *counters) < 0)
		return 64;
	counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	poll = epoll_create1(0);
	(void)signal(SIGPIPE, SIG_IGN);
	open_context(argv[4], argv[5]);
	listen_on((uint16_t)atoi(argv[1]), false);
	listen_on((uint16_t)atoi(argv[2]), true);
	for (;;) {
		struct epoll_event ready[EVENTS];
		int n = epoll_wait(poll, ready, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct connection *c = ready[i].data.ptr;

			if (c->listens)
				greet(c);
			else if (c->ssl == NULL)
				answer(c);
			else
				answer_tls(c);
		}
	}
}
