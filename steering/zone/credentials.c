/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fetch at a time, of up to two stages: the base (whichever source is configured)
 * and the role. A base that ends is fetched anew for each renewal of the role, so that
 * there is one timer and one order of events. Ends are kept on CLOCK_BOOTTIME, reckoned
 * from the Date of the answer that named them: a wrong clock here ends nothing early.
 *
 * Files are looked at when their stamp moved, at the next request; the environment of a
 * process does not change. After a failure the source rests, twice as long each time,
 * so that an endpoint in trouble is not asked at the pace of our requests.
 */
#include "steering/zone/credentials.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "probe/clock.h"
#include "steering/zone/credentials_source.h"
#include "steering/zone/http.h"
#include "steering/zone/text.h"

#define AHEAD_MS (15u * 60 * 1000)
#define RETRY_MS 5000u
#define RETRY_DOUBLINGS 4 /* 80 s */

enum kind { KIND_STATIC = 0, KIND_PROCESS, KIND_WEB, KIND_CONTAINER, KIND_INSTANCE };

struct credentials_chain {
	struct event_base *base;
	struct event *timer; /* the next renewal */
	struct http *http;   /* made when first needed */
	void (*changed)(void *arg);
	void *arg;
	char profile[64], role_arn[256], external_id[1225], region[32];
	bool explicit_profile;
	uint64_t ahead_ms, retry_ms, patience_ms;

	struct credentials_fetch *fetch;
	bool tried;
	uint64_t stamp;
	uint64_t not_before_ms;   /* of the next try after a failure */
	unsigned failures;        /* in a row */
	enum kind kind;           /* of the base */
	bool has_answered;        /* a source that had to be asked, at least once */
	struct credentials first; /* the base, while the role is fetched */

	bool held;
	struct credentials now;
	uint64_t ends_ms; /* CLOCK_BOOTTIME; 0 never */
	char ends[24];    /* for people */
	struct err file_warning, warning,
	    bad; /* bad: why there is nothing, while !held */
};

/* ---- the environment ---- */

static bool
take(char *out, size_t out_bytes, const char *name, struct err *e)
{
	const char *v = getenv(name);
	size_t n = v != NULL ? strlen(v) : 0;

	if (n >= out_bytes)
		return err_set(e, "environment: %s is longer than %zu characters", name,
		    out_bytes - 1);
	if (n > 0)
		memcpy(out, v, n + 1);
	for (size_t i = 0; i < n; i++)
		if (out[i] <= 0x20 || out[i] == 0x7f)
			return err_set(e,
			    "environment: %s holds blanks or control characters", name);
	return true;
}

static enum credentials_found
look_environment(struct credentials *out, struct err *e)
{
	if (!take(out->access_key, sizeof out->access_key, "AWS_ACCESS_KEY_ID", e) ||
	    !take(
		out->secret_key, sizeof out->secret_key, "AWS_SECRET_ACCESS_KEY", e) ||
	    !take(
		out->session_token, sizeof out->session_token, "AWS_SESSION_TOKEN", e))
		return CREDENTIALS_BAD;
	if (out->access_key[0] == '\0' && out->secret_key[0] == '\0')
		return CREDENTIALS_NONE;
	if (out->access_key[0] == '\0' || out->secret_key[0] == '\0') {
		(void)err_set(e,
		    "environment: %s is set and %s is not: set both or neither",
		    out->access_key[0] ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
		    out->access_key[0] ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
		return CREDENTIALS_BAD;
	}
	(void)snprintf(out->source, sizeof out->source, "environment");
	return CREDENTIALS_FOUND;
}

/* ---- the chain ---- */

static enum credentials_found
look_file(
    struct credentials_chain *c, struct credentials_command *command, struct err *e)
{
	enum credentials_found found = credentials_file_load(
	    c->profile, c->explicit_profile, &c->first, command, &c->file_warning, e);

	if (found == CREDENTIALS_FOUND && command->command[0] != '\0')
		c->kind = KIND_PROCESS;
	return found;
}

/* The first source that is configured: static keys in c->first, or c->kind says what
 * is to be fetched. */
static enum credentials_found
look(struct credentials_chain *c, struct credentials_command *command, struct err *e)
{
	enum credentials_found found;

	text_wipe(&c->first, sizeof c->first);
	c->file_warning.text[0] = '\0';
	c->kind = KIND_STATIC;
	found = look_environment(&c->first, e);
	if (found == CREDENTIALS_NONE && c->explicit_profile)
		return look_file(c, command, e);
	if (found == CREDENTIALS_NONE) {
		text_wipe(&c->first, sizeof c->first);
		c->kind = KIND_WEB;
		found = credentials_web_look(e);
	}
	if (found == CREDENTIALS_NONE) {
		c->kind = KIND_STATIC;
		found = look_file(c, command, e);
	}
	if (found == CREDENTIALS_NONE) {
		c->kind = KIND_CONTAINER;
		found = credentials_container_look(e);
	}
	if (found == CREDENTIALS_NONE) {
		c->kind = KIND_INSTANCE;
		found = credentials_instance_look(e);
	}
	return found;
}

static void
say_none(const struct credentials_chain *c, struct err *e)
{
	(void)err_set(e,
	    "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
	    "give profile %s static keys or a credential_process in ~/.aws/credentials; "
	    "there is no web identity, no container endpoint and no instance metadata "
	    "here (in a container on EC2, raise the instance's metadata hop limit to 2)",
	    c->profile);
}

/* ---- the end of a fetch ---- */

static void
wake_at(struct credentials_chain *c, uint64_t at_ms)
{
	uint64_t now_ms = now_boot_ms(), ms = at_ms > now_ms ? at_ms - now_ms : 0;
	struct timeval t = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(c->timer, &t) != 0)
		abort();
}

static void
tell(struct credentials_chain *c)
{
	if (c->changed != NULL)
		c->changed(c->arg);
}

static void
failed(struct credentials_chain *c, const struct err *e)
{
	unsigned doublings =
	    c->failures < RETRY_DOUBLINGS ? c->failures : RETRY_DOUBLINGS;

	text_wipe(&c->first, sizeof c->first);
	c->failures++;
	c->not_before_ms = now_boot_ms() + (c->retry_ms << doublings);
	c->bad = *e;
	if (c->held) {
		(void)snprintf(c->warning.text, sizeof c->warning.text,
		    c->ends_ms != 0
			? "going on with the credentials read before, which "
			  "end at %.24s: %.400s"
			: "going on with the credentials read before%.0s: "
			  "%.400s",
		    c->ends, e->text);
		if (c->ends_ms != 0)
			wake_at(c, c->not_before_ms);
	}
	tell(c);
}

static void
say_time(char out[24], int64_t wall_s)
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		memcpy(out, "?", 2);
}

/* These are ours from now on. ends_wall_s on the clock that shows now_wall_s; 0 never. */
static void
hold(struct credentials_chain *c, const struct credentials *who, int64_t ends_wall_s,
    int64_t now_wall_s)
{
	uint64_t life_ms, ahead_ms, now_ms = now_boot_ms();
	struct err e;

	if (ends_wall_s != 0 && ends_wall_s <= now_wall_s) {
		char ended[24];

		say_time(ended, ends_wall_s);
		(void)err_set(&e,
		    "%.200s: it answered credentials that had ended at %s: look at it, "
		    "and at this machine's clock",
		    who->source, ended);
		failed(c, &e);
		return;
	}
	c->now = *who;
	text_wipe(&c->first, sizeof c->first);
	c->held = true;
	c->failures = 0;
	c->not_before_ms = 0;
	c->ends_ms = 0;
	c->warning = c->file_warning;
	(void)event_del(c->timer);
	if (ends_wall_s != 0) {
		life_ms = (uint64_t)(ends_wall_s - now_wall_s) * 1000;
		if (life_ms > 366ull * 86400 * 1000)
			life_ms = 366ull * 86400 * 1000;
		ahead_ms = c->ahead_ms < life_ms / 2 ? c->ahead_ms : life_ms / 2;
		c->ends_ms = now_ms + life_ms;
		say_time(c->ends, ends_wall_s);
		wake_at(c, c->ends_ms - ahead_ms);
	}
	tell(c);
}

static void
on_role(struct credentials_got *got, void *arg)
{
	struct credentials_chain *c = arg;

	c->fetch = NULL;
	if (got->found == CREDENTIALS_FOUND)
		hold(c, &got->who, got->expires_wall_s, got->now_wall_s);
	else
		failed(c, &got->err);
}

/* The base is there: it is what was asked for, or assumes the role. */
static void
have_base(struct credentials_chain *c, int64_t ends_wall_s, int64_t now_wall_s)
{
	struct credentials_help h = {c->base, c->http, c->patience_ms, c->region};
	struct credentials who = c->first;
	struct err e = {""};

	if (c->role_arn[0] == '\0' || (ends_wall_s != 0 && ends_wall_s <= now_wall_s))
		hold(c, &who, ends_wall_s, now_wall_s);
	else if ((c->fetch = credentials_role_start(
		      &h, &who, c->role_arn, c->external_id, on_role, c, &e)) == NULL)
		failed(c, &e);
	text_wipe(&who, sizeof who);
}

static void
on_base(struct credentials_got *got, void *arg)
{
	struct credentials_chain *c = arg;

	c->fetch = NULL;
	/* One that has answered before is there, and in trouble. */
	if (got->found == CREDENTIALS_NONE && !c->has_answered)
		say_none(c, &got->err);
	if (got->found != CREDENTIALS_FOUND) {
		failed(c, &got->err);
		return;
	}
	c->has_answered = true;
	c->first = got->who;
	have_base(c, got->expires_wall_s, got->now_wall_s);
}

static void
start_fetch(struct credentials_chain *c, const struct credentials_command *command,
    struct err *e)
{
	struct credentials_help h = {c->base, c->http, c->patience_ms, c->region};

	switch (c->kind) {
	case KIND_STATIC:
		break;
	case KIND_PROCESS:
		c->fetch = credentials_process_start(
		    &h, command->command, command->source, on_base, c, e);
		break;
	case KIND_WEB:
		c->fetch = credentials_web_start(&h, on_base, c, e);
		break;
	case KIND_CONTAINER:
		c->fetch = credentials_container_start(&h, on_base, c, e);
		break;
	case KIND_INSTANCE:
		c->fetch = credentials_instance_start(&h, on_base, c, e);
		break;
	}
}

static void
begin(struct credentials_chain *c)
{
	struct credentials_command command = {"", ""};
	enum credentials_found found;
	struct err e = {""};

	c->tried = true;
	c->stamp = credentials_file_stamp();
	found = look(c, &command, &e);
	if (found == CREDENTIALS_NONE)
		say_none(c, &e);
	if (found == CREDENTIALS_FOUND && c->http == NULL &&
	    (c->kind != KIND_STATIC || c->role_arn[0] != '\0')) {
		c->http = http_new(c->base, &e);
		if (c->http == NULL)
			found = CREDENTIALS_BAD;
	}
	if (found == CREDENTIALS_FOUND && c->kind == KIND_STATIC)
		have_base(c, 0, 0);
	else if (found == CREDENTIALS_FOUND)
		start_fetch(c, &command, &e);
	if (found != CREDENTIALS_FOUND || e.text[0] != '\0')
		failed(c, &e);
	text_wipe(&command, sizeof command);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct credentials_chain *c = arg;

	(void)fd, (void)what;
	if (c->fetch == NULL)
		begin(c);
}

/* ---- credentials.h ---- */

static bool
copy(char *out, size_t out_bytes, const char *text, const char *what, struct err *e)
{
	if (text == NULL)
		return true;
	if (strlen(text) >= out_bytes)
		return err_set(e, "credentials: %s is longer than %zu characters", what,
		    out_bytes - 1);
	memcpy(out, text, strlen(text) + 1);
	return true;
}

struct credentials_chain *
credentials_new(struct event_base *base, const struct credentials_spec *spec,
    void (*changed)(void *arg), void *arg, struct err *e)
{
	struct credentials_chain *c = calloc(1, sizeof *c);
	bool named = spec->profile != NULL && spec->profile[0] != '\0';
	const char *profile = named ? spec->profile : getenv("AWS_PROFILE");

	if (c == NULL || (c->timer = evtimer_new(base, on_timer, c)) == NULL) {
		free(c);
		(void)err_set(e, "credentials: memory is short");
		return NULL;
	}
	c->base = base;
	c->changed = changed;
	c->arg = arg;
	c->explicit_profile = profile != NULL && profile[0] != '\0';
	c->ahead_ms = spec->ahead_ms != 0 ? spec->ahead_ms : AHEAD_MS;
	c->retry_ms = spec->retry_ms != 0 ? spec->retry_ms : RETRY_MS;
	c->patience_ms = spec->patience_ms;
	if (!c->explicit_profile)
		profile = "default";
	if (copy(c->profile, sizeof c->profile, profile, "the profile's name", e) &&
	    copy(c->role_arn, sizeof c->role_arn, spec->role_arn, "role_arn", e) &&
	    copy(c->external_id, sizeof c->external_id, spec->external_id,
		"external_id", e) &&
	    copy(c->region, sizeof c->region, spec->region, "region", e))
		return c;
	credentials_free(c);
	return NULL;
}

void
credentials_free(struct credentials_chain *c)
{
	if (c == NULL)
		return;
	credentials_fetch_cancel(c->fetch);
	http_free(c->http);
	event_free(c->timer);
	text_wipe(c, sizeof *c);
	free(c);
}

static void
drop_ended(struct credentials_chain *c)
{
	struct err why = c->bad;

	if (!c->held || c->ends_ms == 0 || now_boot_ms() < c->ends_ms)
		return;
	(void)err_set(&c->bad,
	    "credentials ended at %s and could not be renewed: %.400s", c->ends,
	    c->failures > 0 ? why.text : "they are being fetched");
	text_wipe(&c->now, sizeof c->now);
	c->held = false;
	c->ends_ms = 0;
	c->warning = c->bad;
}

enum credentials_state
credentials_get(
    struct credentials_chain *c, const struct credentials **out, struct err *e)
{
	bool moved = c->tried && credentials_file_stamp() != c->stamp;

	drop_ended(c);
	if (moved) {
		credentials_fetch_cancel(c->fetch);
		c->fetch = NULL;
		c->failures = 0;
		begin(c);
	} else if (c->fetch == NULL && !c->held &&
	    (!c->tried || now_boot_ms() >= c->not_before_ms)) {
		begin(c);
	}
	if (c->held) {
		*out = &c->now;
		return CREDENTIALS_READY;
	}
	if (c->fetch != NULL) {
		(void)err_set(e, "AWS credentials are still being fetched: %.200s",
		    c->fetch->source);
		return CREDENTIALS_WAIT;
	}
	*e = c->bad;
	return CREDENTIALS_CANNOT;
}

void
credentials_reject(struct credentials_chain *c)
{
	if (c->held && c->fetch == NULL && now_boot_ms() >= c->not_before_ms &&
	    (c->kind != KIND_STATIC || c->role_arn[0] != '\0')) {
		/* Should it give the same again, it is not asked again at once. */
		c->not_before_ms = now_boot_ms() + c->retry_ms;
		begin(c);
	}
}

const char *
credentials_warning(const struct credentials_chain *c)
{
	return c->warning.text;
}

const char *
credentials_identity(const struct credentials_chain *c)
{
	return c->held ? c->now.source : "";
}
