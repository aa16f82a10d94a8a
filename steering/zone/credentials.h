/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials.h - who we are towards AWS.
 *
 * A chain of sources in the order of AWS's own tools; the first one that is
 * configured decides, and when it is broken the chain ends there with its sentence:
 * going on would mean acting as somebody the operator did not name. Sentences name
 * files, lines, profiles and keys, never a value. Secrets are wiped when they are
 * replaced or freed.
 */
#ifndef STEERING_ZONE_CREDENTIALS_H
#define STEERING_ZONE_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "steering/core/err.h"

#define CREDENTIALS_ID_MAX 129
#define CREDENTIALS_SECRET_MAX 257
#define CREDENTIALS_TOKEN_MAX 4097

struct credentials {
	char access_key[CREDENTIALS_ID_MAX];
	char secret_key[CREDENTIALS_SECRET_MAX];
	char session_token[CREDENTIALS_TOKEN_MAX]; /* "" none */
	char source[256]; /* for people: "profile default of /root/.aws/credentials" */
};

enum credentials_found {
	CREDENTIALS_NONE = 0, /* this source is not configured */
	CREDENTIALS_FOUND,
	CREDENTIALS_BAD, /* configured and not usable: err is set */
};

struct credentials_chain; /* holds what was found last */

/* profile: "" for AWS_PROFILE, else "default". */
struct credentials_chain *credentials_new(const char *profile, struct err *e);
void credentials_free(struct credentials_chain *c);

/* What to sign with now. Cheap: files are read again only when they have changed.
 * When a file that served before has gone bad, what is held is used on and
 * credentials_warning() says so. *out is valid until the next call. */
bool credentials_get(struct credentials_chain *c, const struct credentials **out,
    struct err *e) MUST_CHECK;

/* "" or a sentence about the last credentials_get(): a file that others can read, a
 * file that could not be read again. */
const char *credentials_warning(const struct credentials_chain *c);
/* Where what is held came from; "" nothing is held. */
const char *credentials_identity(const struct credentials_chain *c);

/* ---- for the sources ---- */

/* A source fills `out` (all zero before) or says why not. `warning` is "" before. */
struct credentials_source {
	const char *name;
	enum credentials_found (*load)(const char *profile, bool explicit_profile,
	    struct credentials *out, struct err *warning, struct err *e);
	/* A number that differs when loading again may find something else. */
	uint64_t (*stamp)(void);
};

/* credentials_file.c: static keys of a profile in the shared credentials file
 * (AWS_SHARED_CREDENTIALS_FILE, ~/.aws/credentials) or the configuration file
 * (AWS_CONFIG_FILE, ~/.aws/config). */
enum credentials_found credentials_file_load(const char *profile, bool explicit_profile,
    struct credentials *out, struct err *warning, struct err *e);
uint64_t credentials_file_stamp(void);

#endif
