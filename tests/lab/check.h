/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - Route 53's health checks: kept, listed, and judged.
 *
 * Nothing is probed: what an endpoint check finds is what a test says it finds, and
 * healthy until then. A CALCULATED check counts its children.
 * https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHealthCheck.html
 */
#ifndef LAB_CHECK_H
#define LAB_CHECK_H

#include <stdbool.h>
#include <stddef.h>

enum { CHECK_ID_BYTES = 65, CHECK_CHILDREN_MAX = 255, CHECKS_MAX = 200 };

struct check { /* all zero is empty */
	char id[CHECK_ID_BYTES];
	char *reference;
	char
	    *settings; /* the inside of its HealthCheckConfig, as XML, in AWS's order */
	char *kind;    /* "HTTP", "CALCULATED", ... */
	bool has_threshold, inverted, disabled;
	bool has_address, has_name, has_search;
	unsigned threshold;
	char **children; /* ids */
	size_t children_n;
	bool failing; /* what its endpoint is found to be */
};

struct checks {              /* all zero: none */
	struct check **list; /* oldest first */
	size_t n, cap;
	char **spent; /* references of deleted ones: never to be used again */
	size_t spent_n, spent_cap;
};

void checks_fini(struct checks *c);
void check_free(struct check *one); /* NULL is allowed */

/* Adds <element>text</element> to the settings. */
void check_add_setting(struct check *one, const char *element, const char *text);
void check_add_child(struct check *one, const char *id);

/* What is wrong with the settings as a whole; NULL: nothing. */
const char *check_problem(const struct checks *c, const struct check *one);

struct check *checks_find(const struct checks *c, const char *id);
struct check *checks_find_reference(const struct checks *c, const char *reference);
bool checks_is_spent(const struct checks *c, const char *reference);

/* Takes it and gives it an id. */
void checks_add(struct checks *c, struct check *one);
void checks_remove(struct checks *c, struct check *one);

/* A check that is not there is healthy: Route 53 promises nothing about it. */
bool checks_is_healthy(const struct checks *c, const char *id);

#endif
