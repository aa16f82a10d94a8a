/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prober.h - the prober worker: a process of its own that probes and tells.
 *
 * The agent execs its own binary anew with an empty environment (nothing of the
 * agent's memory or credentials is in the worker) and talks to it over one
 * SOCK_SEQPACKET socketpair in fixed-size structs. The worker resolves names
 * (c-ares, by TTL, again on the first failure of a resolved address), probes
 * every address of every target on its own at `every` ± 10 % with `recheck`
 * after a failure, staggered evenly, and never has two probes of one address in
 * flight. It ends when the socket does.
 *
 * Order on the wire: agent → worker: PROBER_HELLO, then any number of
 * PROBER_TARGET, PROBER_DROP, then PROBER_GO at most once (before it nothing
 * is probed, so that the stagger is even); later TARGET and DROP are a reload.
 * A CHECK_EXEC is only scheduled here: PROBE_DUE asks for the program to be run for
 * an address, and PROBER_RESULT says how it ended; until then the address waits.
 * worker → agent: PROBE_READY first and alone, then events, several to a
 * message.
 */
#ifndef PROBE_PROBER_H
#define PROBE_PROBER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe/check.h"
#include "steering/core/err.h"
#include "steering/core/sample.h"

#define PROBER_PROTOCOL 4

enum prober_msg_kind {
	PROBER_HELLO = 1,
	PROBER_TARGET,
	PROBER_DROP,
	PROBER_GO,
	PROBER_RESULT
};

/* A worker opens no files: prober_send() opens those that a check names, and attaches
 * them (SCM_RIGHTS) in this order. */
enum prober_file_kind { PROBER_CA = 0, PROBER_CERT, PROBER_KEY, PROBER_FILES };

struct prober_file {    /* filled by prober_send() */
	int32_t error;  /* 0: attached, or none is named; else why not (errno) */
	int32_t fd;     /* in the worker: −1 none */
	uint64_t stamp; /* differs when the file was changed or replaced */
};

struct prober_msg {
	uint32_t kind;
	uint32_t id;          /* TARGET, DROP, RESULT: chosen by the agent */
	uint64_t seed;        /* HELLO: of stagger and jitter */
	uint32_t protocol;    /* HELLO */
	bool once;            /* HELLO: one probe of each address, then silence */
	char user_agent[128]; /* HELLO: "pointsman/0.1.0 (fra)" */
	char nameservers
	    [256]; /* HELLO: "ip[:port],…" for probe names; "" the system's */
	char host[DNS_NAME_MAX];               /* TARGET: name or numeric address */
	uint16_t port;                         /* TARGET: never 0 for http, tcp, dns */
	bool families[FAMILIES];               /* TARGET: resolve A, AAAA */
	struct check_spec check;               /* TARGET */
	struct prober_file file[PROBER_FILES]; /* TARGET */
	uint64_t ticket;                       /* RESULT: of the PROBE_DUE */
	uint32_t slot, outcome;                /* RESULT */
};

enum probe_event_kind {
	PROBE_READY =
	    1, /* text: how it is confined less than it should be; "" it is not */
	PROBE_ADDRESS, /* address appeared: slot now stands for it */
	PROBE_RETIRED, /* it left the answer: the slot is free again */
	PROBE_SAMPLE,
	PROBE_RESOLVED,   /* a name resolved again after trouble */
	PROBE_UNRESOLVED, /* it does not resolve: the last addresses stay in use */
	PROBE_CROWDED,    /* more than ADDRESSES_MAX addresses: the rest is left out */
	PROBE_DUE,        /* CHECK_EXEC: run it for this address now */
	PROBE_LAG,        /* every 1 s: latency_us is the worst lateness of the worker's
				 * loop since the last one; id and slot mean nothing. Its
				 * absence means a worker that is stuck or stopped. */
};

/* Why; one word for metrics and logs each: probe_reason_word(). */
enum probe_reason {
	PROBE_OK = 0,
	PROBE_REFUSED,     /* connection refused or reset while connecting */
	PROBE_UNREACHABLE, /* the network said so */
	PROBE_TIMEOUT,     /* the total deadline */
	PROBE_RESET,       /* closed or reset before the answer was whole */
	PROBE_STATUS,      /* an HTTP status that is not wanted */
	PROBE_BODY,        /* contains/matches not found */
	PROBE_GARBAGE,     /* not HTTP, not DNS */
	PROBE_HEADERS,     /* more than 16 KiB of header */
	PROBE_REDIRECTS,   /* more redirects than allowed */
	PROBE_SLOW,        /* passed, but slower than `slow` */
	PROBE_TLS,         /* the handshake failed, or a certificate is bad otherwise */
	PROBE_TLS_EXPIRED, /* the certificate's, or its issuer's, time is over */
	PROBE_TLS_EARLY,   /* … has not begun */
	PROBE_TLS_EXPIRING,    /* … is over in fewer than min_days */
	PROBE_TLS_NAME,        /* the certificate is for other names */
	PROBE_TLS_SELF_SIGNED, /* it is signed by itself, and not trusted */
	PROBE_TLS_ISSUER,      /* it is signed by somebody who is not trusted */
	PROBE_RCODE,           /* a name server's answer has another code */
	PROBE_ANSWER,          /* … or other records than it should */
	PROBE_TARGETS,         /* too few healthy targets behind a load balancer */
	PROBE_API,             /* AWS could not be asked about them: UNKNOWN */
	PROBE_FORBIDDEN,       /* link-local or metadata address: never probed */
	PROBE_EXIT,            /* a program ended with another status than 0 */
	PROBE_SIGNAL,          /* a signal ended it, which was not ours */
	PROBE_NOT_STARTED,     /* it could not be started: UNKNOWN */
	PROBE_LOCAL,           /* our own trouble: UNKNOWN */
	PROBE_REASONS
};

struct probe_event {
	uint32_t kind;
	uint32_t id;          /* target */
	uint32_t slot;        /* < ADDRESSES_MAX, stable while the address lives */
	uint32_t outcome;     /* SAMPLE: enum outcome */
	uint32_t reason;      /* SAMPLE: enum probe_reason */
	uint32_t http_status; /* SAMPLE: 0 where there was none */
	uint64_t start_ms;    /* SAMPLE: CLOCK_BOOTTIME when the probe began */
	uint32_t latency_us;  /* SAMPLE: to the last byte that was needed */
	uint32_t family;      /* ADDRESS: enum family */
	uint64_t ticket;      /* DUE: never 0, never twice from one worker */
	char address[64];     /* ADDRESS, SAMPLE, RETIRED, DUE: numeric */
	char text[160];       /* a sentence for people; "" on a pass */
};

const char *probe_reason_word(enum probe_reason r); /* "refused", "http-status" … */

enum prober_exit {
	PROBER_EXIT_CLOSED = 0, /* the socket closed: the usual end */
	PROBER_EXIT_SANDBOX,    /* privileges could not be dropped, or no seccomp */
	PROBER_EXIT_PROTOCOL,   /* a message that this build does not understand */
	PROBER_EXIT_START,      /* out of memory, or name servers that are none */
	PROBER_EXIT_DEAF,       /* the agent left thousands of events unread */
};

#define PROBE_EVENTS_MAX 16 /* in one message */

/* What a worker told in one message: how many events; 0: its end is closed; −1: errno
 * says why, EAGAIN for nothing yet, EBADMSG for what is no message of this build. Does
 * not wait. What the events say is as it came: the worker parses hostile bytes. */
int prober_receive(int fd, struct probe_event ev[PROBE_EVENTS_MAX]) MUST_CHECK;

/* One message to a worker, with the files that its check names; never waits on a socket
 * that does not wait. False: errno says why, as of sendmsg(). */
bool prober_send(int fd, const struct prober_msg *m) MUST_CHECK;

/* The worker's whole life on an inherited socket: privileges are dropped (uid/gid
 * of `nobody` when root, no_new_privs, no core files, file and process limits); with
 * the first message, which says what must be opened, the system-call filter closes;
 * then it serves until the socket closes. Returns the exit status, prober_exit. */
int prober_main(int fd);

/* Starts a worker: execs /proc/self/exe with argv {"pointsman", "prober", "3"}, an
 * empty environment, the socket at descriptor 3 and nothing else open but stderr.
 * On success *fd (non-blocking, close-on-exec, owned by the caller) and *pid are
 * set; whoever calls reaps the pid. The worker is killed when the thread that called
 * ends. `argv0` replaces /proc/self/exe in tests. */
bool prober_spawn(const char *argv0, int *fd, pid_t *pid, struct err *e) MUST_CHECK;

#endif
