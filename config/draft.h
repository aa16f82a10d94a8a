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
	char primary[WORD_MAX], recovery[WORD_MAX];
	uint64_t rto_ms, rpo_ms;
};

struct draft_step {
	uint32_t on_failure; /* 1: continue */
};

struct draft {
	struct config config;
	uint32_t quorum; /* 1: solo */
	uint64_t report_ms, fresh_ms, rank_ms, silent_ms;
};

#endif
