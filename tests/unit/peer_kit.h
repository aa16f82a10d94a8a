/* SPDX-License-Identifier: Apache-2.0 */
/* Authorities and certificates of every kind, good and bad, made in a moment. */
#ifndef TESTS_UNIT_PEER_KIT_H
#define TESTS_UNIT_PEER_KIT_H

#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIT_DAY 86400L

struct kit_authority {
	X509 *cert;
	EVP_PKEY *key;
};

struct kit_wish {
	const char *san;            /* "DNS:fra"; NULL: none */
	const char *use;            /* extendedKeyUsage; NULL: none */
	const char *cn;             /* NULL: none */
	long from_days, until_days; /* from now; 0 and 0: -1 and 365 */
};

static void
kit_extend(X509 *x, X509 *by, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, by, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_ptr_nonnull(ext);
	ck_assert_int_eq(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static X509 *
kit_blank(EVP_PKEY *key, const struct kit_wish *wish)
{
	static long serial = 1000;
	X509 *x = X509_new();
	bool dated = wish->from_days != 0 || wish->until_days != 0;

	ck_assert_int_eq(X509_set_version(x, 2), 1);
	ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial), 1);
	ck_assert_ptr_nonnull(X509_gmtime_adj(
	    X509_getm_notBefore(x), (dated ? wish->from_days : -1) * KIT_DAY));
	ck_assert_ptr_nonnull(X509_gmtime_adj(
	    X509_getm_notAfter(x), (dated ? wish->until_days : 365) * KIT_DAY));
	if (wish->cn != NULL)
		ck_assert_int_eq(
		    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
			MBSTRING_ASC, (const unsigned char *)wish->cn, -1, -1, 0),
		    1);
	ck_assert_int_eq(X509_set_pubkey(x, key), 1);
	return x;
}

static struct kit_authority
kit_authority(const char *name)
{
	struct kit_authority a = {.key = EVP_EC_gen("P-256")};

	a.cert = kit_blank(a.key, &(struct kit_wish){.cn = name});
	ck_assert_int_eq(
	    X509_set_issuer_name(a.cert, X509_get_subject_name(a.cert)), 1);
	kit_extend(a.cert, a.cert, NID_basic_constraints, "critical,CA:TRUE");
	kit_extend(a.cert, a.cert, NID_key_usage, "critical,keyCertSign");
	ck_assert_int_gt(X509_sign(a.cert, a.key, EVP_sha256()), 0);
	return a;
}

static void
kit_authority_free(struct kit_authority *a)
{
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
}

static FILE *
kit_open(const char *folder, const char *name, const char *kind)
{
	char path[300], fresh[310];
	FILE *out;

	(void)snprintf(path, sizeof path, "%s/%s.%s", folder, name, kind);
	(void)snprintf(fresh, sizeof fresh, "%s.new", path);
	out = fopen(fresh, "w");
	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(fchmod(fileno(out), 0600), 0);
	ck_assert_int_eq(rename(fresh, path), 0);
	return out;
}

/* FOLDER/NAME.pem */
static void
kit_write_authority(const char *folder, const char *name, const struct kit_authority *a)
{
	FILE *out = kit_open(folder, name, "pem");

	ck_assert_int_eq(PEM_write_X509(out, a->cert), 1);
	ck_assert_int_eq(fclose(out), 0);
}

/* FOLDER/NAME.pem and FOLDER/NAME.key */
static void
kit_write_cert(const char *folder, const char *name, const struct kit_authority *by,
    const struct kit_wish *wish)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = kit_blank(key, wish);
	FILE *out;

	ck_assert_int_eq(X509_set_issuer_name(x, X509_get_subject_name(by->cert)), 1);
	if (wish->san != NULL)
		kit_extend(x, by->cert, NID_subject_alt_name, wish->san);
	if (wish->use != NULL)
		kit_extend(x, by->cert, NID_ext_key_usage, wish->use);
	ck_assert_int_gt(X509_sign(x, by->key, EVP_sha256()), 0);
	out = kit_open(folder, name, "pem");
	ck_assert_int_eq(PEM_write_X509(out, x), 1);
	ck_assert_int_eq(fclose(out), 0);
	out = kit_open(folder, name, "key");
	ck_assert_int_eq(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	ck_assert_int_eq(fclose(out), 0);
	X509_free(x);
	EVP_PKEY_free(key);
}

#endif
