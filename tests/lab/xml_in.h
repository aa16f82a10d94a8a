/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml_in.h - reads a ChangeResourceRecordSetsRequest, or a CreateHealthCheckRequest.
 */
#ifndef LAB_XML_IN_H
#define LAB_XML_IN_H

#include "tests/lab/batch.h"
#include "tests/lab/check.h"

enum { XML_WHY_BYTES = 5000 };

/*
 * Fills batch, which the caller has zeroed and frees in any case. False: why is the
 * message of an InvalidInput. Names that are no domain names do not fail the read: they
 * are complaints in messages (InvalidChangeBatch), and the batch must not be applied.
 */
bool xml_read_batch(const char *body, size_t bytes, struct batch *batch,
    struct messages *messages, char why[XML_WHY_BYTES]);

/* *check is the caller's in any case: check_free(). */
bool xml_read_check(
    const char *body, size_t bytes, struct check **check, char why[XML_WHY_BYTES]);

#endif
