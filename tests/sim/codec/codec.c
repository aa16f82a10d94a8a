/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's text is the real one in every world; reports are structs, for speed. In
 * some worlds they become the JSON that agents send, so that a field that the codec
 * forgets is one that a scenario or a limiter misses.
 */
#include "tests/sim/codec/codec.h"

#include <string.h>

#include "steering/zone/peer_message.h"

static uint64_t carried;

uint64_t
codec_carried(void)
{
	return carried;
}

static bool
same(const struct report *a, const struct report *b)
{
	return a->epoch == b->epoch && a->nonce == b->nonce &&
	    a->policy_hash == b->policy_hash && a->cannot == b->cannot &&
	    a->freeze == b->freeze && a->thawed == b->thawed &&
	    a->freeze_for_s == b->freeze_for_s && a->holder_lost == b->holder_lost;
}

void
codec_carry(struct world *w, const struct world_agent *from,
    const struct world_agent *to, struct report *r)
{
	static struct peer_message out, in;
	const struct rule_service *mine = &w->file[from->file].rule;
	size_t bytes;
	struct err e;

	(void)snprintf(out.cluster, sizeof out.cluster, "%s", mine->cluster);
	(void)snprintf(out.agent, sizeof out.agent, "%s", mine->agent[from->self].name);
	out.envelope.stamp.boot = from->boot;
	out.envelope.stamp.seq = 1;
	out.services = 1;
	memset(&out.service[0], 0, sizeof out.service[0]);
	peer_service_fill(&out.service[0], mine, r);
	char *text = peer_message_write(&out, &bytes);
	if (!peer_message_read(text, bytes, &in, &e))
		world_fail(w, "a report cannot be read: %s: %s", e.text, text);
	free(text);
	peer_service_report(&in.service[0], &w->file[to->file].rule, r);
	carried++;
	if (!same(r, &out.service[0].report))
		world_fail(w, "a report is read otherwise than it was written");
}
