# SPDX-License-Identifier: Apache-2.0
# Reads the agent's log (logfmt) and prints, for each drain, when it passed each mark of
# its way, in milliseconds after its first failed probe. Give killed_ms, when the demo
# killed the site (epoch milliseconds), and member.
#
# The marks: fault (a first probe fails) -> verdict DOWN -> committed (the zone took the
# change) -> insync (the provider says so) -> answered (every name server answers it).

function value(key,    at) {
	at = match($0, "(^| )" key "=(\"[^\"]*\"|[^ ]*)")
	if (!at)
		return ""
	at = substr($0, RSTART, RLENGTH)
	sub(/^ ?[a-z_]+=/, "", at)
	gsub(/"/, "", at)
	return at
}

# Milliseconds of "2026-11-24T10:00:00.123Z": of the day; the demo is short.
function stamp(text,    part) {
	split(substr(text, 12), part, /[:.Z]/)
	return ((part[1] * 60 + part[2]) * 60 + part[3]) * 1000 + part[4]
}

function since(from, to) {
	return (to - from + 86400000) % 86400000
}

function when() {
	return stamp(value("at") != "" ? value("at") : value("time"))
}

value("member") == member && value("fact") == "fault" && !open {
	last_fault = when()
	open = 1
}
value("member") == member && value("fact") == "verdict" && value("value") == "UP" { open = waiting = 0 }
value("member") == member && value("fact") == "verdict" && value("value") == "DOWN" && open {
	open = 0
	pending_fault = last_fault
	pending_verdict = when()
	waiting = 1
}
value("fact") == "committed" && waiting {
	waiting = 0
	drains++
	fault[drains] = pending_fault
	epoch[drains] = value("epoch")
	ms[drains, "verdict"] = since(pending_fault, pending_verdict)
	ms[drains, "committed"] = since(pending_fault, when())
}
value("fact") == "insync" && drains && value("epoch") == epoch[drains] {
	ms[drains, "insync"] = since(fault[drains], when())
}
value("fact") == "answered" && drains && value("epoch") == epoch[drains] {
	ms[drains, "answered"] = since(fault[drains], when())
}

END {
	printf "\n  %-22s %8s %9s %11s %9s %10s\n", "ms after the fault", "fault", "verdict", \
		"committed", "in sync", "answered"
	for (i = 1; i <= drains; i++)
		printf "  drain %d of %-11s %9d %9d %11d %9d %10d\n", i, member, 0, \
			ms[i, "verdict"], ms[i, "committed"], ms[i, "insync"], ms[i, "answered"]
	if (drains)
		printf "\n  From the kill to the first failed probe: %d ms.\n", \
			since(killed_ms % 86400000, fault[1])
}
