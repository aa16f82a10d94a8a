/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head decides alone when there is no rule on the body: a status check must not
 * depend on how much a server has to say. Bodies are judged as the raw bytes that
 * came; nothing is ever decompressed, so that a small answer cannot become a big one.
 */
#include "probe/http_rule.h"

#include <assert.h>
#include <string.h>

bool
http_rule_init(struct http_rule *rule, const struct check_http *check, struct err *e)
{
	struct err why;

	*rule = (struct http_rule){.check = check};
	if (check->matches[0] == '\0')
		return true;
	rule->pattern = pattern_new(check->matches, &why);
	return rule->pattern != NULL || err_set(e, "matches: %.120s", why.text);
}

void
http_rule_fini(struct http_rule *rule)
{
	pattern_free(rule->pattern);
	rule->pattern = NULL;
}

static bool
is_wanted(const struct check_http *check, uint32_t status)
{
	for (uint32_t i = 0; i < check->statuses && i < CHECK_STATUS_RANGES; i++) {
		if (status >= check->status[i].low && status <= check->status[i].high)
			return true;
	}
	return check->statuses == 0 && status >= 200 && status <= 299;
}

static bool
is_redirect(uint32_t status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 ||
	    status == 308;
}

enum http_judged
http_rule_judge_head(const struct http_rule *rule, uint32_t status, bool has_location,
    uint32_t hops, struct probe_result *r)
{
	const struct check_http *check = rule->check;

	r->http_status = status;
	if (check->redirects > 0 && is_redirect(status) && has_location) {
		if (hops < check->redirects)
			return HTTP_HOP;
		result_fail(
		    r, PROBE_REDIRECTS, "more than %u redirects", check->redirects);
		return HTTP_DONE;
	}
	if (!is_wanted(check, status)) {
		result_fail(r, PROBE_STATUS, "http status %u is not wanted", status);
		return HTTP_DONE;
	}
	if (check->contains[0] != '\0' || rule->pattern != NULL)
		return HTTP_MORE;
	result_pass(r);
	return HTTP_DONE;
}

enum http_judged
http_rule_judge_body(const struct http_rule *rule, const char *body, size_t bytes,
    bool whole, struct probe_result *r)
{
	const char *want = rule->check->contains;
	bool end = whole || bytes == CHECK_BODY_BYTES;
	bool found = want[0] == '\0' || memmem(body, bytes, want, strlen(want)) != NULL;

	assert(bytes <= CHECK_BODY_BYTES && body[bytes] == '\0');
	if (!end && (!found || rule->pattern != NULL))
		return HTTP_MORE;
	if (!found)
		result_fail(r, PROBE_BODY,
		    "\"%.60s\" is not in the first %zu bytes of the body", want, bytes);
	else if (rule->pattern != NULL && !pattern_found(rule->pattern, body, bytes))
		result_fail(r, PROBE_BODY,
		    "the first %zu bytes of the body do not match \"%.60s\"", bytes,
		    rule->check->matches);
	else
		result_pass(r);
	return HTTP_DONE;
}
