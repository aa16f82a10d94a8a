/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - the configuration, checked and complete: defaults filled, templates
 * merged, references resolved to indices.
 *
 * Made by config_load() in one region, swapped whole on reload, freed whole. What
 * stands here has passed every rule of `validate`. Times are milliseconds.
 */
#ifndef CONFIG_MODEL_H
#define CONFIG_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/check.h"
#include "probe/runner.h"
#include "steering/core/err.h"
#include "steering/core/records.h"
#include "steering/core/rule.h"
#include "steering/core/sample.h"
#include "steering/zone/provider.h"

#define ENDPOINTS_MAX 16 /* of one member */
#define ZONES_MAX 16
#define CHECKS_MAX 128
#define SCENARIOS_MAX 64
#define NAMESERVERS_MAX 8

struct config_agent {
	char name[WORD_MAX];
	char url[256]; /* "" with quorum: solo */
	char listen[64];
	char site[WORD_MAX];   /* "" a witness */
	char domain[WORD_MAX]; /* site, else name, unless given */
};

struct config_zone {
	char key[WORD_MAX]; /* in the file */
	struct route53_spec route53;
	uint32_t nameservers;                 /* 0: the zone's own */
	char nameserver[NAMESERVERS_MAX][64]; /* "ip:port" */
};

struct config_endpoint {
	char host[DNS_NAME_MAX]; /* numeric or a name */
	uint16_t port;
	bool https;
	bool numeric;
};

struct config_member {
	uint32_t check;  /* index into checks; unused for a last resort */
	int32_t targets; /* of an elb check: the one beside `check`, or `check` itself,
			  * which then has no endpoints; −1: none */
	uint32_t endpoints;
	struct config_endpoint endpoint[ENDPOINTS_MAX];
	bool families[FAMILIES]; /* published: A, AAAA (both for CNAME) */
	/* The answers as record sets without a name, weight or set id: one per type. */
	uint32_t answers;
	struct rrset answer[TYPES_MAX];
	char health_check[RR_HEALTH_MAX]; /* "steady", an id, or "" */
};

struct config_service {
	struct rule_service rule; /* members here are indexed as in it */
	uint32_t zone;            /* index */
	uint32_t names;
	char name[NAMES_MAX][DNS_NAME_MAX]; /* lowercase, escaped, no trailing dot */
	uint32_t ttl_s;
	char ledger_name[DNS_NAME_MAX]; /* _pointsman.<service>.<apex> */
	/* The id that health_check: steady stands for. Not of the file: whoever found it
	 * in the zone's account puts it here; "" until then. */
	char steady[RR_HEALTH_MAX];
	int32_t shadow_of; /* a shadow: the service that it rehearses; -1 */
	struct config_member member[MEMBERS_MAX];
};

#define EXEC_ARG_BYTES 512
#define EXEC_ARGS_BYTES 4096 /* of all together */

/* The program of a CHECK_EXEC: its arguments as written, {words} not filled in. */
struct config_exec {
	uint32_t args; /* 0: the check is of another kind */
	const char **arg;
};

/* ---- scenarios ---- */

/* What a shell does in a slot; text as written, {words} not filled in (act.h). Unused
 * texts are "". */
enum act_kind {
	ACT_NONE =
	    0, /* the slot is empty, a gate, or an approval: nothing to perform */
	ACT_EXEC,
	ACT_WEBHOOK,
	ACT_AWS,
	ACT_CHECK, /* until this check passes at {site} */
};

struct config_call { /* of the Query protocol */
	const char *action;
	uint32_t params;
	const struct config_param {
		const char *key, *value;
	} * param;
};

struct config_act {
	enum act_kind kind;
	uint64_t timeout_ms; /* of one attempt */
	uint32_t args;       /* ACT_EXEC */
	const char **arg;
	struct { /* ACT_WEBHOOK */
		const char *url, *method, *body;
		uint32_t headers; /* values from a file are read anew at each call */
		const struct config_header {
			const char *name, *value, *file; /* one of the last two */
		} * header;
		uint32_t statuses; /* that are success; default 200–299 */
		struct check_status_range status[CHECK_STATUS_RANGES];
	} webhook;
	struct { /* ACT_AWS */
		const char *service, *region, *version, *endpoint, *profile, *role_arn;
		struct config_call call;
		bool until; /* then asked again and again … */
		struct config_call ask;
		const char *path, *is; /* … until the element at `path` says this */
		uint64_t every_ms;
	} aws;
	uint32_t check;                        /* ACT_CHECK: index */
	const char *question, *none, *dry_run; /* approve, none, dry_run */
};

struct config_scenario {
	char name[WORD_MAX];
	uint32_t service;
	int32_t shadow;    /* service that drills run on; -1: without `drill` */
	uint64_t drill_ms; /* how often; 0: on command alone */
	uint64_t rto_ms, rpo_ms;
	int32_t lag; /* check; -1 none */
	struct config_act act[SLOTS];
};

/* How a lag is measured: of CHECK_EXEC with seconds, CHECK_HTTP with json,
 * CHECK_CLOUDWATCH and CHECK_BACKUP. By index of the check; texts "" where unused;
 * {from} and {to} (the site that serves, the one that follows) are not filled in. */
struct config_lag {
	bool measures;
	const char *url, *json; /* http: a fixed place, the field with the seconds */
	const char *region, *name_space, *metric, *statistic, *endpoint, *profile;
	uint32_t dimensions;
	const struct config_param *dimension;
	double unit_s;               /* cloudwatch: a value of 1 is so many seconds */
	const char *manifest;        /* backup: url or absolute path … */
	const char *bucket, *prefix; /* … or what an S3 listing shows */
	bool encrypted;              /* it must be */
	uint64_t period_ms;          /* how often one is made; 0 not said */
	uint64_t retention_ms;       /* how long they are kept; 0 not said */
	uint64_t restored_ms;        /* test-restored at least so often; 0 not asked */
};

struct config_note;

struct config {
	char path[512];
	char cluster[WORD_MAX];
	bool solo;
	uint32_t sites;
	char site[64][WORD_MAX];
	uint32_t agents;
	struct config_agent agent[AGENTS_MAX];
	char state[512];   /* directory, absolute; "" not given */
	char page[64];     /* "ip:port"; "" none */
	char control[108]; /* Unix socket, absolute; "" none */
	char tls_cert[512], tls_key[512], tls_ca[512];
	uint32_t canaries;
	struct config_canary {
		char host[DNS_NAME_MAX];
		uint16_t port;
	} canary[CANARIES_MAX];
	uint32_t checks;
	struct check_spec *check; /* host still "": per service, see config_target() */
	struct config_exec *exec; /* by index of the check */
	struct config_lag *lag;   /* … likewise */
	uint32_t zones;
	struct config_zone *zone;
	uint32_t services;
	struct config_service *service;
	uint32_t scenarios;
	struct config_scenario *scenario;
	uint32_t unbuilt; /* what `run` cannot do yet: see config_runnable() */
	struct config_note *unbuilt_note;
	void *region; /* everything above lives here */
};

/* One mistake or warning: position and sentence. Lines and columns from 1. */
struct config_note {
	bool warning;
	unsigned line, column;
	char text[ERR_TEXT_MAX];
};
struct config_notes {
	size_t count, errors;
	struct config_note *note; /* sorted by position */
	bool more;                /* cut at CONFIG_NOTES_MAX */
};
#define CONFIG_NOTES_MAX 200

/* Reads and checks FILE. On false *out is NULL and notes say why, all at once. Notes
 * (also warnings on success) are the caller's: config_notes_free(). */
bool config_load(
    const char *path, struct config **out, struct config_notes *notes) MUST_CHECK;
/* The same from memory; `path` names it in sentences and anchors relative paths. */
bool config_parse(const char *text, size_t n, const char *path, struct config **out,
    struct config_notes *notes) MUST_CHECK;
void config_free(struct config *c);
void config_notes_free(struct config_notes *notes);
/* One note as a line without its end: "file:line:column: [warning: ]sentence". */
void config_note_format(
    const char *path, const struct config_note *note, char *text, size_t text_bytes);

/* What `run` cannot do yet: one sentence per block, naming it; true when nothing is
 * in the way. (Kept in one table, so that whoever builds it deletes its row.) */
bool config_runnable(const struct config *c, struct config_notes *notes) MUST_CHECK;

/* What losses the quorum of a service survives, as sentences for `validate`. */
void config_survival(
    const struct config *c, uint32_t service, char *text, size_t text_bytes);

/* What a scenario does in a disaster, which approvals it asks for, how it comes back, and
 * what a drill leaves out, as sentences for `validate`. */
void config_plan_text(
    const struct config *c, uint32_t scenario, char *text, size_t text_bytes);

/* The check of a member's endpoint with host, port and scheme filled in. */
void config_target(const struct config *c, uint32_t service, uint32_t member,
    uint32_t endpoint, struct check_spec *out);

/* Has it record sets with health_check: steady? */
bool config_needs_steady(const struct config_service *s);

/* The record sets a service wants, given each member's written weight (0–255; for
 * RECORDS_FAILOVER only which is > 0 matters): a function of the configuration, the
 * weights, and the id in `steady`. Fills out[RRSETS_MAX], returns count. */
size_t config_records(const struct config_service *s, const uint8_t weight[MEMBERS_MAX],
    struct rrset *out);

#endif
