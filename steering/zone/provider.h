/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provider.h - a zone that can be read, compared-and-swapped, and verified.
 *
 * One provider stands for one zone. All calls are asynchronous on one event_base
 * and answer exactly once through the callback, never before the call returns;
 * after provider_free() no callback fires. At most one request of a kind is in
 * flight for one service; others queue inside the API budget (requests are
 * signed when they are sent, not when they are queued). A change is sent once and never again: what
 * became of it is one of enum zone_result, and UNKNOWN stays unknown until a later
 * compare-and-swap closes it.
 */
#ifndef STEERING_ZONE_PROVIDER_H
#define STEERING_ZONE_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"
#include "steering/core/records.h"

struct event_base;

enum zone_result {
	ZONE_OK = 0,  /* read: the view is whole. change: committed */
	ZONE_LOST,    /* change: compared and not swapped; nothing was applied */
	ZONE_UNKNOWN, /* change: may have been applied, may be applied later */
	ZONE_BUSY,    /* throttled or PriorRequestNotComplete; not applied */
	ZONE_REFUSED, /* any other answer that says no: permission, bad input */
	ZONE_OUT,     /* read: no answer. change: never left this machine */
};
const char *zone_result_word(enum zone_result r);

/* What an API read found at a service's own names, and its ledger. */
struct zone_view {
	bool ledger_present;
	bool ledger_odd; /* a set of another shape stands at the ledger's name */
	uint32_t ledger_ttl_s;
	char ledger[LEDGER_TEXT_MAX]; /* unquoted, chunks joined */
	size_t sets;
	struct rrset *set; /* A, AAAA and CNAME at the service's names, of any
					 * policy; sorted by key. Values in the zone's own
					 * spelling: a DELETE must repeat it */
};

/* One replace, create or delete; NULL on the side that is not there. */
struct zone_edit {
	const struct rrset *old_set, *new_set;
};

/* The atomic batch: the ledger and the record sets together. Empty ledger_old:
 * create; empty ledger_new: delete (release). */
struct zone_change {
	const char *ledger_name;
	const char *ledger_old, *ledger_new; /* unquoted; "" for none */
	uint32_t ledger_old_ttl_s, ledger_ttl_s;
	size_t edits;
	const struct zone_edit *edit;
	const char *comment; /* ≤ 256 characters, seen in CloudTrail */
};

struct zone_answer {
	enum zone_result result;
	int64_t date_wall_s;       /* the server's Date; 0 when there was none */
	uint64_t sent_ms, done_ms; /* CLOCK_BOOTTIME */
	struct zone_view
	    *view; /* a read that is OK: the callee takes it, zone_view_free() */
	char change_id[64];           /* a change that is OK */
	bool insync;                  /* a status poll */
	char check_id[RR_HEALTH_MAX]; /* a health check found or made; "" none */
	struct err err;               /* a sentence unless OK */
};
void zone_view_free(struct zone_view *v);

typedef void (*zone_answer_cb)(struct zone_answer *answer, void *arg);

struct provider;

/* names: the service's own DNS names; the read starts at each of them, never at the
 * top of the zone, and stops after it. */
void provider_read(struct provider *p, const char *ledger_name,
    const char (*names)[DNS_NAME_MAX], size_t n, zone_answer_cb cb, void *arg);
/* Copies what it needs before it returns. Killed at 10 s. */
void provider_change(
    struct provider *p, const struct zone_change *c, zone_answer_cb cb, void *arg);
/* Is the change INSYNC? One poll; the caller paces. */
void
provider_poll(struct provider *p, const char *change_id, zone_answer_cb cb, void *arg);
/* The zone's own authoritative server names (its apex NS set), as "host\n…" in
 * *text by the callback's answer.err.text when OK is returned. */
void provider_nameservers(struct provider *p, zone_answer_cb cb, void *arg);
/* The steady health check of the zone's account: answer.check_id, "" when there is none
 * under this caller reference (see route53_checks.h). */
void provider_check_find(
    struct provider *p, const char *reference, zone_answer_cb cb, void *arg);
/* Makes it: OK, whether it was there already or not; LOST when the reference stands for
 * another check, or for one that was deleted: the next number is due. */
void provider_check_make(
    struct provider *p, const char *reference, zone_answer_cb cb, void *arg);
/* "" or a sentence for the operator about what the provider stands on, as of its last
 * request: a credentials file that others can read, one that went bad. */
const char *provider_warning(const struct provider *p);
/* Whose word the last request was signed with, for people: "environment"; "" none. */
const char *provider_identity(const struct provider *p);
/* Ends everything without a callback; NULL is nothing. Callbacks may call it. */
void provider_free(struct provider *p);

/* ---- Route 53 ---- */
struct route53_spec {
	char apex[DNS_NAME_MAX];
	char zone_id[33];
	char endpoint[256];     /* "" the partition's own */
	char region[32];        /* "" the partition's own */
	char role_arn[256];     /* "" none */
	char external_id[1225]; /* for role_arn; "" none */
	char profile[64];       /* "" AWS_PROFILE or default */
	double budget_per_s;    /* requests; the account's bucket is shared */
	uint32_t budget_burst;
	uint64_t timeout_ms; /* of one request; 0: 10 s (tests shorten it) */
};
struct provider *route53_new(struct event_base *base, const struct route53_spec *spec,
    uint64_t seed, struct err *e);

/* ---- asking the zone's servers (c-ares) ---- */
struct dns_ask;
struct dns_ask_answer {
	bool answered; /* any answer with the authority to give it */
	bool exists;
	char text[LEDGER_TEXT_MAX]; /* TXT: chunks joined */
	struct err err;
};
typedef void (*dns_ask_cb)(const struct dns_ask_answer *answer, void *arg);
struct dns_ask *dns_ask_new(struct event_base *base, struct err *e);
/* One TXT question to one server, "ip" or "ip:port" or a host name (resolved by the
 * system's resolver); UDP, TCP when truncated; answers within timeout_ms. */
void dns_ask_txt(struct dns_ask *d, const char *server, const char *name,
    uint64_t timeout_ms, dns_ask_cb cb, void *arg);
void dns_ask_free(struct dns_ask *d);

#endif
