/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window on sign.c for test_sign_botocore.py: requests on stdin, one field a line
 * as "key value", an empty line ends one; for each the wire query and the
 * Authorization value on two lines of stdout. Values are JSON-free: %XX decodes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/sign.h"

struct asked {
	char method[16], path[2048], date[SIGN_DATE_MAX], region[64], service[64];
	char access_key[128], secret_key[256], *body;
	struct text_pair query[SIGN_PAIRS_MAX], header[SIGN_PAIRS_MAX];
	size_t queries, headers;
};

static void
decode(char *s)
{
	char *to = s;
	unsigned v;

	for (; *s != '\0'; s++) {
		if (*s == '%' && sscanf(s + 1, "%2x", &v) == 1) {
			*to++ = (char)v;
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static struct text_pair
pair(const char *text)
{
	char *name = strdup(text), *value = strchr(name, ' ');

	if (value == NULL)
		exit(2);
	*value++ = '\0';
	decode(name);
	decode(value);
	return (struct text_pair){name, value};
}

static void
copy(char *out, size_t n, const char *text)
{
	(void)snprintf(out, n, "%s", text);
	decode(out);
}

static void
answer(struct asked *a)
{
	struct text query = TEXT_INIT(65536), authorization = TEXT_INIT(65536);
	struct sign_key key = {a->access_key, a->secret_key, a->region, a->service};
	struct sign_request r = {a->method, a->path, a->query, a->queries, a->header,
	    a->headers, a->body, a->body != NULL ? strlen(a->body) : 0, false};
	struct err e;

	sign_query(&query, a->query, a->queries);
	if (!sign_authorization(&authorization, &r, &key, a->date, &e)) {
		(void)fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	(void)printf("%s\n%s\n", text_str(&query), text_str(&authorization));
	(void)fflush(stdout);
	for (size_t i = 0; i < a->queries; i++)
		free((void *)(size_t)a->query[i].name);
	for (size_t i = 0; i < a->headers; i++)
		free((void *)(size_t)a->header[i].name);
	free(a->body);
	memset(a, 0, sizeof *a);
	text_fini(&query);
	text_fini(&authorization);
}

static void
field(struct asked *a, const char *key, const char *value)
{
	if (strcmp(key, "method") == 0)
		copy(a->method, sizeof a->method, value);
	else if (strcmp(key, "path") == 0)
		(void)snprintf(a->path, sizeof a->path, "%s", value);
	else if (strcmp(key, "date") == 0)
		copy(a->date, sizeof a->date, value);
	else if (strcmp(key, "region") == 0)
		copy(a->region, sizeof a->region, value);
	else if (strcmp(key, "service") == 0)
		copy(a->service, sizeof a->service, value);
	else if (strcmp(key, "key") == 0)
		copy(a->access_key, sizeof a->access_key, value);
	else if (strcmp(key, "secret") == 0)
		copy(a->secret_key, sizeof a->secret_key, value);
	else if (strcmp(key, "query") == 0 && a->queries < SIGN_PAIRS_MAX)
		a->query[a->queries++] = pair(value);
	else if (strcmp(key, "header") == 0 && a->headers < SIGN_PAIRS_MAX)
		a->header[a->headers++] = pair(value);
	else if (strcmp(key, "body") == 0 && (a->body = strdup(value)) != NULL)
		decode(a->body);
	else
		exit(2);
}

int
main(void)
{
	static struct asked a;
	static char line[65536];

	while (fgets(line, sizeof line, stdin) != NULL) {
		char *space;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0') {
			answer(&a);
			continue;
		}
		space = strchr(line, ' ');
		if (space == NULL)
			return 2;
		*space = '\0';
		field(&a, line, space + 1);
	}
	return 0;
}
