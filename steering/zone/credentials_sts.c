/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Security Token Service, two actions: AssumeRoleWithWebIdentity (not signed: the
 * token is the proof) and AssumeRole (signed with what another source gave).
 *
 * The endpoint is regional, in the partition of the role's own ARN; its region is the
 * one that is signed for. AWS_ENDPOINT_URL_STS replaces it, as for AWS's own tools.
 * An answer for another account or role than was asked for is not used: whoever sends
 * it would steer us. STS API Reference, AssumeRole, AssumeRoleWithWebIdentity.
 */
#include "steering/zone/credentials_source.h"

#include <stdlib.h>
#include <time.h>

#include "steering/zone/http.h"
#include "steering/zone/route53_xml.h"
#include "steering/zone/sign.h"
#include "steering/zone/xml.h"

#define CONNECT_MS 3000
#define TOTAL_MS 10000
#define BODY_MAX (32 * 1024)
#define WEB_TOKEN_MAX 20001
#define SKEW_S 60
#define FORM "application/x-www-form-urlencoded; charset=utf-8"

struct sts {
	struct credentials_fetch fetch; /* first */
	struct http *http;
	struct http_call *call;
	uint64_t patience_ms;
	char endpoint[256], host[256], region[32];
	char role_arn[256];
	struct credentials who; /* signs; all zero: not signed */
	bool is_signed, again;
	int64_t skew_s;
	struct text body;
};

/* ---- where ---- */

static const struct {
	const char *arn, *prefix, *region, *suffix;
} places[] = {
    {"arn:aws-cn:", "cn-", "cn-north-1", "amazonaws.com.cn"},
    {"arn:aws-us-gov:", "us-gov-", "us-gov-west-1", "amazonaws.com"},
    {"arn:", "", "us-east-1", "amazonaws.com"},
};

static size_t
place_of(const char *text, bool is_arn)
{
	size_t i = 0;

	for (;; i++) {
		const char *p = is_arn ? places[i].arn : places[i].prefix;

		if (strncmp(text, p, strlen(p)) == 0 ||
		    i + 1 == sizeof places / sizeof places[0])
			return i;
	}
}

/* The zone's region, else the environment's, when the role's partition has it. */
static const char *
region_for(size_t place, const char *region)
{
	const char *const named[] = {
	    region, getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION")};

	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
		if (named[i] != NULL && named[i][0] != '\0' &&
		    strspn(named[i], "abcdefghijklmnopqrstuvwxyz0123456789-") ==
			strlen(named[i]) &&
		    strlen(named[i]) < 32 && place_of(named[i], false) == place)
			return named[i];
	return places[place].region;
}

static bool
find_endpoint(struct sts *s, const char *region, struct err *e)
{
	size_t place = place_of(s->role_arn, true);
	const char *own = getenv("AWS_ENDPOINT_URL_STS"), *host;
	size_t n;

	(void)snprintf(s->region, sizeof s->region, "%s", region_for(place, region));
	if (own == NULL || own[0] == '\0') {
		(void)snprintf(s->host, sizeof s->host, "sts.%s.%s", s->region,
		    places[place].suffix);
		(void)snprintf(
		    s->endpoint, sizeof s->endpoint, "https://%.240s", s->host);
		return true;
	}
	host = strstr(own, "://");
	n = host != NULL ? strcspn(host + 3, "/?#@ ") : 0;
	if ((strncmp(own, "http://", 7) != 0 && strncmp(own, "https://", 8) != 0) ||
	    n == 0 || strlen(own) >= sizeof s->endpoint ||
	    (host[3 + n] != '\0' && strcmp(host + 3 + n, "/") != 0))
		return err_set(
		    e, "environment: AWS_ENDPOINT_URL_STS is not scheme://host:port");
	(void)snprintf(s->host, sizeof s->host, "%.*s", (int)n, host + 3);
	(void)snprintf(s->endpoint, sizeof s->endpoint, "%.*s",
	    (int)(host + 3 - own) + (int)n, own);
	return true;
}

/* ---- the answer ---- */

struct answer {
	struct credentials_got *got;
	const char *source;
	char expiration[40];
	char arn[512];
	bool named; /* what is wrong already names the source */
};

static bool
open_any(void *arg, const char *name, unsigned depth, struct err *e)
{
	(void)arg, (void)name, (void)depth, (void)e;
	return true;
}

static bool
close_any(void *arg, const char *parent, const char *name, unsigned depth,
    const char *text, struct err *e)
{
	struct answer *a = arg;
	struct credentials *w = &a->got->who;
	const struct {
		const char *parent, *name;
		char *out;
		size_t out_bytes;
	} places_of[] = {
	    {"AssumedRoleUser", "Arn", a->arn, sizeof a->arn},
	    {"Credentials", "AccessKeyId", w->access_key, sizeof w->access_key},
	    {"Credentials", "SecretAccessKey", w->secret_key, sizeof w->secret_key},
	    {"Credentials", "SessionToken", w->session_token, sizeof w->session_token},
	    {"Credentials", "Expiration", a->expiration, sizeof a->expiration},
	};

	(void)depth;
	for (size_t i = 0; i < sizeof places_of / sizeof places_of[0]; i++) {
		if (strcmp(parent, places_of[i].parent) != 0 ||
		    strcmp(name, places_of[i].name) != 0)
			continue;
		if (credentials_reply_take(places_of[i].out, places_of[i].out_bytes,
			name, text, a->source, e))
			return true;
		a->named = true;
		return false;
	}
	return true;
}

/* arn:P:iam::ACCOUNT:role/[path/]NAME and arn:P:sts::ACCOUNT:assumed-role/NAME/SESSION */
static bool
same_role(const char *role, const char *assumed)
{
	const char *a = strstr(role, ":iam::"), *b = strstr(assumed, ":sts::");
	const char *name = strrchr(role, '/');
	size_t n;

	if (a == NULL || b == NULL || name == NULL || a - role != b - assumed ||
	    strncmp(role, assumed, (size_t)(a - role)) != 0 ||
	    strncmp(a + 6, b + 6, 13) != 0 || strncmp(b + 19, "assumed-role/", 13) != 0)
		return false;
	n = strlen(name + 1);
	return strncmp(b + 32, name + 1, n) == 0 && b[32 + n] == '/';
}

static bool
parse(struct sts *s, const struct http_response *r, struct credentials_got *got)
{
	static const struct xml_reader reader = {open_any, close_any};
	struct answer a = {.got = got, .source = s->fetch.source};
	struct err why = {""};

	if (!xml_parse(r->body, r->body_bytes, &reader, &a, &why))
		return err_set(&got->err, "%.200s%s%.200s",
		    a.named ? "" : s->fetch.source, a.named ? "" : ": ", why.text);
	if (got->who.access_key[0] == '\0' || got->who.secret_key[0] == '\0' ||
	    got->who.session_token[0] == '\0')
		return err_set(&got->err,
		    "%.200s: its answer is not whole: is this really STS?",
		    s->fetch.source);
	if (!credentials_reply_time(a.expiration, &got->expires_wall_s))
		return err_set(&got->err,
		    "%.200s: the Expiration in its answer is no time", s->fetch.source);
	if (!same_role(s->role_arn, a.arn))
		return err_set(&got->err,
		    "%.160s: it answered for %.200s, which was not asked for: not used; "
		    "look at AWS_ENDPOINT_URL_STS and at proxies",
		    s->fetch.source, a.arn[0] != '\0' ? a.arn : "nobody");
	(void)snprintf(got->who.source, sizeof got->who.source, "%s", s->fetch.source);
	return true;
}

static void
refused(struct sts *s, const struct http_response *r, struct credentials_got *got)
{
	struct route53_error error;
	struct err e;
	const char *cure = "";

	if (r->fate != HTTP_ANSWERED) {
		(void)err_set(&got->err,
		    "%.180s: %.220s: look at the way out to it, HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE",
		    s->fetch.source, r->err.text);
		return;
	}
	if (!route53_parse_error(r->body, r->body_bytes, &error, &e)) {
		(void)err_set(&got->err,
		    "%.200s: HTTP status %ld and no answer of STS's", s->fetch.source,
		    r->status);
		return;
	}
	if (strcmp(error.code, "AccessDenied") == 0)
		cure = s->is_signed
		    ? ": allow sts:AssumeRole on it, and let its trust policy name these "
		      "credentials and external_id"
		    : ": let its trust policy name this identity provider and subject";
	else if (strcmp(error.code, "ExpiredTokenException") == 0 ||
	    strcmp(error.code, "InvalidIdentityToken") == 0)
		cure = ": whoever writes the token file must renew it";
	else if (strcmp(error.code, "RegionDisabledException") == 0)
		cure = ": activate STS in this region, or set region";
	(void)err_set(&got->err, "%.160s: %.60s%s: %.150s", s->fetch.source, error.code,
	    cure, error.message);
}

static void on_answer(const struct http_response *r, void *arg);

/* ---- the request ---- */

static bool
send_it(struct sts *s, struct err *e)
{
	char date[SIGN_DATE_MAX];
	struct text authorization = TEXT_INIT(4096), url = TEXT_INIT(300);
	struct text_pair header[5] = {{"Host", s->host}, {"Content-Type", FORM}};
	struct sign_key key = {s->who.access_key, s->who.secret_key, s->region, "sts"};
	struct http_request q = {.method = "POST",
	    .header = header,
	    .headers = 2,
	    .body = text_str(&s->body),
	    .body_bytes = s->body.n,
	    .connect_ms = s->patience_ms < CONNECT_MS ? s->patience_ms : CONNECT_MS,
	    .total_ms = s->patience_ms,
	    .once = true};
	bool ok = true;

	text_addf(&url, "%s/", s->endpoint);
	q.url = text_str(&url);
	if (s->is_signed) {
		sign_date(date, (int64_t)time(NULL) + s->skew_s);
		header[q.headers++] = (struct text_pair){"X-Amz-Date", date};
		if (s->who.session_token[0] != '\0')
			header[q.headers++] = (struct text_pair){
			    "X-Amz-Security-Token", s->who.session_token};
		struct sign_request r = {.method = "POST",
		    .path = "/",
		    .header = header,
		    .headers = q.headers,
		    .body = q.body,
		    .body_bytes = q.body_bytes};
		ok = sign_authorization(&authorization, &r, &key, date, e);
		header[q.headers++] =
		    (struct text_pair){"Authorization", text_str(&authorization)};
	}
	if (ok)
		s->call = http_call_start(s->http, &q, on_answer, s, e);
	text_fini(&authorization);
	text_fini(&url);
	return s->call != NULL;
}

static void
cancel(struct credentials_fetch *f)
{
	struct sts *s = (struct sts *)f;

	if (s->call != NULL)
		http_call_cancel(s->call);
	text_fini(&s->body);
	text_wipe(s, sizeof *s);
	free(s);
}

/* Refused for the time alone, by a clock that differs from ours: once more by it. */
static bool
sign_again(struct sts *s, const struct http_response *r)
{
	int64_t off_s = r->date_wall_s - (int64_t)time(NULL);
	struct err e;

	if (!s->is_signed || s->again || r->fate != HTTP_ANSWERED ||
	    (r->status != 400 && r->status != 403) || r->date_wall_s == 0 ||
	    (off_s < SKEW_S && off_s > -SKEW_S))
		return false;
	s->again = true;
	s->skew_s = off_s;
	return send_it(s, &e);
}

static void
on_answer(const struct http_response *r, void *arg)
{
	struct credentials_got got = {.found = CREDENTIALS_BAD};
	struct sts *s = arg;
	credentials_got_cb cb = s->fetch.cb;
	void *cb_arg = s->fetch.arg;

	s->call = NULL;
	if (sign_again(s, r))
		return;
	got.now_wall_s = r->date_wall_s != 0 ? r->date_wall_s : (int64_t)time(NULL);
	if (r->fate != HTTP_ANSWERED || r->status != 200)
		refused(s, r, &got);
	else if (parse(s, r, &got))
		got.found = CREDENTIALS_FOUND;
	cancel(&s->fetch);
	cb(&got, cb_arg);
	text_wipe(&got, sizeof got);
}

static struct sts *
new_sts(const struct credentials_help *h, const char *role_arn, const char *action,
    credentials_got_cb cb, void *arg, struct err *e)
{
	struct sts *s = calloc(1, sizeof *s);

	if (s == NULL || strlen(role_arn) >= sizeof s->role_arn) {
		(void)err_set(e, "role %.100s: %s", role_arn,
		    s == NULL ? "memory is short" : "its ARN is too long");
		free(s);
		return NULL;
	}
	s->fetch.cancel = cancel;
	s->fetch.cb = cb;
	s->fetch.arg = arg;
	s->http = h->http;
	s->patience_ms = h->patience_ms != 0 ? h->patience_ms : TOTAL_MS;
	s->body = TEXT_INIT(BODY_MAX * 3);
	memcpy(s->role_arn, role_arn, strlen(role_arn) + 1);
	text_addf(&s->body, "Action=%s&Version=2011-06-15&RoleArn=", action);
	sign_encode(&s->body, role_arn, false);
	if (find_endpoint(s, h->region, e))
		return s;
	cancel(&s->fetch);
	return NULL;
}

/* The request in s->body goes out, or s is gone. */
static struct credentials_fetch *
begin(struct sts *s, struct err *e)
{
	struct err why = {""};

	if (text_ok(&s->body) && send_it(s, &why))
		return &s->fetch;
	(void)err_set(e, "%.200s: %.200s", s->fetch.source,
	    why.text[0] != '\0' ? why.text : "the request does not fit");
	cancel(&s->fetch);
	return NULL;
}

/* ---- web identity ---- */

enum credentials_found
credentials_web_look(struct err *e)
{
	const char *file = getenv("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *role = getenv("AWS_ROLE_ARN");
	bool has_file = file != NULL && file[0] != '\0';
	bool has_role = role != NULL && role[0] != '\0';

	if (has_file && has_role)
		return CREDENTIALS_FOUND;
	if (!has_file) /* AWS_ROLE_ARN alone says nothing: tools set it for others */
		return CREDENTIALS_NONE;
	(void)err_set(e,
	    "environment: AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not: "
	    "set both or neither");
	return CREDENTIALS_BAD;
}

static bool
add_token(struct sts *s, struct err *e)
{
	const char *path = getenv("AWS_WEB_IDENTITY_TOKEN_FILE");
	char *token = malloc(WEB_TOKEN_MAX);
	struct err why;
	bool ok = false;

	if (token == NULL)
		return err_set(e, "web identity: memory is short");
	if (path == NULL || !credentials_reply_file(token, WEB_TOKEN_MAX, path, &why)) {
		(void)err_set(e, "web identity (AWS_WEB_IDENTITY_TOKEN_FILE): %.300s",
		    path != NULL ? why.text : "not set");
	} else {
		sign_encode(&s->body, token, false);
		ok = true;
	}
	text_wipe(token, WEB_TOKEN_MAX);
	free(token);
	return ok;
}

struct credentials_fetch *
credentials_web_start(
    const struct credentials_help *h, credentials_got_cb cb, void *arg, struct err *e)
{
	const char *role = getenv("AWS_ROLE_ARN"),
		   *name = getenv("AWS_ROLE_SESSION_NAME");
	struct sts *s;

	s = new_sts(
	    h, role != NULL ? role : "", "AssumeRoleWithWebIdentity", cb, arg, e);
	if (s == NULL)
		return NULL;
	(void)snprintf(s->fetch.source, sizeof s->fetch.source,
	    "web identity as %.120s at %.50s", s->role_arn, s->host);
	text_add_str(&s->body, "&RoleSessionName=");
	sign_encode(
	    &s->body, name != NULL && name[0] != '\0' ? name : "pointsman", false);
	text_add_str(&s->body, "&WebIdentityToken=");
	if (add_token(s, e))
		return begin(s, e);
	cancel(&s->fetch);
	return NULL;
}

/* ---- a role ---- */

struct credentials_fetch *
credentials_role_start(const struct credentials_help *h, const struct credentials *who,
    const char *role_arn, const char *external_id, credentials_got_cb cb, void *arg,
    struct err *e)
{
	struct sts *s = new_sts(h, role_arn, "AssumeRole", cb, arg, e);

	if (s == NULL)
		return NULL;
	(void)snprintf(s->fetch.source, sizeof s->fetch.source,
	    "role_arn %.120s at %.50s", s->role_arn, s->host);
	s->who = *who;
	s->is_signed = true;
	text_add_str(&s->body, "&RoleSessionName=pointsman");
	if (external_id[0] != '\0') {
		text_add_str(&s->body, "&ExternalId=");
		sign_encode(&s->body, external_id, false);
	}
	return begin(s, e);
}
