/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second owner of libssl, beside probe/tls.c: that one asks strangers under public
 * authorities, this one asks and serves those who hold a certificate of ours. Both
 * sides of a connection are judged by one function, on_verify(), within the handshake,
 * so that nothing of HTTP is read from whom we do not know.
 *
 * Without tickets or resumption: each connection shows its certificate anew, and a
 * certificate that was taken back by a new authority is out as soon as the file is read.
 * Rejected: X509_check_host() for the name, which knows wildcards and, without a
 * subjectAltName, the CN; a name is pinned by comparing it, and must be one agent's.
 */
#include "steering/agent/peer_tls.h"

#include <assert.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "steering/agent/peer_pem.h"

#define DEPTH_MAX 4

struct peer_tls {
	unsigned held; /* by its owner, and by each connection served */
	uint32_t self, agents;
	char name[AGENTS_MAX][WORD_MAX];
	struct peer_pem pem;
	SSL_CTX *server;
};

/* Hangs on an SSL that is served, or on the SSL_CTX of one that asks. */
struct judged {
	const struct peer_tls *tls;
	struct peer_shown *shown;
	int32_t expected; /* -1: anybody configured */
};

struct served {
	struct judged judged; /* the first: found by index_of_ssl() */
	struct peer_tls *tls; /* held */
	struct peer_shown shown;
	bool begun, shaken;
	peer_tls_cb cb;
	void *arg;
};

/* ---- names and dates ---- */

static bool
is_name(const ASN1_STRING *s, const char *name)
{
	int n = ASN1_STRING_length(s);

	return n == (int)strlen(name) &&
	    strncasecmp((const char *)ASN1_STRING_get0_data(s), name, (size_t)n) == 0;
}

/* The configured agents that it names: one is good. */
static uint32_t
names_of(const struct peer_tls *t, const X509 *x, int32_t *agent, int32_t *other)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	uint32_t found = 0;

	*agent = *other = -1;
	for (uint32_t i = 0; i < t->agents; i++) {
		bool named = false;

		for (int j = 0; j < sk_GENERAL_NAME_num(all); j++) {
			const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, j);

			named |=
			    g->type == GEN_DNS && is_name(g->d.dNSName, t->name[i]);
		}
		if (!named)
			continue;
		*(found == 0 ? agent : other) = (int32_t)i;
		found++;
	}
	GENERAL_NAMES_free(all);
	return found;
}

/* The first of its names, for a sentence; made harmless. */
static void
first_name(const X509 *x, char *out, size_t room)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	(void)snprintf(out, room, "nobody (no subjectAltName DNS:…)");
	for (int j = sk_GENERAL_NAME_num(all); j-- > 0;) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, j);

		if (g->type != GEN_DNS)
			continue;
		(void)snprintf(out, room, "'%.*s'",
		    ASN1_STRING_length(g->d.dNSName) < 60
			? ASN1_STRING_length(g->d.dNSName)
			: 60,
		    (const char *)ASN1_STRING_get0_data(g->d.dNSName));
		for (char *p = out; *p != '\0'; p++)
			if (*p < ' ' || *p > '~')
				*p = '?';
	}
	GENERAL_NAMES_free(all);
}

static int64_t
wall_s(const ASN1_TIME *when)
{
	struct tm tm;

	return ASN1_TIME_to_tm(when, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static struct peer_cert
dates_of(const X509 *x)
{
	return (struct peer_cert){
	    .from_wall_s = wall_s(X509_get0_notBefore(x)),
	    .until_wall_s = wall_s(X509_get0_notAfter(x)),
	};
}

void
peer_tls_date(int64_t when_s, char out[16])
{
	time_t when = (time_t)when_s;
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL || strftime(out, 16, "%Y-%m-%d", &tm) == 0)
		(void)snprintf(out, 16, "?");
}

/* ---- the judgement of a handshake ---- */

static void
end_served(void *ssl, void *kept, CRYPTO_EX_DATA *all, int index, long argl, void *argp)
{
	struct served *s = kept;

	(void)ssl, (void)all, (void)index, (void)argl, (void)argp;
	if (s == NULL)
		return;
	s->cb(PEER_TLS_GONE, &s->shown, s->arg);
	peer_tls_free(s->tls);
	free(s);
}

static void
end_asked(void *ctx, void *kept, CRYPTO_EX_DATA *all, int index, long argl, void *argp)
{
	(void)ctx, (void)all, (void)index, (void)argl, (void)argp;
	free(kept);
}

static int
index_of_ssl(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, end_served);
	assert(index >= 0);
	return index;
}

static int
index_of_context(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, end_asked);
	assert(index >= 0);
	return index;
}

static struct judged *
judged_of(const SSL *ssl)
{
	struct judged *j = SSL_get_ex_data(ssl, index_of_ssl());

	return j != NULL
	    ? j
	    : SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index_of_context());
}

#define WHY(j, ...) \
	((void)snprintf((j)->shown->why, sizeof(j)->shown->why, __VA_ARGS__))

static void
blame(const struct judged *j, int error, const X509 *x)
{
	char name[80], from[16], until[16];
	struct peer_cert dates = dates_of(x);

	first_name(x, name, sizeof name);
	peer_tls_date(dates.from_wall_s, from);
	peer_tls_date(dates.until_wall_s, until);
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		WHY(j,
		    "the certificate of %s expired on %s: make it a new one, or set this "
		    "machine's clock",
		    name, until);
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		WHY(j,
		    "the certificate of %s is not valid before %s: which clock is wrong?",
		    name, from);
		return;
	case X509_V_ERR_INVALID_PURPOSE:
		WHY(j,
		    "the certificate of %s may not be used so: its extendedKeyUsage must "
		    "allow both server and client",
		    name);
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_CERT_UNTRUSTED: /* a stranger's words are not repeated */
		WHY(j,
		    "a certificate that our authority (tls.ca) did not sign: is it the same "
		    "file at every agent?");
		return;
	default:
		WHY(j, "the certificate of %s is not accepted: %.80s", name,
		    X509_verify_cert_error_string(error));
		return;
	}
}

/* Good, signed and in time: whose is it? */
static bool
judge_name(const struct judged *j, const X509 *x)
{
	const struct peer_tls *t = j->tls;
	int32_t agent, other;
	uint32_t found = names_of(t, x, &agent, &other);
	char name[80];

	first_name(x, name, sizeof name);
	if (found == 0)
		WHY(j,
		    "the certificate names %s, who is no agent of this configuration",
		    name);
	else if (found > 1)
		WHY(j,
		    "the certificate names two agents, '%s' and '%s': each must have its own",
		    t->name[agent], t->name[other]);
	else if (agent == (int32_t)t->self)
		WHY(j,
		    "the other side shows a certificate of '%s', which is us: do two agents "
		    "run as one, or does a url lead back here?",
		    t->name[agent]);
	else if (j->expected >= 0 && agent != j->expected)
		WHY(j,
		    "the certificate names '%s', not '%s': does the url lead to the right "
		    "agent?",
		    t->name[agent], t->name[j->expected]);
	else {
		j->shown->agent = agent;
		j->shown->cert = dates_of(x);
		return true;
	}
	return false;
}

/* Told of each certificate of the chain, the leaf last. */
static int
on_verify(int good, X509_STORE_CTX *chain)
{
	SSL *ssl =
	    X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct judged *j = ssl != NULL ? judged_of(ssl) : NULL;
	const X509 *x = X509_STORE_CTX_get_current_cert(chain);

	if (j == NULL || x == NULL)
		return 0;
	if (good != 1) {
		blame(j, X509_STORE_CTX_get_error(chain), x);
		return 0;
	}
	if (X509_STORE_CTX_get_error_depth(chain) > 0 || judge_name(j, x))
		return 1;
	X509_STORE_CTX_set_error(chain, X509_V_ERR_HOSTNAME_MISMATCH);
	return 0;
}

/* Alerts tell what the other side did not like, or that we said so. */
static void
on_info(const SSL *ssl, int where, int value)
{
	const struct judged *j = judged_of(ssl);
	struct served *s = SSL_get_ex_data(ssl, index_of_ssl());
	const char *what = SSL_alert_desc_string_long(value);

	if (j == NULL)
		return;
	if (s != NULL && (where & SSL_CB_HANDSHAKE_START) != 0 && !s->begun) {
		s->begun = true;
		s->cb(PEER_TLS_BEGUN, &s->shown, s->arg);
	}
	if (s != NULL && (where & SSL_CB_HANDSHAKE_DONE) != 0 && !s->shaken) {
		s->shaken = true;
		s->cb(PEER_TLS_SHAKEN, &s->shown, s->arg);
	}
	if ((where & SSL_CB_ALERT) == 0 || (value >> 8) != SSL3_AL_FATAL)
		return;
	if ((where & SSL_CB_READ) != 0)
		WHY(j,
		    "the other side refused our certificate or our TLS (%s): its log says "
		    "why",
		    what);
	else if (j->shown->why[0] == '\0')
		WHY(j, "TLS: %s%s", what,
		    (value & 0xFF) == SSL_AD_CERTIFICATE_REQUIRED
			? ": who connects must show a certificate"
			: (value & 0xFF) == SSL_AD_PROTOCOL_VERSION
			? ": at least 1.3 is asked for"
			: "");
	if (s != NULL)
		s->cb(PEER_TLS_REFUSED, &s->shown, s->arg);
}

/* ---- contexts ---- */

static bool
set_up(SSL_CTX *ctx, const struct peer_tls *t, int verify)
{
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_mode(ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
		SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set1_cert_store(ctx, t->pem.authorities);
	SSL_CTX_set_verify_depth(ctx, DEPTH_MAX);
	SSL_CTX_set_verify(ctx, verify, on_verify);
	SSL_CTX_set_info_callback(ctx, on_info);
	return SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	    SSL_CTX_use_cert_and_key(ctx, t->pem.cert, t->pem.key, t->pem.chain, 1) ==
	    1;
}

static bool
is_ours(const struct peer_tls *t, const char *path, struct err *e)
{
	int32_t agent, other;
	uint32_t found = names_of(t, t->pem.cert, &agent, &other);
	char name[80];

	if (found == 1 && agent == (int32_t)t->self)
		return true;
	first_name(t->pem.cert, name, sizeof name);
	if (found > 1)
		return err_set(e,
		    "%.200s names two agents, '%s' and '%s': each must have its own "
		    "certificate",
		    path, t->name[agent], t->name[other]);
	return err_set(e,
	    "%.200s is the certificate of %s: agent '%s' needs one with the "
	    "subjectAltName DNS:%s",
	    path, name, t->name[t->self], t->name[t->self]);
}

struct peer_tls *
peer_tls_read(const struct peer_wire_conf *conf, struct err *e)
{
	struct peer_tls *t = calloc(1, sizeof *t);

	if (t == NULL) {
		(void)err_set(e, "peers: memory is short");
		return NULL;
	}
	t->held = 1;
	t->self = conf->self;
	t->agents = conf->agents;
	for (uint32_t i = 0; i < conf->agents; i++)
		memcpy(t->name[i], conf->agent[i].name, sizeof t->name[i]);
	if (!peer_pem_read(&t->pem, conf, e) || !is_ours(t, conf->cert, e))
		goto bad;
	t->server = SSL_CTX_new(TLS_server_method());
	if (t->server == NULL ||
	    !set_up(t->server, t, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT)) {
		const char *why = ERR_reason_error_string(ERR_peek_error());

		(void)err_set(e, "%.200s cannot be used: %.100s", conf->cert,
		    why != NULL ? why : "memory is short");
		ERR_clear_error();
		goto bad;
	}
	return t;
bad:
	peer_tls_free(t);
	return NULL;
}

void
peer_tls_free(struct peer_tls *t)
{
	if (t == NULL || --t->held > 0)
		return;
	SSL_CTX_free(t->server);
	peer_pem_fini(&t->pem);
	free(t);
}

struct peer_cert
peer_tls_cert(const struct peer_tls *t)
{
	return dates_of(t->pem.cert);
}

/* ---- connections ---- */

bool
peer_tls_ask(
    void *ssl_ctx, const struct peer_tls *t, uint32_t agent, struct peer_shown *shown)
{
	struct judged *j = calloc(1, sizeof *j);

	if (j == NULL)
		return false;
	*j = (struct judged){.tls = t, .shown = shown, .expected = (int32_t)agent};
	shown->agent = -1;
	shown->why[0] = '\0';
	if (SSL_CTX_set_ex_data(ssl_ctx, index_of_context(), j) != 1) {
		free(j);
		return false;
	}
	return set_up(ssl_ctx, t, SSL_VERIFY_PEER);
}

struct bufferevent *
peer_tls_accept(struct peer_tls *t, struct event_base *base, peer_tls_cb cb, void *arg)
{
	struct served *s = calloc(1, sizeof *s);
	SSL *ssl = SSL_new(t->server);
	struct bufferevent *peer;

	if (s == NULL || ssl == NULL || SSL_set_ex_data(ssl, index_of_ssl(), s) != 1)
		abort();
	t->held++;
	s->tls = t;
	s->judged = (struct judged){.tls = t, .shown = &s->shown, .expected = -1};
	s->shown.agent = -1;
	s->cb = cb;
	s->arg = arg;
	peer = bufferevent_openssl_socket_new(
	    base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (peer == NULL)
		abort();
	bufferevent_openssl_set_allow_dirty_shutdown(peer, 1);
	return peer;
}

void *
peer_tls_arg(struct bufferevent *peer)
{
	const struct served *s =
	    SSL_get_ex_data(bufferevent_openssl_get_ssl(peer), index_of_ssl());

	return s->arg;
}
