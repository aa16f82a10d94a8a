# SPDX-License-Identifier: Apache-2.0
# Reads the agent's log (logfmt) and prints, for each drain of `member`, when it passed
# each mark of its way, in milliseconds after its first failed probe, and how many
# changes the zone took, by kind. killed_ms is when the demo killed the site first, in
# epoch milliseconds; flaps is how often it went down again while nobody let it rest.
#
# The marks: fault (a first probe fails) -> verdict DOWN -> committed (the zone took the
# change) -> insync (the provider says so) -> answered (every name server answers it).

function value(key) {
	if (!match($0, "(^| )" key "=(\"[^\"]*\"|[^ ]*)"))
		return ""
	key = substr($0, RSTART, RLENGTH)
	sub(/^ ?[a-z_]+=/, "", key)
	gsub(/"/, "", key)
	return key
}

# Milliseconds of the day of "2026-11-24T10:00:00.123Z"; the demo is short.
function when(    text, part) {
	text = value("at") != "" ? value("at") : value("time")
	split(substr(text, 12), part, /[:.Z]/)
	return ((part[1] * 60 + part[2]) * 60 + part[3]) * 1000 + part[4]
}

function since(from, to) {
	return (to - from + 86400000) % 86400000
}

{
	fact = value("fact")
	mine = value("member") == member
}
# The first fault since the member was last UP starts the incident.
fact == "fault" && mine && !failing {
	failing = 1
	fault_ms = when()
}
fact == "verdict" && mine && value("value") == "UP" { failing = 0 }
fact == "verdict" && mine && value("value") == "DOWN" { verdict_ms = when() }
fact == "committed" {
	kind = value("value")
	changes[kind]++
	total++
}
fact == "committed" && mine && kind == "drain" {
	drains++
	fault[drains] = fault_ms
	epoch[drains] = value("epoch")
	ms[drains, "verdict"] = since(fault_ms, verdict_ms)
	ms[drains, "committed"] = since(fault_ms, when())
}
(fact == "insync" || fact == "answered") && drains && value("epoch") == epoch[drains] {
	ms[drains, fact] = since(fault[drains], when())
}

END {
	printf "\nWhat the agent measured, in ms after the first failed probe:\n\n"
	printf "  %-14s %7s  %8s  %10s  %8s  %9s\n", "", "fault", "verdict", "committed", \
		"in sync", "answered"
	for (i = 1; i <= drains; i++)
		printf "  drain %d of %-3s %6d  %8d  %10d  %8d  %9d\n", i, member, 0, \
			ms[i, "verdict"], ms[i, "committed"], ms[i, "insync"], ms[i, "answered"]
	if (drains) {
		blind = since(killed_ms % 86400000, fault[1])
		printf "\n  %s was killed %d ms before the first probe failed: out of the zone %d ms\n" \
			"  after the kill, and answered by every name server %d ms after it.\n", \
			member, blind, blind + ms[1, "committed"], blind + ms[1, "answered"]
	}
	printf "\n  DNS changes: %d (%d creation, %d drains, %d returns, %d ramp steps),\n" \
		"  while %s went down %d times.\n", total, changes["create"], \
		changes["drain"], changes["return"], changes["ramp"], member, flaps + 1
	exit drains == 0
}
