/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A twentieth of what curl does for a check was to format the User-Agent a second time,
 * and another to parse the URL, at each request: so the one is a header like those of
 * the check, and the other is given parsed.
 */
#include "probe/http_request.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool
add_header(struct web_request *q, const char *line)
{
	struct curl_slist *longer = curl_slist_append(q->headers, line);

	if (longer != NULL)
		q->headers = longer;
	return longer != NULL;
}

static bool
add_own_headers(struct web_request *q, const char *line)
{
	static const char agent[] = "user-agent:";
	char text[CHECK_HEADERS_BYTES];
	const char *end;

	for (; *line != '\0'; line = *end == '\0' ? end : end + 1) {
		end = strchrnul(line, '\n');
		(void)snprintf(text, sizeof text, "%.*s", (int)(end - line), line);
		if (strncasecmp(text, agent, sizeof agent - 1) == 0)
			q->named = true;
		if (text[0] != '\0' && !add_header(q, text))
			return false;
	}
	return true;
}

/* What does not parse is left to curl, which then says so. */
static void
parse(struct web_request *q)
{
	q->parsed = curl_url();
	if (q->parsed != NULL &&
	    curl_url_set(q->parsed, CURLUPART_URL, q->url, CURLU_PATH_AS_IS) ==
		CURLUE_OK)
		return;
	curl_url_cleanup(q->parsed);
	q->parsed = NULL;
}

struct web_request *
web_request_new(const struct check_http *check, const char *url, bool secrets,
    const struct web_side *side)
{
	static uint64_t serial;
	struct web_request *q = calloc(1, sizeof *q);
	const char *method = check->method;

	if (q == NULL)
		return NULL;
	q->check = check;
	q->side.trust = side->trust;
	q->side.identity = secrets ? side->identity : NULL;
	q->serial = ++serial;
	q->https = strncmp(url, "https:", 6) == 0;
	q->url = strdup(url);
	if (q->url != NULL)
		parse(q);
	if (q->url != NULL && add_header(q, "Connection: close") &&
	    ((strcmp(method, "POST") != 0 && strcmp(method, "PUT") != 0 &&
		 strcmp(method, "PATCH") != 0) ||
		add_header(q, "Content-Length: 0")) &&
	    add_own_headers(q, secrets ? check->headers : ""))
		return q;
	web_request_free(q);
	return NULL;
}

bool
web_request_name(struct web_request *q, const char *user_agent)
{
	char text[160];

	(void)snprintf(text, sizeof text, "User-Agent: %s", user_agent);
	if (!q->named)
		q->named = add_header(q, text);
	return q->named;
}

void
web_request_free(struct web_request *q)
{
	if (q == NULL)
		return;
	curl_slist_free_all(q->headers);
	curl_url_cleanup(q->parsed);
	free(q->url);
	free(q);
}

static bool
take_part(CURLU *u, CURLUPart part, unsigned flags, char *to, size_t room)
{
	char *text = NULL;
	bool fits =
	    curl_url_get(u, part, &text, flags) == CURLUE_OK && strlen(text) < room;

	if (fits)
		memcpy(to, text, strlen(text) + 1);
	curl_free(text);
	return fits;
}

bool
web_url_join(struct web_url *to, const char *base, const char *location)
{
	CURLU *u = curl_url();
	char scheme[8], port[8];
	bool ok = u != NULL && curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, location, CURLU_DISALLOW_USER) ==
		CURLUE_OK &&
	    take_part(u, CURLUPART_SCHEME, 0, scheme, sizeof scheme) &&
	    take_part(u, CURLUPART_HOST, 0, to->host, sizeof to->host) &&
	    take_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof port) &&
	    take_part(u, CURLUPART_URL, 0, to->text, sizeof to->text) &&
	    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
	curl_url_cleanup(u);
	to->https = ok && scheme[4] == 's';
	to->port = ok ? (uint16_t)strtoul(port, NULL, 10) : 0;
	return to->port != 0;
}
