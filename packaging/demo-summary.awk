# SPDX-License-Identifier: Apache-2.0
# Reads the agents' logs (logfmt, one file in the order of time, agent= in each line) and
# prints, for each drain, who wrote it and when it passed each mark of its way, in
# milliseconds after the first failed probe of any agent, and how many changes the zone
# took, by kind. killed_ms is when the demo killed the first site, in epoch milliseconds.
#
# The marks: fault (a first probe fails) -> verdict DOWN (a first agent counts a quorum)
# -> committed (the zone took the change) -> insync (the provider says so) -> answered
# (every name server answers it). One who writes and dies has sent, and committed nothing.

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
	member = value("member")
}
# The first fault since a member was in, and seen well, starts the incident.
fact == "fault" && !(member in fault) { fault[member] = when() }
fact == "verdict" && value("value") == "DOWN" && !(member in verdict) {
	verdict[member] = when()
}
fact == "change_sent" && value("value") == "drain" && !(member in sender) {
	sender[member] = value("agent")
}
fact == "committed" && !((value("epoch"), "seen") in ms) {
	kind = value("value")
	ms[value("epoch"), "seen"] = 1
	changes[kind]++
	total++
}
fact == "committed" && value("value") == "drain" {
	drains++
	drained[drains] = member
	by[drains] = value("agent")
	tried[drains] = sender[member]
	epoch[drains] = value("epoch")
	began[drains] = fault[member]
	ms[drains, "verdict"] = since(fault[member], verdict[member])
	ms[drains, "committed"] = since(fault[member], when())
}
(fact == "insync" || fact == "answered") && drains && value("epoch") == epoch[drains] &&
    !((drains, fact) in ms) {
	ms[drains, fact] = since(began[drains], when())
}

END {
	printf "\nWhat the agents measured, in ms after the first failed probe:\n\n"
	printf "  %-22s %5s  %7s  %9s  %7s  %8s\n", "", "fault", "verdict", "committed", \
		"in sync", "answered"
	for (i = 1; i <= drains; i++)
		printf "  drain of %-3s by %-3s     %5d  %7d  %9d  %7d  %8d\n", drained[i], \
			by[i], 0, ms[i, "verdict"], ms[i, "committed"], ms[i, "insync"], \
			ms[i, "answered"]
	if (drains) {
		blind = since(killed_ms % 86400000, began[1])
		printf "\n  %s was killed %d ms before the first probe failed: out of the zone %d ms\n" \
			"  after the kill, and answered by every name server %d ms after it.\n", \
			drained[1], blind, blind + ms[1, "committed"], blind + ms[1, "answered"]
	}
	for (i = 1; i <= drains; i++)
		if (tried[i] != by[i])
			printf "  The drain of %s was sent first by %s, which died; %s finished.\n", \
				drained[i], tried[i], by[i]
	printf "\n  DNS changes: %d (%d creation, %d drains, %d returns, %d ramp steps).\n", \
		total, changes["create"], changes["drain"], changes["return"], changes["ramp"]
	exit drains != 2
}
