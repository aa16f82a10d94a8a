/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.h - is this message of another agent new, and from when does its age run?
 *
 * Every message carries its sender's stamp (boot, sequence): the boot rises with each
 * start of the agent, the sequence with each message. It also quotes the last stamp
 * that the sender heard of the receiver. From that quote the receiver dates it, on its
 * own clock alone: a message that quotes our sequence was written after we sent that
 * one, so its age is counted from then. No clock of another machine is trusted, a
 * message that was held up is as old as it is, and a link that carries one way only
 * quotes nothing: it counts as down. A message recorded in an earlier life of ours
 * quotes an earlier boot of ours, and has no date.
 *
 * One agent, one struct peer, one ballot: should two processes run under one identity,
 * the higher boot is heard and the other refused, so that neither votes twice;
 * `cloned` says that it was seen.
 *
 * Pure: times are the receiver's boot-time clock. All zero: nothing heard.
 */
#ifndef STEERING_CORE_PEER_H
#define STEERING_CORE_PEER_H

#include <stdbool.h>
#include <stdint.h>

#define PEER_RING 1024 /* own messages whose sending is remembered */

struct peer_stamp { /* all zero: none; a stamp has no part that is 0 */
	uint64_t boot, seq;
};
/* -1, 0, 1: a before, equal to, after b. */
int peer_stamp_compare(const struct peer_stamp *a, const struct peer_stamp *b);

/* ---- our own messages ---- */
struct peer_own {
	struct peer_stamp last; /* seq 0: none sent yet */
	uint64_t sent_ms[PEER_RING];
};
/* boot: higher than in every earlier life (see peer_boot()). */
void peer_own_init(struct peer_own *own, uint64_t boot);
/* The stamp of a message that is sent now. The same message may go to all peers. */
struct peer_stamp peer_own_send(struct peer_own *own, uint64_t now_ms);
/* When was this one of ours sent? False: never, in another life, or too long ago. */
bool peer_own_sent(
    const struct peer_own *own, const struct peer_stamp *quoted, uint64_t *sent_ms);

/* A boot that rises from start to start though the disk may be lost (stored 0: nothing
 * is remembered) and the machine's clock may be set back (then `stored` helps, or the
 * silence after which peers forget): the wall clock's milliseconds, 12 random bits so
 * that clones started in one moment differ, and never at or below `stored`. */
uint64_t peer_boot(uint64_t wall_ms, uint64_t random, uint64_t stored);

/* ---- theirs ---- */
struct peer_envelope {            /* what every message says of itself */
	struct peer_stamp stamp;  /* its own */
	struct peer_stamp quoted; /* the last of ours that it heard; zero: none */
};

struct peer {
	struct peer_stamp last; /* highest taken; zero: none, or forgotten */
	struct peer_stamp quoted;
	uint64_t boot_ms;  /* when the first of this boot was taken */
	uint64_t taken_ms; /* … and the last */
	bool dated;        /* a message of this boot was dated … */
	uint64_t sent_ms;  /* … and age runs from here: the youngest so far */
	bool cloned;       /* a second process under this identity was seen */
};

enum peer_take {
	PEER_TAKEN = 0, /* new and dated: *sent_ms */
	PEER_UNDATED,   /* new, but it quotes nothing of ours that counts: no vote, and
			 * what it voted before is void (ENGINE_UNHEARD) */
	PEER_REPLAYED,  /* refused: this sequence, or a later one, was here already */
	PEER_OUTLIVED,  /* refused: of an earlier boot than one that is heard */
	PEER_UNSOUND,   /* refused: quotes what we have not sent yet, or has no stamp */
	PEER_TAKES
};
const char *peer_take_word(enum peer_take t);

/* A message has come. Two processes under one identity show when a refused message
 * quotes more of us than the one that is heard had when it began, or when an earlier
 * boot still speaks fresh_ms after a later one began.
 * fresh_ms: silence after which all is forgotten (15 s). *sent_ms: from when its age
 * runs (PEER_TAKEN). *cloned: it shows, for the first time, that two
 * processes run under this identity. */
enum peer_take
peer_take(struct peer *p, const struct peer_own *own, const struct peer_envelope *m,
    uint64_t fresh_ms, uint64_t now_ms, uint64_t *sent_ms, bool *cloned);
/* Heard both ways within fresh_ms. */
bool peer_heard(const struct peer *p, uint64_t fresh_ms, uint64_t now_ms);
/* Two-way age; UINT64_MAX when never dated. */
uint64_t peer_age_ms(const struct peer *p, uint64_t now_ms);
/* What to quote to it. */
struct peer_stamp peer_quote(const struct peer *p);

#endif
