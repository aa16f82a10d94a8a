/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints beside the machine: the container's (ECS, EKS Pod Identity) and the
 * instance's (EC2, IMDSv2 alone: an instance that only speaks the older form is told
 * so, never asked in it). Both are asked past every proxy. An instance that is none
 * does not answer within a second: then there is no such source.
 *
 * One machine of states for both: the container has one question, the instance three.
 * ECS Developer Guide "Task IAM role"; EC2 User Guide "Use IMDSv2".
 */
#include "steering/zone/credentials_source.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "steering/zone/http.h"
#include "steering/zone/json.h"
#include "steering/zone/text.h"

#define CONTAINER_MS 2000
#define INSTANCE_MS 1000 /* each question */
#define TOKEN_MAX 4097
#define TTL "21600"
#define ROLES "/latest/meta-data/iam/security-credentials/"

enum step { STEP_CONTAINER = 0, STEP_TOKEN, STEP_ROLE, STEP_KEYS };

struct metadata {
	struct credentials_fetch fetch; /* first */
	struct http *http;
	struct http_call *call;
	uint64_t patience_ms;
	enum step step;
	char place[512]; /* container: the URL; instance: scheme://host:port */
	char token[TOKEN_MAX];
	char role[128];
};

/* ---- the container's address ---- */

static bool
is_loopback(const char *host)
{
	struct in_addr a4;
	struct in6_addr a6;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &a4) == 1)
		return ntohl(a4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &a6) == 1 && IN6_IS_ADDR_LOOPBACK(&a6);
}

static bool
is_allowed(const char *host)
{
	static const char *const four[] = {"169.254.170.2", "169.254.170.23"};
	struct in6_addr is, wanted;

	for (size_t i = 0; i < sizeof four / sizeof four[0]; i++)
		if (strcmp(host, four[i]) == 0)
			return true;
	return is_loopback(host) ||
	    (inet_pton(AF_INET6, host, &is) == 1 &&
		inet_pton(AF_INET6, "fd00:ec2::23", &wanted) == 1 &&
		memcmp(&is, &wanted, sizeof is) == 0);
}

static bool
check_full(const char *url, struct err *e)
{
	bool https = strncasecmp(url, "https://", 8) == 0;
	const char *at = url + (https ? 8 : 7);
	char host[256] = "";
	size_t n = strcspn(at, "/?#");

	if (!https && strncasecmp(url, "http://", 7) != 0)
		return err_set(e,
		    "environment: AWS_CONTAINER_CREDENTIALS_FULL_URI is neither http "
		    "nor https");
	if (memchr(at, '@', n) != NULL || memchr(at, '\\', n) != NULL || n == 0)
		return err_set(e,
		    "environment: AWS_CONTAINER_CREDENTIALS_FULL_URI names no plain host");
	if (https)
		return true;
	if (*at == '[')
		(void)snprintf(
		    host, sizeof host, "%.*s", (int)strcspn(at + 1, "]/"), at + 1);
	else
		(void)snprintf(host, sizeof host, "%.*s", (int)strcspn(at, ":/?#"), at);
	return is_allowed(host) ||
	    err_set(e,
		"environment: AWS_CONTAINER_CREDENTIALS_FULL_URI: http may only go to "
		"loopback, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23], not to "
		"%.100s: use https",
		host);
}

bool
credentials_container_url(
    char *url, size_t url_bytes, const char *relative, const char *full, struct err *e)
{
	bool is_relative = relative != NULL && relative[0] != '\0';
	const char *path = is_relative ? relative : full;

	if (is_relative && relative[0] != '/')
		return err_set(e,
		    "environment: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin "
		    "with a slash");
	for (const char *c = path; *c != '\0'; c++)
		if (*c <= 0x20 || *c >= 0x7f)
			return err_set(e,
			    "environment: AWS_CONTAINER_CREDENTIALS_%s_URI holds blanks "
			    "or control characters",
			    is_relative ? "RELATIVE" : "FULL");
	if (!is_relative && !check_full(full, e))
		return false;
	int n = snprintf(
	    url, url_bytes, "%s%s", is_relative ? "http://169.254.170.2" : "", path);
	return (n > 0 && (size_t)n < url_bytes) ||
	    err_set(e, "environment: AWS_CONTAINER_CREDENTIALS_%s_URI is too long",
		is_relative ? "RELATIVE" : "FULL");
}

enum credentials_found
credentials_container_look(struct err *e)
{
	const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	char url[512];

	if ((relative == NULL || relative[0] == '\0') &&
	    (full == NULL || full[0] == '\0'))
		return CREDENTIALS_NONE;
	return credentials_container_url(url, sizeof url, relative, full, e)
	    ? CREDENTIALS_FOUND
	    : CREDENTIALS_BAD;
}

enum credentials_found
credentials_instance_look(struct err *e)
{
	const char *off = getenv("AWS_EC2_METADATA_DISABLED");

	(void)e;
	return off != NULL && strcasecmp(off, "true") == 0 ? CREDENTIALS_NONE
							   : CREDENTIALS_FOUND;
}

/* ---- questions ---- */

static void on_answer(const struct http_response *r, void *arg);

static bool
ask(struct metadata *m, const char *method, const char *path, const char *header,
    const char *value, struct err *e)
{
	struct text url = TEXT_INIT(1024);
	struct text_pair pair = {header, value};
	struct http_request q = {.method = method,
	    .header = &pair,
	    .headers = value[0] != '\0' ? 1 : 0,
	    .connect_ms = m->patience_ms,
	    .total_ms = m->patience_ms,
	    .once = true,
	    .direct = true};

	text_addf(&url, "%s%s", m->place, path);
	q.url = text_str(&url);
	if (strcmp(method, "PUT") == 0)
		q.body = "";
	m->call = text_ok(&url) ? http_call_start(m->http, &q, on_answer, m, e) : NULL;
	text_fini(&url);
	return m->call != NULL;
}

static bool
ask_step(struct metadata *m, struct err *e)
{
	char path[256];

	switch (m->step) {
	case STEP_CONTAINER:
		return ask(m, "GET", "", "Authorization", m->token, e);
	case STEP_TOKEN:
		return ask(m, "PUT", "/latest/api/token",
		    "X-aws-ec2-metadata-token-ttl-seconds", TTL, e);
	case STEP_ROLE:
		return ask(m, "GET", ROLES, "X-aws-ec2-metadata-token", m->token, e);
	case STEP_KEYS:
		(void)snprintf(path, sizeof path, ROLES "%s", m->role);
		return ask(m, "GET", path, "X-aws-ec2-metadata-token", m->token, e);
	}
	return false;
}

static void
cancel(struct credentials_fetch *f)
{
	struct metadata *m = (struct metadata *)f;

	if (m->call != NULL)
		http_call_cancel(m->call);
	text_wipe(m, sizeof *m);
	free(m);
}

/* ---- answers ---- */

static bool
take_line(char *out, size_t out_bytes, const char *what, const struct http_response *r,
    struct metadata *m, struct err *e)
{
	char line[TOKEN_MAX] = "";
	size_t n = strcspn(r->body, "\r\n");
	bool ok;

	if (n < sizeof line)
		memcpy(line, r->body, n);
	ok = credentials_reply_take(out, out_bytes, what, line, m->fetch.source, e);
	text_wipe(line, sizeof line);
	return ok;
}

static bool
take_role(struct metadata *m, const struct http_response *r, struct err *e)
{
	if (!take_line(m->role, sizeof m->role, "role's name", r, m, e))
		return false;
	if (strspn(m->role,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+=,.@_-") == strlen(m->role))
		return true;
	return err_set(
	    e, "%.200s: the role's name in its answer is none", m->fetch.source);
}

static bool
take_keys(
    struct metadata *m, const struct http_response *r, struct credentials_got *got)
{
	struct err quoting;
	struct json *j = json_read(r->body, r->body_bytes, &quoting);
	const char *code = json_text(j, "Code", "Success");
	bool success = strcmp(code, "Success") == 0;

	if (!success)
		(void)err_set(&got->err,
		    "%.200s: it says %.40s: look at the role of this machine",
		    m->fetch.source,
		    strspn(
			code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
			    strlen(code)
			? code
			: "no");
	json_free(j);
	text_wipe(&quoting, sizeof quoting);
	return success &&
	    credentials_reply_json(
		got, r->body, r->body_bytes, "Token", m->fetch.source, &got->err);
}

static void
say_status(struct metadata *m, long status, struct err *e)
{
	const char *s = m->fetch.source;

	if (m->step == STEP_CONTAINER)
		(void)err_set(e,
		    "%.200s: HTTP status %ld: look at the task's or pod's role%s", s,
		    status,
		    status == 401 || status == 403
			? " and at AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
			: "");
	else if (m->step == STEP_TOKEN)
		(void)err_set(e,
		    "%.200s: it gives no IMDSv2 token (HTTP status %ld): allow IMDSv2 "
		    "on this instance ('aws ec2 modify-instance-metadata-options')",
		    s, status);
	else if (status == 404)
		(void)err_set(e,
		    "%.200s: this instance has no role: attach an instance profile, or "
		    "give credentials another way",
		    s);
	else
		(void)err_set(e, "%.200s: HTTP status %ld", s, status);
}

/* The next question is under way (true), or got is final. */
static bool
advance(struct metadata *m, const struct http_response *r, struct credentials_got *got)
{
	/* Whoever listens on no such address is no instance of EC2. */
	if (r->fate != HTTP_ANSWERED) {
		bool named = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT") != NULL;

		got->found = m->step == STEP_TOKEN && !named ? CREDENTIALS_NONE
							     : CREDENTIALS_BAD;
		(void)err_set(
		    &got->err, "%.200s: %.250s", m->fetch.source, r->err.text);
		return false;
	}
	if (r->status != 200) {
		say_status(m, r->status, &got->err);
		return false;
	}
	switch (m->step) {
	case STEP_TOKEN:
		m->step = STEP_ROLE;
		return take_line(m->token, sizeof m->token, "token", r, m, &got->err) &&
		    ask_step(m, &got->err);
	case STEP_ROLE:
		m->step = STEP_KEYS;
		return take_role(m, r, &got->err) && ask_step(m, &got->err);
	case STEP_CONTAINER:
	case STEP_KEYS:
		if (take_keys(m, r, got))
			got->found = CREDENTIALS_FOUND;
		break;
	}
	return false;
}

static void
on_answer(const struct http_response *r, void *arg)
{
	struct credentials_got got = {.found = CREDENTIALS_BAD};
	struct metadata *m = arg;
	credentials_got_cb cb = m->fetch.cb;
	void *cb_arg = m->fetch.arg;

	m->call = NULL;
	if (advance(m, r, &got))
		return;
	got.now_wall_s = r->date_wall_s != 0 ? r->date_wall_s : (int64_t)time(NULL);
	if (got.found == CREDENTIALS_FOUND && got.expires_wall_s == 0) {
		got.found = CREDENTIALS_BAD;
		(void)err_set(
		    &got.err, "%.200s: its answer has no Expiration", m->fetch.source);
	}
	cancel(&m->fetch);
	cb(&got, cb_arg);
	text_wipe(&got, sizeof got);
}

/* ---- begin ---- */

static struct metadata *
new_metadata(const struct credentials_help *h, enum step step, uint64_t patience_ms,
    credentials_got_cb cb, void *arg)
{
	struct metadata *m = calloc(1, sizeof *m);

	if (m == NULL)
		abort();
	m->fetch.cancel = cancel;
	m->fetch.cb = cb;
	m->fetch.arg = arg;
	m->http = h->http;
	m->patience_ms = h->patience_ms != 0 ? h->patience_ms : patience_ms;
	m->step = step;
	return m;
}

static struct credentials_fetch *
begin(struct metadata *m, struct err *e)
{
	struct err why = {""};

	if (ask_step(m, &why))
		return &m->fetch;
	(void)err_set(e, "%.200s: %.250s", m->fetch.source, why.text);
	cancel(&m->fetch);
	return NULL;
}

/* The file is read for each request: whoever rotates it tells nobody. */
static bool
take_authorization(struct metadata *m, struct err *e)
{
	const char *file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	struct err why;

	if (file != NULL && file[0] != '\0')
		return credentials_reply_file(m->token, sizeof m->token, file, &why) ||
		    err_set(e,
			"container endpoint: AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "
			"%.250s",
			why.text);
	if (token == NULL || token[0] == '\0')
		return true;
	if (strlen(token) >= sizeof m->token || strpbrk(token, "\r\n") != NULL)
		return err_set(e,
		    "environment: AWS_CONTAINER_AUTHORIZATION_TOKEN is too long or has "
		    "more than one line");
	memcpy(m->token, token, strlen(token) + 1);
	return true;
}

struct credentials_fetch *
credentials_container_start(
    const struct credentials_help *h, credentials_got_cb cb, void *arg, struct err *e)
{
	struct metadata *m = new_metadata(h, STEP_CONTAINER, CONTAINER_MS, cb, arg);

	(void)snprintf(m->fetch.source, sizeof m->fetch.source, "container endpoint");
	if (credentials_container_url(m->place, sizeof m->place,
		getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
		getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"), e) &&
	    take_authorization(m, e))
		return begin(m, e);
	cancel(&m->fetch);
	return NULL;
}

struct credentials_fetch *
credentials_instance_start(
    const struct credentials_help *h, credentials_got_cb cb, void *arg, struct err *e)
{
	const char *own = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	struct metadata *m = new_metadata(h, STEP_TOKEN, INSTANCE_MS, cb, arg);
	size_t n;

	(void)snprintf(m->fetch.source, sizeof m->fetch.source, "instance metadata");
	(void)snprintf(m->place, sizeof m->place, "%.500s",
	    own != NULL && own[0] != '\0' ? own : "http://169.254.169.254");
	for (n = strlen(m->place); n > 0 && m->place[n - 1] == '/'; n--)
		m->place[n - 1] = '\0';
	return begin(m, e);
}
