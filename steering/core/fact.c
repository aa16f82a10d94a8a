/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the facts; they are part of the log format: never rename one. */
#include "steering/core/fact.h"

#include <assert.h>
#include <stddef.h>

const char *
fact_word(enum fact_kind k)
{
	static const char *const word[FACT_KINDS] = {
	    [FACT_RUN] = "run",
	    [FACT_STEP] = "step",
	    [FACT_LAG] = "lag",
	    [FACT_NONE] = "none",
	    [FACT_FAULT] = "fault",
	    [FACT_ADDRESS_UP] = "address_up",
	    [FACT_ADDRESS_DOWN] = "address_down",
	    [FACT_ADDRESS_NEW] = "address_new",
	    [FACT_ADDRESS_RETIRED] = "address_retired",
	    [FACT_VOTE] = "vote",
	    [FACT_VERDICT] = "verdict",
	    [FACT_DOUBT] = "doubt",
	    [FACT_BLOCKED] = "blocked",
	    [FACT_LEDGER_TAKEN] = "ledger_taken",
	    [FACT_DECIDED] = "decided",
	    [FACT_SENT] = "change_sent",
	    [FACT_COMMITTED] = "committed",
	    [FACT_LOST] = "lost",
	    [FACT_UNKNOWN] = "unknown_outcome",
	    [FACT_CLOSED] = "outcome_closed",
	    [FACT_BUSY] = "busy",
	    [FACT_REFUSED] = "refused",
	    [FACT_READ_FAILED] = "read_failed",
	    [FACT_FROZEN] = "frozen",
	    [FACT_THAWED] = "thawed",
	    [FACT_NOT_ADOPTED] = "not_adopted",
	    [FACT_FOREIGN] = "foreign_ledger",
	    [FACT_POLICY] = "policy",
	    [FACT_INSYNC] = "insync",
	    [FACT_ANSWERED] = "answered",
	    [FACT_ORDER] = "order",
	    [FACT_ORDER_REFUSED] = "order_refused",
	    [FACT_STARTED] = "started",
	    [FACT_STOPPED] = "stopped",
	    [FACT_WORKER] = "worker",
	    [FACT_RESOLVE] = "resolve",
	    [FACT_TROUBLE] = "trouble",
	    [FACT_PEER] = "peer",
	};

	assert(k < FACT_KINDS && word[k] != NULL);
	return word[k];
}
