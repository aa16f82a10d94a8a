/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config/: every mistake has its place and its sentence. Each row changes one thing of
 * a good configuration; '@' stands in front of the place that must be named.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "tests/unit/config_kit.h"

/* clang-format off */
static const struct bad {
	const char *find, *put, *sentence;
	const char *find2, *put2;
} bads[] = {
    {"hold: 3s", "hold: @3", "hold '3' has no unit: write 3s or 3ms", NULL, NULL},
    {"hold: 3s", "hold: @3x", "unit 'x': known are ms, s, m, h and d", NULL, NULL},
    {"hold: 3s", "hold: @1.5s", "is a fraction", NULL, NULL},
    {"hold: 3s", "hold: @soon", "is not a time", NULL, NULL},
    {"hold: 3s", "hold: @2h", "out of range: 0s to 1h", NULL, NULL},
    {"hold: 3s", "@hold:", "hold has no value", NULL, NULL},
    {"hold: 3s", "@hodl: 3s", "unknown key 'hodl': did you mean 'hold'?", NULL, NULL},
    {"hold: 3s", "@xyzzy: 3s", "unknown key 'xyzzy': known here are template, zone", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    @hold: 4s", "'hold' stands already at line 27", NULL, NULL},
    {"hold: 3s", "@<<: {ttl: 5s}", "merge keys (<<) are not used here", NULL, NULL},
    {"hold: 3s", "hold: @&h 3s", "anchors and aliases", NULL, NULL},
    {"hold: 3s", "hold: @*h", "anchors and aliases", NULL, NULL},
    {"hold: 3s", "hold: @!!str 3s", "tags", NULL, NULL},
    {"hold: 3s", "hold: @[3s]", "hold is a time", NULL, NULL},
    {"hold: 3s", "hold: @{a: 3s}", "hold is a time", NULL, NULL},
    {"hold: 3s", "hold: 3s\n@\tx: 1", "a tab cannot indent YAML", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    stateful: @yes", "stateful 'yes' is neither true nor false", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    down_below: @25", "has no unit: write 25%", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    down_below: @60%", "down_below 60% is more than up_above 50%", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    up_above: @100%", "out of range: 1% to 99%", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    max_out: @2", "max_out 2 would leave none of 2 members", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    max_out: @0", "out of range: 1 to 11", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    return: {per_hour: @5}", "out of range: 1 to 4", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    return: {hold: @1h}", "return.hold is longer than return.hold_max", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    return: {hold: @14s}", "return.hold is shorter than timing.fresh", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    swap: {per_hour: @9}", "out of range: 0 to 4", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    ramp: {steps: [10%, @10%, 100%]}", "ramp steps must rise", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    ramp: {steps: [10%, @50%]}", "the last ramp step must be 100%", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    ramp: {steps: @[]}", "steps is empty", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    from: [fra, @sin]", "from 'sin' is not among the agents", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    from: [fra, @fra]", "'fra' is named twice", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    from: @[fra]", "are all in domain 'fra'", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    mode: @observer", "did you mean 'observe'?", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    records: @weighted", "it needs policy: failover", NULL, NULL},
    {"db: {tcp: {port: 5432}}", "db: {dns: {name: a.b, answers: [@nowhere]}}", "'nowhere' is not an IPv4 address", NULL, NULL},
    {"db: {tcp: {port: 5432}}", "db: {dns: {name: a.b, type: A, contains: @\"2001:db8::1\"}}", "is not an IPv4 address, which type A answers with", NULL, NULL},
    {"db: {tcp: {port: 5432}}", "db: {dns: {name: a.b, type: CNAME, contains: @a..b}}", "a label is empty", NULL, NULL},
    {"db: {tcp: {port: 5432}}", "db: {dns: {name: a.b, rcode: NXDOMAIN, @contains: 192.0.2.1}}", "only an answer with rcode NOERROR has", NULL, NULL},
    {"db: {tcp: {port: 5432}}", "db: {dns: {name: a.b, contains: 192.0.2.1, @answers: [192.0.2.1]}}", "'answers' says the whole answer", NULL, NULL},
    {"db: {tcp: {port: 5432}}", "db: {dns: {name: a.b, rcode: @NXDOMIAN}}", "did you mean 'NXDOMAIN'?", NULL, NULL},
    {"db: {tcp: {port: 5432}}", "db: {elb: {target_group: @\"arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/w/7\", region: eu-central-1}}", "is not the ARN of a target group", NULL, NULL},
    {"db: {tcp: {port: 5432}}", "db: {elb: {target_group: \"arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/w/7\", region: @us-east-1}}", "the target group is in region eu-central-1, says its ARN", NULL, NULL},
    {"db: {tcp: {port: 5432}}", "db: {elb: {target_group: \"arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/w/7\", region: eu-central-1}, every: @200ms, timeout: 200ms, recheck: 200ms}", "every 1s at most", NULL, NULL},
    {"db: {tcp: {port: 5432}}", "db: {elb: {target_group: \"arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/w/7\", region: eu-central-1}, @hedge: 100ms}", "'hedge' is about probes", NULL, NULL},
    {"iad: {answers: {A: [192.0.2.4]}", "iad: {targets: @web, answers: {A: [192.0.2.4]}", "check 'web' is not of kind elb", NULL, NULL},
    {"iad: {answers: {A: [192.0.2.4]}", "iad: {@endpoints: [192.0.2.4], answers: {A: [192.0.2.4]}", "probes no endpoints", "db: {tcp: {port: 5432}}", "db: {elb: {target_group: \"arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/w/7\", region: eu-central-1}}"},
    {"iad: {answers: {A: [192.0.2.4]}", "iad: {@targets: db, answers: {A: [192.0.2.4]}", "'db' is of kind elb itself", "db: {tcp: {port: 5432}}", "db: {elb: {target_group: \"arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/w/7\", region: eu-central-1}}"},
    {"ttl: 30s", "ttl: @1500ms", "is not a whole number of seconds", NULL, NULL},
    {"ttl: 30s", "ttl: @0s", "out of range: 1s to 1d", NULL, NULL},
    {"zone: public\n    names: [www", "zone: @pubic\n    names: [www", "zone 'pubic' is not among the zones: did you mean 'public'?", NULL, NULL},
    {"policy: weighted\n    check: web", "policy: weighted\n    check: @wbe", "check 'wbe' is not among the checks: did you mean 'web'?", NULL, NULL},
    {"policy: weighted\n    check: web", "policy: weighted\n    check: @lag", "measures a lag", NULL, NULL},
    {"policy: weighted\n    check: web\n    hold: 3s\n    members:\n      fra", "policy: weighted\n    hold: 3s\n    members:\n      @fra", "'fra' has no check", NULL, NULL},
    {"policy: weighted", "policy: @weighed", "did you mean 'weighted'?", NULL, NULL},
    {"names: [www.example.com]", "names: [@www.example.org]", "www.example.org is outside the zone example.com", NULL, NULL},
    {"names: [www.example.com]", "names: [@wwwexample.com]", "is outside the zone", NULL, NULL},
    {"names: [www.example.com]", "names: [www.example.com, @WWW.example.com.]", "is named twice", NULL, NULL},
    {"names: [www.example.com]", "names: [@www..example.com]", "a label is empty", NULL, NULL},
    {"names: [www.example.com]", "names: [@bücher.example.com]", "xn--", NULL, NULL},
    {"names: [www.example.com]", "names: @www.example.com", "write it in [ ]", NULL, NULL},
    {"names: [www.example.com]", "names: @[]", "names is empty", NULL, NULL},
    {"names: [www.example.com]", "names: [@_pointsman.example.com]", "kept for ledgers", NULL, NULL},
    {"names: [pair.example.com]", "names: [@www.example.com]", "belongs to service 'www' already", NULL, NULL},
    {"names: [www.example.com]\n    ttl: 30s\n    policy: weighted\n    check: web", "names: [\"*.example.com\"]\n    ttl: 30s\n    policy: weighted\n    check: @web", "the first name is a wildcard", NULL, NULL},
    {"weight: 70", "weight: @256", "weight '256' is out of range: 0 to 255", NULL, NULL},
    {"weight: 70", "weight: @-1", "is not a whole number", NULL, NULL},
    {"weight: 70", "weight: 70, @ttl: 5s", "'ttl' does not belong here", NULL, NULL},
    {"    members:\n      fra: {weight: 70, answers: {A: [192.0.2.1]}}\n      iad: {weight: 30", "    @members:\n      fra: {weight: 0, answers: {A: [192.0.2.1]}}\n      iad: {weight: 0", "every weight of 'www' is 0", NULL, NULL},
    {"    members:\n      fra: {weight: 70, answers: {A: [192.0.2.1]}}\n      iad: {weight: 30, answers: {A: [192.0.2.2]}}", "    @members:\n      fra: {weight: 70, answers: {A: [192.0.2.1]}}", "has one member", NULL, NULL},
    {"      iad: {weight: 30", "      @iaf: {weight: 30", "'iaf' is not among the sites: did you mean 'iad'?", NULL, NULL},
    {"      iad: {weight: 30", "      iad: {last_resort: @true, weight: 30", "it needs policy: failover", NULL, NULL},
    {"{A: [192.0.2.2]}", "{A: [@192.0.2.256]}", "is not an IP address", NULL, NULL},
    {"{A: [192.0.2.2]}", "{A: [@\"2001:db8::1\"]}", "belongs under AAAA", NULL, NULL},
    {"{A: [192.0.2.2]}", "{A: [192.0.2.2, @192.0.2.2]}", "is named twice", NULL, NULL},
    {"{A: [192.0.2.2]}", "{A: [192.0.2.2], @CNAME: x.example.net}", "a CNAME cannot stand beside A", NULL, NULL},
    {"{A: [192.0.2.2]}", "{A: [192.0.2.2], @alias: {name: x.cloudfront.net}}", "an alias cannot stand beside A", NULL, NULL},
    {"{A: [192.0.2.2]}", "@{CNAME: x.example.net}", "'iad' publishes CNAME but 'fra' publishes A", NULL, NULL},
    {"{A: [192.0.2.2]}", "{CNAME: @10.1.2.3}", "is an address where a name is needed", NULL, NULL},
    {"{A: [192.0.2.2]}", "@{}", "answers nothing", NULL, NULL},
    {"{A: [192.0.2.2]}", "{alias: {name: @lb.example.net}}", "is not known from its name: say zone_id", NULL, NULL},
    {"{A: [192.0.2.2]}", "{alias: {name: lb-1.us-east-1.elb.amazonaws.com, zone_id: @Z999}}", "lies in hosted zone Z35SXDOTRQ7X7K, not in Z999", NULL, NULL},
    {"{A: [192.0.2.2]}", "{alias: {name: a.cloudfront.net, types: [@TXT]}}", "types 'TXT' is not known", NULL, NULL},
    {"{A: [192.0.2.2]}", "{alias: {name: a.cloudfront.net, types: [A, @A]}}", "'A' is named twice", NULL, NULL},
    {"{A: [192.0.2.2]}", "{@alias: {types: [A]}}", "'alias' lacks the key 'name'", NULL, NULL},
    {"iad: {weight: 30,", "iad: {weight: 30, endpoints: [@\"http://x/path\"],", "has a path", NULL, NULL},
    {"iad: {weight: 30,", "iad: {weight: 30, endpoints: [@\"tcp://x:1\"],", "a tcp endpoint under the http check 'web'", NULL, NULL},
    {"iad: {weight: 30,", "iad: {weight: 30, endpoints: [@\"ftp://x:1\"],", "known are http, https and tcp", NULL, NULL},
    {"iad: {weight: 30,", "iad: {weight: 30, endpoints: [@\"x:70000\"],", "no port between 1 and 65535", NULL, NULL},
    {"iad: {weight: 30,", "iad: {weight: 30, @health_check: steady,", "needs records: failover", NULL, NULL},
    {"[192.0.2.4]}, health_check: steady}", "[192.0.2.4]}, health_check: @stedy}", "is neither steady nor the id", NULL, NULL},
    {"      iad: {answers: {A: [192.0.2.4]}, health_check: steady}", "      @iad: {answers: {A: [192.0.2.4]}}", "'iad' may become PRIMARY", NULL, NULL},
    {"records: failover\n    check: db", "records: failover\n    stateful: true\n    check: db\n    hold: @5", "has no unit", NULL, NULL},
    {"    records: failover\n    check: db\n    members:\n      fra: {answers: {A: [192.0.2.3]}, health_check: steady}", "    records: failover\n    stateful: true\n    check: db\n    members:\n      fra: {answers: {A: [192.0.2.3]}, health_check: @abc-1}", "'pair' is stateful", NULL, NULL},
    {"service: shop", "service: @shoop", "did you mean 'shop'?", NULL, NULL},
    {"records: failover\n    check: db\n    members:\n", "records: @failover\n    check: db\n    members:\n      page: {last_resort: true, answers: {A: [192.0.2.9]}, health_check: steady}\n", "exactly two members", NULL, NULL},
    {"every: 2s", "every: 2s\n    timeout: @5s", "timeout 5s is longer than every 2s", NULL, NULL},
    {"every: 2s", "every: @1s", "the default timeout 1500ms is longer than every 1s", NULL, NULL},
    {"every: 2s", "every: 200ms\n    recheck: 50ms\n    timeout: @500ms", "timeout 500ms is longer than every 200ms, more than twice", NULL, NULL},
    {"every: 2s", "every: 2s\n    recheck: @3s", "recheck 3s is longer than every 2s", NULL, NULL},
    {"every: 2s", "every: 2s\n    hedge: @1500ms", "the second connection would never be opened", NULL, NULL},
    {"every: 2s", "every: 2s\n    slow: @2s", "slow 2s is longer than timeout 1500ms", NULL, NULL},
    {"every: 2s", "every: 2s\n    fall: @0", "out of range: 1 to 100", NULL, NULL},
    {"every: 2s", "every: 2s\n    @tcp: {port: 1}", "tcp stands beside http", NULL, NULL},
    {"every: 2s", "every: 2s\n    source: @eth0", "is not an IP address", NULL, NULL},
    {"  db: {tcp: {port: 5432}}", "  @db: {every: 2s}", "says no kind", NULL, NULL},
    {"http: {path: /healthz, status: [200]}\n    every: 2s", "http: {scheme: @https, path: /healthz, status: [200]}\n    every: 200ms\n    timeout: 300ms\n    recheck: 50ms\n    hedge: 100ms", "https with a timeout below 1s needs three tries", NULL, NULL},
    {"http: {path: /healthz, status: [200]}\n    every: 2s", "http: {scheme: @https, path: /healthz, status: [200]}\n    every: 200ms\n    timeout: 300ms\n    recheck: 50ms", "https with a timeout below 1s needs three tries", NULL, NULL},
    {"status: [200]", "status: [@2xx]", "write 200, or 200-299", NULL, NULL},
    {"status: [200]", "status: [@299-200]", "is out of range", NULL, NULL},
    {"status: [200]", "status: @200", "write it in [ ]", NULL, NULL},
    {"path: /healthz", "path: @healthz", "does not begin with '/'", NULL, NULL},
    {"path: /healthz", "path: @\"/a b\"", "must be %-encoded", NULL, NULL},
    {"path: /healthz", "path: /, matches: @\"(ok\"", "is not a regular expression", NULL, NULL},
    {"path: /healthz", "path: /, matches: @\"(a{90}){90}\"", "is too much work (1000 steps)", NULL, NULL},
    {"path: /healthz", "path: /, contains: @\"\"", "contains '' is empty", NULL, NULL},
    {"path: /healthz", "path: /, method: @get", "method 'get' is not known", NULL, NULL},
    {"path: /healthz", "path: /, headers: {@Host: x}", "set by the key host", NULL, NULL},
    {"path: /healthz", "path: /, headers: {@a b: x}", "is not a header's name", NULL, NULL},
    {"path: /healthz", "path: /, headers: {X: @\"a\\nEvil: 1\"}", "text of one line", NULL, NULL},
    {"path: /healthz", "path: /, verify: @1", "is neither true nor false", NULL, NULL},
    {"{tcp: {port: 5432}}", "{tcp: {port: @0}}", "out of range: 1 to 65535", NULL, NULL},
    {"argv: [/bin/lag]", "argv: [@lag]", "is not an absolute path", NULL, NULL},
    {"seconds: stdout", "seconds: @stdin", "seconds 'stdin' is not known", NULL, NULL},
    {"zone_id: Z1", "zone_id: @/hostedzone/Z1", "has a '/'", NULL, NULL},
    {"zone_id: Z1", "zone_id: Z1, role_arn: @\"arn:aws:iam::1:user/x\"", "is not the ARN of a role", NULL, NULL},
    {"zone_id: Z1", "zone_id: Z1, endpoint: @\"127.0.0.1:80\"", "begins with neither http:// nor https://", NULL, NULL},
    {"zone_id: Z1", "zone_id: Z1, endpoint: @\"http://127.0.0.1/x\"", "has a path", NULL, NULL},
    {"zone_id: Z1", "zone_id: Z1, region: @Frankfurt", "is not a region", NULL, NULL},
    {"route53: {zone_id: Z1}", "@route53: {}", "'route53' lacks the key 'zone_id'", NULL, NULL},
    {"name: example.com,", "name: @\"*.example.com\",", "a zone's apex is no wildcard", NULL, NULL},
    {"zones:\n  public: {name: example.com, route53: {zone_id: Z1", "zones:\n  twin: {name: example.com, route53: {zone_id: Z1}}\n  public: {name: example.com, route53: {zone_id: @Z1", "zone 'twin' has this zone_id already", NULL, NULL},
    {"cluster: test\n", "cluster: @Test_1\n", "is not a name", NULL, NULL},
    {"cluster: test\n", "cluster: @abcdefghijklmnopqrstuvwxyz\n", "is too long: a name has at most 23", NULL, NULL},
    {"cluster: test\nsites", "@sites", "the file lacks the key 'cluster'", NULL, NULL},
    {"sites: [fra, iad]", "sites: [fra, iad, @fra]", "site 'fra' is named twice", NULL, NULL},
    {", site: iad}", ", site: @iadd}", "site 'iadd' is not among the sites: did you mean 'iad'?", NULL, NULL},
    {"  wit: {url: \"https://10.9.0.5:7353\"}", "  @wit: {}", "lacks a url", NULL, NULL},
    {"  wit: {url", "  @0x17: {url", "would be taken for an address", NULL, NULL},
    {"\"https://10.9.0.5", "@\"http://10.9.0.5", "does not begin with https://", NULL, NULL},
    {"  wit: {url: \"https://10.9.0.5:7353\"}", "  @wit: {url: \"https://10.2.0.5:7353\"}", "have one url", NULL, NULL},
    {"  wit: {url", "  @wit_: {url", "is not a name", NULL, NULL},
    {"  wit: {url: \"https://10.9.0.5:7353\"}", "  a391720: {url: \"https://10.9.0.5:7353\"}\n  @qnksrl: {url: \"https://10.9.0.6:7353\"}", "same number", NULL, NULL},
    {"tls: {cert: agent.pem, key: agent.key, ca: ca.pem}", "@tls: {cert: agent.pem, ca: ca.pem}", "'tls' lacks the key 'key'", NULL, NULL},
    {"page: 127.0.0.1:7354", "page: @localhost:7354", "names are not looked up here", NULL, NULL},
    {"page: 127.0.0.1:7354", "page: @127.0.0.1", "has no port", NULL, NULL},
    {"page: 127.0.0.1:7354", "quorum: @sol", "did you mean 'solo'?", NULL, NULL},
    {"page: 127.0.0.1:7354", "@pages: 127.0.0.1:7354", "did you mean 'page'?", NULL, NULL},
    {"\"tcp://192.0.2.251:443\"", "@\"udp://192.0.2.251:443\"", "is not written as tcp://address:port", NULL, NULL},
    {"\"tcp://192.0.2.251:443\"", "@\"tcp://me@192.0.2.251:443\"", "holds a user name", NULL, NULL},
    {"{report: 1s}", "{report: 1s, fresh: @2s}", "less than three times report", NULL, NULL},
    {"{report: 1s}", "{report: 1s, silent: @1s}", "less than twice report", NULL, NULL},
    {"kind: warm-standby", "kind: @warm-stand", "did you mean 'warm-standby'?", NULL, NULL},
    {"recovery: iad", "recovery: @fra", "primary and recovery are both fra", NULL, NULL},
    {"rto: 15m", "rto: @15", "has no unit", NULL, NULL},
    {"lag: lag\n    trigger", "lag: @web\n    trigger", "measures no lag", NULL, NULL},
    {"    trigger: approval", "    trigger: @maybe", "trigger 'maybe' is not known", NULL, NULL},
    {"  db: {tcp: {port: 5432}}\n", "  db: {tcp: {port: 5432}}\n  own: {exec: {argv: [@lag]}}\n", "'lag' is not an absolute path: no shell looks for it", NULL, NULL},
    {"  db: {tcp: {port: 5432}}\n", "  db: {tcp: {port: 5432}}\n  own: {exec: {argv: @/bin/own -x}}\n", "argv is a list", NULL, NULL},
    {"  db: {tcp: {port: 5432}}\n", "  db: {tcp: {port: 5432}}\n  own: {exec: @[/bin/own, -x]}\n", "write exec: {argv: [...]}", NULL, NULL},
    {"  db: {tcp: {port: 5432}}\n", "  db: {tcp: {port: 5432}}\n  own: {exec: @/bin/own -x}\n", "write exec: {argv: [...]}", NULL, NULL},
    {"  db: {tcp: {port: 5432}}\n", "  db: {tcp: {port: 5432}}\n  own: {exec: {argv: [@\"/bin/{site}\"]}}\n", "the program itself is fixed", NULL, NULL},
    {"  db: {tcp: {port: 5432}}\n", "  db: {tcp: {port: 5432}}\n  own: {exec: {argv: [/bin/own, @\"{adress}\"]}}\n", "{adress} is not known: did you mean {address}?", NULL, NULL},
    {"  db: {tcp: {port: 5432}}\n", "  db: {tcp: {port: 5432}}\n  own: {exec: {argv: [/bin/own, @\"{fence}\"]}}\n", "{fence} is not known: there are site service", NULL, NULL},
    {"  db: {tcp: {port: 5432}}\n", "  db: {tcp: {port: 5432}}\n  own: {exec: {argv: [/bin/own]}, @hedge: 100ms}\n", "an exec check opens none", NULL, NULL},
    {"  db: {tcp: {port: 5432}}\n", "  db: {tcp: {port: 5432}}\n  own: {exec: {argv: [/bin/own]}, @source: 192.0.2.1}\n", "an exec check opens none", NULL, NULL},
    {"  db: {tcp: {port: 5432}}\n", "  db: {tcp: {port: 5432}}\n  own: {exec: {argv: [/bin/own, \"{port}\"]}}\n", "the program of 'own' asks for {port}", "check: web\n    hold: 3s\n    members:\n      fra: {weight: 70, answers: {", "check: own\n    members:\n      fra: {weight: 70, answers: @{"},
    {"      promote: {exec: [/bin/promote]}", "      promote: {exec: [/bin/promote], on_failure: @continue}", "continue is refused on promote", NULL, NULL},
    {"      fence: {exec: [/bin/fence, \"{from}\", \"{fence}\"]}", "      fence: {exec: [/bin/fence, \"{from}\", \"{fence}\"], on_failure: @continue}", "continue is refused on fence", NULL, NULL},
    {"    lag: lag\n    trigger: approval\n    steps:\n      fence: {exec: [/bin/fence, \"{from}\", \"{fence}\"]}\n      promote: {exec: [/bin/promote]}\n      reverse: {none: \"rebuilt by hand\"}\n", "    trigger: approval\n    steps:\n      fence: {exec: [/bin/fence, \"{from}\", \"{fence}\"]}\n      restore: {exec: [/bin/restore], on_failure: @continue}\n      backup: {none: x}\n", "continue is refused on restore", "kind: warm-standby", "kind: backup-restore"},
    {"      promote: {exec: [/bin/promote]}", "      promote: {exec: [@promote]}", "is not an absolute path", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      @provision: {exec: [/bin/promote]}", "a warm-standby has no slot 'provision'", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      @promot: {exec: [/bin/promote]}", "did you mean 'promote'?", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {exec: [/bin/promote], @wait: healthy}", "wait stands beside exec", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      @promote: {timeout: 5m}", "has no action", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {exec: [/bin/promote, @\"{form}\"]}", "{form} is not known: did you mean {from}?", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {wait: @healty}", "neither healthy nor a block", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {aws: {service: @s3, region: us-east-1, action: X}}", "service 's3' is not known", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {aws: {service: rds, region: us-east-1, action: X, params: {a: @[1]}}}", "must be one value", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {exec: [/bin/promote], @until: {action: X, path: a, is: b}}", "until asks the service of an aws action", NULL, NULL},
    {"    steps:\n      fence: {exec: [/bin/fence, \"{from}\", \"{fence}\"]}\n      promote: {exec: [/bin/promote]}\n      reverse: {none: \"rebuilt by hand\"}\n", "    @steps:\n      fence: {exec: [/bin/fence, \"{from}\", \"{fence}\"]}\n      promote: {exec: [/bin/promote]}\n", "the way back of 'plan' lacks reverse", NULL, NULL},
    {"scenarios:\n  plan:\n    kind: warm-standby\n    service: shop", "scenarios:\n  other:\n    kind: multi-site\n    service: shop\n    primary: fra\n    recovery: iad\n    rto: 1h\n    rpo: 1h\n    trigger: command\n    steps: {reverse: {none: x}, freeze: {none: x}, unfreeze: {none: x}}\n  plan:\n    kind: warm-standby\n    service: @shop", "moves this service already", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {exec: [@\"/bin/{to}\"]}", "the program itself is fixed", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {exec: [/bin/promote, @\"{backup.id}\"]}", "the lag of 'plan' is no backup check", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      ready: {wait: healthy, on_failure: @continue}", "a site that is not well", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      ready: {@none: \"never mind\"}", "ready cannot be left out", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      ready: {wait: healthy, drill: @skip}", "drill: skip is refused on ready", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {exec: [/bin/promote], drill: @maybe}", "drill 'maybe' is not known: it is one of run skip", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {exec: [/bin/promote], idempotent: @no}", "neither true nor false", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {wait: {check: @wbe}}", "check 'wbe' is not among the checks: did you mean 'web'?", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {wait: {check: @lag}}", "check 'lag' measures a lag and never passes", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {webhook: {url: \"https://x/\", status: [@99]}}", "statuses go from 100 to 599", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {webhook: {url: \"https://x/\", headers: {Auth: @{path: x}}}}", "text, or {file: PATH}", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {webhook: {url: \"https://x/\", headers: {@Host: x}}}", "the Host header is set by the url", NULL, NULL},
    {"path: /healthz", "path: /healthz, headers: {X: @{file: y}}", "must be text of one line", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {aws: {service: rds, region: us-east-1, action: X, role_arn: @\"arn:aws:iam::1:user/x\"}}", "is not the ARN of a role", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {aws: {service: rds, region: us-east-1, action: X, endpoint: @\"http://127.0.0.1/x\"}}", "has a path", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {aws: {service: rds, region: us-east-1, action: X}, until: {action: @ModifyDBInstance, path: a, is: b}}", "does more than ask", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {aws: {service: rds, region: us-east-1, action: X}, until: {action: DescribeX, path: @\"a..b\", is: b}}", "is not an element's name", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {aws: {service: rds, region: us-east-1, action: X}, until: {action: DescribeX, path: a, is: @\">=x InService\"}}", "is no number of things and a word", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {aws: {service: rds, region: us-east-1, action: X}, until: {action: DescribeX, path: a+b, is: @c}}", "does not say one word for each name", NULL, NULL},
    {"      promote: {exec: [/bin/promote]}", "      promote: {aws: {service: rds, region: us-east-1, action: X}, until: {action: DescribeX, path: a, is: b, every: @0s}}", "out of range: 1s to 1h", NULL, NULL},
    {"      freeze: {exec: [/bin/freeze]}", "      freeze: {wait: @healthy}", "freeze works at the site that traffic leaves", NULL, NULL},
    {"    lag: lag\n", "    @catch_up: 5s\n", "catch_up is a limit of the lag, and 'plan' measures none", NULL, NULL},
    {"drill: command", "drill: @montly", "did you mean 'monthly'?", NULL, NULL},
    {"drill: command", "drill: @command", "the file has a service of that name", "  pair:\n", "  shop-drill:\n"},
    {"drill: command", "drill: @command", "which service 'www' publishes", "names: [www.example.com]", "names: [www.example.com, _drill.shop.example.com]"},
    {"drill: command", "drill: @command", "'a-name-of-twenty-letters-drill', and a name has at most 23", "  shop:\n    zone: public\n    names: [shop.example.com]\n    policy: failover\n    stateful: true\n    check: web\n    members:\n      fra: {answers: {A: [192.0.2.5]}}\n      iad: {answers: {A: [192.0.2.6]}}\nscenarios:\n  plan:\n    kind: warm-standby\n    service: shop", "  a-name-of-twenty-letters:\n    zone: public\n    names: [shop.example.com]\n    policy: failover\n    stateful: true\n    check: web\n    members:\n      fra: {answers: {A: [192.0.2.5]}}\n      iad: {answers: {A: [192.0.2.6]}}\nscenarios:\n  plan:\n    kind: warm-standby\n    service: a-name-of-twenty-letters"},
    {"    primary: fra", "    primary: @fra", "'fra' is a last resort of service 'shop'", "fra: {answers: {A: [192.0.2.5]}}", "fra: {last_resort: true, answers: {A: [192.0.2.5]}}"},
    {"[/bin/lag], seconds: stdout", "[/bin/lag, @\"{site}\"], seconds: stdout", "{site} is not known: there are from to", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {@backup: {}}", "says nowhere to look for backups", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {backup: {manifest: @ftp://x/y}}", "neither http:// nor https://", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {backup: {manifest: @latest.json}}", "neither a URL nor an absolute path", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {backup: {manifest: /x, @s3: {bucket: abc, region: us-east-1}}}", "s3 stands beside manifest", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {backup: {s3: {bucket: @A_b, region: us-east-1}}}", "is not a bucket's name", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {backup: {s3: {bucket: abc, region: us-east-1}}, every: @1s, timeout: 1s, recheck: 1s}", "AWS is asked every 5s at most", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {backup: {manifest: /x}, @hedge: 1s}", "'hedge' is about probes", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {cloudwatch: {region: us-east-1, namespace: a, metric: b, period: @7s}}", "CloudWatch has periods of", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {cloudwatch: {region: us-east-1, namespace: a, metric: b, unit: @ms}}", "it is one of seconds milliseconds", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {http: {url: @\"http://x/{form}\", json: s}}", "{form} is not known: did you mean {from}?", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {http: {url: \"http://x/\", json: s, @verify: false}}", "'verify' has no use beside url", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {http: {@json: s}}", "'url' and 'json' belong together", NULL, NULL},
    {"lag: {exec: {argv: [/bin/lag], seconds: stdout}}", "lag: {cloudwatch: {region: us-east-1, namespace: a, metric: b, dimensions: {D: @\"x-{too}\"}}}", "{too} is not known: did you mean {to}?", NULL, NULL},
    {"{report: 1s}", "{report: 1s, takeover: @5s}", "takeover is shorter than fresh", NULL, NULL},
    {"cluster: test\nsites: [fra, iad]\nagents", "cluster: [\nsites: [fra, iad]\n@agents", "not YAML", NULL, NULL},
    {"scenarios:", "@---\nscenarios:", "a second document begins here", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    template: @nope", "template 'nope' is not among the templates: the file has none", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    from: @[]", "from is empty", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    failback: @automatic", "failback 'automatic' is not known", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    ramp: {steps: [@10, 100%]}", "steps '10' has no unit: write 10%", NULL, NULL},
    {"hold: 3s", "hold: 3s\n    min_capacity: @101%", "out of range: 0% to 100%", NULL, NULL},
    {"state: ./state", "control: @aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "as an absolute path it may have 107 characters", NULL, NULL},
    {"\"https://10.9.0.5:7353\"", "@\"https://10.9.0.5:7353/x\"", "has a path", NULL, NULL},
    {"path: /healthz", "path: /, min_days: @400", "out of range: 0 to 365", NULL, NULL},
    {"path: /healthz", "path: /, @cert: a.pem", "'cert' needs 'key' beside it", NULL, NULL},
    {"path: /healthz", "path: /, @key: a.pem", "'key' needs 'cert' beside it", NULL, NULL},
    {"{tcp: {port: 5432}}", "{tcp: {port: 5432, send: @\"a\\eb\"}}", "holds a control character", NULL, NULL},
    {"path: /healthz", "path: /, redirects: @11", "out of range: 0 to 10", NULL, NULL},
    {"path: /healthz", "path: /, host: @-x-", "begins or ends with '-'", NULL, NULL},
    {"{report: 1s}", "{report: @1}", "report '1' has no unit", NULL, NULL},
    {"{report: 1s}", "{@repport: 1s}", "did you mean 'report'?", NULL, NULL},
    {"{report: 1s}", "{report: 1s, silent: @30s}", "silent is longer than fresh", NULL, NULL},
    {"zone_id: Z1", "zone_id: Z1, budget: {per_s: @100}", "out of range: 1 to 10", NULL, NULL},
    {"zone_id: Z1", "@zone_di: Z1", "did you mean 'zone_id'?", NULL, NULL},
    {"route53: {zone_id: Z1}}", "route53: {zone_id: Z1}, nameservers: [@ns1.example.com]}", "names are not looked up here", NULL, NULL},
    {"      freeze: {exec: [/bin/freeze]}", "      freeze: {exec: [/bin/freeze], on_failure: @continue}", "continue is refused on freeze", NULL, NULL},
    {"      freeze: {exec: [/bin/freeze]}", "      freeze: {exec: [/bin/freeze], timeout: @30}", "timeout '30' has no unit", NULL, NULL},
    {"      freeze: {exec: [/bin/freeze]}", "      freeze: {webhook: {url: @ftp://x/}}", "begins with neither http:// nor https://", NULL, NULL},
    {"      freeze: {exec: [/bin/freeze]}", "      freeze: {wait: @{}}", "wait is for one thing", NULL, NULL},
    {"      freeze: {exec: [/bin/freeze]}", "      freeze: {none: @\"\"}", "is empty", NULL, NULL},
    {"    primary: fra", "    primary: @frankfurt", "primary 'frankfurt' is not among the sites", NULL, NULL},
    {"iad: {weight: 30,", "iad: {weight: 30, endpoints: [@\"https://x\"],", "https with a timeout below 1s", "every: 2s", "every: 1s\n    timeout: 900ms\n    hedge: 100ms"},
    {"service: shop\n", "service: pair\n", "'pair' is moved by a scenario", "[192.0.2.3]}, health_check: steady", "[192.0.2.3]}, health_check: @abc-1"},
    {"policy: weighted", "policy: weighted\n    stateful: true", "'www' is stateful: an evaluated alias", "{A: [192.0.2.1]}}\n      iad: {weight: 30, answers: {A: [192.0.2.2]}}", "{alias: {name: a.cloudfront.net, evaluate: @true}}}\n      iad: {weight: 30, answers: {alias: {name: a.cloudfront.net}}}"},
    {"names: [www.example.com]", "names: [example.com]", "a CNAME cannot stand at the zone's apex", "{A: [192.0.2.1]}}\n      iad: {weight: 30, answers: {A: [192.0.2.2]}}", "{@CNAME: a.example.net}}\n      iad: {weight: 30, answers: {CNAME: b.example.net}}"},
    {"  db: {tcp: {port: 5432}}", "  db: {tcp: {}}", "no port: neither here nor in the tcp check 'db'", "fra: {answers: {A: [192.0.2.3]}", "fra: {answers: @{A: [192.0.2.3]}"},
    {"url: \"https://10.2.0.5:7353\", site: iad}\n  wit: {url: \"https://10.9.0.5:7353\"}", "url: \"https://10.2.0.5:7353\", domain: fra}\n  wit: {url: \"https://10.9.0.5:7353\", domain: fra}", "are all in domain 'fra'", "  www:", "  @www:"},
    {"  iad: {url: \"https://10.2.0.5:7353\", site: iad}\n", "", "one agent is no quorum", "agents:\n  fra: {url: \"https://10.1.0.5:7353\", site: fra}\n  wit: {url: \"https://10.9.0.5:7353\"}", "@agents:\n  fra: {url: \"https://10.1.0.5:7353\", site: fra}"},
    {"name: example.com", "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "the ledger's name", "  www:", "  @www:"},
};
/* clang-format on */

static char text[16384];

static void
replace(const char *find, const char *put)
{
	static char changed[sizeof text];
	char *at = strstr(text, find);

	ck_assert_msg(at != NULL, "'%s' is not in the base", find);
	(void)snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, put,
	    at + strlen(find));
	memcpy(text, changed, sizeof text);
}

/* Takes the mark out and says where it stood; characters, not bytes. */
static void
take_mark(unsigned *line, unsigned *column)
{
	char *mark = strchr(text, '@');

	ck_assert_ptr_nonnull(mark);
	*line = *column = 1;
	for (const char *p = text; p < mark; p++) {
		if (((unsigned char)*p & 0xC0) != 0x80)
			++*column;
		if (*p == '\n') {
			++*line;
			*column = 1;
		}
	}
	memmove(mark, mark + 1, strlen(mark));
}

START_TEST(place_and_sentence)
{
	const struct bad *b = &bads[_i];
	unsigned line, column;
	bool found = false;

	(void)snprintf(text, sizeof text, "%s", config_base);
	replace(b->find, b->put);
	if (b->find2 != NULL)
		replace(b->find2, b->put2);
	take_mark(&line, &column);
	ck_assert_msg(!config_parse(text, strlen(text), "bad.yaml", &c, &notes),
	    "accepted: %s", b->put);
	ck_assert_ptr_null(c);
	ck_assert_uint_gt(notes.errors, 0);
	for (size_t i = 0; i < notes.count; i++) {
		const struct config_note *n = &notes.note[i];

		if (!n->warning && n->line == line && n->column == column &&
		    strstr(n->text, b->sentence) != NULL)
			found = true;
	}
	ck_assert_msg(found, "%s: expected %u:%u '%s', got %u:%u '%s'", b->put, line,
	    column, b->sentence, notes.note[0].line, notes.note[0].column,
	    notes.note[0].text);
	fini();
}
END_TEST

START_TEST(base_is_good)
{

	ck_assert_msg(
	    config_parse(config_base, strlen(config_base), "good.yaml", &c, &notes),
	    "%s", notes.count > 0 ? notes.note[0].text : "");
	ck_assert_uint_eq(notes.count, 0);
	fini();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("config_bad");
	TCase *t = tcase_create("config_bad");

	tcase_add_test(t, base_is_good);
	tcase_add_loop_test(
	    t, place_and_sentence, 0, (int)(sizeof bads / sizeof bads[0]));
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
