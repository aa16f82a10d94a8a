/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_peer FOLDER SELF NAME...: agent SELF of agents NAME..., with the certificates
 * that pointsman-ca put into FOLDER, until it is ended. Says its port, then each
 * message ("iad 2 {}"); facts go to standard error. IDLE_MS in the environment.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/facts.h"
#include "steering/agent/peer_wire.h"

static struct peer_wire_conf conf;

static void
on_message(uint32_t from, const char *body, size_t n, struct peer_reply *r, void *arg)
{
	(void)arg;
	(void)printf("%s %zu %.40s\n", conf.agent[from].name, n, body);
	*r = (struct peer_reply){200, "{\"heard\":true}\n", 15};
}

static void
on_result(uint32_t to, const struct peer_result *r, void *arg)
{
	(void)to, (void)r, (void)arg;
}

int
main(int argc, char **argv)
{
	const struct peer_wire_calls calls = {on_message, on_result, NULL};
	struct event_base *base = event_base_new();
	struct peer_wire *w;
	struct err e;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4 || argc - 3 > AGENTS_MAX || getenv("IDLE_MS") == NULL)
		return 2;
	(void)snprintf(conf.listen_host, sizeof conf.listen_host, "127.0.0.1");
	conf.idle_ms = (uint32_t)atoi(getenv("IDLE_MS"));
	conf.agents = (uint32_t)argc - 3;
	for (uint32_t i = 0; i < conf.agents; i++) {
		(void)snprintf(conf.agent[i].name, WORD_MAX, "%s", argv[i + 3]);
		(void)snprintf(conf.agent[i].host, DNS_NAME_MAX, "127.0.0.1");
		conf.agent[i].port = 1;
		if (strcmp(argv[2], argv[i + 3]) == 0)
			conf.self = i;
	}
	(void)snprintf(
	    conf.cert, sizeof conf.cert, "%.200s/%.30s.pem", argv[1], argv[2]);
	(void)snprintf(conf.key, sizeof conf.key, "%.200s/%.30s.key", argv[1], argv[2]);
	(void)snprintf(conf.ca, sizeof conf.ca, "%.200s/ca.pem", argv[1]);
	w = peer_wire_new(base, &conf, &calls, facts_new(2, FACT_INFO, NULL), &e);
	if (w == NULL) {
		(void)fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	(void)printf("%u\n", peer_wire_port(w));
	return event_base_dispatch(base);
}
