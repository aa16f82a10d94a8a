/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the target groups of elb checks are there and may be asked about. */
#include <stdlib.h>

#include "steering/agent/doctor.h"
#include "steering/agent/elb_once.h"
#include "steering/zone/elb.h"

static void
tell(struct doctor *d, const struct check_spec *check, const struct elb_seen *s)
{
	char what[WORD_MAX + 8], name[ELB_NAME_MAX];

	(void)snprintf(what, sizeof what, "check %s", check->name);
	elb_name(&check->elb, name);
	if (s->result == AWS_OK && s->r.outcome == OUTCOME_PASS)
		doctor_say(d, DOCTOR_GOOD, what,
		    "%s can be asked about, and has healthy targets enough (%s)", name,
		    s->identity);
	else if (s->result == AWS_OK)
		doctor_say(
		    d, DOCTOR_WARN, what, "%s can be asked about: %s", name, s->r.text);
	else if (s->result == AWS_DENIED)
		doctor_say(d, DOCTOR_WRONG, what,
		    "%s: %s ('pointsman iam' prints the policy that is needed)", name,
		    s->err.text);
	else if (strcmp(s->code, "TargetGroupNotFound") == 0)
		doctor_say(d, DOCTOR_WRONG, what,
		    "%s does not exist in %s for this account: correct target_group, "
		    "region or the credentials: %s",
		    name, check->elb.region, s->err.text);
	else if (s->result == AWS_BUSY)
		doctor_say(d, DOCTOR_UNKNOWN, what, "%s: %s", name, s->err.text);
	else if (s->result == AWS_REFUSED)
		doctor_say(d, DOCTOR_WRONG, what, "%s: %s", name, s->err.text);
	else
		doctor_say(d, DOCTOR_WRONG, what,
		    "%s: %s: its samples are UNKNOWN meanwhile; look at the way out, "
		    "HTTPS_PROXY and NO_PROXY, and at the credentials",
		    name, s->err.text);
}

void
doctor_targets(struct doctor *d)
{
	struct elb_seen *seen = calloc(CHECKS_MAX, sizeof *seen);

	if (seen == NULL)
		abort();
	if (elb_once_want(d->config, -1, seen))
		elb_once(d->config, seen);
	for (uint32_t i = 0; i < d->config->checks; i++)
		if (seen[i].wanted)
			tell(d, &d->config->check[i], &seen[i]);
	free(seen);
}
