/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_until.h - is it so yet? What an answer of the Query protocol says at a path.
 *
 * Pure. A path is an element's name with as much of what it stands in as makes it the
 * one that is meant, anywhere in the answer: `DBInstanceStatus`,
 * `DBInstances.DBInstance.DBInstanceStatus`, `TargetHealth.State`. Several names joined
 * by + at its end belong to one thing: `Instances.member.LifecycleState+HealthStatus`.
 *
 * What it must say:
 *   available               there is one, and each that there is says so
 *   InService+Healthy       … for joined names: each thing says all of it
 *   >=6 InService+Healthy   at least six say so, whatever the others say
 *   =0 InService            exactly so many; none may be there at all
 *
 * Without a number, a state that does not come to an end (`failed`, `incompatible-…`)
 * is told as such. Only the first page of an answer is looked at: without a number, and
 * with =, an answer of several pages is never enough.
 */
#ifndef STEERING_ZONE_AWS_UNTIL_H
#define STEERING_ZONE_AWS_UNTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"
#include "steering/zone/xml.h"

#define AWS_UNTIL_NAMES_MAX 4 /* that are joined */
#define AWS_UNTIL_WORD_MAX 256

struct aws_until {
	unsigned parents;
	char parent[XML_DEPTH_MAX][XML_NAME_MAX]; /* innermost first */
	unsigned names;
	char name[AWS_UNTIL_NAMES_MAX][XML_NAME_MAX];
	char word[AWS_UNTIL_NAMES_MAX][AWS_UNTIL_WORD_MAX];
	enum { AWS_UNTIL_ALL = 0, AWS_UNTIL_AT_LEAST, AWS_UNTIL_EXACTLY } how;
	uint32_t number;
};

struct aws_until_seen {
	uint32_t found, said; /* things; … that say all that they must */
	char other[64];       /* what the first that does not say so says; "" none */
	char ended[64];       /* … or the first that will never say so; "" none */
	bool pages;           /* there is more than this answer holds */
};

/* False: a path that names nothing, or words that do not go with it. */
bool aws_until_parse(
    const char *path, const char *is, struct aws_until *out, struct err *e) MUST_CHECK;
/* False: the answer is no XML. */
bool aws_until_look(const struct aws_until *u, const char *body, size_t body_bytes,
    struct aws_until_seen *seen, struct err *e) MUST_CHECK;
bool aws_until_holds(const struct aws_until *u, const struct aws_until_seen *seen);
/* "DBInstanceStatus says modifying", "4 of 6 say InService+Healthy". */
void aws_until_say(const struct aws_until *u, const struct aws_until_seen *seen,
    char *text, size_t text_bytes);

#endif
