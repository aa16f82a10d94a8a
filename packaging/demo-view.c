/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo-view.c - what a visitor of the demo sees: the zone's answers moving.
 *
 * Looks at the world from outside, as a client does: asks the lab's DNS many times a
 * second who it is sent to, and counts. Weights cannot be seen in one answer, shares of
 * many can. Beneath stands what the agents said (their logs, each thing once: they say
 * much alike) and above what the demo is doing to them (the story; a line of it that
 * begins with '>' stands under the last one that does not). It shares nothing with the
 * agents, not even their DNS library: one question of one type needs thirty lines.
 *
 * On a terminal it repaints in place; elsewhere it prints one line a second and each
 * fact as it comes. It ends on SIGTERM or SIGINT, leaving its last picture.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	TICK_MS = 200,
	QUESTIONS = 40,   /* a tick */
	WINDOW_TICKS = 5, /* the bars show the last second */
	MEMBERS_SHOWN = 4,
	HISTORY = 400, /* ticks of the strips; as many as the screen is wide */
	FACTS_SHOWN = 9,
	LOGS_MAX = 8,
	ALIKE_MS = 3000, /* what another agent said so lately is not said again */
	BESIDES = 2,     /* lines under the story's */
	LINE_BYTES = 1024,
	BAR_COLUMNS = 40,
};

struct member {
	char name[32];
	struct in_addr address;
	unsigned tick[WINDOW_TICKS]; /* answers that named it */
	unsigned share_pct;
	unsigned char history[HISTORY]; /* percent */
};

struct tail { /* a file that grows, read by lines */
	const char *path, *agent;
	FILE *file;
	char line[LINE_BYTES];
	size_t used;
};

struct view {
	int dns;
	uint8_t question[300];
	size_t question_bytes;
	struct member member[MEMBERS_SHOWN];
	unsigned members;
	unsigned silent[WINDOW_TICKS], silent_pct;
	unsigned ticks;
	uint64_t began_ms;
	struct tail log[LOGS_MAX], story;
	unsigned logs;
	char stage[LINE_BYTES], beside[BESIDES][LINE_BYTES];
	unsigned besides;
	char fact[FACTS_SHOWN][LINE_BYTES]; /* a ring; facts counts all */
	struct said {
		char what[96]; /* kind, member and value */
		const char *agent;
		uint64_t at_ms;
	} said[FACTS_SHOWN];
	unsigned facts;
	bool terminal, blocks;
};

static volatile sig_atomic_t stopped;

static void
stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The answers' side: RFC 1035. */

static bool
question_build(struct view *v, const char *name)
{
	uint8_t *at = v->question + 12;
	const uint8_t *end = v->question + sizeof v->question - 6;

	v->question[5] = 1; /* one question; no recursion asked */
	while (*name != '\0') {
		size_t n = strcspn(name, ".");

		if (n == 0 || n > 63 || at + 1 + n >= end)
			return false;
		*at++ = (uint8_t)n;
		memcpy(at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	memcpy(at, "\0\0\1\0\1", 5); /* root, A, IN */
	v->question_bytes = (size_t)(at + 5 - v->question);
	return true;
}

/* Skips a name in a message; NULL: the message is cut. */
static const uint8_t *
name_skip(const uint8_t *at, const uint8_t *end)
{
	while (at < end && *at != 0 && *at < 0xc0)
		at += 1 + *at;
	if (at >= end)
		return NULL;
	at += *at == 0 ? 1 : 2;
	return at <= end ? at : NULL;
}

/* The first A of an answer; false: there is none. */
static bool
answer_parse(const uint8_t *message, size_t n, struct in_addr *out)
{
	const uint8_t *end = message + n, *at = message + 12;

	if (n < 12 || (message[2] & 0x80) == 0 || (message[3] & 0x0f) != 0)
		return false;
	at = name_skip(at, end);
	if (at == NULL || end - at < 4)
		return false;
	at += 4;
	for (unsigned i = 0; i < (unsigned)(message[6] << 8 | message[7]); i++) {
		size_t data_bytes;

		at = name_skip(at, end);
		if (at == NULL || end - at < 10)
			return false;
		data_bytes = (size_t)(at[8] << 8 | at[9]);
		if ((size_t)(end - at) < 10 + data_bytes)
			return false;
		if (at[0] == 0 && at[1] == 1 && data_bytes == 4) {
			memcpy(out, at + 10, 4);
			return true;
		}
		at += 10 + data_bytes;
	}
	return false;
}

static void
ask(struct view *v)
{
	static uint16_t id;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		id++;
		v->question[0] = (uint8_t)(id >> 8);
		v->question[1] = (uint8_t)id;
		/* A refusal (nobody listens) shows as silence. */
		(void)!send(v->dns, v->question, v->question_bytes, 0);
	}
}

/* Counts answers until the tick ends. */
static void
listen_until(struct view *v, uint64_t end_ms)
{
	unsigned slot = v->ticks % WINDOW_TICKS, heard = 0;

	for (unsigned m = 0; m < v->members; m++)
		v->member[m].tick[slot] = 0;
	for (uint64_t now = now_ms(); now < end_ms && !stopped; now = now_ms()) {
		struct pollfd p = {.fd = v->dns, .events = POLLIN};
		uint8_t message[512];
		struct in_addr address;
		ssize_t n;

		if (poll(&p, 1, (int)(end_ms - now)) <= 0)
			continue;
		n = recv(v->dns, message, sizeof message, MSG_DONTWAIT);
		if (n <= 0 || !answer_parse(message, (size_t)n, &address))
			continue;
		heard++;
		for (unsigned m = 0; m < v->members; m++)
			if (v->member[m].address.s_addr == address.s_addr)
				v->member[m].tick[slot]++;
	}
	v->silent[slot] = heard < QUESTIONS ? QUESTIONS - heard : 0;
}

static unsigned
window_pct(const unsigned tick[WINDOW_TICKS], unsigned ticks)
{
	unsigned sum = 0, n = ticks < WINDOW_TICKS ? ticks : WINDOW_TICKS;

	for (unsigned i = 0; i < n; i++)
		sum += tick[i];
	return n == 0 ? 0 : (sum * 100 + n * QUESTIONS / 2) / (n * QUESTIONS);
}

static void
count_shares(struct view *v)
{
	v->ticks++;
	v->silent_pct = window_pct(v->silent, v->ticks);
	for (unsigned m = 0; m < v->members; m++) {
		struct member *one = &v->member[m];

		one->share_pct = window_pct(one->tick, v->ticks);
		one->history[v->ticks % HISTORY] = (unsigned char)one->share_pct;
	}
}

/* The agent's side: its log, the story. */

/* The next whole line of a growing file; false: none yet. */
static bool
tail_next(struct tail *t, char line[LINE_BYTES])
{
	int c;

	if (t->file == NULL &&
	    (t->path == NULL || (t->file = fopen(t->path, "r")) == NULL))
		return false;
	clearerr(t->file);
	while ((c = getc(t->file)) != EOF) {
		if (c != '\n') {
			if (t->used < LINE_BYTES - 1)
				t->line[t->used++] = (char)c;
			continue;
		}
		memcpy(line, t->line, t->used);
		line[t->used] = '\0';
		t->used = 0;
		return true;
	}
	return false;
}

/* The value of key in a logfmt line, unquoted; "" when absent. */
static void
logfmt_get(const char *line, const char *key, char *out, size_t out_bytes)
{
	size_t key_bytes = strlen(key), n = 0;
	const char *at = line;
	bool quoted;

	out[0] = '\0';
	while ((at = strstr(at, key)) != NULL &&
	    (at[key_bytes] != '=' || (at != line && at[-1] != ' ')))
		at += key_bytes;
	if (at == NULL)
		return;
	at += key_bytes + 1;
	quoted = *at == '"';
	at += quoted;
	while (*at != '\0' && *at != (quoted ? '"' : ' ') && n + 1 < out_bytes) {
		if (quoted && *at == '\\' && at[1] != '\0')
			at++;
		out[n++] = *at++;
	}
	out[n] = '\0';
}

/* Marks that the summary shows, and details of one address, are left out here. */
static bool
fact_shown(const char *level, const char *fact, const char *value)
{
	static const char *const hidden[] = {"", "address_up", "address_down",
	    "blocked", "insync", "policy", "started", "ledger_taken"};

	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
		if (strcmp(fact, hidden[i]) == 0)
			return false;
	if (strcmp(fact, "doubt") == 0)
		return strcmp(value, "alone") == 0;
	if (strcmp(fact, "peer") == 0 && strcmp(value, "begins") == 0)
		return false;
	return strcmp(level, "debug") != 0;
}

static bool
said_by_another(const struct view *v, const struct said *now)
{
	for (unsigned i = 0; i < FACTS_SHOWN && i < v->facts; i++) {
		const struct said *s = &v->said[i];

		if (s->agent != now->agent && now->at_ms - s->at_ms < ALIKE_MS &&
		    strcmp(s->what, now->what) == 0)
			return true;
	}
	return false;
}

static void
fact_add(struct view *v, const char *agent, const char *line)
{
	char level[16], fact[32], member[24], value[32], text[400];
	char *out = v->fact[v->facts % FACTS_SHOWN];
	struct said now = {.agent = agent, .at_ms = now_ms()};
	uint64_t at_ms = now.at_ms - v->began_ms;

	logfmt_get(line, "level", level, sizeof level);
	logfmt_get(line, "fact", fact, sizeof fact);
	logfmt_get(line, "value", value, sizeof value);
	if (!fact_shown(level, fact, value))
		return;
	logfmt_get(line, "member", member, sizeof member);
	logfmt_get(line, "text", text, sizeof text);
	(void)snprintf(now.what, sizeof now.what, "%s %s %s", fact, member, value);
	if (said_by_another(v, &now))
		return;
	v->said[v->facts % FACTS_SHOWN] = now;
	if (strncmp(text, value, strlen(value)) == 0) /* it says so itself */
		value[0] = '\0';
	(void)snprintf(out, LINE_BYTES, "%3u.%u s  %-4s %-11s %-3s %s%s%s",
	    (unsigned)(at_ms / 1000), (unsigned)(at_ms / 100 % 10), agent, fact, member,
	    value, value[0] != '\0' && text[0] != '\0' ? ": " : "", text);
	v->facts++;
	if (!v->terminal)
		(void)printf("          %s\n", out);
}

static void
story_add(struct view *v, const char line[LINE_BYTES])
{
	if (!v->terminal)
		(void)printf(line[0] == '>' ? "   %s\n" : "-- %s\n", line);
	if (line[0] != '>') {
		memcpy(v->stage, line, LINE_BYTES);
		v->besides = 0;
	} else if (v->besides < BESIDES) {
		memcpy(v->beside[v->besides++], line, LINE_BYTES);
	}
}

static void
read_tails(struct view *v)
{
	char line[LINE_BYTES];

	while (tail_next(&v->story, line))
		story_add(v, line);
	for (unsigned i = 0; i < v->logs; i++)
		while (tail_next(&v->log[i], line))
			fact_add(v, v->log[i].agent, line);
}

/* The screen. */

static unsigned
screen_columns(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col < 40)
		return 80;
	return w.ws_col;
}

static void
put_bar(const struct view *v, unsigned pct, unsigned columns)
{
	for (unsigned i = 0; i < columns; i++) {
		bool full = i < (pct * columns + 50) / 100;

		(void)fputs(
		    full ? (v->blocks ? "█" : "#") : (v->blocks ? "░" : "."), stdout);
	}
}

/* The share over time, newest at the right, one column a tick. */
static void
put_strip(const struct view *v, const struct member *m, unsigned columns)
{
	static const char *const block[] = {
	    " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {
	    " ", ".", ":", "-", "=", "+", "*", "%", "#"};

	for (unsigned i = columns; i > 0; i--) {
		unsigned level = 0, back = i - 1;

		if (back < v->ticks) {
			unsigned pct = m->history[(v->ticks - back) % HISTORY];

			level = (pct * 8 + 50) / 100;
			if (pct > 0 && level == 0)
				level = 1;
		}
		(void)fputs(v->blocks ? block[level] : ascii[level], stdout);
	}
}

static void
paint(const struct view *v)
{
	unsigned columns = screen_columns(), strip, shown;
	const char *eol = "\033[K\n";

	strip = columns > 50 ? columns - 14 : 36;
	if (strip > HISTORY - 1)
		strip = HISTORY - 1;
	shown = v->facts < FACTS_SHOWN ? v->facts : FACTS_SHOWN;
	(void)printf("\033[H\033[1m%.*s\033[0m%s", (int)columns - 1, v->stage, eol);
	for (unsigned i = 0; i < BESIDES; i++)
		(void)printf("%.*s%s", (int)columns - 1,
		    i < v->besides ? v->beside[i] : "", eol);
	for (unsigned m = 0; m < v->members; m++) {
		const struct member *one = &v->member[m];

		(void)printf("  %-8s %3u %% ", one->name, one->share_pct);
		put_bar(v, one->share_pct, BAR_COLUMNS);
		(void)printf("%s           ", eol);
		put_strip(v, one, strip);
		(void)fputs(eol, stdout);
	}
	(void)printf("  no answer %2u %%   (%u questions a second)%s%s", v->silent_pct,
	    QUESTIONS * 1000 / TICK_MS, eol, eol);
	(void)printf("  what the agents say%s", eol);
	for (unsigned i = v->facts - shown; i < v->facts; i++)
		(void)printf(
		    "  %.*s%s", (int)columns - 3, v->fact[i % FACTS_SHOWN], eol);
	(void)fputs("\033[J", stdout);
	(void)fflush(stdout);
}

static void
print_line(const struct view *v)
{
	uint64_t at_ms = now_ms() - v->began_ms;

	(void)printf(
	    "%3u.%u s  ", (unsigned)(at_ms / 1000), (unsigned)(at_ms / 100 % 10));
	for (unsigned m = 0; m < v->members; m++) {
		(void)printf(" %s ", v->member[m].name);
		put_bar(v, v->member[m].share_pct, BAR_COLUMNS / 4);
		(void)printf(" %3u %%", v->member[m].share_pct);
	}
	if (v->silent_pct > 0)
		(void)printf("  no answer %u %%", v->silent_pct);
	(void)printf("\n");
	(void)fflush(stdout);
}

static int
dns_open(const char *where)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	const char *colon = strrchr(where, ':');
	char host[32];
	int fd;

	if (colon == NULL || (size_t)(colon - where) >= sizeof host)
		return -1;
	memcpy(host, where, (size_t)(colon - where));
	host[colon - where] = '\0';
	to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

static bool
member_add(struct view *v, char *word)
{
	char *equals = strchr(word, '=');
	struct member *m;

	if (equals == NULL || v->members == MEMBERS_SHOWN)
		return false;
	*equals = '\0';
	m = &v->member[v->members++];
	(void)snprintf(m->name, sizeof m->name, "%s", word);
	return inet_pton(AF_INET, equals + 1, &m->address) == 1;
}

static bool
log_add(struct view *v, char *word)
{
	char *equals = strchr(word, '=');

	if (equals == NULL || v->logs == LOGS_MAX)
		return false;
	*equals = '\0';
	v->log[v->logs++] = (struct tail){.path = equals + 1, .agent = word};
	return true;
}

static bool
options_read(struct view *v, int argc, char **argv)
{
	static const struct option options[] = {
	    {"dns", required_argument, NULL, 'd'},
	    {"name", required_argument, NULL, 'n'},
	    {"member", required_argument, NULL, 'm'},
	    {"log", required_argument, NULL, 'l'},
	    {"story", required_argument, NULL, 's'},
	    {NULL, 0, NULL, 0},
	};
	bool good = true;
	int c;

	v->dns = -1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'd')
			v->dns = dns_open(optarg);
		else if (c == 'n')
			good = question_build(v, optarg) && good;
		else if (c == 'm')
			good = member_add(v, optarg) && good;
		else if (c == 'l')
			good = log_add(v, optarg) && good;
		else if (c == 's')
			v->story.path = optarg;
		else
			good = false;
	}
	return good && v->dns >= 0 && v->question_bytes > 0 && v->members > 0;
}

static bool
utf8_wanted(void)
{
	const char *lang = getenv("LC_ALL");

	if (lang == NULL || *lang == '\0')
		lang = getenv("LC_CTYPE");
	if (lang == NULL || *lang == '\0')
		lang = getenv("LANG");
	return lang != NULL &&
	    (strstr(lang, "UTF-8") != NULL || strstr(lang, "utf8") != NULL);
}

int
main(int argc, char **argv)
{
	static struct view v;
	struct sigaction act = {.sa_handler = stop};

	if (!options_read(&v, argc, argv)) {
		(void)fprintf(stderr,
		    "usage: %s --dns IP:PORT --name NAME --member NAME=IP... "
		    "[--log AGENT=FILE]... [--story FILE]\n",
		    argv[0]);
		return 2;
	}
	(void)sigaction(SIGTERM, &act, NULL);
	(void)sigaction(SIGINT, &act, NULL);
	v.terminal = isatty(STDOUT_FILENO) == 1;
	v.blocks = utf8_wanted();
	v.began_ms = now_ms();
	if (v.terminal)
		(void)fputs("\033[?25l\033[2J", stdout);
	while (!stopped) {
		ask(&v);
		listen_until(&v, v.began_ms + (uint64_t)(v.ticks + 1) * TICK_MS);
		count_shares(&v);
		read_tails(&v);
		if (v.terminal)
			paint(&v);
		else if (v.ticks % (1000 / TICK_MS) == 0)
			print_line(&v);
	}
	if (v.terminal)
		(void)fputs("\033[?25h\n", stdout);
	return 0;
}
