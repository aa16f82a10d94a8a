/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials.h - who we are towards AWS.
 *
 * A chain of sources; the first one that is configured decides, and when it is broken
 * the chain ends there with its sentence: going on would mean acting as somebody the
 * operator did not name. In order: the environment; the profile that was named (static
 * keys, else its credential_process); web identity; the default profile likewise; the
 * container's endpoint; the instance's metadata (IMDSv2). With role_arn that role is
 * then assumed.
 *
 * What takes time runs on the loop, each source within its own patience. What ends is
 * renewed 15 minutes ahead (or at half of its life, when that is shorter); while that
 * fails, what is held is used until it ends. Sentences name files, lines, profiles,
 * hosts and keys, never a value. Secrets are wiped when they are replaced or freed.
 */
#ifndef STEERING_ZONE_CREDENTIALS_H
#define STEERING_ZONE_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "steering/core/err.h"

#define CREDENTIALS_ID_MAX 129
#define CREDENTIALS_SECRET_MAX 257
#define CREDENTIALS_TOKEN_MAX 4097
#define CREDENTIALS_COMMAND_MAX 2048

struct event_base;

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

struct credentials_spec {        /* copied; NULL is "" */
	const char *profile;     /* "" for AWS_PROFILE, else "default" */
	const char *role_arn;    /* "" none */
	const char *external_id; /* "" none */
	const char *region;      /* for STS; "" the environment's or the partition's */
	/* 0: as above. Tests shorten them. */
	uint64_t ahead_ms, retry_ms, patience_ms;
};

struct credentials_chain; /* holds what was found last */

/* changed (may be NULL) is called when a fetch has ended, well or not: from the loop or
 * from within credentials_get(). It must not free the chain. */
struct credentials_chain *
credentials_new(struct event_base *base, const struct credentials_spec *spec,
    void (*changed)(void *arg), void *arg, struct err *e);
void credentials_free(struct credentials_chain *c);

enum credentials_state {
	CREDENTIALS_READY = 0,
	CREDENTIALS_WAIT,   /* being fetched: ask again when changed() was called */
	CREDENTIALS_CANNOT, /* e says why; asking later tries again, with pauses */
};

/* What to sign with now. Cheap: files are read again only when they have changed. *out
 * is valid until the next call or turn of the loop. */
enum credentials_state credentials_get(struct credentials_chain *c,
    const struct credentials **out, struct err *e) MUST_CHECK;

/* AWS did not accept what is held: renew it now, if it can be renewed. */
void credentials_reject(struct credentials_chain *c);

/* "" or a sentence about what is held: a file that others can read, a source that could
 * not be renewed and when what is held ends. It stays the same while nothing changes. */
const char *credentials_warning(const struct credentials_chain *c);
/* Where what is held came from; "" nothing is held. */
const char *credentials_identity(const struct credentials_chain *c);

/* ---- credentials_file.c ---- */

/* Of a profile without static keys; command "" there is none. */
struct credentials_command {
	char command[CREDENTIALS_COMMAND_MAX];
	char source[200]; /* "credential_process of profile x (FILE:LINE)" */
};

/* A profile in the shared credentials file (AWS_SHARED_CREDENTIALS_FILE,
 * ~/.aws/credentials) or the configuration file (AWS_CONFIG_FILE, ~/.aws/config):
 * static keys in *out, or a command. `out` and `command` are all zero before. */
enum credentials_found credentials_file_load(const char *profile, bool explicit_profile,
    struct credentials *out, struct credentials_command *command, struct err *warning,
    struct err *e);
/* A number that differs when loading again may find something else. */
uint64_t credentials_file_stamp(void);

#endif
