/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_message.h - what a name server's answer says to one question.
 *
 * The answer section only, along the chain of CNAMEs from the name that was asked for
 * to the records of the type. Records of other names are of nobody's asking, and do not
 * count. Bytes are hostile: nothing is read past their end, names are expanded by
 * c-ares, and a chain ends after DNS_CHAIN_MAX names. RFC 1035 §4.1.
 */
#ifndef PROBE_DNS_MESSAGE_H
#define PROBE_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/check.h"
#include "steering/core/err.h"

#define DNS_MESSAGE_MAX 65535
#define DNS_HEADER_BYTES 12
#define DNS_QUESTION_MAX 320 /* as RESOLVE_QUESTION_MAX */
#define DNS_RECORDS_MAX 64
#define DNS_RECORD_TEXT_MAX 1024 /* longer texts are cut */
#define DNS_CHAIN_MAX 16

struct dns_message {
	const uint8_t *byte; /* borrowed */
	size_t bytes;
	unsigned rcode;
	bool truncated;
	unsigned records; /* of the type at the chain's end; beyond the maximum: cut */
	struct dns_record {
		size_t at, bytes; /* of its data */
	} record[DNS_RECORDS_MAX];
};

/* Is it an answer to exactly this question (transaction, name, type, class)? What is
 * not, nobody here asked for, and it is passed over. */
bool dns_message_answers(
    const uint8_t *byte, size_t bytes, const uint8_t *question, size_t question_bytes);

/* Reads one that is. False with a sentence: its records are broken. Records are only
 * looked for with rcode 0. */
bool dns_message_read(struct dns_message *m, const uint8_t *byte, size_t bytes,
    const char *name, enum check_dns_type type, struct err *e) MUST_CHECK;

/* Record `i` as people write it: an address, a name in lowercase without its last dot,
 * a text with its strings joined (a byte that is no printable ASCII as \DDD). */
void dns_message_record(const struct dns_message *m, unsigned i,
    enum check_dns_type type, char text[DNS_RECORD_TEXT_MAX]);

const char *dns_type_word(enum check_dns_type type);
uint16_t dns_type_number(enum check_dns_type type);
/* "NXDOMAIN"; "RCODE17" for what has no name here. text is for the latter. */
const char *dns_rcode_word(unsigned rcode, char text[16]);

#endif
