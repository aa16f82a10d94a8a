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
digest(const struct prober_msg *m, uint16_t port)
{
	const struct check_spec *check = &m->check;
	const uint8_t *byte = (const uint8_t *)check;
	uint64_t hash = UINT64_C(14695981039346656037) ^ port;

	for (unsigned i = 0; i < PROBER_FILES; i++)
		hash = (hash ^ m->file[i].stamp) * UINT64_C(1099511628211);
	for (size_t i = 0; i < sizeof *check; i++)
		hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
	return hash;
}

static bool
is_same(const struct plan *p, const struct prober_msg *m, uint16_t port, uint64_t hash)
{
	if (p->hash != hash || p->port != port ||
	    memcmp(&p->check, &m->check, sizeof p->check) != 0)
		return false;
	for (unsigned i = 0; i < PROBER_FILES; i++) {
		if (p->stamp[i] != m->file[i].stamp)
			return false;
	}
	return true;
}

static void
make_ready(struct plan *p, const struct prober_msg *m, struct tls_system *system)
{
	const struct check_spec *check = &p->check;
	struct err e;

	if (check->kind == CHECK_EXEC)
		return;
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
	if (check->kind == CHECK_TCP) {
		if (!tcp_plan_init(
			&p->tcp, &check->tcp, p->port, &p->from, m->file, system, &e))
			(void)snprintf(p->trouble, sizeof p->trouble, "%.100s", e.text);
		return;
	}
	if (check->kind == CHECK_DNS) {
		if (!dns_plan_init(&p->dns, check, p->port, &p->from, &e))
			(void)snprintf(p->trouble, sizeof p->trouble, "%.100s", e.text);
		return;
	}
	if (check->kind != CHECK_HTTP) {
		(void)snprintf(p->trouble, sizeof p->trouble,
		    "a check of kind %d is none of a prober's", (int)check->kind);
		return;
	}
	p->http = http_plan_new(check, p->port, &p->from, m->file, system, &e);
	if (p->http == NULL)
		(void)snprintf(p->trouble, sizeof p->trouble, "%.100s", e.text);
}

struct plan *
plan_take(struct plans *all, const struct prober_msg *m, struct tls_system *system)
{
	const struct check_spec *check = &m->check;
	uint16_t own = check->kind == CHECK_HTTP ? check->http.port
	    : check->kind == CHECK_TCP           ? check->tcp.port
	    : check->kind == CHECK_DNS           ? check->dns.port
						 : 0;
	uint16_t in_force = own != 0 ? own : m->port;
	uint64_t hash = digest(m, in_force);
	struct plan **bucket = &all->bucket[hash % PLAN_BUCKETS], *p;

	for (p = *bucket; p != NULL; p = p->next) {
		if (is_same(p, m, in_force, hash)) {
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
	for (unsigned i = 0; i < PROBER_FILES; i++)
		p->stamp[i] = m->file[i].stamp;
	make_ready(p, m, system);
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
	tcp_plan_fini(&p->tcp);
	free(p);
}
