/* SPDX-License-Identifier: Apache-2.0 */
/* lag_source_parts.h - what the files of lag_source.h share, and nobody else sees. */
#ifndef STEERING_AGENT_LAG_SOURCE_PARTS_H
#define STEERING_AGENT_LAG_SOURCE_PARTS_H

#include "steering/agent/lag_source.h"
#include "steering/zone/aws_query.h"
#include "steering/zone/http.h"
#include "steering/zone/s3.h"

struct lag_source;

struct lag_source_kind {
	/* Makes what it asks with. */
	bool (*make)(struct lag_source *s, struct err *e);
	/* Begins; it ends by lag_source_known() or lag_source_unknown(), later. False:
	 * nothing was begun. */
	bool (*start)(
	    struct lag_source *s, const struct lag_ask *ask, struct err *e) MUST_CHECK;
	void (*cancel)(struct lag_source *s);
};
extern const struct lag_source_kind lag_source_exec, lag_source_http, lag_source_metric,
    lag_source_manifest, lag_source_bucket;

struct lag_source {
	struct lag_place place;
	const struct check_spec *check;
	const struct config_lag *lag;
	const struct config_exec *exec;
	const struct lag_source_kind *kind;
	struct event *timer;
	bool busy, decided;
	uint64_t give_up_ms;
	int64_t now_wall_ms;
	struct lag_reading r;
	lag_source_cb cb;
	void *arg;
	/* of the kinds */
	uint64_t job;
	struct http_call *http;
	struct aws_query *query;
	struct aws_call *call;
	struct s3 *s3;
	struct s3_call *s3_call;
	struct backup_keys *keys;
	uint32_t pages, reading; /* of the listing; index of the key that is read */
};

/* The sample is over. Each calls back: nothing of s is touched after it. */
void lag_source_known(struct lag_source *s, uint64_t lag_ms, uint64_t began_ms);
__attribute__((format(printf, 2, 3))) void
lag_source_unknown(struct lag_source *s, const char *format, ...);
/* … by a backup that is the newest complete one. */
void lag_source_backup(struct lag_source *s, const struct manifest *m);

/* What is left of the time, at least 1. */
uint64_t lag_source_left_ms(const struct lag_source *s);
/* Words filled in. */
bool lag_source_fill(const struct lag_ask *ask, const char *template, char *out,
    size_t out_bytes) MUST_CHECK;
/* GET of an absolute URL, for http and manifests. */
bool lag_source_get(struct lag_source *s, const char *url, size_t answer_max,
    http_cb cb, struct err *e) MUST_CHECK;
/* A program, for exec and files. */
bool lag_source_run(struct lag_source *s, const struct lag_ask *ask,
    const char *const *arg, uint32_t args,
    void (*cb)(const struct runner_event *, void *), struct err *e) MUST_CHECK;

#endif
