/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_pem.h - an agent's three files, as OpenSSL has them. Part of peer_tls.
 */
#ifndef STEERING_AGENT_PEER_PEM_H
#define STEERING_AGENT_PEER_PEM_H

#include "steering/agent/peer_wire.h"

struct peer_pem { /* OpenSSL's types, by the names that need no header of its */
	struct x509_st *cert;
	struct stack_st_X509 *chain; /* behind cert in its file */
	struct evp_pkey_st *key;
	struct x509_store_st *authorities;
};

/* Reads them and sees that the key is the certificate's, that an authority signed it,
 * and that it may serve and ask; dates are not judged. False: which file, and the cure.
 * peer_pem_fini() in either case. */
bool peer_pem_read(
    struct peer_pem *p, const struct peer_wire_conf *conf, struct err *e) MUST_CHECK;
void peer_pem_fini(struct peer_pem *p);

#endif
