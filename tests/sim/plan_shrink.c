/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failing run made short enough to read: the run is cut after the breach, then faults
 * are dropped in halves, quarters, … and one by one, then what lasts is made to last
 * less, and again, until nothing more can go. A shorter run counts only when the same
 * law breaks: the words up to the first number are compared.
 */
#include <ctype.h>
#include <string.h>

#include "tests/sim/plan.h"

static const char *const words[PLAN_KINDS] = {
    [PLAN_DEAD] = "endpoint refuses",
    [PLAN_SILENT] = "endpoint is a black hole",
    [PLAN_GREY] = "endpoint fails with p",
    [PLAN_BY_TURNS] = "endpoint good and bad by turns",
    [PLAN_LOADED] = "endpoint fails under load (n others)",
    [PLAN_HALF] = "one address of the endpoint refuses",
    [PLAN_BLIND] = "agent's uplink",
    [PLAN_PATH] = "agent's probes of `to` get lost (p)",
    [PLAN_STUNNED] = "agent's probes are UNKNOWN",
    [PLAN_CANARIES] = "agent's canaries fail",
    [PLAN_CUT] = "link cut, one way",
    [PLAN_ISLAND] = "agents of mask n cut off (p > 0.5: one way)",
    [PLAN_LOSS] = "link loses p",
    [PLAN_DELAY] = "link slower by ms",
    [PLAN_JITTER] = "link reorders within ms",
    [PLAN_TWICE] = "link sends twice",
    [PLAN_LIAR] = "agent lies",
    [PLAN_CRASH] = "agent killed",
    [PLAN_WIPED] = "agent killed, disk lost",
    [PLAN_PAUSE] = "agent stopped (SIGSTOP)",
    [PLAN_CLONE] = "agent runs twice",
    [PLAN_CLOCK] = "agent's wall clock is wrong",
    [PLAN_CUT_API] = "agent has no API",
    [PLAN_RELOAD] = "agent takes the new file",
    [PLAN_OUT] = "API out",
    [PLAN_THROTTLE] = "API throttles",
    [PLAN_SLOW] = "API slower by ms",
    [PLAN_SLOW_INSYNC] = "name servers late by ms",
    [PLAN_DNS] = "no name server answers",
    [PLAN_LOSE_ANSWERS] = "next n changes applied, answer lost",
    [PLAN_LOSE_CHANGES] = "next n changes lost",
    [PLAN_LATE] = "next n changes applied ms late",
    [PLAN_STALE] = "next read shows n versions ago",
    [PLAN_TORN] = "next n reads are torn",
    [PLAN_EDIT] = "a hand sets a weight to n",
    [PLAN_RESTORE] = "zone restored to n versions ago",
    [PLAN_DELETE] = "a hand deletes the ledger",
    [PLAN_GARBLE] = "a hand garbles the ledger",
    [PLAN_ADD] = "a hand adds a set",
    [PLAN_ORDER] = "order",
    [PLAN_DISASTER] = "site lost",
    [PLAN_LAG] = "replication lags ms",
    [PLAN_LAG_MUTE] = "the lag's source is silent (p > 0.5: unknown)",
    [PLAN_RUNNER] = "who begins the next act dies (n)",
};

void
plan_describe(const struct plan *p, FILE *to)
{
	const struct rule_service *r = &p->rule;

	fprintf(to,
	    "seed %llu: %.2f h, %u members, %u agents, %u addresses, %s%s%s%s%s, max_out "
	    "%u, min_capacity %u %%\n",
	    (unsigned long long)p->seed, (double)p->run_ms / HOUR, (unsigned)p->members,
	    (unsigned)p->agents, (unsigned)p->slots,
	    r->policy == POLICY_FAILOVER ? "failover" : "weighted",
	    p->fast ? ", fast" : "", r->stateful ? ", stateful" : "",
	    r->failback_auto ? "" : ", manual",
	    r->member[p->members - 1].last_resort ? ", last resort" : "",
	    (unsigned)r->max_out, (unsigned)r->min_capacity_pct);
	if (p->recovery)
		plan_describe_recovery(p, to);
	for (uint32_t i = 0; i < p->faults; i++) {
		const struct plan_fault *f = &p->fault[i];

		fprintf(to,
		    "  %9.3f s for %8.3f s: %s%s%s who=%u to=%u n=%u p=%.2f ms=%llu\n",
		    (double)f->at_ms / 1000, (double)f->for_ms / 1000, words[f->kind],
		    f->kind == PLAN_ORDER ? " " : "",
		    f->kind == PLAN_ORDER ? order_word((enum order_kind)f->n) : "",
		    (unsigned)f->who, (unsigned)f->to, (unsigned)f->n, f->p,
		    (unsigned long long)f->ms);
	}
}

/* The law's number and the words up to the next number. */
static bool
same_law(const char *a, const char *b)
{
	const char *text = strstr(a, ": ");

	for (; *a != '\0' && *a == *b; a++, b++)
		if (isdigit((unsigned char)*a) && (text == NULL || a > text))
			return true;
	return *a == *b ||
	    (a > text && isdigit((unsigned char)*a) && isdigit((unsigned char)*b));
}

static bool
still_breaks(const struct plan *p, const char *why)
{
	char now[400];

	return !plan_holds(p, NULL, now, sizeof now) && same_law(now, why);
}

static void
drop(const struct plan *from, struct plan *to, uint32_t at, uint32_t n)
{
	*to = *from;
	memmove(&to->fault[at], &from->fault[at + n],
	    (from->faults - at - n) * sizeof from->fault[0]);
	to->faults -= n;
}

static bool
drop_faults(struct plan *p, const char *why)
{
	static struct plan less;
	bool any = false;

	for (uint32_t n = p->faults / 2; n > 0; n = n / 2)
		for (uint32_t at = 0; at + n <= p->faults;) {
			drop(p, &less, at, n);
			if (still_breaks(&less, why)) {
				*p = less;
				any = true;
			} else {
				at += n;
			}
		}
	return any;
}

static bool
cut_run(struct plan *p, const char *why)
{
	static struct plan less;
	bool any = false;

	for (uint64_t step_ms = p->run_ms / 2; step_ms >= SECOND; step_ms /= 2) {
		while (p->run_ms > step_ms + MINUTE) {
			less = *p;
			less.run_ms -= step_ms;
			for (uint32_t i = 0; i < less.faults;) {
				struct plan_fault *f = &less.fault[i];
				if (f->at_ms >= less.run_ms) {
					drop(&less, &less, i, 1);
					continue;
				}
				if (f->at_ms + f->for_ms > less.run_ms)
					f->for_ms = less.run_ms - f->at_ms;
				i++;
			}
			if (!still_breaks(&less, why))
				break;
			*p = less;
			any = true;
		}
	}
	return any;
}

static bool
shorten_faults(struct plan *p, const char *why)
{
	static struct plan less;
	bool any = false;

	for (uint32_t i = 0; i < p->faults; i++)
		while (p->fault[i].for_ms > SECOND) {
			less = *p;
			less.fault[i].for_ms /= 2;
			if (!still_breaks(&less, why))
				break;
			*p = less;
			any = true;
		}
	return any;
}

void
plan_shrink(struct plan *p, const char *why)
{
	world_hush(true);
	(void)cut_run(p, why);
	for (int k = 0; k < 6 && drop_faults(p, why); k++)
		(void)cut_run(p, why);
	(void)shorten_faults(p, why);
	world_hush(false);
}
