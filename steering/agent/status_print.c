/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table for people, made from the same JSON that programs read: what is not in
 * there cannot be shown, so the two never disagree.
 */
#include <inttypes.h>
#include <string.h>

#include "steering/agent/status.h"
#include "steering/agent/status_peers.h"
#include "steering/agent/status_scenarios.h"

static void
print_span(FILE *out, const char *before, int64_t ms, const char *behind)
{
	if (ms >= 0)
		(void)fprintf(out, "%s%" PRId64 ".%03d s%s", before, ms / 1000,
		    (int)(ms % 1000), behind);
}

static void
print_uptime(FILE *out, int64_t s)
{
	if (s >= 86400)
		(void)fprintf(
		    out, "%" PRId64 "d%" PRId64 "h", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		(void)fprintf(out, "%" PRId64 "h%" PRId64 "m", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		(void)fprintf(out, "%" PRId64 "m%" PRId64 "s", s / 60, s % 60);
	else
		(void)fprintf(out, "%" PRId64 "s", s);
}

static void
print_until(FILE *out, const char *what, const struct json *order)
{
	const char *at = json_text(order, "asked_at", "");
	const char *reason = json_text(order, "reason", "");

	if (!json_is_map(order))
		return;
	(void)fprintf(out, "      %s until %.19sZ (order %" PRId64, what,
	    json_text(order, "until", "?"), json_int(order, "id", 0));
	if (at[0] != '\0')
		(void)fprintf(out, ", asked at %s by uid %" PRId64, at,
		    json_int(order, "asked_by_uid", 0));
	(void)fprintf(out, ")%s%s\n", reason[0] != '\0' ? ": " : "", reason);
}

static void
print_member(const struct json *m, FILE *out)
{
	const struct json *votes = json_get(m, "votes");
	char weight[32], addresses[32], of[48];
	int64_t up = json_int(m, "up", 0), down = json_int(m, "down", 0);
	int64_t unknown = json_int(m, "unknown", 0), now = json_int(m, "weight", -1);

	if (now < 0)
		(void)snprintf(
		    weight, sizeof weight, "?/%d", (int)json_int(m, "full_weight", 0));
	else
		(void)snprintf(weight, sizeof weight, "%d/%d", (int)now,
		    (int)json_int(m, "full_weight", 0));
	(void)snprintf(addresses, sizeof addresses, "%d/%d up", (int)up,
	    (int)(up + down + unknown));
	(void)snprintf(of, sizeof of, "%d up %d down", (int)json_int(votes, "up", 0),
	    (int)json_int(votes, "down", 0));
	(void)fprintf(out, "  %-12s %-8s %-8s %-9s %-10s %-14s",
	    json_text(m, "name", "?"), json_text(m, "state", "?"), weight,
	    json_text(m, "verdict", "?"), addresses, of);
	print_span(out, " held ", json_int(m, "held_ms", -1), "");
	(void)fprintf(out, "\n      %s\n", json_text(m, "why", ""));
	print_until(out, "drained", json_get(m, "drain"));
	print_until(out, "pinned", json_get(m, "pin"));
}

static void
print_change(const struct json *k, FILE *out)
{
	const char *member = json_text(k, "member", "");

	(void)fprintf(out, "  %.19sZ epoch %" PRId64 ": %s%s%s: %s",
	    json_text(k, "sent", "?                   "), json_int(k, "epoch", 0),
	    json_text(k, "what", "?"), member[0] != '\0' ? " " : "", member,
	    json_text(k, "result", "?"));
	print_span(
	    out, " ", json_int(k, "fault_to_committed_ms", -1), " after the fault");
	print_span(
	    out, ", answered ", json_int(k, "committed_to_answered_ms", -1), " later");
	(void)fputc('\n', out);
}

static void
print_service(const struct json *s, FILE *out)
{
	const struct json *names = json_get(s, "names"),
			  *members = json_get(s, "members");
	const struct json *changes = json_get(s, "changes"),
			  *ledger = json_get(s, "ledger");
	const char *cannot = json_text(s, "cannot", ""),
		   *why = json_text(s, "frozen_why", "");
	const char *read_error = json_text(s, "read_error", "");

	(void)fprintf(
	    out, "\n%s  %s", json_text(s, "name", "?"), json_text(s, "policy", "?"));
	for (size_t i = 0; i < json_count(names); i++) {
		const struct json *name = json_at(names, i);
		(void)fprintf(out, "%s%s", i == 0 ? "  " : ", ", json_string_of(name));
	}
	if (json_is_map(ledger))
		(void)fprintf(out, "  epoch %" PRId64, json_int(ledger, "epoch", 0));
	else
		(void)fprintf(out, "  no ledger");
	(void)fprintf(out, "  %s%s%s\n", json_text(s, "mode", "?"),
	    cannot[0] != '\0' ? ", cannot write: " : "", cannot);
	if (why[0] != '\0')
		(void)fprintf(out, "  frozen: %s\n", why);
	if (read_error[0] != '\0')
		(void)fprintf(out, "  last read: %s\n", read_error);
	if (json_flag(s, "nameservers_silent"))
		(void)fprintf(out, "  no name server of the zone answers\n");
	print_until(out, "frozen by an operator", json_get(ledger, "freeze"));
	status_print_agents(s, out);
	(void)fprintf(out, "  %-12s %-8s %-8s %-9s %-10s %s\n", "MEMBER", "STATE",
	    "WEIGHT", "VERDICT", "ADDRESSES", "VOTES");
	for (size_t i = 0; i < json_count(members); i++)
		print_member(json_at(members, i), out);
	size_t n = json_count(changes);
	if (n > 0)
		(void)fprintf(out, "  changes, newest last:\n");
	for (size_t i = n > 5 ? n - 5 : 0; i < n; i++)
		print_change(json_at(changes, i), out);
}

void
status_print(const struct json *status, FILE *out)
{
	const struct json *services = json_get(status, "services");
	const struct json *workers = json_get(status, "workers");
	const char *abstains = json_text(status, "abstains", "");

	(void)fprintf(out, "agent %s of %s, pointsman %s, up ",
	    json_text(status, "agent", "?"), json_text(status, "cluster", "?"),
	    json_text(status, "version", "?"));
	print_uptime(out, json_int(status, "uptime_s", 0));
	(void)fprintf(out, "%s\n",
	    json_flag(status, "solo") ? ", solo: one observer decides" : "");
	if (abstains[0] != '\0')
		(void)fprintf(out, "abstains from every vote: %s\n", abstains);
	if (json_int(workers, "alive", 0) < json_int(workers, "configured", 0))
		(void)fprintf(out, "%d of %d prober workers are alive\n",
		    (int)json_int(workers, "alive", 0),
		    (int)json_int(workers, "configured", 0));
	if (!json_flag(json_get(status, "runner"), "alive"))
		(void)fprintf(out, "the runner is not alive: no exec check runs\n");
	if (json_get(status, "provider_time") == NULL ||
	    json_text(status, "provider_time", NULL) == NULL)
		(void)fprintf(out, "the provider's clock is not known yet\n");
	status_print_peers(status, out);
	for (size_t i = 0; i < json_count(services); i++)
		print_service(json_at(services, i), out);
	status_print_scenarios(status, out);
}
