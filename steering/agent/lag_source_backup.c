/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups as a source: one manifest that names the newest, or a bucket of them.
 *
 * In a bucket the newest complete backup is the one whose work began last, among those
 * whose manifest can be believed. A manifest that cannot is passed over and told: what is
 * counted then is an older backup, so that more seems to be lost than is, never less. A
 * manifest that cannot be read (no permission, no answer) is another matter: it may be
 * the newest, and then nothing is known.
 */
#include <stdlib.h>
#include <string.h>

#include "steering/agent/exec_check.h"
#include "steering/agent/jobs.h"
#include "steering/agent/lag_source_parts.h"
#include "steering/zone/s3_listing.h"

#define PAGES_MAX 20 /* of 1,000 keys */
#define CAT "/bin/cat"
#define URL_BYTES 2048

static void
judge_manifest(struct lag_source *s, const char *text, size_t n)
{
	struct manifest m;
	struct err e;

	switch (manifest_read(text, n, "", s->now_wall_ms, &m, &e)) {
	case MANIFEST_GOOD:
		lag_source_backup(s, &m);
		return;
	case MANIFEST_INCOMPLETE:
		lag_source_unknown(s,
		    "%.120s: the manifest must name the newest complete backup",
		    e.text);
		return;
	case MANIFEST_BAD:
		lag_source_unknown(s, "the manifest: %.200s", e.text);
		return;
	}
}

/* ---- a URL ---- */

static void
on_manifest(const struct http_response *response, void *arg)
{
	struct lag_source *s = arg;

	s->http = NULL;
	if (response->fate != HTTP_ANSWERED)
		lag_source_unknown(s, "the manifest: %.200s", response->err.text);
	else if (response->status != 200)
		lag_source_unknown(
		    s, "the manifest: status %ld, not 200", response->status);
	else
		judge_manifest(s, response->body, response->body_bytes);
}

/* ---- a file ---- */

static void
on_file(const struct runner_event *ev, void *arg)
{
	struct lag_source *s = arg;
	struct probe_result r = {0};

	s->job = 0;
	exec_result(ev, s->check, &r);
	if (r.outcome != OUTCOME_PASS)
		lag_source_unknown(s, "the manifest cannot be read: %s", r.text);
	else if (ev->output_bytes > ev->tail_bytes)
		lag_source_unknown(
		    s, "the manifest is longer than %d bytes", RUNNER_TAIL_BYTES);
	else
		judge_manifest(s, ev->tail, ev->tail_bytes);
}

static bool
manifest_make(struct lag_source *s, struct err *e)
{
	return s->lag->manifest[0] != '\0' || err_set(e, "it names no manifest");
}

static bool
manifest_start(struct lag_source *s, const struct lag_ask *ask, struct err *e)
{
	const char *const cat[] = {CAT, "--", s->lag->manifest};
	char url[URL_BYTES];

	if (s->lag->manifest[0] == '/')
		return lag_source_run(s, ask, cat, 3, on_file, e);
	if (!lag_source_fill(ask, s->lag->manifest, url, sizeof url))
		return err_set(e, "its url is longer than %d characters", URL_BYTES);
	return lag_source_get(s, url, MANIFEST_BYTES_MAX, on_manifest, e);
}

static void
manifest_cancel(struct lag_source *s)
{
	if (s->http != NULL)
		http_call_cancel(s->http);
	if (s->job != 0)
		jobs_forget(s->place.jobs, s->job);
	s->http = NULL;
	s->job = 0;
}

const struct lag_source_kind lag_source_manifest = {
    manifest_make, manifest_start, manifest_cancel};

/* ---- a bucket ---- */

static void on_page(const struct s3_answer *answer, void *arg);
static void on_object(const struct s3_answer *answer, void *arg);

static void
finish(struct lag_source *s)
{
	if (s->r.is_backup) {
		struct manifest best = s->r.backup;

		lag_source_backup(s, &best);
	} else if (s->keys->keys == 0) {
		lag_source_unknown(s,
		    "there is no backup: bucket %.63s has no key %.60s<id>" BACKUP_FILE,
		    s->lag->bucket, s->lag->prefix);
	} else {
		char why[sizeof s->r.note];

		memcpy(why, s->r.note, sizeof why);
		lag_source_unknown(s, "no backup is complete: %.180s",
		    why[0] != '\0' ? why : "every manifest is of one under way");
	}
}

/* The next manifest that may be of a newer backup than the best so far. */
static void
read_next(struct lag_source *s)
{
	char key[S3_KEY_MAX];

	if (s->reading >= s->keys->keys ||
	    (s->r.is_backup &&
		s->keys->key[s->reading].modified_wall_ms + MANIFEST_AHEAD_MS <
		    s->r.backup.started_wall_ms)) {
		finish(s);
		return;
	}
	(void)snprintf(key, sizeof key, "%.800s%s" BACKUP_FILE, s->lag->prefix,
	    s->keys->key[s->reading].id);
	s->s3_call = s3_get_start(
	    s->s3, key, MANIFEST_BYTES_MAX, lag_source_left_ms(s), on_object, s);
}

static void
pass_over(struct lag_source *s, const char *why)
{
	if (s->r.note[0] == '\0')
		(void)snprintf(s->r.note, sizeof s->r.note,
		    "backup %.60s is passed over: %.130s", s->keys->key[s->reading].id,
		    why);
}

static void
take_manifest(struct lag_source *s, const struct s3_answer *answer)
{
	const char *id = s->keys->key[s->reading].id;
	struct manifest m;
	struct err e;

	switch (manifest_read(
	    answer->body, answer->body_bytes, id, s->now_wall_ms, &m, &e)) {
	case MANIFEST_GOOD:
		if (s->r.is_backup && m.started_wall_ms <= s->r.backup.started_wall_ms)
			return;
		s->r.is_backup = true;
		s->r.backup = m;
		return;
	case MANIFEST_INCOMPLETE:
		return;
	case MANIFEST_BAD:
		pass_over(s, e.text);
		return;
	}
}

static void
on_object(const struct s3_answer *answer, void *arg)
{
	struct lag_source *s = arg;

	s->s3_call = NULL;
	if (answer->result == AWS_OK) {
		take_manifest(s, answer);
	} else if (answer->result != AWS_REFUSED) {
		lag_source_unknown(s, "%.220s", answer->err.text);
		return;
	} else if (strcmp(answer->code, "NoSuchKey") != 0) {
		pass_over(s, answer->err.text); /* archived, say */
	}
	s->reading++;
	read_next(s);
}

static void
on_key(const struct s3_object *object, void *arg)
{
	struct lag_source *s = arg;

	backup_keys_offer(
	    s->keys, s->lag->prefix, object->key, object->modified_wall_ms);
}

static void
on_page(const struct s3_answer *answer, void *arg)
{
	struct lag_source *s = arg;
	struct s3_page page;
	struct err e;

	s->s3_call = NULL;
	if (answer->result != AWS_OK) {
		lag_source_unknown(s, "%.220s", answer->err.text);
	} else if (!s3_parse_page(
		       answer->body, answer->body_bytes, &page, on_key, s, &e)) {
		lag_source_unknown(s, "bucket %.63s: %.150s", s->lag->bucket, e.text);
	} else if (page.truncated && ++s->pages >= PAGES_MAX) {
		lag_source_unknown(s,
		    "more than %d keys begin with '%.60s': keep the manifests under a "
		    "prefix of their own",
		    PAGES_MAX * 1000, s->lag->prefix);
	} else if (page.truncated) {
		s->s3_call = s3_list_start(s->s3, s->lag->prefix, page.next,
		    lag_source_left_ms(s), on_page, s);
	} else {
		read_next(s);
	}
}

static bool
bucket_make(struct lag_source *s, struct err *e)
{
	struct s3_spec spec = {.bucket = s->lag->bucket,
	    .region = s->lag->region,
	    .endpoint = s->lag->endpoint,
	    .profile = s->lag->profile};

	s->s3 = s3_new(s->place.base, &spec, e);
	return s->s3 != NULL;
}

static bool
bucket_start(struct lag_source *s, const struct lag_ask *ask, struct err *e)
{
	(void)ask;
	(void)e;
	*s->keys = (struct backup_keys){0};
	s->pages = s->reading = 0;
	s->s3_call =
	    s3_list_start(s->s3, s->lag->prefix, "", lag_source_left_ms(s), on_page, s);
	return true;
}

static void
bucket_cancel(struct lag_source *s)
{
	if (s->s3_call != NULL)
		s3_cancel(s->s3_call);
	s->s3_call = NULL;
}

const struct lag_source_kind lag_source_bucket = {
    bucket_make, bucket_start, bucket_cancel};
