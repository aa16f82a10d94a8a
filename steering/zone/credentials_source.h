/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials_source.h - the sources of credentials that take time.
 *
 * Each start function begins one fetch on the loop and returns it; its callback fires
 * exactly once, never before start has returned, and the fetch is dead from then on.
 * credentials_fetch_cancel() ends it without a callback. NULL: nothing was begun, e
 * says why. Patience is bounded for each. Sentences name the source and the cure,
 * never a byte of what it answered, unless it is AWS's own error.
 */
#ifndef STEERING_ZONE_CREDENTIALS_SOURCE_H
#define STEERING_ZONE_CREDENTIALS_SOURCE_H

#include "steering/zone/credentials.h"

struct event_base;
struct http;
struct http_response;
struct credentials_fetch;

struct credentials_got {
	enum credentials_found found; /* NONE: there is no such source here */
	struct credentials who;       /* when FOUND; wiped after the callback */
	int64_t expires_wall_s;       /* 0: never, as far as it says */
	int64_t now_wall_s;           /* on the clock that expires_wall_s stands on */
	struct err err;               /* unless FOUND */
};
typedef void (*credentials_got_cb)(struct credentials_got *got, void *arg);

struct credentials_help {
	struct event_base *base;
	struct http *http;
	uint64_t patience_ms; /* 0: each source's own */
	const char *region;   /* of the zone, "" none */
};

/* credentials_process.c: argv is the command split by shell-like quotes; no shell. */
struct credentials_fetch *
credentials_process_start(const struct credentials_help *h, const char *command,
    const char *source, credentials_got_cb cb, void *arg, struct err *e);

/* credentials_sts.c */
/* Are AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN there? BAD: one of them is. */
enum credentials_found credentials_web_look(struct err *e);
struct credentials_fetch *credentials_web_start(
    const struct credentials_help *h, credentials_got_cb cb, void *arg, struct err *e);
/* AssumeRole, signed by `who`. external_id "" none. */
struct credentials_fetch *credentials_role_start(const struct credentials_help *h,
    const struct credentials *who, const char *role_arn, const char *external_id,
    credentials_got_cb cb, void *arg, struct err *e);

/* credentials_metadata.c */
enum credentials_found credentials_container_look(struct err *e);
struct credentials_fetch *credentials_container_start(
    const struct credentials_help *h, credentials_got_cb cb, void *arg, struct err *e);
/* The address to ask, from both variables (NULL or "": not set). False: refused. */
bool credentials_container_url(char *url, size_t url_bytes, const char *relative,
    const char *full, struct err *e) MUST_CHECK;
enum credentials_found credentials_instance_look(struct err *e);
struct credentials_fetch *credentials_instance_start(
    const struct credentials_help *h, credentials_got_cb cb, void *arg, struct err *e);

void credentials_fetch_cancel(struct credentials_fetch *f);

/* ---- what the sources share: credentials_reply.c ---- */

struct credentials_fetch { /* each source's own struct begins with it */
	void (*cancel)(struct credentials_fetch *f); /* ends and frees it */
	credentials_got_cb cb;
	void *arg;
	char source[200]; /* for sentences */
};

/* The JSON of processes ("SessionToken") and endpoints ("Token"). */
bool credentials_reply_json(struct credentials_got *got, const char *text, size_t n,
    const char *token_key, const char *source, struct err *e) MUST_CHECK;
/* One value into its place: not empty, of its length, printable, no blanks. */
bool credentials_reply_take(char *out, size_t out_bytes, const char *what,
    const char *value, const char *source, struct err *e) MUST_CHECK;
/* "2026-11-24T10:00:00Z", with a fraction or an offset too. */
bool credentials_reply_time(const char *text, int64_t *wall_s) MUST_CHECK;
/* A small file that holds a token, without the newline at its end. */
bool credentials_reply_file(
    char *out, size_t out_bytes, const char *path, struct err *e) MUST_CHECK;

#endif
