/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_lag.c - checks that measure what would be lost: backups, metrics, and the times
 * that must fit the promise.
 *
 * Said before any disaster: a backup every six hours cannot keep an RPO of four, and one
 * that is thrown away before the next is made is none.
 */
#include "config/load.h"

#include <string.h>

#define MINUTE_MS 60000
#define ASK_MS_MIN 5000 /* APIs that the whole account shares */

#define NOTE(l, node, ...) \
	note_error((l)->notes, (node)->line, (node)->column, __VA_ARGS__)
#define NOTE_KEY(l, node, ...) \
	note_error((l)->notes, (node)->key_line, (node)->key_column, __VA_ARGS__)
#define WARN(l, node, ...) \
	note_warning((l)->notes, (node)->line, (node)->column, __VA_ARGS__)

/* How often a lag is asked for when nobody said: an API, or a file that changes rarely. */
static void
defaults(const struct ynode *node, struct check_spec *s)
{
	if (ynode_get(node, "every") == NULL)
		s->every_ms = MINUTE_MS;
	if (ynode_get(node, "timeout") == NULL)
		s->timeout_ms = s->every_ms < 10000 ? s->every_ms : 10000;
	if (ynode_get(node, "recheck") == NULL)
		s->recheck_ms = s->every_ms < 10000 ? s->every_ms : 10000;
}

static void
rule_no_probe(struct load *l, const struct block *b)
{
	static const char *const probes[] = {
	    "hedge", "slow", "source", "fall", "rise", "clear"};

	for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
		const struct ynode *n = ynode_get(b->node, probes[i]);

		if (n != NULL)
			NOTE_KEY(l, n,
			    "'%s' is about probes: check '%.40s' measures a lag",
			    n->key, b->name);
	}
}

static void
rule_pace(struct load *l, const struct block *b, const struct check_spec *s)
{
	const struct ynode *every = ynode_get(b->node, "every");
	bool api =
	    s->kind == CHECK_CLOUDWATCH || ynode_at(b->node, "backup.s3") != NULL;

	if (every != NULL && api && s->every_ms < ASK_MS_MIN)
		NOTE(l, every,
		    "AWS is asked every 5s at most: each question costs, and the account "
		    "shares the limit");
}

static void
rule_metric(struct load *l, const struct block *b, const struct draft_check *d)
{
	const struct ynode *metric = ynode_at(b->node, "cloudwatch.metric");
	const struct ynode *unit = ynode_at(b->node, "cloudwatch.unit");
	const struct ynode *period = ynode_at(b->node, "cloudwatch.period");
	const struct ynode *dimensions = ynode_at(b->node, "cloudwatch.dimensions");
	uint64_t ms = d->metric_period_ms;

	if (dimensions != NULL)
		rules_placeholders(l, dimensions, "from to");
	if (period != NULL && ms % MINUTE_MS != 0 && ms != 1000 && ms != 5000 &&
	    ms != 10000 && ms != 20000 && ms != 30000)
		NOTE(l, period,
		    "CloudWatch has periods of 1s, 5s, 10s, 20s, 30s and whole minutes");
	if (metric != NULL && d->unit == 0 && strncmp(metric->text, "Aurora", 6) == 0)
		WARN(l, unit != NULL ? unit : metric,
		    "Aurora gives its lags in milliseconds: say unit: milliseconds, or a "
		    "lag of one second will look like a quarter of an hour");
}

static void
rule_manifest(struct load *l, const struct block *b)
{
	const struct ynode *backup = ynode_get(b->node, "backup");
	const struct ynode *manifest = ynode_get(backup, "manifest");
	const struct ynode *s3 = ynode_get(backup, "s3");

	if (backup == NULL || backup->kind != YNODE_MAP)
		return;
	if (manifest == NULL && s3 == NULL)
		NOTE_KEY(l, backup,
		    "'%.40s' says nowhere to look for backups: give it a manifest or s3",
		    b->name);
	if (manifest != NULL && s3 != NULL)
		NOTE_KEY(
		    l, s3, "backups are found in one place: s3 stands beside manifest");
	if (manifest != NULL && strncmp(manifest->text, "http://", 7) == 0)
		WARN(l, manifest,
		    "the manifest comes over http: whoever is on the way chooses which "
		    "backup is restored");
	if (ynode_get(backup, "encrypted") == NULL)
		note_warning(l->notes, backup->key_line, backup->key_column,
		    "nothing is said about encryption: say encrypted: true to be warned "
		    "of a backup that is not, or encrypted: false");
}

static void
rule_keeping(struct load *l, const struct block *b, const struct draft_check *d)
{
	const struct ynode *retention = ynode_at(b->node, "backup.retention");
	char kept[32], made[32];

	if (retention == NULL || d->made_ms == 0 || d->retention_ms >= d->made_ms)
		return;
	value_duration_format(d->retention_ms, kept, sizeof kept);
	value_duration_format(d->made_ms, made, sizeof made);
	WARN(l, retention,
	    "backups are kept for %s and made every %s: for a part of the time there is "
	    "none",
	    kept, made);
}

/* A lag from a fixed place is one plain GET; `headers` and `status` go with it. */
static void
rule_http(struct load *l, const struct block *b)
{
	static const char *const probes[] = {"scheme", "port", "method", "path", "host",
	    "contains", "matches", "redirects", "verify", "min_days", "ca", "cert",
	    "key"};
	const struct ynode *http = ynode_get(b->node, "http");
	const struct ynode *url = ynode_get(http, "url");
	const struct ynode *json = ynode_get(http, "json");

	if ((url == NULL) != (json == NULL))
		NOTE_KEY(l, url != NULL ? url : json,
		    "'url' and 'json' belong together: where a lag is asked for, and "
		    "the field that holds it");
	if (url == NULL)
		return;
	rules_placeholders(l, url, "from to");
	for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
		const struct ynode *n = ynode_get(http, probes[i]);

		if (n != NULL)
			NOTE_KEY(l, n,
			    "'%s' has no use beside url: a lag is asked for by a plain "
			    "GET, with headers and status",
			    n->key);
	}
}

void
rules_lag(struct load *l, const struct block *b)
{
	struct draft_check *d = b->data;
	bool backup = d->spec.kind == CHECK_BACKUP;

	if (d->spec.kind == CHECK_HTTP)
		rule_http(l, b);
	if (!backup && d->spec.kind != CHECK_CLOUDWATCH)
		return;
	defaults(b->node, &d->spec);
	rule_no_probe(l, b);
	rule_pace(l, b, &d->spec);
	if (backup) {
		rule_manifest(l, b);
		rule_keeping(l, b, d);
	} else {
		rule_metric(l, b, d);
	}
}

/* What the newest backup can promise, beside what the plan does. */
void
rules_lag_promise(struct load *l, const struct block *plan, const struct block *check)
{
	const struct draft_scenario *s = plan->data;
	const struct draft_check *d = check->data;
	const struct ynode *rpo = ynode_get(plan->node, "rpo");
	char made[32], promised[32];

	if (rpo == NULL || s->rpo_ms == 0)
		return;
	value_duration_format(s->rpo_ms, promised, sizeof promised);
	if (d->spec.kind == CHECK_BACKUP && d->made_ms > s->rpo_ms) {
		value_duration_format(d->made_ms, made, sizeof made);
		WARN(l, rpo,
		    "rpo %s cannot be kept: check '%.40s' says that a backup is made every "
		    "%s, and the data lost runs from when the newest one began",
		    promised, check->name, made);
	} else if (d->spec.every_ms > s->rpo_ms) {
		value_duration_format(d->spec.every_ms, made, sizeof made);
		WARN(l, rpo,
		    "rpo %s is shorter than every %s of check '%.40s': it could be passed "
		    "long before anybody sees it",
		    promised, made, check->name);
	}
}
