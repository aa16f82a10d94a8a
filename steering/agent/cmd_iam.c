/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iam: what this configuration needs to be allowed, and no more. With --bootstrap: what
 * whoever runs `bootstrap` needs, once; an agent never makes a health check, so its own
 * policy does not have it.
 *
 * One policy is for one identity. A zone with role_arn is written by that role, so the
 * agent's own identity needs nothing on it but sts:AssumeRole; the role's policy is
 * asked for by the zone's key, and what a recovery scenario calls by its name. Names, types and actions are bounded for a whole zone
 * and not for each service: managed policies end at 6,144 characters.
 * Developer Guide, "Using IAM policy conditions for fine-grained access control".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/words.h"
#include "steering/agent/commands.h"
#include "steering/agent/iam_needs.h"
#include "steering/zone/elb.h"
#include "steering/zone/json.h"
#include "steering/zone/partition.h"

#define MANAGED_POLICY_MAX 6144
#define KEY "route53:ChangeResourceRecordSets"

static struct json *
statement(const char *sid, const char *zone, const char *action, const char *resource)
{
	struct json *s = json_map_new();
	char id[128];
	size_t n;

	/* A Sid is letters and digits. */
	(void)snprintf(id, sizeof id, "%s%.60s", sid, zone);
	n = strlen(sid);
	for (const char *c = id + n; *c != '\0'; c++)
		if ((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
		    (*c >= 'A' && *c <= 'Z'))
			id[n++] = *c;
	id[n] = '\0';
	json_put_text(s, "Sid", id);
	json_put_text(s, "Effect", "Allow");
	json_put_text(s, "Action", action);
	json_put_text(s, "Resource", resource);
	return s;
}

static void
add_once(struct json *list, const char *text)
{
	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_string_of(json_at(list, i)), text) == 0)
			return;
	json_add_text(list, text);
}

/* The names and types of every service in the zone, its ledger's among them. */
static struct json *
condition(const struct config *c, uint32_t zone)
{
	struct json *names = json_list_new(), *types = json_list_new();
	struct json *actions = json_list_new(), *equals = json_map_new();
	struct json *all = json_map_new();

	for (uint32_t i = 0; i < c->services; i++) {
		const struct config_service *s = &c->service[i];

		if (s->zone != zone)
			continue;
		for (uint32_t n = 0; n < s->names; n++)
			add_once(names, s->name[n]);
		add_once(names, s->ledger_name);
		for (uint32_t m = 0; m < s->rule.members; m++)
			for (uint32_t a = 0; a < s->member[m].answers; a++)
				add_once(
				    types, rrtype_text(s->member[m].answer[a].type));
	}
	add_once(types, rrtype_text(RR_TXT));
	json_add_text(actions, "CREATE");
	json_add_text(actions, "DELETE");
	json_put(equals, KEY "NormalizedRecordNames", names);
	json_put(equals, KEY "RecordTypes", types);
	json_put(equals, KEY "Actions", actions);
	json_put(all, "ForAllValues:StringEquals", equals);
	return all;
}

static bool
needs_steady(const struct config *c, uint32_t zone)
{
	for (uint32_t i = 0; i < c->services; i++)
		if (c->service[i].zone == zone && config_needs_steady(&c->service[i]))
			return true;
	return false;
}

static void
add_zone(struct json *list, const struct config *c, uint32_t zone, const char *arn)
{
	const struct config_zone *z = &c->zone[zone];
	char resource[128];
	struct json *change;

	(void)snprintf(resource, sizeof resource, "arn:%s:route53:::hostedzone/%s", arn,
	    z->route53.zone_id);
	json_add(list,
	    statement("Read", z->key, "route53:ListResourceRecordSets", resource));
	change = statement("Change", z->key, KEY, resource);
	json_put(change, "Condition", condition(c, zone));
	json_add(list, change);
	if (needs_steady(c, zone))
		json_add(
		    list, statement("Checks", z->key, "route53:ListHealthChecks", "*"));
}

/* A health check is of the account and not of a zone. */
static void
add_bootstrap(struct json *list, const struct config *c, uint32_t zone)
{
	const char *key = c->zone[zone].key;

	json_add(list, statement("Checks", key, "route53:ListHealthChecks", "*"));
	json_add(list, statement("Steady", key, "route53:CreateHealthCheck", "*"));
}

/* GetChange knows no zone: one statement a partition. */
static void
add_poll(struct json *list, const char *arn, const char **polled)
{
	char resource[128];

	if (*polled != NULL && strcmp(*polled, arn) == 0)
		return;
	*polled = arn;
	(void)snprintf(resource, sizeof resource, "arn:%s:route53:::change/*", arn);
	json_add(list, statement("Follow", arn, "route53:GetChange", resource));
}

static const char *
role_of(const struct config *c, uint32_t zone)
{
	return c->zone[zone].route53.role_arn;
}

static const char *
profile_of(const struct config *c, uint32_t zone)
{
	return c->zone[zone].route53.profile;
}

/* Is `zone` written by the identity that is asked for? asked -1: by the agent's own. */
static bool
is_its(const struct config *c, uint32_t zone, int32_t asked)
{
	if (asked < 0)
		return role_of(c, zone)[0] == '\0';
	return strcmp(role_of(c, zone), role_of(c, (uint32_t)asked)) == 0 &&
	    (role_of(c, zone)[0] != '\0' ||
		strcmp(profile_of(c, zone), profile_of(c, (uint32_t)asked)) == 0);
}

static const char *
asker_of(const struct config *c, const struct config_member *m)
{
	return c->check[m->targets].elb.profile;
}

/* Does the identity that is asked for ask about targets? That is the agent's own, or a
 * profile's; never a zone's role. */
static bool
asks_targets(const struct config *c, int32_t asked)
{
	for (uint32_t i = 0; i < c->services; i++)
		for (uint32_t m = 0; m < c->service[i].rule.members; m++) {
			const struct config_member *x = &c->service[i].member[m];

			if (x->targets < 0)
				continue;
			if (asked < 0 ||
			    (role_of(c, (uint32_t)asked)[0] == '\0' &&
				strcmp(asker_of(c, x),
				    profile_of(c, (uint32_t)asked)) == 0))
				return true;
		}
	return false;
}

static struct json *
statements(const struct config *c, int32_t asked, bool bootstrap)
{
	struct json *list = json_list_new();
	struct partition_place place[ZONES_MAX];
	const char *polled = NULL;
	struct err e;

	for (uint32_t z = 0; z < c->zones; z++) {
		if (!partition_find(&place[z], &c->zone[z].route53, &e))
			(void)snprintf(place[z].arn, sizeof place[z].arn, "aws");
		if (bootstrap && !needs_steady(c, z))
			continue;
		if (is_its(c, z, asked) && bootstrap) {
			add_bootstrap(list, c, z);
		} else if (is_its(c, z, asked)) {
			add_zone(list, c, z, place[z].arn);
			add_poll(list, place[z].arn, &polled);
		} else if (asked < 0) {
			json_add(list,
			    statement("Assume", c->zone[z].key, "sts:AssumeRole",
				role_of(c, z)));
		}
	}
	if (bootstrap)
		return list;
	/* Elastic Load Balancing knows no resources for what only describes. */
	if (asks_targets(c, asked))
		json_add(
		    list, statement("Targets", "", ELB_SERVICE ":" ELB_ACTION, "*"));
	struct iam_who who = {.scenario = -1,
	    .role = asked < 0 ? "" : role_of(c, (uint32_t)asked),
	    .profile = asked < 0 ? NULL : profile_of(c, (uint32_t)asked)};
	iam_add_needs(list, c, &who);
	return list;
}

/* A zone's key, or a scenario's name; false: neither, which was said. */
static bool
find_word(const struct config *c, const char *word, int32_t *zone, int32_t *scenario)
{
	struct nearest near = {.wrong = word};

	for (uint32_t z = 0; z < c->zones; z++) {
		if (strcmp(c->zone[z].key, word) == 0)
			*zone = (int32_t)z;
		nearest_offer(&near, c->zone[z].key, strlen(c->zone[z].key));
	}
	for (uint32_t i = 0; *zone < 0 && i < c->scenarios; i++) {
		if (strcmp(c->scenario[i].name, word) == 0)
			*scenario = (int32_t)i;
		nearest_offer(&near, c->scenario[i].name, strlen(c->scenario[i].name));
	}
	if (*zone >= 0 || *scenario >= 0)
		return true;
	command_say("%s has no zone and no scenario '%s'%s%s%s", c->path, word,
	    near.best != NULL ? ": did you mean '" : "",
	    near.best != NULL ? near.best : "", near.best != NULL ? "'?" : "");
	return false;
}

/* What the policy alone does not say; on stderr, so that stdout is the policy. */
static void
say_more(const struct config *c, int32_t asked, bool bootstrap, const char *policy)
{
	const char *profile = NULL;
	size_t n = strlen(policy);
	bool several = false, steady = false;

	for (uint32_t z = 0; z < c->zones && asked < 0; z++) {
		if (bootstrap && !needs_steady(c, z))
			continue;
		steady |= needs_steady(c, z);
		if (profile == NULL)
			profile = profile_of(c, z);
		several |= strcmp(profile_of(c, z), profile) != 0;
		if (role_of(c, z)[0] != '\0')
			command_say("zone %s is written as %s: its policy is what "
				    "'pointsman iam -c %s%s %s' prints",
			    c->zone[z].key, role_of(c, z), c->path,
			    bootstrap ? " --bootstrap" : "", c->zone[z].key);
	}
	if (several)
		command_say(
		    "the zones name several profiles, and this is what all of "
		    "them need together: name a zone to get its profile's alone");
	if (steady && !bootstrap)
		command_say("'pointsman bootstrap' needs more, once: 'pointsman iam -c "
			    "%s --bootstrap' prints it",
		    c->path);
	if (n > MANAGED_POLICY_MAX)
		command_say("the policy is %zu characters long and IAM takes %d: put "
			    "services in zones with roles of their own",
		    n, MANAGED_POLICY_MAX);
}

/* What one scenario calls, whoever calls it. */
static struct json *
of_scenario(const struct config *c, uint32_t scenario)
{
	struct json *list = json_list_new();
	struct iam_who who = {.scenario = (int32_t)scenario};
	bool several;
	const char *role = iam_scenario_role(c, scenario, &several);

	iam_add_needs(list, c, &who);
	if (several)
		command_say(
		    "the steps of %s are done by several identities, and this is "
		    "what all of them need together",
		    c->scenario[scenario].name);
	else if (role[0] != '\0')
		command_say("the steps of %s are done as %s: this is its policy, but "
			    "for what the lag needs, which the agent asks itself",
		    c->scenario[scenario].name, role);
	return list;
}

int
cmd_iam(const struct options *o)
{
	struct config *c = command_config(o);
	int32_t zone = -1, scenario = -1;
	struct json *list;

	if (c == NULL ||
	    (o->words > 0 && !find_word(c, o->word[0], &zone, &scenario))) {
		config_free(c);
		return EXIT_CANNOT;
	}
	if (scenario >= 0)
		list = of_scenario(c, (uint32_t)scenario);
	else
		list = statements(c, zone, o->bootstrap);
	struct json *policy = json_map_new();
	bool empty = json_count(list) == 0;
	json_put_text(policy, "Version", "2012-10-17");
	json_put(policy, "Statement", list);
	char *tight = json_write(policy, false);
	command_print_json(policy);
	if (empty && scenario >= 0)
		command_say("nothing is needed: no step and no lag of %s asks AWS",
		    c->scenario[scenario].name);
	else if (empty)
		command_say("nothing is needed: no member there says "
			    "health_check: steady");
	else if (scenario < 0)
		say_more(c, zone, o->bootstrap, tight);
	free(tight);
	json_free(policy);
	config_free(c);
	return empty ? EXIT_NO : EXIT_GOOD;
}
