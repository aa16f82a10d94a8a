/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window on the chain of credentials, for test_credentials_sources.py.
 *
 *   tool_credentials PROFILE ROLE_ARN EXTERNAL_ID REGION AHEAD_MS RETRY_MS PATIENCE_MS
 *
 * Words on standard input, a line each: get (what it says now), wait (the same, once it
 * says something other than wait), reject. An answer is one line of fields parted
 * by tabs: state, access key, secret key, token, source, warning, error, and the worst
 * lateness of the loop so far in ms.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "steering/zone/credentials.h"

#define TICK_MS 5

static struct event_base *base;
static struct event *tick, *input;
static struct credentials_chain *chain;
static bool is_waiting;
static uint64_t due_ms, late_ms;

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
answer(bool always)
{
	static const char *const word[] = {"ready", "wait", "cannot"};
	const struct credentials *who = NULL;
	struct err e = {""};
	enum credentials_state state = credentials_get(chain, &who, &e);

	if (state == CREDENTIALS_WAIT && !always) {
		is_waiting = true;
		return;
	}
	is_waiting = false;
	(void)printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%llu\n", word[state],
	    who != NULL ? who->access_key : "", who != NULL ? who->secret_key : "",
	    who != NULL ? who->session_token : "", credentials_identity(chain),
	    credentials_warning(chain), e.text, (unsigned long long)late_ms);
	(void)fflush(stdout);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct timeval t = {.tv_usec = TICK_MS * 1000};
	uint64_t now = now_ms();

	(void)fd, (void)what, (void)arg;
	if (due_ms != 0 && now > due_ms && now - due_ms > late_ms)
		late_ms = now - due_ms;
	due_ms = now + TICK_MS;
	(void)event_add(tick, &t);
	if (is_waiting)
		answer(false);
}

static void
on_input(evutil_socket_t fd, short what, void *arg)
{
	char text[256], *word, *rest = text;
	ssize_t n = read(fd, text, sizeof text - 1);

	(void)what, (void)arg;
	text[n > 0 ? n : 0] = '\0';
	if (n <= 0)
		(void)event_base_loopbreak(base);
	while ((word = strsep(&rest, "\n")) != NULL && word[0] != '\0') {
		if (strcmp(word, "reject") == 0)
			credentials_reject(chain);
		else
			answer(strcmp(word, "get") == 0);
	}
}

int
main(int argc, char **argv)
{
	struct credentials_spec spec;
	struct err e;

	if (argc != 8)
		return 2;
	spec = (struct credentials_spec){.profile = argv[1],
	    .role_arn = argv[2],
	    .external_id = argv[3],
	    .region = argv[4],
	    .ahead_ms = (uint64_t)atoi(argv[5]),
	    .retry_ms = (uint64_t)atoi(argv[6]),
	    .patience_ms = (uint64_t)atoi(argv[7])};
	base = event_base_new();
	if (base == NULL)
		return 1;
	chain = credentials_new(base, &spec, NULL, NULL, &e);
	if (chain == NULL) {
		(void)printf("%s\n", e.text);
		return 1;
	}
	tick = evtimer_new(base, on_tick, NULL);
	input = event_new(base, 0, EV_READ | EV_PERSIST, on_input, NULL);
	if (tick == NULL || input == NULL || event_add(input, NULL) != 0)
		return 1;
	on_tick(-1, 0, NULL);
	(void)event_base_dispatch(base);
	credentials_free(chain);
	event_free(tick);
	event_free(input);
	event_base_free(base);
	return 0;
}
