/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer does to its job. A page of record sets is also given to the reads that
 * were waiting when it was asked for: when a site dies, every service there reads at
 * once, and in a zone of the usual size one page holds them all. It is as new to them as
 * one of their own, and a name that it does not show they ask for themselves, so that
 * nothing rests on the order of the zone's names.
 */
#include "steering/zone/route53_parts.h"

#include <string.h>
#include <time.h>

#include "steering/zone/budget.h"
#include "steering/zone/http.h"
#include "steering/zone/ledger_spelling.h"
#include "steering/zone/route53_xml.h"
#include "steering/zone/spelling.h"
#include "steering/zone/text.h"

#define TRIES_MAX 3

static bool
take_nameserver(const struct route53_item *item, void *arg)
{
	struct job *j = arg;

	if (strcmp(item->type, "NS") == 0 && strcmp(item->set.name, j->r->apex) == 0)
		spelling_hosts(&j->body, item->values);
	return true;
}

static void
end_nameservers(struct job *j, const struct http_response *response)
{
	struct route53_page page;

	if (!route53_parse_list(response->body, response->body_bytes, &page,
		take_nameserver, j, &j->answer.err)) {
		route53_decide(j, ZONE_OUT);
	} else if (j->body.n == 0 || j->body.n >= ERR_TEXT_MAX || !text_ok(&j->body)) {
		(void)err_set(&j->answer.err, "zone %s names %s name servers at %s",
		    j->r->where.zone_id, j->body.n == 0 ? "no" : "too many",
		    j->r->apex);
		route53_decide(j, ZONE_REFUSED);
	} else {
		memcpy(j->answer.err.text, text_str(&j->body), j->body.n + 1);
		route53_decide(j, ZONE_OK);
	}
}

/* A page was fed to the walk, or could not be: one more, or the view. */
static void
go_on(struct job *j, bool fed)
{
	struct walk_cursor next;

	if (!fed) {
		(void)err_wrap(&j->answer.err, j->r->where.zone_id);
		route53_decide(j, ZONE_OUT);
		return;
	}
	if (walk_next(j->walk, &next)) {
		j->tries = 0;
		route53_wake_in(j->r, 0);
		return;
	}
	j->answer.view = walk_take(j->walk);
	ledger_spelling_keep(
	    &j->r->spelling, j->key, j->answer.view->ledger, walk_ledger_raw(j->walk));
	route53_decide(j, ZONE_OK);
}

/* The same page for those that came before it was asked for. */
static void
end_carried(const struct job *carrier, const struct http_response *response)
{
	for (struct job *j = carrier->r->jobs; j != NULL; j = j->next) {
		if (j->carrier != carrier || j->decided)
			continue;
		j->answer.sent_ms = carrier->answer.sent_ms;
		j->answer.done_ms = response->done_ms;
		j->answer.date_wall_s = carrier->answer.date_wall_s;
		go_on(j,
		    walk_share(
			j->walk, response->body, response->body_bytes, &j->answer.err));
	}
}

/* One more page of a read; the last one makes the view. */
static void
end_page(struct job *j, const struct http_response *response)
{
	bool fed =
	    walk_feed(j->walk, response->body, response->body_bytes, &j->answer.err);

	if (fed)
		end_carried(j, response);
	go_on(j, fed);
}

/* One more page of health checks, or the one that was made. */
static void
end_checks(struct job *j, const struct http_response *response)
{
	if (!route53_parse_checks(response->body, response->body_bytes, j->key,
		&j->checks, &j->answer.err)) {
		route53_decide(j, ZONE_OUT);
		return;
	}
	if (j->checks.marker[0] != '\0') {
		j->tries = 0;
		route53_wake_in(j->r, 0);
		return;
	}
	memcpy(j->answer.check_id, j->checks.found, sizeof j->answer.check_id);
	route53_decide(j, ZONE_OK);
}

/* Refused for its time: sign once more by the server's clock. */
static bool
sign_again(
    struct job *j, const struct route53_verdict *v, const struct http_response *r)
{
	if (!v->resign || j->resigned || r->date_wall_s == 0)
		return false;
	j->resigned = true;
	j->r->skew_s = r->date_wall_s - (int64_t)time(NULL);
	j->give_up_ms = now_boot_ms() + ROUTE53_CHANGE_WAIT_MS;
	route53_wake_in(j->r, 0);
	return true;
}

void
route53_answered(const struct http_response *response, void *arg)
{
	struct job *j = arg;
	struct route53_verdict v;
	uint64_t now_ms = now_boot_ms();

	j->call = NULL;
	j->answer.result = ZONE_OK;
	route53_judge(&v, route53_ask_of(j), j->r->where.zone_id, response);
	if (v.rejected)
		credentials_reject(j->r->credentials);
	budget_feed(&j->r->budget, route53_budget_of(j), v.news, now_ms);
	if (sign_again(j, &v, response))
		return;
	j->answer.err = v.err;
	j->answer.done_ms = response->done_ms;
	if (response->date_wall_s != 0)
		j->answer.date_wall_s = response->date_wall_s;
	if (v.again && j->tries < TRIES_MAX) {
		route53_carry_no_more(j);
		j->not_before_ms = now_ms + budget_retry_ms(&j->r->budget, j->tries);
		j->answer.result = v.result; /* should patience end first */
		route53_wake_in(j->r, 0);
		return;
	}
	if (v.result == ZONE_OK && j->kind == JOB_READ) {
		end_page(j, response);
		route53_carry_no_more(j);
	} else if (v.result == ZONE_OK && j->kind == JOB_NAMESERVERS) {
		end_nameservers(j, response);
	} else if (v.result == ZONE_OK && j->kind >= JOB_FIND) {
		end_checks(j, response);
	} else {
		memcpy(j->answer.change_id, v.change_id, sizeof v.change_id);
		j->answer.insync = v.insync;
		route53_decide(j, v.result);
	}
}
