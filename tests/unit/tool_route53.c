/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window on provider.h for scripts: commands on stdin, one a line, fields parted by
 * blanks ("_" is an empty one, %XX decodes); answers on stdout, each ended by "end".
 *
 *   read LEDGER NAME…            → result, sets, ledger
 *   change LEDGER OLD NEW        → replaces what the last edits named; then none
 *   old|new NAME TYPE ID WEIGHT TTL VALUES    one side of the next change's edits
 *   poll ID · nameservers · warning · dns SERVER NAME MS · race LEDGER OLD NEW
 *   wait MS                      the loop runs so long
 *   crowd FIRST MORE MS          reads s0, s1, … of the zone's: FIRST of them at once,
 *                                MORE that much later; an answer each
 *
 * Arguments: endpoint zone apex per_s burst timeout_ms profile.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/provider.h"

#define EDITS_MAX 64
#define WORDS_MAX 16

static struct event_base *base;
static struct provider *provider;
static struct dns_ask *dns;
static const char *apex;
static struct rrset olds[EDITS_MAX], news[EDITS_MAX];
static size_t old_count, new_count;
static int waiting;

static void
print_text(const char *key, const char *text)
{
	(void)printf("%s ", key);
	for (; *text != '\0'; text++)
		if (*text > 0x20 && *text < 0x7f && *text != '%')
			(void)putchar(*text);
		else
			(void)printf("%%%02x", (unsigned char)*text);
	(void)putchar('\n');
}

static void
ended(void)
{
	(void)printf("end\n");
	if (--waiting == 0)
		(void)event_base_loopbreak(base);
}

static void
print_view(struct zone_view *v)
{
	(void)printf("ledger_present %d\nledger_odd %d\nledger_ttl %u\n",
	    v->ledger_present, v->ledger_odd, v->ledger_ttl_s);
	print_text("ledger", v->ledger);
	for (size_t i = 0; i < v->sets; i++) {
		const struct rrset *s = &v->set[i];

		(void)printf(
		    "set %s %s policy=%d weight=%u ttl=%u alias=%d truncated=%d ",
		    s->name, rrtype_text(s->type), (int)s->policy, s->weight, s->ttl_s,
		    s->alias, s->truncated);
		print_text(s->set_id[0] != '\0' ? s->set_id : "_", s->value);
	}
	zone_view_free(v);
}

static void
on_answer(struct zone_answer *a, void *arg)
{
	(void)arg;
	(void)printf("result %s\n", zone_result_word(a->result));
	(void)printf("date %lld\ntook_ms %llu\nsent %d\ninsync %d\n",
	    (long long)a->date_wall_s,
	    (unsigned long long)(a->done_ms - (a->sent_ms ? a->sent_ms : a->done_ms)),
	    a->sent_ms != 0, a->insync);
	print_text("change", a->change_id);
	print_text("check", a->check_id);
	print_text("err", a->err.text);
	if (a->view != NULL)
		print_view(a->view);
	ended();
}

static void
on_dns(const struct dns_ask_answer *a, void *arg)
{
	(void)arg;
	(void)printf("answered %d\nexists %d\n", a->answered, a->exists);
	print_text("text", a->text);
	print_text("err", a->err.text);
	ended();
}

static void
decode(char *s)
{
	char *to = s;
	unsigned v;

	if (strcmp(s, "_") == 0)
		*s = '\0';
	for (; *s != '\0'; s++) {
		if (*s == '%' && sscanf(s + 1, "%2x", &v) == 1) {
			*to++ = (char)v;
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static void
copy(char *out, size_t n, const char *text)
{
	(void)snprintf(out, n, "%s", text);
}

static void
take_set(struct rrset *s, char **word)
{
	memset(s, 0, sizeof *s);
	copy(s->name, sizeof s->name, word[1]);
	while (s->type < RR_TXT && strcmp(rrtype_text(s->type), word[2]) != 0)
		s->type++;
	copy(s->set_id, sizeof s->set_id, word[3]);
	s->policy = s->set_id[0] != '\0' ? RR_WEIGHTED : RR_SIMPLE;
	s->weight = (uint8_t)atoi(word[4]);
	s->ttl_s = (uint32_t)atoi(word[5]);
	copy(s->value, sizeof s->value, word[6]);
	s->values = 1;
	for (const char *c = s->value; *c != '\0'; c++)
		s->values += *c == '\n';
}

static void
change(char **word)
{
	struct zone_edit edit[EDITS_MAX * 2];
	struct zone_change c = {.ledger_name = word[1],
	    .ledger_old = word[2],
	    .ledger_new = word[3],
	    .ledger_old_ttl_s = 5,
	    .ledger_ttl_s = 5,
	    .edit = edit,
	    .comment = "pointsman <test> & \"quotes\""};

	for (size_t i = 0; i < old_count; i++)
		edit[c.edits++] = (struct zone_edit){&olds[i], NULL};
	for (size_t i = 0; i < new_count; i++)
		edit[c.edits++] = (struct zone_edit){NULL, &news[i]};
	waiting++;
	provider_change(provider, &c, on_answer, NULL);
	memset(olds, 0xa5, sizeof olds); /* it must have copied what it needs */
	memset(news, 0xa5, sizeof news);
}

static void
read_names(char **word, int words)
{
	char name[NAMES_MAX][DNS_NAME_MAX];

	for (int i = 2; i < words; i++)
		copy(name[i - 2], DNS_NAME_MAX, word[i]);
	waiting++;
	provider_read(provider, word[1], (const char(*)[DNS_NAME_MAX])name,
	    (size_t)words - 2, on_answer, NULL);
}

static struct crowd {
	int next, more;
} crowd;

static void
read_crowd(int n)
{
	char ledger[DNS_NAME_MAX], name[1][DNS_NAME_MAX];

	for (int end = crowd.next + n; crowd.next < end; crowd.next++) {
		(void)snprintf(
		    ledger, sizeof ledger, "_pointsman.s%d.%.99s", crowd.next, apex);
		(void)snprintf(name[0], sizeof name[0], "s%d.%.99s", crowd.next, apex);
		provider_read(provider, ledger, (const char(*)[DNS_NAME_MAX])name, 1,
		    on_answer, NULL);
	}
}

static void
on_crowd(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	read_crowd(crowd.more);
}

static void
on_wait(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	ended();
}

static void
command(char **word, int n)
{
	const char *w = word[0];

	if (strcmp(w, "old") == 0 && n == 7 && old_count < EDITS_MAX) {
		take_set(&olds[old_count++], word);
		return;
	}
	if (strcmp(w, "new") == 0 && n == 7 && new_count < EDITS_MAX) {
		take_set(&news[new_count++], word);
		return;
	}
	if (strcmp(w, "read") == 0 && n >= 2) {
		read_names(word, n);
	} else if (strcmp(w, "change") == 0 && n == 4) {
		change(word);
		old_count = new_count = 0;
	} else if (strcmp(w, "race") == 0 && n == 4) {
		/* A change and a read of one service side by side. */
		change(word);
		old_count = new_count = 0;
		read_names(word, 2);
	} else if (strcmp(w, "poll") == 0 && n == 2) {
		waiting++;
		provider_poll(provider, word[1], on_answer, NULL);
	} else if (strcmp(w, "find-check") == 0 && n == 2) {
		waiting++;
		provider_check_find(provider, word[1], on_answer, NULL);
	} else if (strcmp(w, "make-check") == 0 && n == 2) {
		waiting++;
		provider_check_make(provider, word[1], on_answer, NULL);
	} else if (strcmp(w, "nameservers") == 0) {
		waiting++;
		provider_nameservers(provider, on_answer, NULL);
	} else if (strcmp(w, "dns") == 0 && n == 4) {
		waiting++;
		dns_ask_txt(
		    dns, word[1], word[2], (uint64_t)atoi(word[3]), on_dns, NULL);
	} else if (strcmp(w, "warning") == 0) {
		print_text("warning", provider_warning(provider));
		(void)printf("end\n");
	} else if (strcmp(w, "crowd") == 0 && n == 4) {
		struct timeval t = {0, atoi(word[3]) * 1000};

		crowd = (struct crowd){.more = atoi(word[2])};
		waiting += atoi(word[1]) + crowd.more;
		read_crowd(atoi(word[1]));
		(void)event_base_once(base, -1, EV_TIMEOUT, on_crowd, NULL, &t);
	} else if (strcmp(w, "wait") == 0 && n == 2) {
		struct timeval t = {atoi(word[1]) / 1000, atoi(word[1]) % 1000 * 1000};

		waiting++;
		(void)event_base_once(base, -1, EV_TIMEOUT, on_wait, NULL, &t);
	} else {
		(void)fprintf(stderr, "not a command: %s\n", w);
		exit(2);
	}
	if (waiting > 0)
		(void)event_base_dispatch(base);
	(void)fflush(stdout);
}

static void
commands(void)
{
	static char line[65536];

	while (fgets(line, sizeof line, stdin) != NULL) {
		char *word[WORDS_MAX];
		int n = 0;

		for (char *w = strtok(line, " \n"); w != NULL && n < WORDS_MAX;
		     w = strtok(NULL, " \n")) {
			decode(w);
			word[n++] = w;
		}
		if (n > 0)
			command(word, n);
	}
}

int
main(int argc, char **argv)
{
	struct route53_spec spec = {0};
	struct err e = {""};

	if (argc != 8)
		return 2;
	copy(spec.endpoint, sizeof spec.endpoint, argv[1]);
	copy(spec.zone_id, sizeof spec.zone_id, argv[2]);
	apex = argv[3];
	copy(spec.apex, sizeof spec.apex, apex);
	spec.budget_per_s = atof(argv[4]);
	spec.budget_burst = (uint32_t)atoi(argv[5]);
	spec.timeout_ms = (uint64_t)atoi(argv[6]);
	copy(spec.profile, sizeof spec.profile, argv[7]);
	base = event_base_new();
	if (base == NULL)
		return 1;
	provider = route53_new(base, &spec, 7, &e);
	dns = provider != NULL ? dns_ask_new(base, &e) : NULL;
	if (dns == NULL) {
		(void)printf("failed\n");
		print_text("err", e.text);
		event_base_free(base);
		return 1;
	}
	commands();
	provider_free(provider);
	dns_ask_free(dns);
	event_base_free(base);
	return 0;
}
