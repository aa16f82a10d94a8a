/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Permissions are tried by reads that leave no trace: the zone's NS records, one
 * service's names, and the state of a change that never was (whoever may ask hears
 * that there is none). Whether changes are allowed cannot be seen without making one,
 * and is said so.
 */
#include "steering/agent/doctor.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define PATIENCE_S 40 /* the provider gives up after 30 */
#define DNS_MS 3000
#define NO_CHANGE "C0NOSUCHCHANGE"
#define SKEW_MIND_S 5
#define SKEW_WRONG_S 300 /* signatures are refused beyond */

struct visit { /* to one zone */
	struct doctor *d;
	const struct config_zone *zone;
	const char *what; /* for the findings */
	struct event_base *base;
	struct provider *provider;
	struct dns_ask *dns;
	const char *ledger; /* a name to ask for; "" no service is here */
	uint32_t nameservers;
	char nameserver[NAMESERVERS_MAX][DNS_NAME_MAX];
	struct event *patience;
	bool answered, late, ok; /* of the step under way */
	bool skew_said, who_said;
	struct dns_ask_answer dns_answer;
};

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	((struct visit *)arg)->late = true;
}

/* Runs the loop until the step's answer is there. False: it never came. */
static bool
wait_answer(struct visit *v)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};

	v->answered = v->late = false;
	if (event_add(v->patience, &patience) != 0)
		abort();
	while (!v->answered && !v->late)
		(void)event_base_loop(v->base, EVLOOP_ONCE);
	(void)event_del(v->patience);
	return v->answered;
}

/* ---- what every answer tells ---- */

static void
say_skew(struct visit *v, const struct zone_answer *a)
{
	long long ahead_s = (long long)time(NULL) - (long long)a->date_wall_s;
	long long slow_s = (long long)((a->done_ms - a->sent_ms + 999) / 1000);
	long long off_s = ahead_s < 0 ? -ahead_s : ahead_s;

	if (a->date_wall_s == 0 || v->skew_said)
		return;
	v->skew_said = true;
	if (off_s <= SKEW_MIND_S + slow_s)
		doctor_say(v->d, DOCTOR_GOOD, "clock", "within %lld s of the API's",
		    SKEW_MIND_S + slow_s);
	else
		doctor_say(v->d, off_s >= SKEW_WRONG_S ? DOCTOR_WRONG : DOCTOR_WARN,
		    "clock",
		    "this machine is %lld s %s the API's clock%s: run NTP here", off_s,
		    ahead_s > 0 ? "ahead of" : "behind",
		    off_s >= SKEW_WRONG_S
			? ", and AWS refuses signatures 300 s from its own"
			: "");
}

static void
say_who(struct visit *v)
{
	const char *identity = provider_identity(v->provider);
	const char *warning = provider_warning(v->provider);

	if (v->who_said || identity[0] == '\0')
		return;
	v->who_said = true;
	doctor_say(v->d, DOCTOR_GOOD, v->what, "credentials: %s", identity);
	if (warning[0] != '\0')
		doctor_say(v->d, DOCTOR_WARN, v->what, "credentials: %s", warning);
}

static void
say_refusal(struct visit *v, const char *reading, const struct zone_answer *a)
{
	doctor_say(v->d, DOCTOR_WRONG, v->what, "%s: %s%s", reading, a->err.text,
	    a->result == ZONE_REFUSED
		? " ('pointsman iam' prints the policy that is needed)"
		: "");
}

static void
note(struct visit *v, struct zone_answer *a)
{
	v->answered = true;
	v->ok = a->result == ZONE_OK;
	say_who(v);
	say_skew(v, a);
	zone_view_free(a->view);
}

/* ---- the steps ---- */

static void
take_names(struct visit *v, const char *text)
{
	while (*text != '\0' && v->nameservers < NAMESERVERS_MAX) {
		size_t n = strcspn(text, "\n");

		if (n > 0 && n < DNS_NAME_MAX)
			(void)snprintf(v->nameserver[v->nameservers++], DNS_NAME_MAX,
			    "%.*s", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static void
on_names(struct zone_answer *a, void *arg)
{
	struct visit *v = arg;

	note(v, a);
	if (v->ok && v->zone->nameservers == 0)
		take_names(v, a->err.text);
	if (v->ok)
		doctor_say(v->d, DOCTOR_GOOD, v->what, "its records can be listed");
	else
		say_refusal(v, "listing its records", a);
}

static void
on_read(struct zone_answer *a, void *arg)
{
	struct visit *v = arg;

	note(v, a);
	if (!v->ok)
		say_refusal(v, "reading a service's names", a);
}

static void
on_poll(struct zone_answer *a, void *arg)
{
	struct visit *v = arg;

	note(v, a);
	/* That there is no such change is only told to who may ask. */
	if (v->ok || strstr(a->err.text, "(NoSuchChange)") != NULL)
		doctor_say(v->d, DOCTOR_GOOD, v->what,
		    "changes can be followed; whether they may be made shows only at "
		    "the first: compare its policy with what 'pointsman iam' prints");
	else
		say_refusal(v, "following a change", a);
}

static void
on_dns(const struct dns_ask_answer *answer, void *arg)
{
	struct visit *v = arg;

	v->answered = true;
	v->dns_answer = *answer;
}

static void
ask_nameservers(struct visit *v)
{
	const char *name = v->ledger[0] != '\0' ? v->ledger : v->zone->route53.apex;

	for (uint32_t i = 0; i < v->nameservers; i++) {
		dns_ask_txt(v->dns, v->nameserver[i], name, DNS_MS, on_dns, v);
		if (wait_answer(v) && v->dns_answer.answered)
			doctor_say(v->d, DOCTOR_GOOD, v->what,
			    "name server %s answers for it%s", v->nameserver[i],
			    v->dns_answer.exists ? ", and shows a ledger" : "");
		else
			doctor_say(v->d, DOCTOR_WRONG, v->what,
			    "name server %s does not answer for it: %s: let UDP and TCP "
			    "53 out to it, or correct nameservers",
			    v->nameserver[i],
			    v->answered ? v->dns_answer.err.text : "no answer");
	}
}

static void
ask_api(struct visit *v, const struct config_service *s)
{
	provider_nameservers(v->provider, on_names, v);
	if (!wait_answer(v)) {
		doctor_say(v->d, DOCTOR_WRONG, v->what,
		    "its API does not answer within %d s: look at the way out, "
		    "HTTPS_PROXY and NO_PROXY",
		    PATIENCE_S);
		return;
	}
	if (!v->ok)
		return; /* the others would say the same again */
	if (s != NULL) {
		provider_read(v->provider, s->ledger_name,
		    (const char(*)[DNS_NAME_MAX])s->name, s->names, on_read, v);
		(void)wait_answer(v);
	}
	provider_poll(v->provider, NO_CHANGE, on_poll, v);
	(void)wait_answer(v);
}

static const struct config_service *
service_in(const struct config *c, uint32_t zone)
{
	for (uint32_t i = 0; i < c->services; i++)
		if (c->service[i].zone == zone)
			return &c->service[i];
	return NULL;
}

static void
visit_zone(struct doctor *d, uint32_t zone)
{
	const struct config_service *s = service_in(d->config, zone);
	char what[WORD_MAX + 8];
	uint64_t seed = 1;
	struct err e;
	struct visit v = {.d = d,
	    .zone = &d->config->zone[zone],
	    .what = what,
	    .ledger = s != NULL ? s->ledger_name : "",
	    .base = event_base_new()};

	(void)snprintf(what, sizeof what, "zone %s", v.zone->key);
	v.patience = v.base != NULL ? evtimer_new(v.base, on_late, &v) : NULL;
	if (v.patience == NULL)
		abort();
	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		seed = (uint64_t)time(NULL);
	v.provider = route53_new(v.base, &v.zone->route53, seed, &e);
	v.dns = v.provider != NULL ? dns_ask_new(v.base, &e) : NULL;
	for (uint32_t i = 0; i < v.zone->nameservers; i++)
		(void)snprintf(v.nameserver[v.nameservers++], DNS_NAME_MAX, "%s",
		    v.zone->nameserver[i]);
	if (v.dns != NULL) {
		ask_api(&v, s);
		ask_nameservers(&v);
	} else {
		doctor_say(d, DOCTOR_WRONG, what, "%s", e.text);
	}
	provider_free(v.provider);
	if (v.dns != NULL)
		dns_ask_free(v.dns);
	event_free(v.patience);
	event_base_free(v.base);
}

void
doctor_zones(struct doctor *d)
{
	for (uint32_t z = 0; z < d->config->zones; z++)
		visit_zone(d, z);
}
