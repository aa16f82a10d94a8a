/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page in Prometheus's text format (exposition_formats.md, version 0.0.4): every
 * family is written in one piece, HELP and TYPE first, counters end in _total, times
 * are seconds. One function a subject.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "steering/agent/agent.h"
#include "steering/agent/facts.h"
#include "steering/agent/incidents.h"
#include "steering/agent/jobs.h"
#include "steering/agent/metrics_counts.h"
#include "steering/agent/peers.h"
#include "steering/agent/store.h"

struct page_out {
	FILE *file;
	const struct metrics *m;
	const struct agent *a;
};

static void
family(const struct page_out *o, const char *name, const char *type, const char *help)
{
	(void)fprintf(o->file, "# HELP pointsman_%s %s\n# TYPE pointsman_%s %s\n", name,
	    help, name, type);
}

/* key="value", the value escaped. */
static void
label(FILE *out, const char *before, const char *key, const char *value)
{
	(void)fprintf(out, "%s%s=\"", before, key);
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '\\' || *p == '"')
			(void)fputc('\\', out);
		if (*p == '\n')
			(void)fputs("\\n", out);
		else
			(void)fputc(*p, out);
	}
	(void)fputc('"', out);
}

/* One sample: pairs of key and value, NULL at the end. */
static void
sample(const struct page_out *o, const char *name, double value, ...)
{
	const char *key, *before = "{";
	va_list ap;

	(void)fprintf(o->file, "pointsman_%s", name);
	va_start(ap, value);
	while ((key = va_arg(ap, const char *)) != NULL) {
		label(o->file, before, key, va_arg(ap, const char *));
		before = ",";
	}
	va_end(ap);
	if (*before == ',')
		(void)fputc('}', o->file);
	(void)fprintf(o->file, " %.15g\n", value);
}

#define END ((const char *)NULL)

static void
one(const struct page_out *o, const char *name, const char *type, const char *help,
    double value)
{
	family(o, name, type, help);
	sample(o, name, value, END);
}

/* ---- the agent ---- */

static void
write_agent(const struct page_out *o)
{
	const struct agent *a = o->a;
	uint32_t alive, workers = agent_workers(a, &alive);

	family(o, "build_info", "gauge", "Always 1; its labels say what runs.");
	sample(o, "build_info", 1, "version", POINTSMAN_VERSION, "agent", a->name,
	    "cluster", a->config->cluster, END);
	one(o, "start_time_seconds", "gauge", "When the agent began, Unix time.",
	    (double)a->start_wall_s);
	one(o, "loop_lateness_seconds", "gauge",
	    "Worst lateness of the event loop in the last minute.",
	    (double)agent_late_ms(a) / 1000);
	one(o, "loop_lateness_max_seconds", "gauge",
	    "Worst lateness of the event loop since the start.",
	    (double)agent_late_max_ms(a) / 1000);
	one(o, "prober_lateness_max_seconds", "gauge",
	    "Worst lateness of a prober's event loop since the start.",
	    (double)agent_worker_late_max_ms(a) / 1000);
	family(o, "abstains", "gauge",
	    "1 for the reason why the agent abstains from every vote.");
	for (int d = DOUBT_NOT + 1; d < DOUBTS; d++)
		sample(o, "abstains", agent_doubt(a) == (enum doubt)d, "reason",
		    doubt_word((enum doubt)d), END);
	one(o, "workers", "gauge", "Prober workers configured.", workers);
	one(o, "workers_alive", "gauge", "Prober workers alive.", alive);
	one(o, "worker_restarts_total", "counter", "Prober workers that died.",
	    (double)o->m->worker_restarts);
	one(o, "runner_alive", "gauge",
	    "1 while the process that runs programs is there.", jobs_alive(a->jobs));
	one(o, "runner_jobs", "gauge", "Programs that run now.", jobs_running(a->jobs));
	one(o, "runner_restarts_total", "counter", "Times that the runner died.",
	    (double)jobs_restarts(a->jobs));
	family(o, "reloads_total", "counter", "Configurations read again, by result.");
	sample(o, "reloads_total", (double)a->reloads, "result", "good", END);
	sample(o, "reloads_total", (double)a->reloads_failed, "result", "failed", END);
}

static void
write_fact(const char *service, enum fact_kind kind, uint64_t count, void *arg)
{
	sample(arg, "facts_total", (double)count, "service", service, "fact",
	    fact_word(kind), END);
}

static void
write_facts(struct page_out *o)
{
	const struct agent *a = o->a;

	family(o, "facts_total", "counter",
	    "Facts by service and kind, repeats included.");
	facts_each(a->facts, write_fact, o);
	one(o, "log_lines_lost_total", "counter", "Log lines that nobody took in time.",
	    (double)facts_lines_lost(a->facts));
	one(o, "facts_dropped_total", "counter",
	    "Rows lost because the store's queue was full.",
	    a->store != NULL ? (double)store_dropped(a->store) : 0);
	one(o, "store_queue", "gauge", "Rows that wait for the disk.",
	    a->store != NULL ? (double)store_queued(a->store) : 0);
}

/* ---- probes ---- */

static void
write_duration(const struct page_out *o, const struct metrics_service *s,
    const struct metrics_member *x)
{
	uint64_t below = 0;
	char le[24];

	for (unsigned b = 0; b <= METRICS_BUCKETS; b++) {
		below += x->duration[b];
		if (b < METRICS_BUCKETS)
			(void)snprintf(le, sizeof le, "%g", metrics_bucket_us[b] / 1e6);
		else
			(void)snprintf(le, sizeof le, "+Inf");
		sample(o, "probe_duration_seconds_bucket", (double)below, "service",
		    s->name, "member", x->name, "le", le, END);
	}
	sample(o, "probe_duration_seconds_sum", (double)x->duration_sum_us / 1e6,
	    "service", s->name, "member", x->name, END);
	sample(o, "probe_duration_seconds_count", (double)below, "service", s->name,
	    "member", x->name, END);
}

static void
write_results(const struct page_out *o, const struct metrics_service *s,
    const struct metrics_member *x)
{
	static const char *const outcome[] = {
	    [OUTCOME_UNKNOWN] = "unknown",
	    [OUTCOME_PASS] = "pass",
	    [OUTCOME_FAIL] = "fail",
	};

	for (unsigned r = 0; r <= OUTCOME_FAIL; r++)
		for (unsigned why = 0; why < PROBE_REASONS; why++)
			if (x->results[r][why] > 0)
				sample(o, "probe_results_total",
				    (double)x->results[r][why], "service", s->name,
				    "member", x->name, "outcome", outcome[r], "reason",
				    probe_reason_word((enum probe_reason)why), END);
}

static void
write_probes(const struct page_out *o)
{
	family(o, "probe_duration_seconds", "histogram",
	    "How long probes took, passed and failed, by member.");
	for (uint32_t i = 0; i < o->m->services; i++)
		for (uint32_t k = 0; k < o->m->service[i].members; k++)
			write_duration(
			    o, &o->m->service[i], &o->m->service[i].member[k]);
	family(o, "probe_results_total", "counter", "Probes by outcome and reason.");
	for (uint32_t i = 0; i < o->m->services; i++)
		for (uint32_t k = 0; k < o->m->service[i].members; k++)
			write_results(
			    o, &o->m->service[i], &o->m->service[i].member[k]);
}

/* ---- members ---- */

static void
each_member(const struct page_out *o,
    void (*fn)(const struct page_out *o, const struct agent_service *s, uint32_t m,
	const char *service, const char *member))
{
	for (uint32_t i = 0; i < o->a->services; i++) {
		const struct agent_service *s = o->a->service[i];

		for (uint32_t m = 0; m < s->conf->rule.members; m++)
			fn(o, s, m, s->conf->rule.name, s->conf->rule.member[m].name);
	}
}

static void
write_verdict(const struct page_out *o, const struct agent_service *s, uint32_t m,
    const char *service, const char *member)
{
	for (int v = VERDICT_UNDECIDED; v <= VERDICT_DOWN; v++)
		sample(o, "member_verdict",
		    s->engine->quorum[m].verdict == (enum verdict)v, "service", service,
		    "member", member, "verdict", verdict_word((enum verdict)v), END);
}

static void
write_addresses(const struct page_out *o, const struct agent_service *s, uint32_t m,
    const char *service, const char *member)
{
	const struct vote_view *v = &s->engine->vote[m];

	sample(o, "member_addresses", v->up, "service", service, "member", member,
	    "state", "up", END);
	sample(o, "member_addresses", v->down, "service", service, "member", member,
	    "state", "down", END);
	sample(o, "member_addresses", v->unknown, "service", service, "member", member,
	    "state", "unknown", END);
}

static void
write_weight(const struct page_out *o, const struct agent_service *s, uint32_t m,
    const char *service, const char *member)
{
	if (s->engine->has_ledger)
		sample(o, "member_weight", s->engine->ledger.member[m].weight,
		    "service", service, "member", member, END);
}

static void
write_out(const struct page_out *o, const struct agent_service *s, uint32_t m,
    const char *service, const char *member)
{
	if (s->engine->has_ledger)
		sample(o, "member_out", s->engine->ledger.member[m].out, "service",
		    service, "member", member, END);
}

static void
write_latched(const struct page_out *o, const struct agent_service *s, uint32_t m,
    const char *service, const char *member)
{
	if (s->engine->has_ledger)
		sample(o, "member_latched", s->engine->ledger.member[m].latched,
		    "service", service, "member", member, END);
}

static void
write_members(const struct page_out *o)
{
	family(o, "member_verdict", "gauge", "1 for the verdict in force.");
	each_member(o, write_verdict);
	family(o, "member_addresses", "gauge", "Probed addresses, as seen from here.");
	each_member(o, write_addresses);
	family(o, "member_weight", "gauge", "Weight as the ledger has it.");
	each_member(o, write_weight);
	family(o, "member_out", "gauge", "1 while the member is drained.");
	each_member(o, write_out);
	family(o, "member_latched", "gauge", "1 while an operator must acknowledge.");
	each_member(o, write_latched);
}

/* ---- services and the zone ---- */

static void
write_services(const struct page_out *o)
{
	const struct agent *a = o->a;

	family(o, "ledger_epoch", "gauge", "Epoch of the ledger as last believed.");
	for (uint32_t i = 0; i < a->services; i++)
		sample(o, "ledger_epoch", (double)a->service[i]->engine->ledger.epoch,
		    "service", a->service[i]->conf->rule.name, END);
	family(o, "service_can_write", "gauge", "0 while this agent cannot write.");
	for (uint32_t i = 0; i < a->services; i++)
		sample(o, "service_can_write",
		    a->service[i]->engine->cannot == CANNOT_NOT, "service",
		    a->service[i]->conf->rule.name, END);
	family(o, "service_frozen", "gauge",
	    "1 while the zone does not add up and an operator must look.");
	for (uint32_t i = 0; i < a->services; i++)
		sample(o, "service_frozen",
		    a->service[i]->engine->watch.frozen != FROZEN_NOT, "service",
		    a->service[i]->conf->rule.name, END);
	family(o, "nameservers_silent", "gauge", "1 while no name server answers us.");
	for (uint32_t i = 0; i < a->services; i++)
		sample(o, "nameservers_silent", a->service[i]->dns_silent, "service",
		    a->service[i]->conf->rule.name, END);
}

static void
write_changes(const struct page_out *o)
{
	static const char *const word[] = {
	    [CHANGE_OK] = "committed",
	    [CHANGE_LOST] = "lost",
	    [CHANGE_UNKNOWN] = "unknown",
	    [CHANGE_BUSY] = "busy",
	    [CHANGE_REFUSED] = "refused",
	    [CHANGE_OUT] = "not-sent",
	};

	family(o, "changes_total", "counter", "Changes by what became of them.");
	for (uint32_t i = 0; i < o->m->services; i++)
		for (unsigned r = 0; r <= CHANGE_OUT; r++)
			sample(o, "changes_total", (double)o->m->service[i].changes[r],
			    "service", o->m->service[i].name, "result", word[r], END);
}

static void
write_api(const struct page_out *o)
{
	static const char *const call[METRICS_APIS] = {
	    [METRICS_API_READ] = "read",
	    [METRICS_API_CHANGE] = "change",
	    [METRICS_API_POLL] = "poll",
	    [METRICS_API_NAMESERVERS] = "nameservers",
	    [METRICS_API_TARGETS] = "targets",
	};

	family(o, "api_requests_total", "counter", "Answers of the zone's API.");
	for (unsigned c = 0; c < METRICS_APIS; c++)
		for (unsigned r = 0; r <= ZONE_OUT; r++)
			if (o->m->requests[c][r] > 0)
				sample(o, "api_requests_total",
				    (double)o->m->requests[c][r], "call", call[c],
				    "result", zone_result_word((enum zone_result)r),
				    END);
	family(o, "api_request_duration_seconds", "summary", "How long the API took.");
	for (unsigned c = 0; c < METRICS_APIS; c++) {
		sample(o, "api_request_duration_seconds_sum",
		    (double)o->m->request_ms[c] / 1000, "call", call[c], END);
		sample(o, "api_request_duration_seconds_count",
		    (double)o->m->request_timed[c], "call", call[c], END);
	}
}

/* ---- peers ---- */

static void
write_peers(const struct page_out *o)
{
	const struct peers *p = o->a->peers;

	if (p == NULL)
		return;
	family(o, "peer_heard", "gauge",
	    "1 while the agent and this one hear each other.");
	for (uint32_t i = 0; i < peers_count(p); i++) {
		struct peers_view v = peers_look(p, i);

		sample(o, "peer_heard", v.heard, "peer", v.name, END);
	}
	family(o, "peer_age_seconds", "gauge",
	    "Since what its last report quotes of ours was sent; absent: never heard.");
	for (uint32_t i = 0; i < peers_count(p); i++) {
		struct peers_view v = peers_look(p, i);

		if (v.age_ms != UINT64_MAX)
			sample(o, "peer_age_seconds", (double)v.age_ms / 1000, "peer",
			    v.name, END);
	}
	family(o, "peer_reports_total", "counter",
	    "Reports of other agents by what became of them.");
	for (uint32_t i = 0; i < peers_count(p); i++) {
		struct peers_view v = peers_look(p, i);

		for (int r = 0; r < PEERS_RESULTS; r++)
			sample(o, "peer_reports_total", (double)v.results[r], "peer",
			    v.name, "result", peers_result_word((enum peers_result)r),
			    END);
	}
	family(o, "certificate_expiry_timestamp_seconds", "gauge",
	    "When the certificates of agents end; this one's own included.");
	sample(o, "certificate_expiry_timestamp_seconds",
	    (double)peers_own_cert_until_s(p), "agent", o->a->name, END);
	for (uint32_t i = 0; i < peers_count(p); i++) {
		struct peers_view v = peers_look(p, i);

		if (v.cert_until_wall_s != 0)
			sample(o, "certificate_expiry_timestamp_seconds",
			    (double)v.cert_until_wall_s, "agent", v.name, END);
	}
}

char *
metrics_format(const struct metrics *m, const struct agent *a, size_t *n)
{
	char *text = NULL;
	struct page_out o = {.file = open_memstream(&text, n), .m = m, .a = a};

	if (o.file == NULL)
		abort();
	write_agent(&o);
	write_facts(&o);
	write_probes(&o);
	write_members(&o);
	write_services(&o);
	write_changes(&o);
	write_api(&o);
	write_peers(&o);
	if (a->incidents != NULL)
		incidents_metrics(a->incidents, o.file);
	metrics_write_lag(o.file, a);
	if (fclose(o.file) != 0)
		abort();
	return text;
}
