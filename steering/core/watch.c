/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zone is the only shared memory, and memories can be restored from backups,
 * edited by hand, or answered from a stale replica. Each such reading has its own
 * rule; what DNS shows never freezes anything, for a name server may simply lag.
 */
#include "steering/core/watch.h"

#include <assert.h>

#include "steering/core/needed.h"

/* No zone moves on so far while one of us looks away: who says so errs or lies, and
 * the next root, one above the highest epoch seen, must keep its room. */
#define HEARD_AHEAD_MAX (UINT64_C(1) << 32)

static enum watch_act
freeze(struct watch *w, enum frozen f)
{
	w->suspect = false;
	w->frozen = f;
	return WATCH_FREEZE;
}

static enum watch_act
judge_absent(struct watch *w, const struct watch_view *v)
{
	if (w->known && v->epoch_at_begin == 0)
		return WATCH_READ_AGAIN; /* it may be older than our first */
	if (NEEDED(lost_freezes, w->known))
		return freeze(w, FROZEN_LOST);
	return NEEDED(adoption, v->sets != 0) ? WATCH_ADOPT : WATCH_EMPTY;
}

/* Records and ledger are written together: a mismatch is somebody's hand, unless the
 * read was torn; so look twice at the same version. */
static enum watch_act
judge_records(struct watch *w, const struct watch_view *v)
{
	uint64_t nonce = v->ledger->nonce[0];

	if (!NEEDED(edit_freezes, v->digest != v->ledger->digest)) {
		w->suspect = false;
		return WATCH_TAKE;
	}
	if (!NEEDED(second_look, !w->suspect || w->suspect_nonce != nonce))
		return freeze(w, FROZEN_EDITED);
	w->suspect = true;
	w->suspect_nonce = nonce;
	return WATCH_READ_AGAIN;
}

static enum watch_act
judge_descent(struct watch *w, const struct watch_view *v)
{
	const struct ledger *l = v->ledger;

	if (!w->known)
		return judge_records(w, v);
	if (NEEDED(restored_freezes, l->epoch < v->epoch_at_begin))
		return freeze(w, FROZEN_BACK);
	if (NEEDED(restored_freezes, l->epoch < w->epoch))
		return WATCH_READ_AGAIN;
	if (l->epoch - w->epoch < LEDGER_NONCES) {
		if (NEEDED(nonce_history, !ledger_knows_nonce(l, w->nonce)))
			return freeze(w, FROZEN_FORKED);
	} else if (NEEDED(vouching, !v->vouched)) {
		return WATCH_WAIT;
	}
	return judge_records(w, v);
}

static void
accept(struct watch *w, const struct ledger *l)
{
	w->known = true;
	w->epoch = l->epoch;
	w->nonce = l->nonce[0];
	if (l->epoch > w->epoch_max)
		w->epoch_max = l->epoch;
}

enum watch_act
watch_step(struct watch *w, const struct watch_view *v, bool *thawed)
{
	enum watch_act act;
	bool new_root;

	*thawed = false;
	if (!v->present)
		return judge_absent(w, v);
	bool theirs = v->reading == LEDGER_OK && !v->ours;
	if (v->reading == LEDGER_NEWER || NEEDED(foreign_ledger, theirs))
		return WATCH_FOREIGN;
	if (v->reading == LEDGER_GARBLED)
		return w->known ? freeze(w, FROZEN_GARBLED) : WATCH_FOREIGN;
	assert(v->ledger->nonces > 0);
	if (v->ledger->epoch > w->epoch_max)
		w->epoch_max = v->ledger->epoch;
	new_root = w->known && v->ledger->root > w->epoch;
	if (w->frozen != FROZEN_NOT && !new_root)
		return WATCH_FREEZE;
	act = new_root ? judge_records(w, v) : judge_descent(w, v);
	if (act != WATCH_TAKE)
		return act;
	*thawed = w->frozen != FROZEN_NOT;
	w->frozen = FROZEN_NOT;
	accept(w, v->ledger);
	return WATCH_TAKE;
}

void
watch_commit(struct watch *w, const struct ledger *l)
{
	if (w->known && l->epoch < w->epoch)
		return; /* a read was faster, and the ledger has moved on */
	accept(w, l);
	if (w->frozen != FROZEN_NOT && l->root != l->epoch)
		return; /* only a new root thaws */
	w->frozen = FROZEN_NOT;
	w->suspect = false;
}

bool
watch_hear(struct watch *w, uint64_t epoch)
{
	if (epoch > w->epoch + HEARD_AHEAD_MAX)
		return false;
	if (epoch > w->epoch_max)
		w->epoch_max = epoch;
	return epoch > w->epoch;
}

const char *
frozen_word(enum frozen f)
{
	static const char *const word[FROZENS] = {
	    [FROZEN_NOT] = "not",
	    [FROZEN_EDITED] = "edited",
	    [FROZEN_BACK] = "restored",
	    [FROZEN_FORKED] = "forked",
	    [FROZEN_LOST] = "lost",
	    [FROZEN_GARBLED] = "garbled",
	};

	assert(f < FROZENS);
	return word[f];
}

const char *
frozen_sentence(enum frozen f)
{
	static const char *const sentence[FROZENS] = {
	    [FROZEN_NOT] = "the ledger adds up",
	    [FROZEN_EDITED] =
		"the record sets are not those that the ledger says were "
		"written (edited by hand?); run adopt to take them as they are, "
		"or unfreeze to write ours again",
	    [FROZEN_BACK] =
		"the zone shows an older ledger than was known (restored?); "
		"run adopt to go on from what the zone shows",
	    [FROZEN_FORKED] =
		"the ledger does not descend from the version that was known "
		"(restored or written by another?); run adopt",
	    [FROZEN_LOST] =
		"the ledger is gone from the zone; run adopt to make it anew",
	    [FROZEN_GARBLED] =
		"the ledger's text is not one that pointsman wrote; run adopt",
	};

	assert(f < FROZENS);
	return sentence[f];
}
