/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One place for each service, region and identity that acts have asked for: it holds the
 * credentials and the API budget, so that what several acts spend is counted together.
 * Places are few, and kept until the end: credentials that must be fetched are fetched
 * once.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "steering/agent/act_parts.h"
#include "steering/zone/aws_query.h"

/* A plan calls once and looks every few seconds. */
#define BUDGET_PER_S 2
#define BUDGET_BURST 10
#define KEY_BYTES 2048

struct place {
	struct place *next;
	struct aws_query *query;
	char key[KEY_BYTES];
};

struct act_places {
	struct event_base *base;
	struct place *first;
};

struct act_places *
act_places_new(struct event_base *base)
{
	struct act_places *p = calloc(1, sizeof *p);

	if (p == NULL)
		abort();
	p->base = base;
	return p;
}

void
act_places_free(struct act_places *p)
{
	if (p == NULL)
		return;
	while (p->first != NULL) {
		struct place *x = p->first;

		p->first = x->next;
		aws_query_free(x->query);
		free(x);
	}
	free(p);
}

static struct aws_query *
make(struct act_places *p, const struct aws_query_spec *spec, const char *key,
    struct err *e)
{
	struct place *x = calloc(1, sizeof *x);

	if (x == NULL)
		abort();
	x->query = aws_query_new(p->base, spec, e);
	if (x->query == NULL) {
		free(x);
		return NULL;
	}
	(void)snprintf(x->key, sizeof x->key, "%s", key);
	x->next = p->first;
	p->first = x;
	return x->query;
}

struct aws_query *
act_places_find(struct act_places *p, const struct config_act *act, struct err *e)
{
	struct aws_query_spec spec = {.service = act_text(act->aws.service),
	    .version = act_text(act->aws.version),
	    .region = act_text(act->aws.region),
	    .endpoint = act_text(act->aws.endpoint),
	    .profile = act_text(act->aws.profile),
	    .role_arn = act_text(act->aws.role_arn),
	    .budget_per_s = BUDGET_PER_S,
	    .budget_burst = BUDGET_BURST,
	    .seed = 1};
	char key[KEY_BYTES];
	int n;

	if (spec.version[0] == '\0')
		spec.version = aws_query_version(spec.service);
	n = snprintf(key, sizeof key, "%s\n%s\n%s\n%s\n%s\n%s", spec.service,
	    spec.version, spec.region, spec.endpoint, spec.profile, spec.role_arn);
	if (n < 0 || (size_t)n >= sizeof key) {
		(void)err_set(e, "aws: its endpoint, profile and role are too long");
		return NULL;
	}
	for (struct place *x = p->first; x != NULL; x = x->next)
		if (strcmp(x->key, key) == 0)
			return x->query;
	if (getrandom(&spec.seed, sizeof spec.seed, 0) != (ssize_t)sizeof spec.seed)
		spec.seed = 1; /* it only staggers */
	return make(p, &spec, key, e);
}
