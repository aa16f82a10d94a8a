/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - how to probe, as one fixed-size struct.
 *
 * Filled and validated by config/; sent as it is over the socketpair to a prober
 * worker. Nothing in it points anywhere. Kinds that configuration knows but no
 * prober performs yet are refused by `run`, which names them.
 */
#ifndef PROBE_CHECK_H
#define PROBE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "steering/core/bounds.h"

enum check_kind {
	CHECK_HTTP = 0,
	CHECK_TCP,
	CHECK_EXEC, /* scheduled by a prober, performed by the runner (runner.h) */
	CHECK_DNS,
	CHECK_ELB,
	CHECK_BACKUP, /* here and below: of a lag, asked by the agent (lag.h) */
	CHECK_CLOUDWATCH,
	CHECK_KINDS
};

#define CHECK_PATH_MAX 512
#define CHECK_TEXT_MAX 256
#define CHECK_HEADERS_BYTES 1024
#define CHECK_STATUS_RANGES 8
#define CHECK_BODY_BYTES 5120 /* contains/matches look at the first so many */

struct check_http {
	bool https;
	uint16_t port;             /* 0: the endpoint's, else the scheme's */
	char method[16];           /* "GET" */
	char path[CHECK_PATH_MAX]; /* "/", with query if any */
	char host[DNS_NAME_MAX]; /* Host header and SNI; filled by config/: never "" */
	char headers[CHECK_HEADERS_BYTES]; /* "Name: value\n" lines */
	uint32_t statuses;
	struct check_status_range {
		uint16_t low, high;
	} status[CHECK_STATUS_RANGES]; /* default 200–299 */
	char contains[CHECK_TEXT_MAX]; /* "" none */
	char matches[CHECK_TEXT_MAX];  /* POSIX extended regular expression; "" none */
	bool verify;                   /* certificates; true by default */
	uint32_t min_days; /* of a certificate's remaining life; 0: no such rule */
	char ca[CHECK_PATH_MAX];                        /* PEM file; "" the system's */
	char cert[CHECK_PATH_MAX], key[CHECK_PATH_MAX]; /* of a client; "" none */
	uint32_t redirects; /* followed at most; 0: a 3xx is judged as it is */
};

struct check_tcp {
	uint16_t port;                  /* 0: the endpoint's */
	char send[CHECK_TEXT_MAX];      /* when it is open; "" nothing */
	char expect[CHECK_TEXT_MAX];    /* what the answer must hold; "" no answer */
	bool tls;                       /* from the first byte; what follows is its */
	char server_name[DNS_NAME_MAX]; /* filled by config/: never "" with TLS */
	bool verify;
	uint32_t min_days;
	char ca[CHECK_PATH_MAX]; /* "" the system's */
};

#define CHECK_ANSWERS_MAX 8

enum check_dns_type { CHECK_DNS_A = 0, CHECK_DNS_AAAA, CHECK_DNS_CNAME, CHECK_DNS_TXT };

struct check_dns {
	uint16_t port;           /* 0: the endpoint's */
	char name[DNS_NAME_MAX]; /* lowercase, escaped, no trailing dot */
	uint32_t type;           /* enum check_dns_type */
	uint32_t rcode; /* index into "NOERROR FORMERR SERVFAIL …": RFC 1035's */
	/* What the answers of the type must hold: addresses and names in their usual
	 * spelling, texts as they are. */
	char contains[CHECK_TEXT_MAX]; /* one record, or a part of a text; "" none */
	uint32_t answers; /* exactly these, in any order; 0: no such rule */
	char answer[CHECK_ANSWERS_MAX][CHECK_TEXT_MAX];
};

struct check_elb { /* asked by the agent: workers hold no credentials */
	char target_group[CHECK_TEXT_MAX]; /* ARN */
	char region[32];
	char endpoint[CHECK_TEXT_MAX]; /* "" the service's own in the region */
	char profile[64];              /* "" as the environment says */
	uint32_t healthy;              /* targets, at least */
	uint32_t share_pct; /* of the targets that are healthy or unhealthy; 0: any */
};

struct check_spec {
	char name[WORD_MAX]; /* in the configuration; for sentences */
	enum check_kind kind;
	uint64_t every_ms, timeout_ms, recheck_ms;
	uint64_t hedge_ms; /* 0: off; a second connection after so much silence */
	uint64_t slow_ms;  /* 0: off; a slower pass is a failure */
	uint32_t fall, rise, clear;
	char source[64]; /* local address to probe from; "" any */
	struct check_http http;
	struct check_tcp tcp;
	struct check_dns dns;
	struct check_elb elb;
};

#endif
