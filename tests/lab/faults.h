/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults.h - everything that can be made to go wrong, and when it next does.
 *
 *   lose-answer=N        the next N changes are applied, their connections closed
 *   late=MS              the next change (count=N: N of them) is applied MS later, even
 *                        if the client has gone; it is never answered. close=1: its
 *                        connection is closed at once, not when the change is applied;
 *                        answer=1: answered after all, if the client is still there
 *   throttle=N           the next N requests are refused: Throttling, Rate exceeded
 *   prior=N              the next N changes are refused: PriorRequestNotComplete
 *   error=STATUS         the next request (count=N) is answered 500 (or 502, 503, 504);
 *                        on=change|read limits it, applied=1 applies the change first
 *   outage=on|off|MS     connections are accepted and reset
 *   refuse=MS            nothing listens (the control path neither) for so long
 *   slow=MS              answers are held back that long; 0 ends it
 *   insync-ms=MS         how long changes from now on stay PENDING
 *   dns=on|off|servfail  server=I: only that name server (from 0), otherwise all
 *   dns-delay=MS         server=I: shows changes that much later than INSYNC
 *   clock=SECONDS        shifts the Date header and the clock signatures are held to
 *   stale-list=N         the next N lists show the zone as it was one change ago
 *   old-errors=on|off    refused batches come in the older XML shape
 *   clear=1              all of the above as at the start (a change that is held
 *                        already is still applied)
 */
#ifndef LAB_FAULTS_H
#define LAB_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evkeyvalq;

enum { FAULTS_SERVERS_MAX = 8, FAULTS_WHY_BYTES = 300 };

enum fault_scope { FAULT_ANY = 0, FAULT_CHANGE, FAULT_READ };
enum server_mode { SERVER_ON = 0, SERVER_OFF, SERVER_SERVFAIL };

struct server_fault {
	enum server_mode mode;
	uint64_t delay_ms;
};

struct bucket {
	double rate, burst; /* rate 0: no bucket */
	double tokens;
	uint64_t at_ms;
};

struct faults {
	uint64_t lose_answers;
	uint64_t late_count, late_ms;
	bool late_close, late_answer;
	uint64_t throttle, prior;
	uint64_t error_count;
	int error_status;
	enum fault_scope error_scope;
	bool error_applied;
	bool outage;
	uint64_t outage_until_ms; /* 0: until told otherwise */
	uint64_t refuse_ms;       /* asked for and not yet begun */
	uint64_t slow_ms;
	uint64_t insync_ms, insync_first_ms;
	int64_t clock_s;
	uint64_t stale_lists;
	bool old_errors, old_errors_first;
	struct server_fault servers[FAULTS_SERVERS_MAX];
};

/* The settings that clear goes back to. */
void faults_init(struct faults *f, uint64_t insync_ms, bool old_errors);

/* Reads one request's form. False: nothing was changed, and why says what is wrong. */
bool faults_set(struct faults *f, const struct evkeyvalq *form, size_t servers,
    uint64_t now_ms, char why[FAULTS_WHY_BYTES]);

bool faults_is_out(struct faults *f, uint64_t now_ms);

/* Takes one from a counter: true when there was one. */
bool faults_spend(uint64_t *count);

/* Does the error fault hit this request now? Spends it. */
bool faults_spend_error(struct faults *f, bool is_change);

uint64_t faults_delay_max_ms(const struct faults *f);

void bucket_init(struct bucket *b, double rate, double burst, uint64_t now_ms);
/* True: the request may pass. */
bool bucket_take(struct bucket *b, uint64_t now_ms);

#endif
