/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.c - the table.
 *
 * One row a key, tabular, so that the whole language can be read in one go. What a
 * row cannot say (two keys against each other) is a cross rule, in rules_*.c.
 */
#include "config/schema.h"

#include <string.h>

#include "config/draft.h"
#include "config/forms.h"

#define AT(tag, field)                                                           \
	{                                                                        \
		offsetof(struct tag, field), sizeof(((struct tag *)0)->field), 0 \
	}
#define ITEMS(tag, field, count)                                                  \
	{                                                                         \
		offsetof(struct tag, field), sizeof(((struct tag *)0)->field[0]), \
		    offsetof(struct tag, count)                                   \
	}
#define BLOCK_OF(tag)                    \
	{                                \
		0, sizeof(struct tag), 0 \
	}

#define SECOND UINT64_C(1000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define YEAR (366 * DAY)

/* clang-format off */
static const struct schema_key keys[] = {
/* ---- the whole ---- */
{"cluster", T_WORD, true, .place = AT(draft, config.cluster),
 .example = "shop", .doc = "the name of the group of agents that steer together; it stands in every ledger"},
{"sites", T_LIST, true, 1, 64, .place = ITEMS(draft, config.site, config.sites),
 .doc = "every place that can serve; naming them here makes typing errors errors"},
{"sites.-", T_WORD, .doc = "a site"},
{"agents", T_NAMED, true, 1, AGENTS_MAX, .doc = "every running pointsman, by name"},
{"agents.*", T_BLOCK, .place = BLOCK_OF(draft_agent), .doc = "one agent"},
{"agents.*.url", T_HTTPS_URL, .place = AT(draft_agent, agent.url), .check = form_bare_url,
 .doc = "where the other agents reach it"},
{"agents.*.listen", T_ADDRESS, .place = AT(draft_agent, agent.listen),
 .doc = "where it listens, when that is not its url's host and port (NAT)"},
{"agents.*.site", T_REF, .words = "sites", .place = AT(draft_agent, agent.site),
 .example = "fra", .doc = "the site it stands at; an agent without one is a witness"},
{"agents.*.domain", T_WORD, .place = AT(draft_agent, agent.domain),
 .doc = "what fails together with it; default: its site, else its name"},
{"quorum", T_ENUM, .preset = "majority", .words = "majority solo", .place = AT(draft, quorum),
 .doc = "majority: more than half of the agents decide; solo: one observer does, alone"},
{"tls", T_BLOCK, .doc = "how agents know each other: mutual TLS under a private authority"},
{"tls.cert", T_PATH, true, .place = AT(draft, config.tls_cert), .example = "agent.pem", .doc = "this agent's certificate (PEM)"},
{"tls.key", T_PATH, true, .place = AT(draft, config.tls_key), .example = "agent.key", .doc = "its key (PEM), readable by its owner alone"},
{"tls.ca", T_PATH, true, .place = AT(draft, config.tls_ca), .example = "ca.pem", .doc = "the authority that signed every agent (PEM)"},
{"state", T_PATH, .place = AT(draft, config.state),
 .example = "/var/lib/pointsman", .doc = "a folder, made 0700: timeline, journal, last view"},
{"page", T_ADDRESS, .place = AT(draft, config.page), .doc = "the status page and /metrics; read-only"},
{"control", T_PATH, .place = AT(draft, config.control), .example = "/run/pointsman/control", .doc = "the Unix socket that operator commands come through"},
{"canaries", T_LIST, .max = CANARIES_MAX, .place = ITEMS(draft, config.canary, config.canaries),
 .doc = "addresses outside that should answer; when most do not, the trouble is here and the agent abstains"},
{"canaries.-", T_CANARY, .doc = "tcp://address:port"},
{"timing", T_BLOCK, .doc = "how agents pace each other"},
{"timing.report", T_DURATION, .min = 50, .max = 10 * SECOND, .preset = "1s", .place = AT(draft, report_ms),
 .doc = "how often votes are sent when nothing changed"},
{"timing.fresh", T_DURATION, .min = 200, .max = 120 * SECOND, .preset = "15s", .place = AT(draft, fresh_ms),
 .doc = "how long a report counts"},
{"timing.rank", T_DURATION, .min = 100, .max = 60 * SECOND, .preset = "2s", .place = AT(draft, rank_ms),
 .doc = "how long each next-ranked writer waits for the one before it"},
{"timing.silent", T_DURATION, .min = 100, .max = 60 * SECOND, .preset = "3s", .place = AT(draft, silent_ms),
 .doc = "a writer not heard for so long is skipped"},
{"timing.takeover", T_DURATION, .min = SECOND, .max = HOUR, .preset = "60s", .place = AT(draft, takeover_ms),
 .doc = "whoever carries out a scenario and is not heard for so long by a quorum is replaced"},

/* ---- checks ---- */
{"checks", T_NAMED, true, 1, CHECKS_MAX, .doc = "how to probe, and how lag is measured"},
{"checks.*", T_BLOCK, .place = BLOCK_OF(draft_check), .doc = "one way to probe: one kind and its thresholds"},
{"checks.*.every", T_DURATION, .min = 100, .max = HOUR, .preset = "2s", .place = AT(draft_check, spec.every_ms),
 .doc = "from one probe to the next, give or take a tenth"},
{"checks.*.timeout", T_DURATION, .min = 20, .max = 10 * 60 * SECOND, .preset = "1500ms", .place = AT(draft_check, spec.timeout_ms),
 .doc = "the whole of one probe, from connect to the last byte needed"},
{"checks.*.recheck", T_DURATION, .min = 10, .max = HOUR, .preset = "500ms", .place = AT(draft_check, spec.recheck_ms),
 .doc = "the next probe after a failure"},
{"checks.*.hedge", T_DURATION, .min = 10, .max = 60 * SECOND, .place = AT(draft_check, spec.hedge_ms),
 .example = "300ms", .doc = "a second connection after so much silence; off unless said"},
{"checks.*.slow", T_DURATION, .min = 1, .max = 10 * 60 * SECOND, .place = AT(draft_check, spec.slow_ms),
 .example = "800ms", .doc = "an answer later than this is a failure; off unless said"},
{"checks.*.fall", T_COUNT, .min = 1, .max = 100, .preset = "3", .place = AT(draft_check, spec.fall),
 .doc = "failures that make it down; they add up across passes between them, until clear"},
{"checks.*.rise", T_COUNT, .min = 1, .max = 100, .preset = "6", .place = AT(draft_check, spec.rise),
 .doc = "passes in a row that make it up"},
{"checks.*.clear", T_COUNT, .min = 1, .max = 100, .preset = "4", .place = AT(draft_check, spec.clear),
 .doc = "passes in a row that wipe the failures"},
{"checks.*.source", T_IP, .place = AT(draft_check, spec.source), .doc = "the local address that probes leave from"},
{"checks.*.http", T_BLOCK, .doc = "an HTTP request and what its answer must be"},
{"checks.*.http.scheme", T_ENUM, .preset = "http", .words = "http https", .place = AT(draft_check, spec.http.https),
 .doc = "http or https"},
{"checks.*.http.port", T_COUNT, .min = 1, .max = 65535, .place = AT(draft_check, spec.http.port),
 .example = "8080", .doc = "where the endpoint does not say one; default: the scheme's"},
{"checks.*.http.method", T_ENUM, .preset = "GET", .words = "GET HEAD POST OPTIONS", .place = AT(draft_check, spec.http.method),
 .doc = "the request's method"},
{"checks.*.http.path", T_TEXT, .preset = "/", .place = AT(draft_check, spec.http.path), .check = form_http_path,
 .example = "/healthz", .doc = "path and query"},
{"checks.*.http.host", T_NAME, .place = AT(draft_check, spec.http.host),
 .doc = "Host header, SNI and the certificate's name; default: the service's first name"},
{"checks.*.http.headers", T_HEADERS, .max = 16, .place = AT(draft_check, spec.http.headers), .doc = "further request headers"},
{"checks.*.http.status", T_LIST, .min = 1, .max = CHECK_STATUS_RANGES, .preset = "200-299",
 .place = ITEMS(draft_check, spec.http.status, spec.http.statuses), .doc = "the statuses that pass"},
{"checks.*.http.status.-", T_STATUS, .doc = "one status, or a range"},
{"checks.*.http.contains", T_TEXT, .place = AT(draft_check, spec.http.contains),
 .example = "ready", .doc = "words that the body's first 5,120 bytes must hold"},
{"checks.*.http.matches", T_TEXT, .place = AT(draft_check, spec.http.matches), .check = form_regex,
 .example = "^(ok|ready)", .doc = "a POSIX extended regular expression that they must match; no back-references"},
{"checks.*.http.redirects", T_COUNT, .max = 10, .preset = "0", .place = AT(draft_check, spec.http.redirects),
 .doc = "followed at most; 0: a redirect is judged by its own status"},
{"checks.*.http.verify", T_BOOL, .preset = "true", .place = AT(draft_check, spec.http.verify),
 .doc = "whether the certificate must be good"},
{"checks.*.http.min_days", T_COUNT, .max = 365, .place = AT(draft_check, spec.http.min_days),
 .example = "14", .doc = "days that the certificate must still be valid"},
{"checks.*.http.ca", T_PATH, .place = AT(draft_check, spec.http.ca), .example = "ca.pem", .doc = "who may have signed it (PEM); default: the system's"},
{"checks.*.http.cert", T_PATH, .place = AT(draft_check, spec.http.cert), .example = "client.pem", .doc = "a client certificate (PEM)"},
{"checks.*.http.key", T_PATH, .place = AT(draft_check, spec.http.key), .example = "client.key", .doc = "its key (PEM), readable by its owner alone"},
{"checks.*.http.url", T_HTTP_URL, .words = "filled", .place = AT(draft_check, url), .example = "http://10.1.0.9:9187/lag",
 .doc = "a fixed place to ask, for a lag that is not a member's; filled in are {from} (the site that serves) and {to} (the one that follows)"},
{"checks.*.http.json", T_TEXT, .place = AT(draft_check, json), .example = "lag_seconds", .doc = "the field of a JSON answer that holds the lag in seconds"},
{"checks.*.tcp", T_BLOCK, .doc = "a TCP connection"},
{"checks.*.tcp.port", T_COUNT, .min = 1, .max = 65535, .place = AT(draft_check, spec.tcp.port),
 .example = "5432", .doc = "where the endpoint does not say one"},
{"checks.*.tcp.send", T_TEXT, .lines = true, .place = AT(draft_check, spec.tcp.send), .example = "PING", .doc = "what to send when it is open; in double quotes \\r and \\n are line ends"},
{"checks.*.tcp.expect", T_TEXT, .lines = true, .place = AT(draft_check, spec.tcp.expect), .example = "PONG", .doc = "what the answer must hold"},
{"checks.*.tcp.tls", T_BLOCK, .doc = "TLS from the first byte"},
{"checks.*.tcp.tls.server_name", T_NAME, .place = AT(draft_check, spec.tcp.server_name), .doc = "SNI and the certificate's name; default: the service's first name"},
{"checks.*.tcp.tls.verify", T_BOOL, .preset = "true", .place = AT(draft_check, spec.tcp.verify), .doc = "whether the certificate must be good"},
{"checks.*.tcp.tls.min_days", T_COUNT, .max = 365, .place = AT(draft_check, spec.tcp.min_days), .example = "14", .doc = "days that the certificate must still be valid"},
{"checks.*.tcp.tls.ca", T_PATH, .place = AT(draft_check, spec.tcp.ca), .example = "ca.pem", .doc = "who may have signed it (PEM); default: the system's"},
{"checks.*.exec", T_BLOCK, .doc = "a program, run for each address: exit 0 passes, any other and the timeout fail, could not start is unknown"},
{"checks.*.exec.argv", T_LIST, true, 1, RUNNER_ARGS_MAX, .place = ITEMS(draft_check, arg, args),
 .doc = "the program by its absolute path, and its arguments, one an entry; no shell"},
{"checks.*.exec.argv.-", T_TEXT, .example = "/usr/local/bin/probe",
 .doc = "one argument; filled in are {site}, {service}, {member}, {host} (the endpoint as configured), {address} (the one that is probed) and {port}"},
{"checks.*.exec.seconds", T_ENUM, .words = "none stdout", .preset = "none", .place = AT(draft_check, seconds),
 .example = "stdout", .doc = "stdout: it prints a lag in seconds, run once and not for each address; filled in are {from} (the site that serves) and {to} (the one that follows) alone"},
{"checks.*.dns", T_BLOCK, .doc = "a question to a DNS server"},
{"checks.*.dns.name", T_NAME, true, .place = AT(draft_check, spec.dns.name), .doc = "the name asked for"},
{"checks.*.dns.type", T_ENUM, .preset = "A", .words = "A AAAA CNAME TXT", .place = AT(draft_check, spec.dns.type), .doc = "the type asked for"},
{"checks.*.dns.port", T_COUNT, .min = 1, .max = 65535, .preset = "53", .place = AT(draft_check, spec.dns.port), .doc = "where the endpoint does not say one"},
{"checks.*.dns.rcode", T_ENUM, .preset = "NOERROR", .words = "NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED", .place = AT(draft_check, spec.dns.rcode),
 .doc = "the code that passes; with NOERROR the answer must hold a record of the type, at the end of its CNAMEs"},
{"checks.*.dns.contains", T_TEXT, .place = AT(draft_check, spec.dns.contains), .example = "192.0.2.10",
 .doc = "what the answer must hold: one of its records, or words in a TXT record"},
{"checks.*.dns.answers", T_LIST, .min = 1, .max = CHECK_ANSWERS_MAX, .place = ITEMS(draft_check, spec.dns.answer, spec.dns.answers),
 .doc = "what the answer must be: these records in any order, and no others"},
{"checks.*.dns.answers.-", T_TEXT, .example = "192.0.2.10", .doc = "an address, a name, or a TXT record's whole text"},
{"checks.*.elb", T_BLOCK, 
 .doc = "the health of a load balancer's targets, as AWS sees it; unless said: every 10s, timeout 3s, recheck 2s, fall 2, rise 2, clear 2"},
{"checks.*.elb.target_group", T_TEXT, true, .place = AT(draft_check, spec.elb.target_group), .check = form_target_group, .example = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/web/73e2d6bc24d8a067", .doc = "the target group's ARN"},
{"checks.*.elb.region", T_TEXT, true, .max = 31, .place = AT(draft_check, spec.elb.region), .check = form_region, .example = "eu-central-1", .doc = "its region"},
{"checks.*.elb.healthy", T_COUNT, .min = 1, .max = 1000, .preset = "1", .place = AT(draft_check, spec.elb.healthy), .doc = "targets that must be healthy"},
{"checks.*.elb.share", T_PERCENT, .min = 1, .max = 100, .place = AT(draft_check, spec.elb.share_pct), .example = "50%",
 .doc = "and their least share of the targets that are healthy or unhealthy: initial, draining and unused ones do not count"},
{"checks.*.elb.profile", T_TEXT, .max = 63, .place = AT(draft_check, spec.elb.profile), .example = "ops", .doc = "the profile whose credentials ask"},
{"checks.*.elb.endpoint", T_HTTP_URL, .max = 255, .place = AT(draft_check, spec.elb.endpoint), .check = form_bare_url,
 .example = "https://vpce-1a2b3c.elasticloadbalancing.eu-central-1.vpce.amazonaws.com", .doc = "another place to ask: a private link, or a stand-in"},
{"checks.*.backup", T_BLOCK, .doc = "the newest complete backup, from a manifest or from a listing of S3; the data lost runs from when its work began; unless said: every 1m, timeout 10s"},
{"checks.*.backup.manifest", T_TEXT, .max = 511, .check = form_place, .example = "https://backup.example.com/newest.json",
 .doc = "a URL or an absolute path: JSON with id, started_at, completed_at, and, where they are asked for, encrypted and restored_at"},
{"checks.*.backup.s3", T_BLOCK, .doc = "a bucket where each complete backup has a manifest of its own, PREFIX + ID + /manifest.json, written last"},
{"checks.*.backup.s3.bucket", T_TEXT, true, .min = 3, .max = 63, .check = form_bucket, .example = "shop-backups", .doc = "its name"},
{"checks.*.backup.s3.prefix", T_TEXT, .max = 512, .example = "db/", .doc = "what the keys begin with; default: every key"},
{"checks.*.backup.s3.region", T_TEXT, true, .max = 31, .check = form_region, .example = "eu-central-1", .doc = "its region"},
{"checks.*.backup.s3.endpoint", T_HTTP_URL, .max = 255, .check = form_bare_url, .example = "https://s3.internal.example.com", .doc = "another place than AWS's own: a private link, or another store that speaks S3"},
{"checks.*.backup.s3.profile", T_TEXT, .max = 63, .example = "backups", .doc = "the profile whose credentials list it"},
{"checks.*.backup.encrypted", T_BOOL, .preset = "false", .place = AT(draft_check, encrypted), .doc = "whether each must be: one that is not is warned of"},
{"checks.*.backup.period", T_DURATION, .min = 60 * SECOND, .max = YEAR, .place = AT(draft_check, made_ms), .example = "4h",
 .doc = "how often one is made; a newest one older than two periods is warned of"},
{"checks.*.backup.retention", T_DURATION, .min = 60 * SECOND, .max = 10 * YEAR, .place = AT(draft_check, retention_ms), .example = "30d", .doc = "how long they are kept"},
{"checks.*.backup.restored", T_DURATION, .min = HOUR, .max = YEAR, .place = AT(draft_check, restored_ms), .example = "30d",
 .doc = "how old the last test restore may be before it is warned of"},
{"checks.*.cloudwatch", T_BLOCK, .doc = "a CloudWatch metric; unless said: every 1m, timeout 10s"},
{"checks.*.cloudwatch.region", T_TEXT, true, .max = 31, .check = form_region, .example = "eu-central-1", .doc = "its region"},
{"checks.*.cloudwatch.namespace", T_TEXT, true, .max = 255, .example = "AWS/RDS", .doc = "its namespace, as in AWS/RDS"},
{"checks.*.cloudwatch.metric", T_TEXT, true, .max = 255, .example = "ReplicaLag", .doc = "its name, as in ReplicaLag"},
{"checks.*.cloudwatch.dimensions", T_PARAMS, .max = 20, .doc = "its dimensions; filled in are {from} (the site that serves) and {to} (the one that follows)"},
{"checks.*.cloudwatch.statistic", T_ENUM, .preset = "Maximum", .words = "Maximum Average Minimum Sum", .doc = "which value of a period counts"},
{"checks.*.cloudwatch.unit", T_ENUM, .preset = "seconds", .words = "seconds milliseconds", .place = AT(draft_check, unit), .doc = "what its values are; Aurora's are in milliseconds"},
{"checks.*.cloudwatch.period", T_DURATION, .min = SECOND, .max = HOUR, .preset = "1m", .place = AT(draft_check, metric_period_ms), .doc = "how long one of its periods is: 1s, 5s, 10s, 20s, 30s, or whole minutes"},
{"checks.*.cloudwatch.endpoint", T_HTTP_URL, .max = 255, .check = form_bare_url, .example = "https://vpce-1a2b3c.monitoring.eu-central-1.vpce.amazonaws.com", .doc = "another place to ask: a private link, or a stand-in"},
{"checks.*.cloudwatch.profile", T_TEXT, .max = 63, .example = "ops", .doc = "the profile whose credentials ask"},

/* ---- zones ---- */
{"zones", T_NAMED, true, 1, ZONES_MAX, .doc = "the DNS zones that are written"},
{"zones.*", T_BLOCK, .place = BLOCK_OF(draft_zone), .doc = "one zone"},
{"zones.*.name", T_NAME, true, .place = AT(draft_zone, zone.route53.apex), .example = "example.com", .doc = "the zone's apex"},
{"zones.*.route53", T_BLOCK, true, .doc = "a hosted zone of Route 53; credentials come in AWS's usual ways"},
{"zones.*.route53.zone_id", T_TEXT, true, .place = AT(draft_zone, zone.route53.zone_id), .check = form_zone_id,
 .example = "Z0123456789ABC", .doc = "the hosted zone's id"},
{"zones.*.route53.endpoint", T_HTTP_URL, .place = AT(draft_zone, zone.route53.endpoint), .check = form_bare_url,
 .example = "http://127.0.0.1:8053", .doc = "another place than AWS's own, for a lab"},
{"zones.*.route53.region", T_TEXT, .place = AT(draft_zone, zone.route53.region), .check = form_region,
 .example = "us-east-1", .doc = "the region that requests are signed for; default: the partition's"},
{"zones.*.route53.role_arn", T_TEXT, .place = AT(draft_zone, zone.route53.role_arn), .check = form_role,
 .example = "arn:aws:iam::111122223333:role/pointsman-dns", .doc = "a role to assume"},
{"zones.*.route53.external_id", T_TEXT, .min = 2, .max = 1224, .place = AT(draft_zone, zone.route53.external_id), .example = "shop-dns", .doc = "what its trust policy asks for"},
{"zones.*.route53.profile", T_TEXT, .place = AT(draft_zone, zone.route53.profile), .example = "pointsman", .doc = "a profile of the shared credentials file"},
{"zones.*.route53.budget", T_BLOCK, .doc = "requests that this agent may spend; the account's bucket is shared"},
{"zones.*.route53.budget.per_s", T_COUNT, .min = 1, .max = 10, .preset = "2", .place = AT(draft_zone, budget_per_s),
 .doc = "a second, for ever"},
{"zones.*.route53.budget.burst", T_COUNT, .min = 5, .max = 50, .preset = "20", .place = AT(draft_zone, budget_burst),
 .doc = "at once, after a rest"},
{"zones.*.nameservers", T_LIST, .min = 1, .max = NAMESERVERS_MAX, .place = ITEMS(draft_zone, zone.nameserver, zone.nameservers),
 .doc = "where answers are verified; default: the zone's own name servers"},
{"zones.*.nameservers.-", T_SERVER, .doc = "address, or address:port"},

/* ---- services ---- */
{"templates", T_NAMED, .max = SERVICES_MAX, .doc = "what services share, said once; merged by key, a service's own keys win"},
{"services", T_NAMED, true, 1, SERVICES_MAX, .doc = "DNS names that move together: the units of steering"},
{"services.*", T_BLOCK, .place = BLOCK_OF(draft_service), .doc = "one service"},
{"services.*.template", T_REF, .words = "templates", .example = "albs", .doc = "what it takes over"},
{"services.*.zone", T_REF, true, .words = "zones", .place = AT(draft_service, service.zone), .example = "public", .doc = "the zone that its names are in"},
{"services.*.names", T_LIST, true, 1, NAMES_MAX, .place = ITEMS(draft_service, service.name, service.names), .doc = "its DNS names"},
{"services.*.names.-", T_NAME, .doc = "a name in the zone"},
{"services.*.ttl", T_DURATION, .min = 1, .max = 86400, .preset = "30s", .words = "s", .place = AT(draft_service, service.ttl_s),
 .doc = "how long resolvers keep its answers; one for all its names"},
{"services.*.policy", T_ENUM, .preset = "weighted", .words = "weighted failover", .place = AT(draft_service, policy),
 .doc = "weighted: members share by weight; failover: the first usable one answers"},
{"services.*.records", T_ENUM, .preset = "weighted", .words = "weighted failover", .place = AT(draft_service, records),
 .doc = "how a failover is written: weights 100 and 0, or PRIMARY and SECONDARY"},
{"services.*.mode", T_ENUM, .preset = "steer", .words = "steer observe", .place = AT(draft_service, mode),
 .doc = "observe: decide and explain, and write nothing"},
{"services.*.stateful", T_BOOL, .preset = "false", .place = AT(draft_service, service.rule.stateful),
 .doc = "whether moving it is more than moving requests: longer holds, no swaps"},
{"services.*.failback", T_ENUM, .preset = "auto", .words = "manual auto", .place = AT(draft_service, failback),
 .doc = "whether a member that is well again returns by itself"},
{"services.*.check", T_REF, .words = "checks", .place = AT(draft_service, check), .example = "app", .doc = "how its members are probed"},
{"services.*.from", T_LIST, .min = 1, .max = AGENTS_MAX, .place = ITEMS(draft_service, voter, from),
 .doc = "the agents that may vote on it; default: all"},
{"services.*.from.-", T_REF, .words = "agents", .example = "fra", .doc = "an agent"},
{"services.*.hold", T_DURATION, .max = HOUR, .preset = "3s", .place = AT(draft_service, service.rule.hold_ms),
 .doc = "how long DOWN must last before a drain; stateful: 60s"},
{"services.*.spacing", T_DURATION, .max = HOUR, .preset = "30s", .place = AT(draft_service, service.rule.spacing_ms),
 .doc = "between drains of two different members"},
{"services.*.down_below", T_PERCENT, .min = 1, .max = 100, .preset = "25%", .place = AT(draft_service, service.rule.down_below_pct),
 .doc = "a smaller share of a member's addresses up is DOWN"},
{"services.*.up_above", T_PERCENT, .min = 1, .max = 99, .preset = "50%", .place = AT(draft_service, service.rule.up_above_pct),
 .doc = "a larger share is UP; between the two it stays as it was"},
{"services.*.max_out", T_COUNT, .min = 1, .max = MEMBERS_MAX - 1, .place = AT(draft_service, service.rule.max_out),
 .example = "1", .doc = "members out at once; default: all but one"},
{"services.*.min_capacity", T_PERCENT, .max = 100, .place = AT(draft_service, service.rule.min_capacity_pct),
 .example = "50%", .doc = "of full weights that must stay in; default: none"},
{"services.*.return", T_BLOCK, .doc = "how a drained member comes back"},
{"services.*.return.hold", T_DURATION, .max = DAY, .preset = "2m", .place = AT(draft_service, service.rule.return_hold_ms),
 .doc = "how long UP must last; doubles with each drain of the day"},
{"services.*.return.hold_max", T_DURATION, .max = DAY, .preset = "30m", .place = AT(draft_service, service.rule.return_hold_ms_max),
 .doc = "and no longer than this"},
{"services.*.return.per_hour", T_COUNT, .min = 1, .max = LEDGER_RETURNS, .preset = "2", .place = AT(draft_service, service.rule.return_per_hour),
 .doc = "returns of one member in an hour"},
{"services.*.return.latch_after", T_COUNT, .min = 1, .max = LEDGER_DRAINS, .preset = "6", .place = AT(draft_service, service.rule.latch_after),
 .doc = "drains in a day after which it stays out until acknowledged"},
{"services.*.ramp", T_BLOCK, .doc = "the steps that a returning member's weight takes"},
{"services.*.ramp.steps", T_LIST, .min = 1, .max = RAMP_STEPS_MAX, .preset = "10% 25% 50% 100%",
 .place = ITEMS(draft_service, service.rule.ramp_pct, service.rule.ramp_steps), .doc = "shares of its weight, rising to 100%"},
{"services.*.ramp.steps.-", T_PERCENT, .min = 1, .max = 100, .doc = "a share"},
{"services.*.ramp.every", T_DURATION, .max = HOUR, .preset = "60s", .place = AT(draft_service, service.rule.ramp_every_ms),
 .doc = "from one step to the next"},
{"services.*.swap", T_BLOCK, .doc = "taking a well member in for a dead one that cannot be drained alone"},
{"services.*.swap.after", T_DURATION, .max = HOUR, .preset = "30s", .place = AT(draft_service, service.rule.swap_after_ms),
 .doc = "how long the one outside must have been UP"},
{"services.*.swap.per_hour", T_COUNT, .max = LEDGER_SWAPS, .preset = "1", .place = AT(draft_service, service.rule.swap_per_hour),
 .doc = "swaps of one member in an hour"},
{"services.*.members", T_NAMED, true, .max = MEMBERS_MAX, .doc = "the service at each site; failover: in order of preference"},
{"services.*.members.*", T_BLOCK, .place = BLOCK_OF(draft_member), .doc = "the service at one site"},
{"services.*.members.*.weight", T_COUNT, .max = 255, .preset = "100", .place = AT(draft_member, weight),
 .doc = "its full weight among the members; failover has no use for it"},
{"services.*.members.*.last_resort", T_BOOL, .preset = "false", .place = AT(draft_member, last_resort),
 .doc = "not probed; answers when every other member is down"},
{"services.*.members.*.check", T_REF, .words = "checks", .place = AT(draft_member, check), .example = "app", .doc = "a check of its own"},
{"services.*.members.*.targets", T_REF, .words = "checks", .place = AT(draft_member, targets), .example = "fra-targets",
 .doc = "an elb check that is asked beside its check: judged alone, one of the two DOWN is DOWN"},
{"services.*.members.*.endpoints", T_LIST, .min = 1, .max = ENDPOINTS_MAX, .place = ITEMS(draft_member, endpoint, endpoints),
 .doc = "what is probed; default: the answers"},
{"services.*.members.*.endpoints.-", T_ENDPOINT, .example = "http://192.0.2.10:8080", .doc = "host, host:port, http://host or https://host"},
{"services.*.members.*.health_check", T_TEXT, .place = AT(draft_member, health_check), .check = form_health_check,
 .example = "steady", .doc = "records: failover: steady, or the id of a Route 53 health check"},
{"services.*.members.*.answers", T_BLOCK, true, .doc = "what DNS says for it"},
{"services.*.members.*.answers.A", T_LIST, .min = 1, .max = VALUES_MAX, .place = ITEMS(draft_member, a_value, a), .doc = "IPv4 addresses"},
{"services.*.members.*.answers.A.-", T_IP4, .doc = "an IPv4 address"},
{"services.*.members.*.answers.AAAA", T_LIST, .min = 1, .max = VALUES_MAX, .place = ITEMS(draft_member, aaaa_value, aaaa), .doc = "IPv6 addresses"},
{"services.*.members.*.answers.AAAA.-", T_IP6, .doc = "an IPv6 address"},
{"services.*.members.*.answers.CNAME", T_NAME, .place = AT(draft_member, cname), .example = "fra.example.net", .doc = "another name; not at the apex"},
{"services.*.members.*.answers.alias", T_BLOCK, .doc = "a Route 53 alias"},
{"services.*.members.*.answers.alias.name", T_NAME, true, .place = AT(draft_member, alias_name), .example = "web-123.eu-central-1.elb.amazonaws.com", .doc = "its target"},
{"services.*.members.*.answers.alias.zone_id", T_TEXT, .place = AT(draft_member, alias_zone), .check = form_zone_id,
 .example = "Z215JYRZR1TBD5", .doc = "the target's hosted zone; known from the name for load balancers, CloudFront and Global Accelerator"},
{"services.*.members.*.answers.alias.types", T_LIST, .min = 1, .max = TYPES_MAX, .preset = "A",
 .place = ITEMS(draft_member, type, types), .doc = "the record types that are aliases"},
{"services.*.members.*.answers.alias.types.-", T_ENUM, .words = "A AAAA", .example = "AAAA", .doc = "A or AAAA"},
{"services.*.members.*.answers.alias.evaluate", T_BOOL, .preset = "false", .place = AT(draft_member, evaluate),
 .doc = "whether Route 53 looks at the target's health by itself"},

/* ---- scenarios ---- */
{"scenarios", T_NAMED, .max = SCENARIOS_MAX, .doc = "disaster-recovery plans"},
{"scenarios.*", T_BLOCK, .place = BLOCK_OF(draft_scenario), .doc = "one plan"},
{"scenarios.*.kind", T_ENUM, true, .words = "backup-restore pilot-light warm-standby multi-site", .place = AT(draft_scenario, kind),
 .example = "warm-standby", .doc = "what stands ready at the recovery site; fixes the order of the steps"},
{"scenarios.*.service", T_REF, true, .words = "services", .place = AT(draft_scenario, service), .example = "shop", .doc = "the service that it moves"},
{"scenarios.*.primary", T_REF, true, .words = "sites", .place = AT(draft_scenario, primary), .example = "fra", .doc = "the site that serves"},
{"scenarios.*.recovery", T_REF, true, .words = "sites", .place = AT(draft_scenario, recovery), .example = "iad", .doc = "the site that takes over"},
{"scenarios.*.rto", T_DURATION, true, SECOND, YEAR, .place = AT(draft_scenario, rto_ms), .example = "15m", .doc = "recovery time that is promised"},
{"scenarios.*.rpo", T_DURATION, true, 0, YEAR, .place = AT(draft_scenario, rpo_ms), .example = "5m", .doc = "data loss that is accepted, as time"},
{"scenarios.*.lag", T_REF, .words = "checks", .place = AT(draft_scenario, lag), .example = "lag", .doc = "the check that measures what would be lost now"},
{"scenarios.*.trigger", T_ENUM, true, .words = "automatic approval command", .place = AT(draft_scenario, trigger),
 .example = "approval", .doc = "what starts it: the verdict alone, an operator's yes to the verdict, or an operator"},
{"scenarios.*.drill", T_ENUM, .words = "command daily weekly monthly quarterly", .place = AT(draft_scenario, drill), .example = "monthly",
 .doc = "how often to rehearse on the shadow name _drill.SERVICE.ZONE; command: only when asked; without the key there is no shadow"},
{"scenarios.*.catch_up", T_DURATION, .max = DAY, .place = AT(draft_scenario, catch_up_ms), .example = "10s",
 .doc = "the lag at which a planned move may close the side that serves; default: the rpo, at most 10s"},
{"scenarios.*.steps", T_NAMED, .max = 16, .doc = "the kind's slots, filled with actions"},
{"scenarios.*.steps.*", T_BLOCK, .place = BLOCK_OF(draft_step), .check = form_slot, .doc = "one slot: one action and how long it may take"},
{"scenarios.*.steps.*.none", T_TEXT, .example = "rebuilt by hand from the standby", .doc = "why the slot is empty on purpose"},
{"scenarios.*.steps.*.exec", T_LIST, .min = 1, .max = RUNNER_ARGS_MAX, .doc = "a program by its absolute path, and its arguments; no shell"},
{"scenarios.*.steps.*.exec.-", T_TEXT, .max = EXEC_ARG_BYTES - 1, .example = "/usr/local/sbin/promote",
 .doc = "one argument; filled in, here as in every text of an action: {from}, {to}, {site} (where the step works), {fence}, {service}, {scenario}, {incident}, {backup.id}, {backup.started_at}, {backup.completed_at}"},
{"scenarios.*.steps.*.webhook", T_BLOCK, .doc = "an HTTP request"},
{"scenarios.*.steps.*.webhook.url", T_HTTP_URL, true, .max = 1023, .words = "filled", .example = "https://deploy.example.com/scale", .doc = "where to"},
{"scenarios.*.steps.*.webhook.method", T_ENUM, .preset = "POST", .words = "GET POST PUT PATCH DELETE", .doc = "its method"},
{"scenarios.*.steps.*.webhook.headers", T_HEADERS, .max = 16, .words = "file", .doc = "further headers; a secret comes from a file, read at each call: Authorization: {file: /etc/pointsman/token}"},
{"scenarios.*.steps.*.webhook.body", T_TEXT, .max = 4096, .lines = true, .example = "scale out", .doc = "what is sent"},
{"scenarios.*.steps.*.webhook.status", T_LIST, .min = 1, .max = CHECK_STATUS_RANGES, .preset = "200-299",
 .place = ITEMS(draft_step, status, statuses), .doc = "the statuses that are success"},
{"scenarios.*.steps.*.webhook.status.-", T_STATUS, .doc = "one status, or a range"},
{"scenarios.*.steps.*.aws", T_BLOCK, .doc = "one signed call of the Query protocol"},
{"scenarios.*.steps.*.aws.service", T_ENUM, true, .words = "elasticloadbalancing autoscaling ec2 rds monitoring", .example = "rds", .doc = "the service's signing name"},
{"scenarios.*.steps.*.aws.region", T_TEXT, true, .max = 31, .check = form_region, .example = "us-east-1", .doc = "its region"},
{"scenarios.*.steps.*.aws.action", T_TEXT, true, .max = 63, .check = form_action, .example = "PromoteReadReplica", .doc = "Action"},
{"scenarios.*.steps.*.aws.version", T_TEXT, .max = 10, .example = "2014-10-31", .doc = "Version; default: the one known for the service"},
{"scenarios.*.steps.*.aws.params", T_PARAMS, .max = 60, .doc = "the literal Query keys"},
{"scenarios.*.steps.*.aws.endpoint", T_HTTP_URL, .max = 255, .check = form_bare_url, .example = "https://vpce-1a2b3c.rds.us-east-1.vpce.amazonaws.com", .doc = "another place to call: a private link, or a stand-in"},
{"scenarios.*.steps.*.aws.profile", T_TEXT, .max = 63, .example = "recovery", .doc = "the profile whose credentials call"},
{"scenarios.*.steps.*.aws.role_arn", T_TEXT, .max = 255, .check = form_role, .example = "arn:aws:iam::111122223333:role/pointsman-recovery", .doc = "a role to assume"},
{"scenarios.*.steps.*.until", T_BLOCK, .doc = "asked again and again until it says so"},
{"scenarios.*.steps.*.until.action", T_TEXT, true, .max = 63, .check = form_action, .example = "DescribeDBInstances", .doc = "a Describe action of the same service"},
{"scenarios.*.steps.*.until.params", T_PARAMS, .max = 60, .doc = "the literal Query keys"},
{"scenarios.*.steps.*.until.path", T_TEXT, true, .max = 255, .check = form_element, .example = "DBInstanceStatus", .doc = "the element of the answer, with as much of what it stands in as is needed; joined by + those of one thing, as in Instances.member.LifecycleState+HealthStatus"},
{"scenarios.*.steps.*.until.is", T_TEXT, true, .max = 255, .example = "available", .doc = "what each must say; >=6 InService+Healthy: at least six say it; =0 InService: exactly so many do"},
{"scenarios.*.steps.*.until.every", T_DURATION, .min = SECOND, .max = HOUR, .preset = "10s", .place = AT(draft_step, ask_ms), .doc = "from one time to the next"},
{"scenarios.*.steps.*.wait", T_WAIT, .doc = "healthy, or a check, a lag or a time to wait for"},
{"scenarios.*.steps.*.wait.check", T_REF, .words = "checks", .place = AT(draft_step, wait_check), .example = "app", .doc = "until this check passes at the site where the step works"},
{"scenarios.*.steps.*.wait.lag", T_DURATION, .max = DAY, .place = AT(draft_step, wait_lag_ms), .doc = "until the lag is no more than this"},
{"scenarios.*.steps.*.wait.time", T_DURATION, .max = DAY, .place = AT(draft_step, wait_time_ms), .doc = "so long"},
{"scenarios.*.steps.*.approve", T_TEXT, .example = "is the old primary really dead?", .doc = "the question that an operator must say yes to"},
{"scenarios.*.steps.*.timeout", T_DURATION, .min = SECOND, .max = 7 * DAY, .place = AT(draft_step, timeout_ms), .example = "5m",
 .doc = "how long one try may take; default: an action 1m, healthy and a lag 30m, a time twice as long, an approval as long as it takes"},
{"scenarios.*.steps.*.retries", T_COUNT, .max = 100, .preset = "0", .place = AT(draft_step, retries), .doc = "further tries"},
{"scenarios.*.steps.*.on_failure", T_ENUM, .preset = "stop", .words = "stop continue", .place = AT(draft_step, on_failure),
 .doc = "what follows when it failed"},
{"scenarios.*.steps.*.idempotent", T_BOOL, .preset = "true", .place = AT(draft_step, idempotent),
 .doc = "whether it may be done again when nobody knows how it ended; false: an operator is asked"},
{"scenarios.*.steps.*.drill", T_ENUM, .words = "run skip", .place = AT(draft_step, drill), .example = "skip",
 .doc = "in a drill; default: what opens or closes a side (fence, promote, restore, freeze, unfreeze, reverse, backup) is left out, the rest is done"},
{"scenarios.*.steps.*.dry_run", T_TEXT, .example = "would promote the replica", .doc = "what a dry run says it would do"},
};
/* clang-format on */

#define KEYS (sizeof keys / sizeof keys[0])

const struct schema_key *
schema_keys(size_t *count)
{
	*count = KEYS;
	return keys;
}

const struct schema_key *
schema_find(const char *path)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strcmp(keys[i].path, path) == 0)
			return &keys[i];
	return NULL;
}

const char *
schema_last(const struct schema_key *row)
{
	const char *dot = strrchr(row->path, '.');

	return dot == NULL ? row->path : dot + 1;
}

bool
schema_is_below(const struct schema_key *row, const struct schema_key *parent)
{
	const char *dot = strrchr(row->path, '.');

	if (parent == NULL)
		return dot == NULL;
	size_t bytes = strlen(parent->path);
	return dot == row->path + bytes && memcmp(row->path, parent->path, bytes) == 0;
}

const char *
schema_type_text(enum schema_type t)
{
	static const char *const text[SCHEMA_TYPES] = {
	    [T_BLOCK] = "a block of keys",
	    [T_NAMED] = "a block of named blocks",
	    [T_PARAMS] = "a block of keys and values",
	    [T_LIST] = "a list",
	    [T_WORD] = "a name",
	    [T_TEXT] = "text",
	    [T_BOOL] = "true or false",
	    [T_COUNT] = "a whole number",
	    [T_PERCENT] = "a percentage",
	    [T_DURATION] = "a time",
	    [T_ENUM] = "a word",
	    [T_REF] = "a name from elsewhere in the file",
	    [T_NAME] = "a DNS name",
	    [T_IP4] = "an IPv4 address",
	    [T_IP6] = "an IPv6 address",
	    [T_IP] = "an IP address",
	    [T_ADDRESS] = "an address and port",
	    [T_SERVER] = "an address, with or without port",
	    [T_HTTP_URL] = "an http or https URL",
	    [T_HTTPS_URL] = "an https URL",
	    [T_CANARY] = "a URL as tcp://address:port",
	    [T_ENDPOINT] = "a URL or host:port",
	    [T_STATUS] = "a status or a range",
	    [T_PATH] = "a path",
	    [T_HEADERS] = "a block of headers",
	    [T_WAIT] = "healthy, or a block",
	};

	return text[t];
}
