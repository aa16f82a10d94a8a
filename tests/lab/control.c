/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control path is not part of Route 53 and must not disturb what tests count: a
 * hand edit goes through the same code as a client's change, with the counters put
 * back afterwards.
 */
#include "tests/lab/control.h"
#include "tests/lab/heap.h"
#include "tests/lab/name.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { BULK_MAX = 50000, BULK_TTL_S = 300, NAME_BYTES = 1025 };

const char control_usage[] =
    "The control path, on the API's port, unsigned, from this host alone:\n"
    "  GET  /lab/state                        counters, zones, record sets\n"
    "  POST /lab/fault?KEY=VALUE&...          what goes wrong next:\n"
    "    lose-answer=N   the next N changes are applied, and never answered\n"
    "    late=MS         the next change is applied that much later, never answered\n"
    "                    (count=N: so many; close=1: hung up; answer=1: answered)\n"
    "    throttle=N prior=N error=500   refusals (error: count=N, on=change|read,\n"
    "                    applied=1: the change is applied all the same)\n"
    "    outage=on|off|MS   connections are reset\n"
    "    refuse=MS       nothing listens\n"
    "    slow=MS insync-ms=MS clock=SECONDS stale-list=N old-errors=on|off\n"
    "    dns=on|off|servfail dns-delay=MS   (server=I: one name server, from 0)\n"
    "    clear=1         all of it as at the start\n"
    "  POST /lab/snapshot?name=X  /lab/restore?name=X     the zone, kept and put back\n"
    "  POST /lab/bulk?n=10000                 record sets of other people\n"
    "  POST /lab/edit                         body: a change batch; a hand edit\n"
    "  POST /lab/health?id=X&state=unhealthy  what a health check finds; alias=NAME:\n"
    "                    what an evaluated alias is told of a target outside\n"
    "  POST /lab/target?name=N&A=IP,IP        what an alias outside the zones is\n"
    "zone=ID says which zone is meant; the first, if it is not given.\n";

struct control {
	struct lab *lab;
	const struct api_call *call;
	struct api_reply *r;
};

__attribute__((format(printf, 2, 3))) static void
refuse(struct control *c, const char *format, ...)
{
	va_list args;

	c->r->status = 400;
	c->r->code = "LabRefused";
	va_start(args, format);
	evbuffer_add_vprintf(c->r->body, format, args);
	va_end(args);
	evbuffer_add(c->r->body, "\n", 1);
}

static const char *
setting(const struct control *c, const char *key)
{
	return evhttp_find_header(c->call->query, key);
}

/* NULL: refused. */
static struct zone *
zone_meant(struct control *c)
{
	const char *id = setting(c, "zone");
	struct zone *z =
	    id != NULL ? store_find_zone(&c->lab->store, id) : &c->lab->store.zones[0];

	if (z == NULL)
		refuse(c, "there is no zone %.100s", id);
	return z;
}

static void
run_fault(struct control *c)
{
	char why[FAULTS_WHY_BYTES];

	if (!faults_set(
		&c->lab->faults, c->call->query, c->lab->servers, lab_now_ms(), why))
		refuse(c, "%s", why);
}

static void
put_counters(struct evbuffer *out, const struct counters *n)
{
	const struct {
		const char *name;
		uint64_t count;
	} all[] = {
	    {"requests", n->requests},
	    {"changes", n->changes},
	    {"lists", n->lists},
	    {"get_changes", n->get_changes},
	    {"zone_reads", n->zone_reads},
	    {"applied", n->applied},
	    {"refused", n->refused},
	    {"denied", n->denied},
	    {"throttled", n->throttled},
	    {"edits", n->edits},
	    {"dns_queries", n->dns_queries},
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		evbuffer_add_printf(out, "counter\t%s\t%llu\n", all[i].name,
		    (unsigned long long)all[i].count);
}

static void
put_policy(struct evbuffer *out, const struct rrset *set)
{
	switch (rrset_policy(set)) {
	case POLICY_WEIGHTED:
		evbuffer_add_printf(out, "\tweighted=%u", set->weight);
		break;
	case POLICY_FAILOVER:
		evbuffer_add_printf(out, "\tfailover=%s", failover_name(set->failover));
		break;
	case POLICY_LATENCY:
		evbuffer_add_printf(out, "\tlatency=%s", set->region);
		break;
	case POLICY_GEO:
		evbuffer_add_printf(out, "\tgeolocation");
		break;
	case POLICY_MULTIVALUE:
		evbuffer_add_printf(out, "\tmultivalue");
		break;
	case POLICY_SIMPLE:
		evbuffer_add_printf(out, "\tsimple");
		break;
	}
}

static void
put_set(struct evbuffer *out, const struct zone *z, const struct rrset *set)
{
	evbuffer_add_printf(out, "set\t%s\t%s\t%s\t%s", z->id, set->name,
	    set->type->name, set->set_id != NULL ? set->set_id : "-");
	put_policy(out, set);
	if (set->has_ttl)
		evbuffer_add_printf(out, "\t%u", set->ttl_s);
	else
		evbuffer_add_printf(out, "\t-");
	evbuffer_add_printf(out, "\t%s", set->health != NULL ? set->health : "-");
	for (size_t i = 0; i < set->values_n; i++)
		evbuffer_add_printf(out, "\t%s", set->values[i]);
	if (set->alias_zone != NULL)
		evbuffer_add_printf(out, "\talias %s %s %s", set->alias_zone,
		    set->alias_name, set->alias_evaluate ? "true" : "false");
	evbuffer_add(out, "\n", 1);
}

static void
run_state(struct control *c)
{
	const struct store *s = &c->lab->store;

	put_counters(c->r->body, &c->lab->counters);
	for (size_t i = 0; i < s->zones_n; i++) {
		const struct zone *z = &s->zones[i];

		evbuffer_add_printf(c->r->body, "zone\t%s\t%s\t%llu\n", z->id, z->name,
		    (unsigned long long)z->commits);
		for (size_t k = 0; k < z->now->n; k++)
			put_set(c->r->body, z, z->now->sets[k]);
	}
}

static void
run_snapshot(struct control *c)
{
	const char *name = setting(c, "name");
	struct zone *z = zone_meant(c);

	if (z == NULL)
		return;
	if (name == NULL || *name == '\0' || strlen(name) > 100)
		refuse(c, "a snapshot needs name=, of at most 100 characters");
	else if (!zone_snapshot(z, name))
		refuse(c, "there are %d snapshots already", ZONE_SNAPSHOTS_MAX);
}

static void
run_restore(struct control *c)
{
	const char *name = setting(c, "name");
	struct zone *z = zone_meant(c);
	struct version *v;

	if (z == NULL)
		return;
	v = name != NULL ? zone_find_snapshot(z, name) : NULL;
	if (v == NULL)
		refuse(c, "there is no such snapshot");
	else
		lab_commit(c->lab, z, version_ref(v), NULL);
}

/* Names all over the alphabet, every tenth set a second one of a weighted pair. */
static struct rrset *
bulk_set(const struct zone *z, uint64_t i)
{
	struct rrset *set = rrset_new();
	uint64_t host = i % 10 == 1 ? i - 1 : i;
	char text[NAME_BYTES];

	snprintf(text, sizeof text, "%c%06llu-%llu.%.900s", (char)('a' + host % 26),
	    (unsigned long long)host, (unsigned long long)z->commits, z->name);
	rrset_set_name(set, text);
	set->type = rrtype_find("A");
	set->has_ttl = true;
	set->ttl_s = BULK_TTL_S;
	if (i % 10 <= 1) {
		set->set_id = heap_string(i % 10 == 0 ? "one" : "two");
		set->has_weight = true;
		set->weight = 1;
	}
	snprintf(text, sizeof text, "192.0.2.%u", (unsigned)(i % 254 + 1));
	rrset_add_value(set, text);
	return set;
}

static void
run_bulk(struct control *c)
{
	const char *text = setting(c, "n");
	struct zone *z = zone_meant(c);
	char *end = NULL;

	if (z == NULL)
		return;
	unsigned long n =
	    text != NULL && *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
	if (n == 0 || *end != '\0' || n > BULK_MAX || z->now->n + n > BULK_MAX) {
		refuse(c, "n= is a number of sets; a zone holds %d here", BULK_MAX);
		return;
	}
	struct version *v = version_copy(z->now);
	for (unsigned long i = 0; i < n; i++) {
		struct rrset *set = bulk_set(z, i);

		if (version_find(z->now, set) == NULL)
			version_append(v, set);
		rrset_unref(set);
	}
	version_sort(v);
	lab_commit(c->lab, z, v, NULL);
}

static void
run_edit(struct control *c)
{
	struct zone *z = zone_meant(c);
	struct counters before = c->lab->counters;
	struct api_call call = *c->call;

	if (z == NULL)
		return;
	call.op = API_CHANGE;
	call.content_type = NULL;
	memcpy(call.id, z->id, sizeof z->id);
	api_run(c->lab, &call, c->r);
	c->lab->counters = before;
	c->lab->counters.edits++;
}

static void
set_check_health(struct control *c, const char *id, bool healthy)
{
	struct check *one = checks_find(&c->lab->checks, id);

	if (one == NULL)
		refuse(c, "there is no health check %.64s", id);
	else if (strcmp(one->kind, "CALCULATED") == 0)
		refuse(c, "%.64s is calculated: it follows its children", id);
	else
		one->failing = !healthy;
}

static void
set_alias_health(struct control *c, const char *name, bool healthy)
{
	char text[NAME_TEXT_BYTES];

	if (!name_parse(name, text))
		refuse(c, "not a domain name: %.100s", name);
	else if (!world_set_health(&c->lab->world, text, healthy))
		refuse(c, "at most %d targets are unhealthy", WORLD_UNHEALTHY_MAX);
}

static void
run_health(struct control *c)
{
	const char *id = setting(c, "id"), *state = setting(c, "state");
	const char *alias = setting(c, "alias");
	bool healthy = state != NULL && strcmp(state, "healthy") == 0;

	if ((id == NULL) == (alias == NULL) || state == NULL ||
	    (!healthy && strcmp(state, "unhealthy") != 0))
		refuse(c, "wanted: id=X or alias=NAME, and state=healthy or unhealthy");
	else if (id != NULL)
		set_check_health(c, id, healthy);
	else
		set_alias_health(c, alias, healthy);
}

static void
run_target(struct control *c)
{
	static const char *const types[] = {"A", "AAAA"};
	const char *name = setting(c, "name");
	char why[200];

	if (name == NULL) {
		refuse(c, "wanted: name=N&A=IP,IP&AAAA=IP,IP");
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		const char *addresses = setting(c, types[i]);

		if (addresses != NULL &&
		    !world_set_target(&c->lab->world, name, types[i], addresses, why)) {
			refuse(c, "%s", why);
			return;
		}
	}
}

static const struct {
	const char *method, *path;
	void (*run)(struct control *c);
} routes[] = {
    {"POST", "/lab/fault", run_fault},
    {"GET", "/lab/state", run_state},
    {"POST", "/lab/snapshot", run_snapshot},
    {"POST", "/lab/restore", run_restore},
    {"POST", "/lab/bulk", run_bulk},
    {"POST", "/lab/edit", run_edit},
    {"POST", "/lab/health", run_health},
    {"POST", "/lab/target", run_target},
};

void
control_run(struct lab *lab, const struct api_call *call, const char *method,
    const char *path, struct api_reply *r)
{
	struct control c = {lab, call, r};

	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		if (strcmp(routes[i].path, path) != 0 ||
		    strcmp(routes[i].method, method) != 0)
			continue;
		routes[i].run(&c);
		if (evbuffer_get_length(r->body) == 0)
			evbuffer_add_printf(r->body, "ok\n");
		return;
	}
	refuse(&c, "there is no %s %.100s; see --help", method, path);
}
