/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pointsman-lab: a strict stand-in for Route 53, its API and its name servers, on this
 * machine. It is a second opinion: it shares no source with what it tests.
 */
#include "tests/lab/control.h"
#include "tests/lab/dns.h"
#include "tests/lab/load.h"
#include "tests/lab/server.h"

#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { FILES_MAX = 400, FILES_SPARE = 100, INSYNC_MS = 300 };

static const char usage[] =
    "usage: pointsman-lab --zone NAME[=ID] [options]\n"
    "A strict local stand-in for Route 53: its REST API and its name servers.\n"
    "\n"
    "  --zone NAME[=ID]      a hosted zone (repeatable); default ids ZLAB, ZLAB2, ...\n"
    "  --http ADDRESS:PORT   the API and the control path (127.0.0.1:8053)\n"
    "  --dns ADDRESS:PORT    a name server of all zones, UDP and TCP (repeatable;\n"
    "                        default 127.0.0.1:8054)\n"
    "  --private NAME[=ID]   a private hosted zone (repeatable)\n"
    "  --resolver ADDRESS:PORT  the resolver of the VPC, which alone shows private zones\n"
    "  --key AKID:SECRET     the only key that signs (AKIDLAB:lab-secret)\n"
    "  --token TOKEN         demanded as x-amz-security-token (none)\n"
    "  --region REGION       of the credential scope (us-east-1)\n"
    "  --no-auth             look at no signature\n"
    "  --insync-ms N         how long a change is PENDING (300)\n"
    "  --old-errors          refused batches in the older XML shape\n"
    "  --rate R --burst B    throttle: R requests a second, B at once (off)\n"
    "  --load FILE           record sets to begin with, one a line:\n"
    "                        NAME TYPE TTL [set=ID] [weight=N] VALUE [| VALUE]\n"
    "  --log FILE            every API request as one line of JSON\n"
    "  --help\n"
    "\n"
    "Port 0 picks a free port. Printed once it listens:\n"
    "  lab: http ADDRESS:PORT\n"
    "  lab: dns ADDRESS:PORT     for each name server\n"
    "  lab: resolver ADDRESS:PORT\n"
    "  lab: ready\n"
    "\n";

struct options {
	const char *http;
	const char *dns[FAULTS_SERVERS_MAX];
	size_t dns_n;
	const char *zones[ZONES_MAX];
	bool is_private[ZONES_MAX];
	size_t zones_n;
	const char *resolver;
	const char *load, *log;
	uint64_t insync_ms;
	bool old_errors;
	double rate, burst;
	struct auth auth;
};

enum option_code {
	OPT_ZONE = 1,
	OPT_HTTP,
	OPT_DNS,
	OPT_PRIVATE,
	OPT_RESOLVER,
	OPT_KEY,
	OPT_TOKEN,
	OPT_REGION,
	OPT_NO_AUTH,
	OPT_INSYNC,
	OPT_OLD_ERRORS,
	OPT_RATE,
	OPT_BURST,
	OPT_LOAD,
	OPT_LOG,
	OPT_HELP,
};

static const struct option option_table[] = {
    {"zone", required_argument, NULL, OPT_ZONE},
    {"http", required_argument, NULL, OPT_HTTP},
    {"dns", required_argument, NULL, OPT_DNS},
    {"private", required_argument, NULL, OPT_PRIVATE},
    {"resolver", required_argument, NULL, OPT_RESOLVER},
    {"key", required_argument, NULL, OPT_KEY},
    {"token", required_argument, NULL, OPT_TOKEN},
    {"region", required_argument, NULL, OPT_REGION},
    {"no-auth", no_argument, NULL, OPT_NO_AUTH},
    {"insync-ms", required_argument, NULL, OPT_INSYNC},
    {"old-errors", no_argument, NULL, OPT_OLD_ERRORS},
    {"rate", required_argument, NULL, OPT_RATE},
    {"burst", required_argument, NULL, OPT_BURST},
    {"load", required_argument, NULL, OPT_LOAD},
    {"log", required_argument, NULL, OPT_LOG},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static bool
complain(const char *what, const char *detail)
{
	fprintf(stderr, "pointsman-lab: %s: %s\n", what, detail);
	return false;
}

static bool
add_text(const char **list, size_t *n, size_t max, const char *text, const char *what)
{
	if (*n == max)
		return complain(what, "given too often");
	list[(*n)++] = text;
	return true;
}

static bool
read_positive(const char *text, const char *what, double *out)
{
	char *end;

	*out = strtod(text, &end);
	if (*text == '\0' || *end != '\0' || !(*out >= 0 && *out <= 86400000))
		return complain(what, "wants a number from 0 to 86400000");
	return true;
}

static bool
copy_text(char *to, size_t bytes, const char *text, const char *what)
{
	if (strlen(text) >= bytes)
		return complain(what, "is too long");
	strcpy(to, text);
	return true;
}

static bool
take_option(struct options *o, enum option_code code, const char *text)
{
	double number;

	switch (code) {
	case OPT_PRIVATE:
		if (o->zones_n < ZONES_MAX)
			o->is_private[o->zones_n] = true;
		return add_text(o->zones, &o->zones_n, ZONES_MAX, text, "--private");
	case OPT_RESOLVER:
		o->resolver = text;
		return true;
	case OPT_ZONE:
		return add_text(o->zones, &o->zones_n, ZONES_MAX, text, "--zone");
	case OPT_DNS:
		return add_text(o->dns, &o->dns_n, FAULTS_SERVERS_MAX, text, "--dns");
	case OPT_HTTP:
		o->http = text;
		return true;
	case OPT_KEY:
		return auth_set_key(&o->auth, text) ||
		    complain("--key", "wants AKID:SECRET");
	case OPT_TOKEN:
		return copy_text(o->auth.token, sizeof o->auth.token, text, "--token");
	case OPT_REGION:
		return copy_text(
		    o->auth.region, sizeof o->auth.region, text, "--region");
	case OPT_NO_AUTH:
		o->auth.off = true;
		return true;
	case OPT_INSYNC:
		if (!read_positive(text, "--insync-ms", &number))
			return false;
		o->insync_ms = (uint64_t)number;
		return true;
	case OPT_OLD_ERRORS:
		o->old_errors = true;
		return true;
	case OPT_RATE:
		return read_positive(text, "--rate", &o->rate);
	case OPT_BURST:
		return read_positive(text, "--burst", &o->burst);
	case OPT_LOAD:
		o->load = text;
		return true;
	case OPT_LOG:
		o->log = text;
		return true;
	case OPT_HELP:
		fputs(usage, stdout);
		fputs(control_usage, stdout);
		exit(0);
	}
	return false;
}

static bool
read_options(struct options *o, int argc, char **argv)
{
	int code;

	o->http = "127.0.0.1:8053";
	o->insync_ms = INSYNC_MS;
	o->burst = 50;
	auth_set_key(&o->auth, "AKIDLAB:lab-secret");
	strcpy(o->auth.region, "us-east-1");
	while ((code = getopt_long(argc, argv, "", option_table, NULL)) != -1) {
		if (code == '?') {
			fputs("pointsman-lab: --help shows the options\n", stderr);
			return false;
		}
		if (!take_option(o, (enum option_code)code, optarg))
			return false;
	}
	if (optind < argc)
		return complain(argv[optind], "is not an option; --help shows them");
	if (o->zones_n == 0)
		return complain("--zone", "is needed, like --zone example.test=ZLAB");
	if (o->resolver != NULL && o->dns_n == FAULTS_SERVERS_MAX)
		return complain("--resolver", "there are too many name servers");
	if (o->dns_n == 0)
		o->dns[o->dns_n++] = "127.0.0.1:8054";
	return true;
}

static bool
add_zones(struct lab *lab, const struct options *o)
{
	char name[1100], id[64], why[200];

	for (size_t i = 0; i < o->zones_n; i++) {
		const char *equals = strchr(o->zones[i], '=');
		size_t n = strcspn(o->zones[i], "=");

		if (n >= sizeof name)
			return complain("--zone", "the name is too long");
		memcpy(name, o->zones[i], n);
		name[n] = '\0';
		if (equals != NULL)
			snprintf(id, sizeof id, "%.60s", equals + 1);
		else if (i == 0)
			snprintf(id, sizeof id, "ZLAB");
		else
			snprintf(id, sizeof id, "ZLAB%zu", i + 1);
		if (!store_add_zone(&lab->store, name, id, lab->servers, why))
			return complain("--zone", why);
		lab->store.zones[i].is_private = o->is_private[i];
	}
	return true;
}

static bool
prepare(struct lab *lab, const struct options *o)
{
	char why[LOAD_WHY_BYTES];

	store_init(&lab->store);
	faults_init(&lab->faults, o->insync_ms, o->old_errors);
	bucket_init(&lab->bucket, o->rate, o->burst, lab_now_ms());
	lab->auth = o->auth;
	lab->servers = o->dns_n;
	lab->has_resolver = o->resolver != NULL;
	if (!add_zones(lab, o))
		return false;
	if (o->load != NULL && !load_file(lab, o->load, why))
		return complain("--load", why);
	if (o->log != NULL && (lab->log = fopen(o->log, "ae")) == NULL)
		return complain(o->log, strerror(errno));
	return true;
}

static void
on_stop(evutil_socket_t number, short what, void *arg)
{
	(void)number, (void)what;
	event_base_loopexit(arg, NULL);
}

/* Listens, says where, and runs until told to stop. */
static bool
serve(struct event_base *base, struct lab *lab, const struct options *o)
{
	struct event *stop[] = {
	    evsignal_new(base, SIGTERM, on_stop, base),
	    evsignal_new(base, SIGINT, on_stop, base),
	};
	struct dns *dns[FAULTS_SERVERS_MAX] = {NULL};
	struct server *http;
	char why[SERVER_WHY_BYTES];
	bool good;

	http = server_new(base, lab, o->http, FILES_MAX - FILES_SPARE, why);
	good = http != NULL;
	for (size_t i = 0; good && i < o->dns_n; i++) {
		dns[i] = dns_new(base, lab, i, o->dns[i], why);
		good = dns[i] != NULL;
	}
	if (good && o->resolver != NULL) {
		dns[o->dns_n] = dns_new(base, lab, o->dns_n, o->resolver, why);
		good = dns[o->dns_n] != NULL;
	}
	if (good) {
		printf("lab: http %s\n", server_address(http));
		for (size_t i = 0; i < o->dns_n; i++)
			printf("lab: dns %s\n", dns_address(dns[i]));
		if (o->resolver != NULL)
			printf("lab: resolver %s\n", dns_address(dns[o->dns_n]));
		puts("lab: ready");
		fflush(stdout);
		for (size_t i = 0; i < 2; i++)
			event_add(stop[i], NULL);
		event_base_dispatch(base);
	} else {
		complain("cannot serve", why);
	}
	for (size_t i = 0; i < FAULTS_SERVERS_MAX; i++)
		dns_free(dns[i]);
	server_free(http);
	for (size_t i = 0; i < 2; i++)
		event_free(stop[i]);
	return good;
}

int
main(int argc, char **argv)
{
	static struct options options;
	static struct lab lab;
	struct rlimit files = {FILES_MAX, FILES_MAX};
	struct event_base *base;
	bool good;

	if (!read_options(&options, argc, argv))
		return 2;
	(void)setrlimit(RLIMIT_NOFILE, &files); /* bounds what strangers can open */
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	if (base == NULL)
		return 2;
	good = prepare(&lab, &options) && serve(base, &lab, &options);
	event_base_free(base);
	world_fini(&lab.world);
	checks_fini(&lab.checks);
	store_fini(&lab.store);
	if (lab.log != NULL)
		fclose(lab.log);
	return good ? 0 : 1;
}
