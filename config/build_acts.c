/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_acts.c - what a slot does, and how a lag is measured: texts out of the tree.
 *
 * Lists and literal parameters are as long as the operator made them, so they are not in
 * the drafts but copied from the nodes that the walk has checked. Every text that is not
 * used is "", never NULL: whoever performs an act need not ask.
 */
#include "config/load.h"

#include <assert.h>
#include <string.h>

#include "config/put.h"
#include "steering/zone/aws_query.h"

static const char *
copy(struct region *r, const char *text)
{
	return text[0] == '\0' ? "" : region_copy(r, text, strlen(text));
}

/* The scalar down a path, or what stands for it. */
static const char *
text_at(struct region *r, const struct ynode *node, const char *path, const char *other)
{
	const struct ynode *n = ynode_at(node, path);

	return n != NULL ? copy(r, n->text) : other;
}

static uint32_t
params_of(struct region *r, const struct ynode *node, const struct config_param **out)
{
	struct config_param *p;
	uint32_t n = 0;

	*out = NULL;
	if (node == NULL || node->children == 0)
		return 0;
	p = region_alloc(r, node->children * sizeof *p);
	for (const struct ynode *c = node->first; c != NULL; c = c->next, n++) {
		p[n].key = copy(r, c->key);
		p[n].value = copy(r, c->text);
	}
	*out = p;
	return n;
}

static void
build_exec(struct region *r, const struct ynode *argv, struct config_act *out)
{
	out->kind = ACT_EXEC;
	out->arg = region_alloc(r, argv->children * sizeof *out->arg);
	for (const struct ynode *c = argv->first; c != NULL; c = c->next)
		out->arg[out->args++] = copy(r, c->text);
}

static void
build_headers(
    struct load *l, struct region *r, const struct ynode *node, struct config_act *out)
{
	struct config_header *h;
	char path[512];
	struct err e;

	if (node == NULL || node->children == 0)
		return;
	h = region_alloc(r, node->children * sizeof *h);
	out->webhook.header = h;
	for (const struct ynode *c = node->first; c != NULL; c = c->next, h++) {
		const struct ynode *file = ynode_get(c, "file");

		h->name = copy(r, c->key);
		h->value = copy(r, c->text);
		h->file = "";
		out->webhook.headers++;
		if (file == NULL)
			continue;
		bool ok = put_path(&l->walk, file->text, path, sizeof path, &e);
		assert(ok);
		h->file = copy(r, path);
	}
}

static void
build_webhook(struct load *l, struct region *r, const struct block *step,
    const struct ynode *node, struct config_act *out)
{
	const struct draft_step *d = step->data;

	out->kind = ACT_WEBHOOK;
	out->webhook.url = text_at(r, node, "url", "");
	out->webhook.method = text_at(r, node, "method", "POST");
	out->webhook.body = text_at(r, node, "body", "");
	build_headers(l, r, ynode_get(node, "headers"), out);
	out->webhook.statuses = d->statuses;
	memcpy(out->webhook.status, d->status, sizeof out->webhook.status);
}

static void
build_call(struct region *r, const struct ynode *node, struct config_call *out)
{
	out->action = text_at(r, node, "action", "");
	out->params = params_of(r, ynode_get(node, "params"), &out->param);
}

static void
build_aws(struct region *r, const struct block *step, const struct ynode *node,
    struct config_act *out)
{
	const struct ynode *until = ynode_get(step->node, "until");

	out->kind = ACT_AWS;
	out->aws.service = text_at(r, node, "service", "");
	out->aws.region = text_at(r, node, "region", "");
	out->aws.version =
	    text_at(r, node, "version", aws_query_version(out->aws.service));
	out->aws.endpoint = text_at(r, node, "endpoint", "");
	out->aws.profile = text_at(r, node, "profile", "");
	out->aws.role_arn = text_at(r, node, "role_arn", "");
	build_call(r, node, &out->aws.call);
	if (until == NULL)
		return;
	out->aws.until = true;
	build_call(r, until, &out->aws.ask);
	out->aws.path = text_at(r, until, "path", "");
	out->aws.is = text_at(r, until, "is", "");
	out->aws.every_ms = ((struct draft_step *)step->data)->ask_ms;
}

void
build_act_empty(struct config_act *out)
{
	memset(out, 0, sizeof *out);
	out->webhook.url = out->webhook.method = out->webhook.body = "";
	out->aws.service = out->aws.region = out->aws.version = "";
	out->aws.endpoint = out->aws.profile = out->aws.role_arn = "";
	out->aws.call.action = out->aws.ask.action = "";
	out->aws.path = out->aws.is = "";
	out->question = out->none = out->dry_run = "";
}

void
build_act(
    struct load *l, struct region *r, const struct block *step, struct config_act *out)
{
	const struct draft_step *d = step->data;
	const struct ynode *exec = ynode_get(step->node, "exec");
	const struct ynode *webhook = ynode_get(step->node, "webhook");
	const struct ynode *aws = ynode_get(step->node, "aws");

	build_act_empty(out);
	if (exec != NULL)
		build_exec(r, exec, out);
	else if (webhook != NULL)
		build_webhook(l, r, step, webhook, out);
	else if (aws != NULL)
		build_aws(r, step, aws, out);
	else if (ynode_at(step->node, "wait.check") != NULL)
		out->kind = ACT_CHECK;
	if (out->kind == ACT_CHECK)
		out->check = d->wait_check;
	out->question = text_at(r, step->node, "approve", "");
	out->none = text_at(r, step->node, "none", "");
	out->dry_run = text_at(r, step->node, "dry_run", "");
}

/* ---- lag ---- */

static bool
measures(const struct draft_check *d)
{
	switch (d->spec.kind) {
	case CHECK_EXEC:
		return d->seconds == 1;
	case CHECK_HTTP:
		return d->json[0] != '\0' && d->url[0] != '\0';
	case CHECK_BACKUP:
	case CHECK_CLOUDWATCH:
		return true;
	case CHECK_TCP:
	case CHECK_DNS:
	case CHECK_ELB:
	case CHECK_KINDS:
		break;
	}
	return false;
}

static void
build_metric(struct region *r, const struct draft_check *d, const struct ynode *n,
    struct config_lag *out)
{
	out->region = text_at(r, n, "region", "");
	out->name_space = text_at(r, n, "namespace", "");
	out->metric = text_at(r, n, "metric", "");
	out->statistic = text_at(r, n, "statistic", "Maximum");
	out->endpoint = text_at(r, n, "endpoint", "");
	out->profile = text_at(r, n, "profile", "");
	out->dimensions = params_of(r, ynode_get(n, "dimensions"), &out->dimension);
	out->unit_s = d->unit == 1 ? 0.001 : 1;
	out->period_ms = d->metric_period_ms;
}

static void
build_backup(struct region *r, const struct draft_check *d, const struct ynode *n,
    struct config_lag *out)
{
	const struct ynode *s3 = ynode_get(n, "s3");

	out->manifest = text_at(r, n, "manifest", "");
	out->bucket = text_at(r, s3, "bucket", "");
	out->prefix = text_at(r, s3, "prefix", "");
	out->region = text_at(r, s3, "region", "");
	out->endpoint = text_at(r, s3, "endpoint", "");
	out->profile = text_at(r, s3, "profile", "");
	out->encrypted = d->encrypted;
	out->period_ms = d->made_ms;
	out->retention_ms = d->retention_ms;
	out->restored_ms = d->restored_ms;
}

static void
build_lag(struct region *r, const struct block *b, struct config_lag *out)
{
	const struct draft_check *d = b->data;

	out->url = out->json = out->region = out->name_space = out->metric = "";
	out->statistic = out->endpoint = out->profile = "";
	out->manifest = out->bucket = out->prefix = "";
	out->measures = measures(d);
	if (d->spec.kind == CHECK_CLOUDWATCH) {
		build_metric(r, d, ynode_get(b->node, "cloudwatch"), out);
	} else if (d->spec.kind == CHECK_BACKUP) {
		build_backup(r, d, ynode_get(b->node, "backup"), out);
	} else {
		out->url = copy(r, d->url);
		out->json = copy(r, d->json);
	}
}

void
build_lags(struct load *l, struct region *r, struct config *c)
{
	for (struct block *b = block_first(l->file, "checks.*"); b != NULL;
	     b = block_next(b))
		build_lag(r, b, &c->lag[b->index]);
}
