/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files are read whole and at once, never waited for (a FIFO is refused), and the bytes
 * of the key are wiped behind it. OpenSSL's own readers of named files were rejected:
 * they wait, ask for a passphrase on the terminal, and cannot say who may read the key.
 *
 * A certificate is judged here as those whom it is shown to will judge it, so that it is
 * found out at the start, or before a renewal is taken, and not by the silence of peers.
 */
#include "steering/agent/peer_pem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX 262144

static bool
read_bytes(int fd, const char *path, bool secret, char **text, size_t *n, struct err *e)
{
	struct stat s;
	ssize_t got;

	if (fstat(fd, &s) != 0)
		return err_set(e, "%.200s: %s", path, strerror(errno));
	if (!S_ISREG(s.st_mode) || s.st_size > FILE_BYTES_MAX)
		return err_set(e, "%.200s is no regular file of at most 256 KiB", path);
	if (secret && (s.st_mode & 077) != 0)
		return err_set(e,
		    "%.200s can be read by others (mode %03o): chmod 600 it, and replace "
		    "the key if anyone may have seen it",
		    path, (unsigned)(s.st_mode & 0777));
	*text = malloc((size_t)s.st_size + 1);
	if (*text == NULL)
		return err_set(e, "%.200s: memory is short", path);
	for (*n = 0; *n < (size_t)s.st_size; *n += (size_t)got) {
		got = read(fd, *text + *n, (size_t)s.st_size - *n);
		if (got < 0)
			return err_set(e, "%.200s: %s", path, strerror(errno));
		if (got == 0)
			break;
	}
	(*text)[*n] = '\0';
	return true;
}

/* NULL: e says why. A secret is wiped by close_file(). */
static BIO *
open_file(const char *path, bool secret, char **text, size_t *n, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	BIO *bio = NULL;

	*text = NULL;
	*n = 0;
	if (fd < 0)
		(void)err_set(e,
		    "%.200s: %s: put it there, readable by the agent's user", path,
		    strerror(errno));
	else if (read_bytes(fd, path, secret, text, n, e) &&
	    (bio = BIO_new_mem_buf(*text, (int)*n)) == NULL)
		(void)err_set(e, "%.200s: memory is short", path);
	if (fd >= 0)
		(void)close(fd);
	return bio;
}

static void
close_file(BIO *bio, char *text, size_t n)
{
	BIO_free(bio);
	if (text != NULL)
		OPENSSL_cleanse(text, n);
	free(text);
	ERR_clear_error(); /* the end of a PEM file is an error to OpenSSL */
}

static bool
read_cert(struct peer_pem *t, const char *path, struct err *e)
{
	char *text;
	size_t n;
	BIO *bio = open_file(path, false, &text, &n, e);
	X509 *x;

	if (bio != NULL) {
		t->cert = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
		t->chain = sk_X509_new_null();
		while (t->cert != NULL && t->chain != NULL &&
		    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
			if (sk_X509_push(t->chain, x) == 0)
				X509_free(x);
		if (t->cert == NULL || t->chain == NULL)
			(void)err_set(
			    e, "%.200s holds no certificate (PEM): tls.cert", path);
	}
	close_file(bio, text, n);
	return t->cert != NULL && t->chain != NULL;
}

static int
no_passphrase(char *to, int room, int writing, void *arg)
{
	(void)to, (void)room, (void)writing, (void)arg;
	return 0;
}

static bool
read_key(struct peer_pem *t, const char *path, const char *cert, struct err *e)
{
	char *text;
	size_t n;
	BIO *bio = open_file(path, true, &text, &n, e);
	bool ok = false;

	if (bio != NULL) {
		t->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
		ok = t->key != NULL && X509_check_private_key(t->cert, t->key) == 1;
		if (t->key == NULL)
			(void)err_set(e,
			    "%.200s holds no private key (PEM, without a passphrase): "
			    "tls.key",
			    path);
		else if (!ok)
			(void)err_set(e,
			    "%.180s is not the key of %.180s: they must be made together",
			    path, cert);
	}
	close_file(bio, text, n);
	return ok;
}

static bool
read_authorities(struct peer_pem *t, const char *path, struct err *e)
{
	char *text;
	size_t n;
	BIO *bio = open_file(path, false, &text, &n, e);
	unsigned certificates = 0;
	X509 *x;

	t->authorities = X509_STORE_new();
	while (bio != NULL && t->authorities != NULL &&
	    (x = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL) {
		certificates += X509_STORE_add_cert(t->authorities, x) == 1;
		X509_free(x);
	}
	if (bio != NULL && certificates == 0)
		(void)err_set(e, "%.200s holds no certificate (PEM): tls.ca", path);
	close_file(bio, text, n);
	if (certificates == 0)
		return false;
	(void)X509_STORE_set_flags(
	    t->authorities, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	return true;
}

/* For what it is to be used: as those who meet it will judge, but for the dates. */
static bool
is_good_for(const struct peer_pem *t, int purpose, const char *what,
    const char *cert_path, const char *ca_path, struct err *e)
{
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	int error = X509_V_ERR_OUT_OF_MEM;

	if (c != NULL &&
	    X509_STORE_CTX_init(c, t->authorities, t->cert, t->chain) == 1) {
		X509_STORE_CTX_set_flags(c, X509_V_FLAG_NO_CHECK_TIME);
		(void)X509_STORE_CTX_set_purpose(c, purpose);
		(void)X509_verify_cert(c);
		error = X509_STORE_CTX_get_error(c);
	}
	X509_STORE_CTX_free(c);
	ERR_clear_error();
	if (error == X509_V_ERR_INVALID_PURPOSE)
		return err_set(e,
		    "%.200s may not be used as a %s: its extendedKeyUsage must allow both "
		    "serverAuth and clientAuth, or be absent",
		    cert_path, what);
	return error == X509_V_OK ||
	    err_set(e, "%.180s was not signed by an authority in %.180s: %.80s",
		cert_path, ca_path, X509_verify_cert_error_string(error));
}

bool
peer_pem_read(struct peer_pem *p, const struct peer_wire_conf *conf, struct err *e)
{
	memset(p, 0, sizeof *p);
	return read_cert(p, conf->cert, e) && read_key(p, conf->key, conf->cert, e) &&
	    read_authorities(p, conf->ca, e) &&
	    is_good_for(
		p, X509_PURPOSE_SSL_SERVER, "server", conf->cert, conf->ca, e) &&
	    is_good_for(p, X509_PURPOSE_SSL_CLIENT, "client", conf->cert, conf->ca, e);
}

void
peer_pem_fini(struct peer_pem *p)
{
	X509_STORE_free(p->authorities);
	EVP_PKEY_free(p->key);
	sk_X509_pop_free(p->chain, X509_free);
	X509_free(p->cert);
}
