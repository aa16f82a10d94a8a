/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order is the table below; a further source is a row and a file. A source is
 * asked again when its stamp moved, not on a timer: rotation of a file is seen at the
 * next request, and an unchanged file costs one stat. The environment of a process
 * does not change, so its stamp stands still.
 */
#include "steering/zone/credentials.h"

#include <stdlib.h>
#include <string.h>

#include "steering/zone/text.h"

struct credentials_chain {
	char profile[64];
	bool explicit_profile;
	bool held, tried;
	uint64_t stamp;
	struct credentials now;
	struct err warning, bad; /* bad: why there is nothing, while !held */
};

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
load_environment(const char *profile, bool explicit_profile, struct credentials *out,
    struct err *warning, struct err *e)
{
	(void)profile, (void)explicit_profile, (void)warning;
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

static uint64_t
environment_stamp(void)
{
	return 1;
}

/* A profile that was named must be there: credentials_file_load() sees to that. */
static const struct credentials_source sources[] = {
    {"environment", load_environment, environment_stamp},
    {"shared files", credentials_file_load, credentials_file_stamp},
};
#define SOURCES (sizeof sources / sizeof sources[0])

static uint64_t
stamp_all(void)
{
	uint64_t stamp = 0;

	for (size_t i = 0; i < SOURCES; i++)
		stamp = stamp * 0x100000001b3ULL ^ sources[i].stamp();
	return stamp;
}

struct credentials_chain *
credentials_new(const char *profile, struct err *e)
{
	struct credentials_chain *c = calloc(1, sizeof *c);
	const char *named = profile[0] != '\0' ? profile : getenv("AWS_PROFILE");

	if (c == NULL) {
		(void)err_set(e, "credentials: memory is short");
		return NULL;
	}
	c->explicit_profile = named != NULL && named[0] != '\0';
	if (!c->explicit_profile)
		named = "default";
	if (strlen(named) >= sizeof c->profile) {
		(void)err_set(e,
		    "credentials: the profile's name is longer than %zu "
		    "characters",
		    sizeof c->profile - 1);
		free(c);
		return NULL;
	}
	memcpy(c->profile, named, strlen(named) + 1);
	return c;
}

void
credentials_free(struct credentials_chain *c)
{
	if (c == NULL)
		return;
	text_wipe(c, sizeof *c);
	free(c);
}

static void
load(struct credentials_chain *c)
{
	struct credentials fresh;
	struct err warning = {""}, e = {""};
	enum credentials_found found = CREDENTIALS_NONE;

	for (size_t i = 0; i < SOURCES && found == CREDENTIALS_NONE; i++) {
		memset(&fresh, 0, sizeof fresh);
		found = sources[i].load(
		    c->profile, c->explicit_profile, &fresh, &warning, &e);
	}
	if (found == CREDENTIALS_NONE)
		(void)err_set(&e,
		    "no AWS credentials: set AWS_ACCESS_KEY_ID and "
		    "AWS_SECRET_ACCESS_KEY, or give profile %s static keys in "
		    "~/.aws/credentials",
		    c->profile);
	if (found == CREDENTIALS_FOUND) {
		c->now = fresh;
		c->held = true;
		c->warning = warning;
	} else if (c->held) {
		c->warning = e;
		(void)err_wrap(
		    &c->warning, "going on with the credentials read before");
	} else {
		c->bad = e;
	}
	text_wipe(&fresh, sizeof fresh);
}

bool
credentials_get(
    struct credentials_chain *c, const struct credentials **out, struct err *e)
{
	uint64_t stamp = stamp_all();

	if (!c->tried || stamp != c->stamp) {
		c->tried = true;
		c->stamp = stamp;
		load(c);
	}
	if (!c->held) {
		*e = c->bad;
		return false;
	}
	*out = &c->now;
	return true;
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
