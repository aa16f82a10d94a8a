/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Least privilege from what the file says: a parameter that names a thing becomes the
 * thing's ARN, with the account left open, and {from}, {to} and {site} become both sites
 * of the plan. What names nothing (most Describe actions know no resources, RunInstances
 * needs a dozen kinds of them) is allowed on * within its region. Service Authorization
 * Reference: Amazon RDS, EC2, EC2 Auto Scaling, Elastic Load Balancing V2, CloudWatch, S3.
 */
#include "steering/agent/iam_needs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARN_BYTES 768

/* key: of a parameter, also as KEY.1 or KEY.member.1. */
static const struct thing {
	const char *service, *key, *resource;
	bool global; /* its ARN has no region */
} things[] = {
    {"rds", "DBInstanceIdentifier", "db:", false},
    {"rds", "SourceDBInstanceIdentifier", "db:", false},
    {"rds", "TargetDBInstanceIdentifier", "db:", false},
    {"rds", "DBSnapshotIdentifier", "snapshot:", false},
    {"rds", "DBClusterIdentifier", "cluster:", false},
    {"rds", "TargetDbClusterIdentifier", "cluster:", false},
    {"rds", "DBClusterSnapshotIdentifier", "cluster-snapshot:", false},
    {"rds", "GlobalClusterIdentifier", "global-cluster:", true},
    {"rds", "DBSubnetGroupName", "subgrp:", false},
    {"rds", "DBParameterGroupName", "pg:", false},
    {"rds", "DBClusterParameterGroupName", "cluster-pg:", false},
    {"rds", "OptionGroupName", "og:", false},
    {"autoscaling", "AutoScalingGroupName", "autoScalingGroup:*:autoScalingGroupName/",
	false},
    {"ec2", "InstanceId", "instance/", false},
    {"ec2", "AllocationId", "elastic-ip/", false},
    {"ec2", "NetworkInterfaceId", "network-interface/", false},
    {"ec2", "VolumeId", "volume/", false},
    {"ec2", "GroupId", "security-group/", false},
    {"ec2", "RouteTableId", "route-table/", false},
    {"elasticloadbalancing", "TargetGroupArn", "", false},
    {"elasticloadbalancing", "LoadBalancerArn", "", false},
    {"elasticloadbalancing", "ListenerArn", "", false},
    {"elasticloadbalancing", "RuleArn", "", false},
    {"monitoring", "AlarmName", "alarm:", false},
    {"monitoring", "AlarmNames", "alarm:", false},
};

static const char *
partition_of(const char *region)
{
	if (strncmp(region, "cn-", 3) == 0)
		return "aws-cn";
	return strncmp(region, "us-gov-", 7) == 0 ? "aws-us-gov" : "aws";
}

/* ---- statements ---- */

/* A Sid is letters and digits. */
static struct json *
new_statement(const char *first, const char *second)
{
	struct json *s = json_map_new();
	char sid[128];
	size_t n = 0;

	for (const char *part = first;; part = second) {
		for (const char *p = part; *p != '\0' && n + 1 < sizeof sid; p++)
			if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
			    (*p >= 'A' && *p <= 'Z'))
				sid[n++] = *p;
		if (part == second)
			break;
	}
	sid[n] = '\0';
	json_put_text(s, "Sid", sid);
	json_put_text(s, "Effect", "Allow");
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

/* What is collected before it becomes statements: for each action on things their ARNs,
 * for each region the actions on *. Lists under keys, so that nothing stands twice. */
struct needs {
	struct json *on_things; /* action → ARNs */
	struct json *on_all;    /* region → actions */
	struct json *buckets;   /* partition and bucket → prefixes */
	struct json *roles;     /* one list */
};

static void
put_under(struct json *map, const char *key, const char *text)
{
	const struct json *now = json_get(map, key);
	struct json *list = now != NULL ? json_clone(now) : json_list_new();

	add_once(list, text);
	json_put(map, key, list);
}

/* ---- {words} ---- */

/* The text with its words as IAM would match them: the sites' by `site`, what is known
 * only then by *. */
static void
fill(const char *text, const char *site, char *out, size_t bytes)
{
	size_t used = 0;

	while (*text != '\0' && used + 1 < bytes) {
		size_t n = strcspn(text, "}");
		bool word = *text == '{' && text[n] == '}';
		const char *with = "*";

		if (!word) {
			out[used++] = *text++;
			continue;
		}
		if (strncmp(text, "{from}", 6) == 0 || strncmp(text, "{to}", 4) == 0 ||
		    strncmp(text, "{site}", 6) == 0)
			with = site;
		int put = snprintf(out + used, bytes - used, "%s", with);
		used += put > 0 ? (size_t)put : 0;
		text += n + 1;
	}
	out[used < bytes ? used : bytes - 1] = '\0';
}

/* ---- calls ---- */

static const struct thing *
thing_of(const char *service, const char *key)
{
	for (size_t i = 0; i < sizeof things / sizeof things[0]; i++) {
		size_t n = strlen(things[i].key);

		if (strcmp(things[i].service, service) == 0 &&
		    strncmp(things[i].key, key, n) == 0 &&
		    (key[n] == '\0' || key[n] == '.'))
			return &things[i];
	}
	return NULL;
}

static void
add_arn(struct needs *needs, const char *action, const struct config_act *a,
    const struct thing *t, const char *name)
{
	char arn[ARN_BYTES];

	if (strncmp(name, "arn:", 4) == 0)
		(void)snprintf(arn, sizeof arn, "%s", name);
	else
		(void)snprintf(arn, sizeof arn, "arn:%s:%s:%s:*:%s%s",
		    partition_of(a->aws.region),
		    strcmp(t->service, "monitoring") == 0 ? "cloudwatch" : t->service,
		    t->global ? "" : a->aws.region, t->resource, name);
	put_under(needs->on_things, action, arn);
}

/* Those whose other resources no parameter names. */
static bool
takes_more(const char *service, const char *action)
{
	bool describes = strncmp(action, "Describe", 8) == 0;

	if (strcmp(service, "rds") == 0)
		return strncmp(action, "Restore", 7) == 0 ||
		    strncmp(action, "Create", 6) == 0;
	return describes || strcmp(action, "RunInstances") == 0 ||
	    (strcmp(service, "ec2") == 0 && strncmp(action, "Create", 6) == 0) ||
	    (strcmp(service, "monitoring") == 0 && strncmp(action, "Get", 3) == 0);
}

static void
add_call(struct needs *needs, const struct rule_service *rule,
    const struct config_act *a, const struct config_call *call)
{
	const struct rule_scenario *p = &rule->plan;
	const char *service =
	    strcmp(a->aws.service, "monitoring") == 0 ? "cloudwatch" : a->aws.service;
	char action[128], name[ARN_BYTES / 2];
	bool named = false;

	if (call->action[0] == '\0')
		return;
	(void)snprintf(action, sizeof action, "%s:%s", service, call->action);
	for (uint32_t i = 0;
	     i < call->params && !takes_more(a->aws.service, call->action); i++) {
		const struct thing *t = thing_of(a->aws.service, call->param[i].key);

		if (t == NULL)
			continue;
		named = true;
		fill(call->param[i].value, rule->member[p->primary].name, name,
		    sizeof name);
		add_arn(needs, action, a, t, name);
		fill(call->param[i].value, rule->member[p->recovery].name, name,
		    sizeof name);
		add_arn(needs, action, a, t, name);
	}
	if (!named)
		put_under(needs->on_all, a->aws.region, action);
}

static bool
is_its(
    const struct iam_who *who, uint32_t scenario, const char *role, const char *profile)
{
	if (who->scenario >= 0)
		return (uint32_t)who->scenario == scenario;
	return strcmp(who->role, role) == 0 &&
	    (role[0] != '\0' || who->profile == NULL ||
		strcmp(who->profile, profile) == 0);
}

static void
add_acts(struct needs *needs, const struct config *c, uint32_t scenario,
    const struct iam_who *who)
{
	const struct config_scenario *s = &c->scenario[scenario];
	const struct rule_service *rule = &c->service[s->service].rule;

	for (unsigned i = 0; i < SLOTS; i++) {
		const struct config_act *a = &s->act[i];

		if (a->kind != ACT_AWS)
			continue;
		if (is_its(who, scenario, a->aws.role_arn, a->aws.profile)) {
			add_call(needs, rule, a, &a->aws.call);
			add_call(needs, rule, a, &a->aws.ask);
		} else if (is_its(who, scenario, "", a->aws.profile)) {
			add_once(needs->roles, a->aws.role_arn);
		}
	}
}

/* ---- lag ---- */

static void
add_lag(struct needs *needs, const struct config *c, uint32_t scenario,
    const struct iam_who *who)
{
	const struct config_lag *g;
	char key[128];

	if (c->scenario[scenario].lag < 0)
		return;
	g = &c->lag[c->scenario[scenario].lag];
	if (!is_its(who, scenario, "", g->profile))
		return;
	if (g->metric[0] != '\0')
		put_under(needs->on_all, g->region, "cloudwatch:GetMetricData");
	if (g->bucket[0] == '\0')
		return;
	(void)snprintf(
	    key, sizeof key, "arn:%s:s3:::%s", partition_of(g->region), g->bucket);
	put_under(needs->buckets, key, g->prefix);
}

/* ---- and out ---- */

static void
write_buckets(struct json *list, const struct needs *needs)
{
	void *at = NULL;
	const char *arn;
	char text[ARN_BYTES];

	while ((arn = json_key_next(needs->buckets, &at)) != NULL) {
		const struct json *prefix = json_get(needs->buckets, arn);
		const char *name = strrchr(arn, ':') + 1;
		struct json *show = new_statement("List", name);
		struct json *get = new_statement("Manifests", name);
		struct json *like = json_map_new(), *key = json_map_new();
		struct json *prefixes = json_list_new(), *objects = json_list_new();

		for (size_t i = 0; i < json_count(prefix); i++) {
			const char *p = json_string_of(json_at(prefix, i));

			(void)snprintf(text, sizeof text, "%s*", p);
			json_add_text(prefixes, text);
			(void)snprintf(
			    text, sizeof text, "%s/%s*/manifest.json", arn, p);
			json_add_text(objects, text);
		}
		json_put_text(show, "Action", "s3:ListBucket");
		json_put_text(show, "Resource", arn);
		json_put(key, "s3:prefix", prefixes);
		json_put(like, "StringLike", key);
		json_put(show, "Condition", like);
		json_add(list, show);
		json_put_text(get, "Action", "s3:GetObject");
		json_put(get, "Resource", objects);
		json_add(list, get);
	}
}

static void
write_needs(struct json *list, const struct needs *needs)
{
	void *at = NULL;
	const char *key;

	while ((key = json_key_next(needs->on_things, &at)) != NULL) {
		struct json *s = new_statement("Recover", key);

		json_put_text(s, "Action", key);
		json_put(s, "Resource", json_clone(json_get(needs->on_things, key)));
		json_add(list, s);
	}
	at = NULL;
	while ((key = json_key_next(needs->on_all, &at)) != NULL) {
		struct json *s = new_statement("RecoverIn", key);
		struct json *equals = json_map_new(), *region = json_map_new();

		json_put(s, "Action", json_clone(json_get(needs->on_all, key)));
		json_put_text(s, "Resource", "*");
		json_put_text(region, "aws:RequestedRegion", key);
		json_put(equals, "StringEquals", region);
		json_put(s, "Condition", equals);
		json_add(list, s);
	}
	write_buckets(list, needs);
	if (json_count(needs->roles) > 0) {
		struct json *s = new_statement("Recover", "roles");

		json_put_text(s, "Action", "sts:AssumeRole");
		json_put(s, "Resource", json_clone(needs->roles));
		json_add(list, s);
	}
}

void
iam_add_needs(struct json *list, const struct config *c, const struct iam_who *who)
{
	struct needs needs = {
	    json_map_new(), json_map_new(), json_map_new(), json_list_new()};

	for (uint32_t i = 0; i < c->scenarios; i++) {
		add_acts(&needs, c, i, who);
		add_lag(&needs, c, i, who);
	}
	write_needs(list, &needs);
	json_free(needs.on_things);
	json_free(needs.on_all);
	json_free(needs.buckets);
	json_free(needs.roles);
}

const char *
iam_scenario_role(const struct config *c, uint32_t scenario, bool *several)
{
	const char *role = NULL;

	*several = false;
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct config_act *a = &c->scenario[scenario].act[i];

		if (a->kind != ACT_AWS)
			continue;
		if (role == NULL)
			role = a->aws.role_arn;
		*several |= strcmp(role, a->aws.role_arn) != 0;
		if (role[0] == '\0')
			role = a->aws.role_arn;
	}
	return role != NULL ? role : "";
}
