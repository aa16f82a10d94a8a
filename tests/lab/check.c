/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings are kept as the XML they came as: the schema has fixed their order, so
 * two checks are the same when their texts are, and an answer repeats the text.
 */
#include "tests/lab/check.h"
#include "tests/lab/heap.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 8 };

void
check_free(struct check *one)
{
	if (one == NULL)
		return;
	for (size_t i = 0; i < one->children_n; i++)
		free(one->children[i]);
	free(one->children);
	free(one->reference);
	free(one->settings);
	free(one->kind);
	free(one);
}

void
checks_fini(struct checks *c)
{
	for (size_t i = 0; i < c->n; i++)
		check_free(c->list[i]);
	for (size_t i = 0; i < c->spent_n; i++)
		free(c->spent[i]);
	free(c->list);
	free(c->spent);
	memset(c, 0, sizeof *c);
}

static size_t
escaped(char *out, const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		const char *as = *text == '<' ? "&lt;"
		    : *text == '>'            ? "&gt;"
		    : *text == '&'            ? "&amp;"
					      : NULL;

		if (as == NULL) {
			out[n++] = *text;
			continue;
		}
		memcpy(out + n, as, strlen(as));
		n += strlen(as);
	}
	out[n] = '\0';
	return n;
}

void
check_add_setting(struct check *one, const char *element, const char *text)
{
	size_t had = one->settings != NULL ? strlen(one->settings) : 0;
	char *value = heap_zero(strlen(text) * 5 + 1);
	size_t more = escaped(value, text) + 2 * strlen(element) + 6;

	one->settings = heap_grow(one->settings, had + more, 1, NULL);
	snprintf(one->settings + had, more, "<%s>%s</%s>", element, value, element);
	free(value);
}

void
check_add_child(struct check *one, const char *id)
{
	one->children =
	    heap_grow(one->children, one->children_n + 1, sizeof *one->children, NULL);
	one->children[one->children_n++] = heap_string(id);
}

static const char *
calculated_problem(const struct checks *c, const struct check *one)
{
	if (!one->has_threshold)
		return "Invalid parameter : Calculated health checks must have a health "
		       "threshold specified.";
	if (one->has_address || one->has_name || one->has_search)
		return "Invalid parameter : Calculated health checks have no endpoint.";
	if (one->children_n > CHECK_CHILDREN_MAX)
		return "Invalid parameter : Too many child health checks.";
	for (size_t i = 0; i < one->children_n; i++)
		if (checks_find(c, one->children[i]) == NULL)
			return "Invalid parameter : A child health check does not exist.";
	return NULL;
}

const char *
check_problem(const struct checks *c, const struct check *one)
{
	bool matches = strstr(one->kind, "_STR_MATCH") != NULL;

	if (strcmp(one->kind, "CALCULATED") == 0)
		return calculated_problem(c, one);
	if (one->has_threshold || one->children_n > 0)
		return "Invalid parameter : Only calculated health checks have a "
		       "threshold and children.";
	if (!one->has_address && !one->has_name)
		return "Invalid parameter : IPAddress or FullyQualifiedDomainName must "
		       "be specified.";
	if (matches != one->has_search)
		return "Invalid parameter : SearchString belongs to a type with "
		       "_STR_MATCH, and to no other.";
	return NULL;
}

struct check *
checks_find(const struct checks *c, const char *id)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->list[i]->id, id) == 0)
			return c->list[i];
	return NULL;
}

struct check *
checks_find_reference(const struct checks *c, const char *reference)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->list[i]->reference, reference) == 0)
			return c->list[i];
	return NULL;
}

bool
checks_is_spent(const struct checks *c, const char *reference)
{
	for (size_t i = 0; i < c->spent_n; i++)
		if (strcmp(c->spent[i], reference) == 0)
			return true;
	return false;
}

void
checks_add(struct checks *c, struct check *one)
{
	uint8_t b[16];

	arc4random_buf(b, sizeof b);
	snprintf(one->id, sizeof one->id,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
	    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
	    b[12], b[13], b[14], b[15]);
	c->list = heap_grow(c->list, c->n + 1, sizeof *c->list, &c->cap);
	c->list[c->n++] = one;
}

void
checks_remove(struct checks *c, struct check *one)
{
	size_t i = 0;

	while (c->list[i] != one)
		i++;
	memmove(c->list + i, c->list + i + 1, (c->n - i - 1) * sizeof *c->list);
	c->n--;
	c->spent = heap_grow(c->spent, c->spent_n + 1, sizeof *c->spent, &c->spent_cap);
	c->spent[c->spent_n++] = heap_string(one->reference);
	check_free(one);
}

static bool
is_healthy(const struct checks *c, const char *id, int depth)
{
	const struct check *one = checks_find(c, id);
	unsigned well = 0;
	bool healthy;

	if (one == NULL || one->disabled)
		return one == NULL || !one->inverted;
	healthy = !one->failing;
	if (strcmp(one->kind, "CALCULATED") == 0 && depth < DEPTH_MAX) {
		for (size_t i = 0; i < one->children_n; i++)
			well += is_healthy(c, one->children[i], depth + 1);
		healthy = well >= one->threshold;
	}
	return healthy != one->inverted;
}

bool
checks_is_healthy(const struct checks *c, const char *id)
{
	return is_healthy(c, id, 0);
}
