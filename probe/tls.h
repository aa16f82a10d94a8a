/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h - whom a check trusts, who it says it is, and what a certificate was like.
 * The only file of this floor that knows OpenSSL.
 *
 * Contexts and connections are curl's, and come as void pointers: SSL_CTX in its
 * context callback, SSL from its information.
 */
#ifndef PROBE_TLS_H
#define PROBE_TLS_H

#include "probe/result.h"

#define TLS_FILE_BYTES_MAX 4194304
#define TLS_NAME_MAX 64
#define TLS_DATE_MAX 24

/* OpenSSL's memory comes from pool.h; in a worker, before anything else of it is used. */
void tls_use_pool(void);

struct tls_trust;    /* authorities, read once however many handshakes use them */
struct tls_identity; /* a client's certificate and key */

struct tls_seen {  /* of the certificate that was not accepted */
	int error; /* X509_V_ERR_…; 0: none was refused */
	char name[TLS_NAME_MAX];
	char from[TLS_DATE_MAX], until[TLS_DATE_MAX]; /* 2026-11-24 */
};

/* All certificates of a PEM file, from its start. NULL: none can be read. */
struct tls_trust *tls_trust_read(int fd, const char *path, struct err *e) MUST_CHECK;
void tls_trust_free(struct tls_trust *t);

/* The system's authorities: the file is held open, and read when first asked for. */
struct tls_system {
	const char *path; /* borrowed; NULL: there is none */
	int fd;
	struct tls_trust *trust;
};
void tls_system_init(struct tls_system *s, const char *path);
void tls_system_fini(struct tls_system *s);
/* Owned by s. NULL: they cannot be read. */
const struct tls_trust *tls_system_get(struct tls_system *s, struct err *e) MUST_CHECK;

/* Whom a check with this ca trusts ("" the system's). *own is what the caller must free
 * in the end, NULL if it is s's. NULL: the file cannot be read. */
const struct tls_trust *tls_trust_choose(const char *ca, const struct prober_file *file,
    struct tls_system *s, struct tls_trust **own, struct err *e) MUST_CHECK;
/* Did a named file come with the message? */
bool tls_file_came(
    const char *path, const struct prober_file *file, struct err *e) MUST_CHECK;

/* A certificate with its chain, and its key without a passphrase. */
struct tls_identity *tls_identity_read(int cert_fd, const char *cert, int key_fd,
    const char *key, struct err *e) MUST_CHECK;
void tls_identity_free(struct tls_identity *t);

/* Sets up an SSL_CTX; trust and identity may be NULL. *seen must live as long as it, and
 * is set when a certificate is refused. */
bool tls_apply(void *ssl_ctx, const struct tls_trust *trust,
    const struct tls_identity *identity, struct tls_seen *seen) MUST_CHECK;

/* Why a certificate was not accepted: expired, self-signed, issuer unknown …; not for
 * the host when OpenSSL found nothing. Without any trust it is our trouble. */
void tls_blame(const struct tls_seen *seen, const struct tls_trust *trust,
    const char *host, struct probe_result *r);

/* TLS of our own on a connected socket that does not wait. The client is made once and
 * shared; trust may be NULL (then nothing is verified) and is borrowed. */
struct tls_client;
struct tls_stream;
struct tls_client *tls_client_new(const struct tls_trust *trust) MUST_CHECK;
void tls_client_free(struct tls_client *c);
/* Borrows the socket; it must outlive the stream. NULL: out of memory. */
struct tls_stream *
tls_stream_new(struct tls_client *c, int fd, const char *server_name) MUST_CHECK;
void tls_stream_free(struct tls_stream *s); /* NULL is none */

enum tls_step {
	TLS_DONE = 0,
	TLS_WANTS_READ, /* call again when the socket is readable … */
	TLS_WANTS_WRITE,
	TLS_CLOSED, /* the other side ended it */
	TLS_FAILED, /* tls_stream_blame() says why */
};
enum tls_step tls_stream_shake_hands(struct tls_stream *s);
enum tls_step
tls_stream_read(struct tls_stream *s, char *to, size_t room, size_t *bytes);
enum tls_step
tls_stream_write(struct tls_stream *s, const char *from, size_t bytes, size_t *written);
void tls_stream_blame(
    const struct tls_stream *s, const char *server_name, struct probe_result *r);
bool tls_stream_has_days(
    const struct tls_stream *s, uint32_t min_days, struct probe_result *r);

/* False, and *r says so: the other side's certificate has less than min_days left. */
bool tls_has_days(void *ssl, uint32_t min_days, struct probe_result *r);

#endif
