/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release: what would go and what would stay, then the running agent is asked: it alone
 * writes. The records are left as they are, so that whoever steers next finds them.
 */
#include <stdio.h>

#include "steering/agent/ask.h"
#include "steering/agent/zone_once.h"
#include "steering/core/diff.h"

static void
show(const struct config_service *s, const struct zone_view *v, FILE *out)
{
	char line[DNS_NAME_MAX + RR_VALUES_BYTES + 256];

	(void)fprintf(out, "%s: release would take the ledger away:\n- %s TXT\n",
	    s->rule.name, s->ledger_name);
	(void)fprintf(out, "and leave as they are:\n");
	for (size_t i = 0; i < v->sets; i++) {
		diff_describe(&v->set[i], line, sizeof line);
		(void)fprintf(out, "  %s\n", line);
	}
}

/* False after saying why there is nothing to release. */
static bool
show_release(const struct options *o, struct config *c, uint32_t service)
{
	const struct config_service *s = &c->service[service];
	struct zone_view *view = NULL;
	int64_t date_wall_s;
	struct err e;
	bool there;

	if (!zone_read_once(c, service, &view, &date_wall_s, &e)) {
		command_say("%s", e.text);
		return false;
	}
	there = view->ledger_present || view->ledger_odd;
	if (there)
		show(s, view, o->json ? stderr : stdout);
	else
		command_say(
		    "%s: no ledger stands in the zone: the service is not steered",
		    s->rule.name);
	zone_view_free(view);
	return there;
}

int
cmd_release(const struct options *o)
{
	struct config *c = command_config(o);
	int32_t service = -1;
	int status = EXIT_CANNOT;

	if (c != NULL && (service = command_service(c, o->word[0])) >= 0 &&
	    show_release(o, c, (uint32_t)service) &&
	    (o->yes || command_agreed("Release?")))
		status = ask_order(o, c, c->service[service].rule.name, "");
	config_free(c);
	return status;
}
