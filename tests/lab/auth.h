/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth.h - may this request in? The whole of SigV4, and AWS's codes for each refusal:
 *
 *   MissingAuthenticationToken  no Authorization header                        403
 *   IncompleteSignature         a header that cannot be read                   400
 *   InvalidClientTokenId        unknown key, or a wrong session token          403
 *   RequestExpired              signed more than 5 minutes ago                 403
 *   SignatureDoesNotMatch       signed too far ahead, wrong scope, headers that
 *                               should be signed and are not, wrong signature  403
 *
 * (AWS answers an old date with RequestExpired or SignatureDoesNotMatch, depending on
 * the service; the lab uses both so that clients learn both.)
 */
#ifndef LAB_AUTH_H
#define LAB_AUTH_H

#include "tests/lab/sigv4.h"

struct auth {
	char key_id[129];
	char secret[257];
	char token[2049]; /* "": none is accepted */
	char region[65];
	bool off; /* let everybody in */
};

struct auth_refusal {
	int status;
	const char *code;
	char message[500];
};

/* "AKID:SECRET"; false: it is not that. */
bool auth_set_key(struct auth *a, const char *key);

/* wall_s: the lab's clock. False: *no is filled in. */
bool auth_check(const struct auth *a, const struct sigv4_request *req, int64_t wall_s,
    struct auth_refusal *no);

#endif
