/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks are compared byte by byte: whoever fills them starts from zeroes, and where
 * two equal ones differ in padding the price is a second copy.
 *
 * A check that cannot be carried out (configuration should have refused it) makes every
 * sample UNKNOWN and says why: it must neither end the worker nor blame the endpoint.
 */
#include "probe/plan.h"

#include <assert.h>
#include <stdlib.h>

static uint64_t
digest(const struct check_spec *check, uint16_t port)
{
	const uint8_t *byte = (const uint8_t *)check;
	uint64_t hash = UINT64_C(14695981039346656037) ^ port;

	for (size_t i = 0; i < sizeof *check; i++)
		hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
	return hash;
}

static void
make_ready(struct plan *p)
{
	const struct check_spec *check = &p->check;
	struct err e;

	p->from.any = check->source[0] == '\0';
	if (!p->from.any && !address_parse(&p->from.address, check->source)) {
		(void)snprintf(p->trouble, sizeof p->trouble,
		    "the check's source \"%.60s\" is no address", check->source);
		return;
	}
	if (p->port == 0) {
		(void)snprintf(p->trouble, sizeof p->trouble, "the check has no port");
		return;
	}
	if (check->kind == CHECK_TCP)
		return;
	if (check->kind != CHECK_HTTP) {
		(void)snprintf(p->trouble, sizeof p->trouble,
		    "a check of kind %d is none of a prober's", (int)check->kind);
		return;
	}
	p->http = http_plan_new(&check->http, p->port, &p->from, check->timeout_ms, &e);
	if (p->http == NULL)
		(void)snprintf(p->trouble, sizeof p->trouble, "%.100s", e.text);
}

struct plan *
plan_take(struct plans *all, const struct check_spec *check, uint16_t port)
{
	uint16_t own = check->kind == CHECK_HTTP ? check->http.port
	    : check->kind == CHECK_TCP           ? check->tcp.port
						 : 0;
	uint16_t in_force = own != 0 ? own : port;
	uint64_t hash = digest(check, in_force);
	struct plan **bucket = &all->bucket[hash % PLAN_BUCKETS], *p;

	for (p = *bucket; p != NULL; p = p->next) {
		if (p->hash == hash && p->port == in_force &&
		    memcmp(&p->check, check, sizeof *check) == 0) {
			p->users++;
			return p;
		}
	}
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	p->check = *check;
	p->port = in_force;
	p->hash = hash;
	p->users = 1;
	p->next = *bucket;
	*bucket = p;
	make_ready(p);
	return p;
}

void
plan_give_back(struct plans *all, struct plan *p)
{
	struct plan **at = &all->bucket[p->hash % PLAN_BUCKETS];

	assert(p->users > 0);
	if (--p->users > 0)
		return;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	http_plan_free(p->http);
	free(p);
}
