/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draft.h - what stands between the tree and the model.
 *
 * The schema table says where in these structs each key goes; the cross rules read
 * them beside the nodes they came from; build.c makes the model of them. They live
 * in a region that is freed when loading ends.
 */
#ifndef CONFIG_DRAFT_H
#define CONFIG_DRAFT_H

#include "config/model.h"
#include "config/value.h"

#define DRAFT_NONE UINT32_MAX /* a reference that was not given, or is unknown */
#define STATUS_WORD_MAX 16

struct draft_agent {
	struct config_agent agent;
};

struct draft_check {
	struct check_spec spec;
	char url[DNS_NAME_MAX]; /* http: a fixed one, for lag */
	char json[CHECK_TEXT_MAX];
	uint32_t seconds; /* exec: stdout is a number of seconds */
	uint32_t args;
	char arg[RUNNER_ARGS_MAX][EXEC_ARG_BYTES];
	/* cloudwatch */
	uint32_t unit; /* 1: milliseconds */
	uint64_t metric_period_ms;
	/* backup; texts are taken from the tree */
	bool encrypted;
	uint64_t made_ms, retention_ms, restored_ms; /* 0: not said */
};

struct draft_zone {
	struct config_zone zone;
	uint32_t budget_per_s, budget_burst;
};

struct draft_member {
	uint32_t weight;
	bool last_resort, evaluate;
	uint32_t check, targets;
	char health_check[RR_HEALTH_MAX];
	uint32_t endpoints;
	struct value_url endpoint[ENDPOINTS_MAX]; /* as written */
	uint32_t a, aaaa;
	char a_value[VALUES_MAX][VALUE_IP_MAX], aaaa_value[VALUES_MAX][VALUE_IP_MAX];
	char cname[DNS_NAME_MAX];
	char alias_name[DNS_NAME_MAX], alias_zone[33];
	uint32_t types;
	uint32_t type[TYPES_MAX]; /* index into "A AAAA" */
};

struct draft_service {
	struct config_service service;
	uint32_t policy, records, mode, failback, check;
	uint32_t from; /* 0: all agents */
	uint32_t voter[AGENTS_MAX];
};

struct draft_scenario {
	uint32_t kind, service, lag, trigger;
	uint32_t drill; /* index into "command daily …"; without the key: none */
	char primary[WORD_MAX], recovery[WORD_MAX];
	uint64_t rto_ms, rpo_ms, catch_up_ms;
};

/* Texts, arguments and parameters are taken from the tree. */
struct draft_step {
	uint32_t on_failure; /* 1: continue */
	uint32_t drill;      /* 1: skip */
	bool idempotent;
	uint64_t timeout_ms;
	uint32_t retries;
	uint32_t statuses;
	struct check_status_range status[CHECK_STATUS_RANGES];
	uint64_t ask_ms; /* until.every */
	uint32_t wait_check;
	uint64_t wait_lag_ms, wait_time_ms;
};

struct draft {
	struct config config;
	uint32_t quorum; /* 1: solo */
	uint64_t report_ms, fresh_ms, rank_ms, silent_ms, takeover_ms;
};

#endif
