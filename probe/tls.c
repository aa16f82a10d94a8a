/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why not curl's own options: they take names of files, which a confined worker cannot
 * open, or their contents, which curl then parses again for each handshake: the
 * system's authorities cost fifty times what the handshake costs. A store that is
 * parsed once is shared by every context.
 *
 * Verification stays OpenSSL's and the name's check curl's; a callback only writes down
 * which certificate was refused, and why, while it is still there to be asked.
 */
#include "probe/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "probe/pool.h"

static void *
take(size_t bytes, const char *file, int line)
{
	(void)file;
	(void)line;
	return pool_malloc(bytes);
}

static void *
change(void *old, size_t bytes, const char *file, int line)
{
	(void)file;
	(void)line;
	if (bytes > 0)
		return pool_realloc(old, bytes);
	pool_free(old);
	return NULL;
}

static void
give(void *block, const char *file, int line)
{
	(void)file;
	(void)line;
	pool_free(block);
}

void
tls_use_pool(void)
{
	(void)CRYPTO_set_mem_functions(take, change, give);
}

struct tls_trust {
	X509_STORE *store;
};

struct tls_identity {
	X509 *cert;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
};

/* A memory BIO with the whole file, to be freed together with *text. */
static BIO *
read_file(int fd, const char *path, char **text, struct err *e)
{
	off_t bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	off_t have = 0;
	ssize_t n = 1;
	BIO *bio = NULL;

	*text = NULL;
	if (bytes < 0 || bytes > TLS_FILE_BYTES_MAX) {
		(void)err_set(e, "cannot read %.200s: %s", path,
		    bytes < 0 ? strerror(errno) : "it is no PEM file of this size");
		return NULL;
	}
	*text = malloc((size_t)bytes + 1);
	while (*text != NULL && have < bytes && n > 0) {
		n = pread(fd, *text + have, (size_t)(bytes - have), have);
		have += n > 0 ? n : 0;
	}
	if (*text != NULL) {
		(*text)[have] = '\0';
		bio = BIO_new_mem_buf(*text, (int)have);
	}
	if (bio == NULL)
		(void)err_set(e, "cannot read %.200s: out of memory", path);
	return bio;
}

static void
close_file(BIO *bio, char *text, size_t bytes)
{
	BIO_free(bio);
	if (text != NULL)
		OPENSSL_cleanse(text, bytes);
	free(text);
	ERR_clear_error(); /* the end of a PEM file is an error to OpenSSL */
}

struct tls_trust *
tls_trust_read(int fd, const char *path, struct err *e)
{
	struct tls_trust *t = calloc(1, sizeof *t);
	unsigned certificates = 0;
	char *text = NULL;
	BIO *bio = read_file(fd, path, &text, e);
	X509 *x;

	if (t != NULL)
		t->store = X509_STORE_new();
	while (bio != NULL && t != NULL && t->store != NULL &&
	    (x = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL) {
		certificates += X509_STORE_add_cert(t->store, x) == 1;
		X509_free(x);
	}
	if (bio != NULL && certificates == 0)
		(void)err_set(e, "%.200s holds no certificate (PEM)", path);
	close_file(bio, text, 0);
	if (certificates == 0) {
		tls_trust_free(t);
		return NULL;
	}
	/* As curl does: any certificate of the file ends a chain. */
	(void)X509_STORE_set_flags(
	    t->store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	return t;
}

void
tls_trust_free(struct tls_trust *t)
{
	if (t == NULL)
		return;
	X509_STORE_free(t->store);
	free(t);
}

void
tls_system_init(struct tls_system *s, const char *path)
{
	*s = (struct tls_system){.path = path, .fd = -1};
	if (path != NULL)
		s->fd = open(path, O_RDONLY | O_CLOEXEC);
}

void
tls_system_fini(struct tls_system *s)
{
	tls_trust_free(s->trust);
	if (s->path != NULL && s->fd >= 0)
		(void)close(s->fd);
}

const struct tls_trust *
tls_system_get(struct tls_system *s, struct err *e)
{
	if (s->trust == NULL && (s->path == NULL || s->fd < 0))
		(void)err_set(e,
		    "no authorities at %.100s: install ca-certificates, or name a ca",
		    s->path == NULL ? "any place" : s->path);
	else if (s->trust == NULL)
		s->trust = tls_trust_read(s->fd, s->path, e);
	return s->trust;
}

bool
tls_file_came(const char *path, const struct prober_file *file, struct err *e)
{
	return file->fd >= 0 ||
	    err_set(e, "cannot read %.90s: %s", path,
		file->error != 0 ? strerror(file->error) : "too many open files");
}

const struct tls_trust *
tls_trust_choose(const char *ca, const struct prober_file *file, struct tls_system *s,
    struct tls_trust **own, struct err *e)
{
	*own = NULL;
	if (ca[0] == '\0')
		return tls_system_get(s, e);
	if (tls_file_came(ca, file, e))
		*own = tls_trust_read(file->fd, ca, e);
	return *own;
}

static bool
read_certificates(struct tls_identity *t, int fd, const char *path, struct err *e)
{
	char *text;
	BIO *bio = read_file(fd, path, &text, e);
	X509 *x;

	if (bio == NULL) {
		free(text);
		return false;
	}
	t->cert = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
	t->chain = sk_X509_new_null();
	while (t->cert != NULL && t->chain != NULL &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(t->chain, x) == 0)
			X509_free(x);
	}
	close_file(bio, text, 0);
	return (t->cert != NULL && t->chain != NULL) ||
	    err_set(e, "%.200s holds no certificate (PEM)", path);
}

/* An empty passphrase: nobody is there to be asked. */
static int
no_passphrase(char *to, int room, int writing, void *arg)
{
	(void)to;
	(void)room;
	(void)writing;
	(void)arg;
	return 0;
}

static bool
read_key(struct tls_identity *t, int fd, const char *path, struct err *e)
{
	char *text;
	BIO *bio = read_file(fd, path, &text, e);

	if (bio == NULL) {
		free(text);
		return false;
	}
	t->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	close_file(bio, text, strnlen(text, TLS_FILE_BYTES_MAX));
	if (t->key == NULL)
		return err_set(
		    e, "%.200s holds no private key (PEM, without a passphrase)", path);
	return X509_check_private_key(t->cert, t->key) == 1 ||
	    err_set(e, "%.200s is not the key of the certificate", path);
}

struct tls_identity *
tls_identity_read(
    int cert_fd, const char *cert, int key_fd, const char *key, struct err *e)
{
	struct tls_identity *t = calloc(1, sizeof *t);
	bool ok;

	if (t == NULL) {
		(void)err_set(e, "out of memory");
		return NULL;
	}
	ok = read_certificates(t, cert_fd, cert, e) && read_key(t, key_fd, key, e);
	ERR_clear_error();
	if (ok)
		return t;
	tls_identity_free(t);
	return NULL;
}

void
tls_identity_free(struct tls_identity *t)
{
	if (t == NULL)
		return;
	X509_free(t->cert);
	sk_X509_pop_free(t->chain, X509_free);
	EVP_PKEY_free(t->key);
	free(t);
}

static void
put_date(char to[TLS_DATE_MAX], const ASN1_TIME *when)
{
	struct tm tm;

	to[0] = '\0';
	if (ASN1_TIME_to_tm(when, &tm) == 1)
		(void)snprintf(to, TLS_DATE_MAX, "%04u-%02u-%02u",
		    (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_mon + 1,
		    (unsigned)tm.tm_mday);
}

static void
put_name(char to[TLS_NAME_MAX], const X509 *x)
{
	int n = X509_NAME_get_text_by_NID(
	    X509_get_subject_name(x), NID_commonName, to, TLS_NAME_MAX);

	if (n < 0)
		(void)snprintf(to, TLS_NAME_MAX, "a certificate without a name");
	for (; *to != '\0'; to++) {
		if (*to < ' ' || *to > '~')
			*to = '?';
	}
}

/* Where a connection, or a context of curl's, keeps its tls_seen. Not the "app data":
 * curl keeps its own there. */
static int
seen_of_ssl(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static int
seen_of_context(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

/* Told of each certificate of the chain; the first that is refused ends it. */
static int
on_verify(int good, X509_STORE_CTX *chain)
{
	SSL *ssl =
	    X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_seen *seen =
	    ssl == NULL ? NULL : SSL_get_ex_data(ssl, seen_of_ssl());
	const X509 *x = X509_STORE_CTX_get_current_cert(chain);

	if (ssl != NULL && seen == NULL) /* curl's, whose context alone we see */
		seen = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), seen_of_context());
	if (good == 1 || seen == NULL)
		return good;
	seen->error = X509_STORE_CTX_get_error(chain);
	if (x != NULL) {
		put_name(seen->name, x);
		put_date(seen->from, X509_get0_notBefore(x));
		put_date(seen->until, X509_get0_notAfter(x));
	}
	return good;
}

bool
tls_apply(void *ssl_ctx, const struct tls_trust *trust,
    const struct tls_identity *identity, struct tls_seen *seen)
{
	SSL_CTX *ctx = ssl_ctx;

	memset(seen, 0, sizeof *seen);
	if (SSL_CTX_set_ex_data(ctx, seen_of_context(), seen) != 1)
		return false;
	if (trust != NULL) {
		SSL_CTX_set1_cert_store(ctx, trust->store);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
	}
	return identity == NULL ||
	    SSL_CTX_use_cert_and_key(
		ctx, identity->cert, identity->key, identity->chain, 1) == 1;
}

void
tls_blame(const struct tls_seen *seen, const struct tls_trust *trust, const char *host,
    struct probe_result *r)
{
	if (trust == NULL) {
		result_local(r, "no authorities to trust: install ca-certificates");
		return;
	}
	switch (seen->error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		result_fail(r, PROBE_TLS_EXPIRED, "the certificate of %s expired on %s",
		    seen->name, seen->until);
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		result_fail(r, PROBE_TLS_EARLY,
		    "the certificate of %s is not valid before %s", seen->name,
		    seen->from);
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		result_fail(r, PROBE_TLS_SELF_SIGNED,
		    "the certificate of %s is self-signed and not trusted", seen->name);
		return;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		result_fail(r, PROBE_TLS_ISSUER,
		    "the certificate of %s has an issuer that is not trusted",
		    seen->name);
		return;
	case X509_V_OK: /* curl did not like the name */
	case X509_V_ERR_HOSTNAME_MISMATCH:
		result_fail(r, PROBE_TLS_NAME,
		    "the certificate does not name the host of %.90s", host);
		return;
	default:
		result_fail(r, PROBE_TLS,
		    "the certificate of %s is not accepted: %.60s", seen->name,
		    X509_verify_cert_error_string(seen->error));
		return;
	}
}

bool
tls_has_days(void *ssl, uint32_t min_days, struct probe_result *r)
{
	const X509 *x = SSL_get0_peer_certificate(ssl);
	char until[TLS_DATE_MAX];
	int days, seconds;

	if (x == NULL ||
	    ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x)) != 1) {
		result_fail(r, PROBE_TLS, "tls: a certificate without an end");
		return false;
	}
	if (days >= (int)min_days)
		return true;
	put_date(until, X509_get0_notAfter(x));
	if (days < 0 || seconds < 0)
		result_fail(
		    r, PROBE_TLS_EXPIRED, "the certificate expired on %s", until);
	else
		result_fail(r, PROBE_TLS_EXPIRING,
		    "the certificate expires on %s, in %d days: fewer than %u", until,
		    days, min_days);
	return false;
}

struct tls_client {
	SSL_CTX *ctx;
	const struct tls_trust *trust;
};

struct tls_stream {
	SSL *ssl;
	const struct tls_client *client;
	struct tls_seen seen;
	unsigned long error; /* OpenSSL's, of what failed */
};

struct tls_client *
tls_client_new(const struct tls_trust *trust)
{
	struct tls_client *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->trust = trust;
	c->ctx = SSL_CTX_new(TLS_client_method());
	if (c->ctx == NULL) {
		free(c);
		return NULL;
	}
	(void)SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_mode(c->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
	if (trust != NULL) {
		SSL_CTX_set1_cert_store(c->ctx, trust->store);
		SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, on_verify);
	}
	return c;
}

void
tls_client_free(struct tls_client *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->ctx);
	free(c);
}

struct tls_stream *
tls_stream_new(struct tls_client *c, int fd, const char *server_name)
{
	struct tls_stream *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->client = c;
	s->ssl = SSL_new(c->ctx);
	if (s->ssl != NULL && SSL_set_ex_data(s->ssl, seen_of_ssl(), &s->seen) == 1 &&
	    SSL_set_fd(s->ssl, fd) == 1 &&
	    SSL_set_tlsext_host_name(s->ssl, server_name) == 1 &&
	    (c->trust == NULL || SSL_set1_host(s->ssl, server_name) == 1))
		return s;
	tls_stream_free(s);
	return NULL;
}

void
tls_stream_free(struct tls_stream *s)
{
	if (s == NULL)
		return;
	SSL_free(s->ssl);
	free(s);
	ERR_clear_error();
}

/* What an operation that returned `result` came to. */
static enum tls_step
step_of(struct tls_stream *s, int result)
{
	switch (SSL_get_error(s->ssl, result)) {
	case SSL_ERROR_NONE:
		return TLS_DONE;
	case SSL_ERROR_WANT_READ:
		return TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANTS_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_CLOSED;
	case SSL_ERROR_SSL:
		s->error = ERR_peek_error();
		return ERR_GET_REASON(s->error) == SSL_R_UNEXPECTED_EOF_WHILE_READING
		    ? TLS_CLOSED
		    : TLS_FAILED;
	default: /* SSL_ERROR_SYSCALL: reset */
		return TLS_CLOSED;
	}
}

enum tls_step
tls_stream_shake_hands(struct tls_stream *s)
{
	ERR_clear_error();
	return step_of(s, SSL_connect(s->ssl));
}

enum tls_step
tls_stream_read(struct tls_stream *s, char *to, size_t room, size_t *bytes)
{
	*bytes = 0;
	ERR_clear_error();
	return step_of(s, SSL_read_ex(s->ssl, to, room, bytes));
}

enum tls_step
tls_stream_write(struct tls_stream *s, const char *from, size_t bytes, size_t *written)
{
	*written = 0;
	ERR_clear_error();
	return step_of(s, SSL_write_ex(s->ssl, from, bytes, written));
}

void
tls_stream_blame(
    const struct tls_stream *s, const char *server_name, struct probe_result *r)
{
	const char *why = ERR_reason_error_string(s->error);

	if (s->seen.error != X509_V_OK)
		tls_blame(&s->seen, s->client->trust, server_name, r);
	else
		result_fail(
		    r, PROBE_TLS, "tls: %.120s", why == NULL ? "no reason given" : why);
}

bool
tls_stream_has_days(
    const struct tls_stream *s, uint32_t min_days, struct probe_result *r)
{
	return min_days == 0 || tls_has_days(s->ssl, min_days, r);
}
