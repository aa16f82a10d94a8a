/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bounds.h - the published maxima. The configuration refuses more; inside, arrays
 * have these sizes and nothing is allocated. The ledger's share of them must fit
 * 4,000 characters of TXT (asserted in ledger.c).
 */
#ifndef STEERING_CORE_BOUNDS_H
#define STEERING_CORE_BOUNDS_H

#define AGENTS_MAX 9     /* a full mesh of direct connections */
#define SERVICES_MAX 256 /* a configuration */
#define MEMBERS_MAX 12   /* a service */
#define ADDRESSES_MAX 64 /* a member, as resolved */
#define NAMES_MAX 8      /* DNS names of a service */
#define TYPES_MAX 2      /* record types of one member at one name: A and AAAA */
#define VALUES_MAX 16    /* values of one record set of ours */
#define RRSETS_MAX (NAMES_MAX * TYPES_MAX * MEMBERS_MAX)
#define RAMP_STEPS_MAX 8
#define CANARIES_MAX 8

#define WORD_MAX \
	24 /* names of sites, members, agents, services, clusters; with the 0 */
#define DNS_NAME_MAX \
	256 /* presentation form, no trailing dot, octal escapes; with the 0 */
#define LEDGER_TEXT_MAX 4001 /* the TXT value unquoted; with the 0 */
#define LEDGER_NONCES 8      /* the last so many versions are known by name */
#define LEDGER_DRAINS 8      /* times kept; latch_after is at most this */
#define LEDGER_RETURNS 4     /* times kept; return.per_hour is at most this */
#define LEDGER_SWAPS 4       /* times kept; swap.per_hour is at most this */

#endif
