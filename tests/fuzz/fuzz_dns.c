/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name server that lies, to both adapters of c-ares: the prober's look-ups (probe/
 * resolve.c) and the questions to a zone's servers (steering/zone/dns_ask.c).
 *
 * The first byte chooses who asks, and how much is given to the liar: with it the
 * right transaction and question are written before the input, so that the fuzzer
 * need not guess them. After the lie an honest "no such name" follows at once: a lie
 * that is passed over ends in that, not in a time-out.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/resolve.h"
#include "steering/zone/provider.h"
#include "tests/fuzz/fuzz.h"

#define PACKET_MAX 4096

static struct event_base *base;
static struct resolver *resolver;
static struct dns_ask *asker;
static char server[32];
static const uint8_t *lie;
static size_t lie_bytes;
static bool helped; /* transaction, flags and question are written for the liar */
static bool over;

static void
on_question(evutil_socket_t fd, short what, void *arg)
{
	uint8_t in[PACKET_MAX], out[PACKET_MAX];
	struct sockaddr_in from;
	socklen_t from_bytes = sizeof from;
	ssize_t got = recvfrom(fd, in, sizeof in, 0, (void *)&from, &from_bytes);
	size_t question = 12, n = 0;

	(void)what;
	(void)arg;
	if (got < 17)
		return;
	while (question < (size_t)got && in[question] != 0)
		question += in[question] + 1U;
	question += 5;
	if (question > (size_t)got)
		abort();
	if (helped) {
		/* Authoritative, no error; the counts are the liar's first bytes. */
		memcpy(out, in, question);
		out[2] = 0x84;
		out[3] = 0x00;
		memset(out + 6, 0, 6);
		for (size_t i = 0; i < 3 && i < lie_bytes; i++)
			out[7 + 2 * i] = lie[i] & 7;
		n = question;
	}
	size_t skip = helped ? (lie_bytes < 3 ? lie_bytes : 3) : 0;
	size_t room = sizeof out - n, most = lie_bytes - skip;
	if (most > room)
		most = room;
	if (most > 0)
		memcpy(out + n, lie + skip, most);
	n += most;
	if (!helped && n >= 2)
		memcpy(out, in, 2);
	(void)sendto(fd, out, n, 0, (void *)&from, from_bytes);
	in[2] = 0x84;
	in[3] = 0x03;
	memset(in + 6, 0, 6);
	(void)sendto(fd, in, question, 0, (void *)&from, from_bytes);
}

static void
begin(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t at_bytes = sizeof at;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct err e;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (void *)&at, sizeof at) < 0 ||
	    getsockname(fd, (void *)&at, &at_bytes) < 0)
		abort();
	(void)snprintf(server, sizeof server, "127.0.0.1:%u", ntohs(at.sin_port));
	base = event_base_new();
	resolver = resolver_new(base, server, &e);
	asker = dns_ask_new(base, &e);
	struct event *ev = event_new(base, fd, EV_READ | EV_PERSIST, on_question, NULL);
	if (resolver == NULL || asker == NULL || event_add(ev, NULL) < 0)
		abort();
}

static void
on_addresses(void *arg, const struct resolve_answer *a)
{
	(void)arg;
	if (a->addresses > RESOLVE_ADDRESSES_MAX ||
	    (a->status == RESOLVE_FOUND) != (a->addresses > 0))
		abort();
	over = true;
}

static void
on_text(const struct dns_ask_answer *a, void *arg)
{
	(void)arg;
	if (strnlen(a->text, sizeof a->text) == sizeof a->text ||
	    (a->exists && !a->answered))
		abort();
	over = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 1)
		return 0;
	if (base == NULL)
		begin();
	lie = data + 1;
	lie_bytes = n - 1;
	helped = (data[0] & 4) != 0;
	over = false;
	if ((data[0] & 3) == 2)
		dns_ask_txt(
		    asker, server, "_pointsman.www.example.com", 60, on_text, NULL);
	else if (resolver_ask(resolver, "www.example.com",
		     (data[0] & 1) ? FAMILY_V6 : FAMILY_V4, on_addresses, NULL) == NULL)
		abort();
	while (!over)
		if (event_base_loop(base, EVLOOP_ONCE) != 0)
			abort();
	return 0;
}
