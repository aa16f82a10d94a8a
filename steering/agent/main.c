/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pointsman: one binary, a table of subcommands.
 *
 * `reference` is in no list either: it prints config/REFERENCE.md, for who builds.
 * `prober` and `runner` are in no list: the agent runs them, as the worker that probes
 * and the process that runs programs. They are served first, before this process opens,
 * reads or initialises anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reference.h"
#include "config/words.h"
#include "probe/prober.h"
#include "probe/runner.h"
#include "steering/agent/commands.h"

static const char orders_more[] =
    "The running agent writes it to the service's ledger, so that every agent obeys.\n"
    "The answer comes when the zone has it, or after 15 s. A reason stays in the log.";

static const char runs_more[] =
    "SCENARIO is a name under scenarios: in the configuration. Exactly one agent runs it,\n"
    "whichever was asked. The answer comes when it has begun, or says why not (exit status\n"
    "1). Then: pointsman status, pointsman history SCENARIO/N.";

static const char words_more[] =
    "Any agent may be asked. Who said it, and why, stays in the log, never in DNS.\n"
    "pointsman status says what a run waits for, and what to type.";

static const struct command commands[] = {
    {"run", cmd_run, "config! agent workers verbose", "", 0, 0,
	"be the agent, in the foreground",
	"Stops cleanly on SIGTERM; reads its configuration, and the certificates and keys\n"
	"that checks name, again on SIGHUP. --agent may be left out when the configuration\n"
	"names only one."},
    {"validate", cmd_validate, "config! json", "", 0, 0,
	"every mistake as file:line:column: sentence", NULL},
    {"check", cmd_check, "config! json watch", "[SERVICE]", 0, 1,
	"probe everything once from here", "Exit status 1 when a probe fails."},
    {"plan", cmd_plan, "config! agent json", "[SERVICE]", 0, 1,
	"what a running agent would change next, as a diff; writes nothing, ever",
	"As if what is probed now had lasted as long as the rules ask for.\n"
	"Exit status 0: no change; 1: a change; 2: cannot tell."},
    {"bootstrap", cmd_bootstrap, "config! json yes", "", 0, 0,
	"make the health check that health_check: steady stands for",
	"Shows what it would make, and asks. A second run finds the first's.\n"
	"Exit status 1: it is not there, and was not made."},
    {"adopt", cmd_adopt, "config! agent json yes reason", "SERVICE", 1, 1,
	"take over records that exist, or the zone as it is after an edit",
	orders_more},
    {"release", cmd_release, "config! json yes reason", "SERVICE", 1, 1,
	"leave the zone: the records stay, the ledger goes, steering ends",
	orders_more},
    {"status", cmd_status, "config! json", "[SERVICE]", 0, 1,
	"what the running agent knows, decides, and waits for", NULL},
    {"explain", cmd_explain, "config! json", "[SERVICE[/SITE]]", 0, 1,
	"why it is as it is: samples, votes, quorum, limiter, policy, scenario", NULL},
    {"history", cmd_history, "config! count incidents json", "[SERVICE|INCIDENT]", 0, 1,
	"the timeline in the agent's store, newest last; or the page of one incident",
	"INCIDENT is SCENARIO/NUMBER, or SCENARIO for its last: its marks, its steps, and\n"
	"its recovery time and loss against the targets. Exit status 0: they are met; 1:\n"
	"missed, or it is not finished; 2: there is no such incident."},
    {"drain", cmd_order, "config! site for reason json", "[SERVICE/MEMBER]", 0, 1,
	"take a member's weight away until --for is over (24h)", orders_more},
    {"undrain", cmd_order, "config! site reason json", "[SERVICE/MEMBER]", 0, 1,
	"give it back, without hold or ramp budget", orders_more},
    {"freeze", cmd_order, "config! all for reason json", "[SERVICE]", 0, 1,
	"no automatic change until --for is over (24h)", orders_more},
    {"unfreeze", cmd_order, "config! all reason json", "[SERVICE]", 0, 1,
	"end a freeze, an operator's or the agent's own", orders_more},
    {"pin", cmd_order, "config! for reason json", "SERVICE/MEMBER", 1, 1,
	"keep a member in until --for is over (24h)", orders_more},
    {"unpin", cmd_order, "config! reason json", "SERVICE/MEMBER", 1, 1, "end a pin",
	orders_more},
    {"ack", cmd_order, "config! reason json", "SERVICE/MEMBER", 1, 1,
	"let a latched member return", orders_more},
    {"failover", cmd_scenario, "config! planned dry-run reason json", "SCENARIO", 1, 1,
	"a disaster: carry the scenario out, to its recovery site", runs_more},
    {"failback", cmd_scenario, "config! dry-run reason json", "SCENARIO", 1, 1,
	"back to its primary site, when nothing would be lost", runs_more},
    {"drill", cmd_scenario, "config! dry-run reason json", "SCENARIO", 1, 1,
	"rehearse it on a shadow name: no side is closed or opened", runs_more},
    {"approve", cmd_scenario, "config! step drill reason! json", "SCENARIO", 1, 1,
	"yes to what its step asks", words_more},
    {"retry", cmd_scenario, "config! step drill reason! json", "SCENARIO", 1, 1,
	"the step that failed, once more", words_more},
    {"skip", cmd_scenario, "config! step drill reason! json", "SCENARIO", 1, 1,
	"go on without the step that failed, or that asks", words_more},
    {"abort", cmd_scenario, "config! step drill reason! json", "SCENARIO", 1, 1,
	"undo it: one side open, the one that answers", words_more},
    {"doctor", cmd_doctor, "config! agent json", "", 0, 0,
	"everything an agent needs here, each with its cure when it is wrong",
	"Run it as the agent's own user. It reads and changes nothing. Exit status 1:\n"
	"something is wrong; 2: nothing is known to be, but not all could be seen."},
    {"iam", cmd_iam, "config! bootstrap json", "[ZONE|SCENARIO]", 0, 1,
	"the least-privilege IAM policy for this configuration, as JSON; works offline",
	"Without a word: for the identity that the agent has by itself. A zone with a role\n"
	"is written by the role: name the zone to get the role's policy. With a scenario:\n"
	"what its steps and its lag call, whoever calls it. Exit status 1: there is nothing\n"
	"to allow."},
    {"version", cmd_version, "json", "", 0, 0, "print the version", NULL},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static int
unknown(const char *word)
{
	struct nearest near = {.wrong = word};

	for (size_t i = 0; i < COMMANDS; i++)
		nearest_offer(&near, commands[i].name, strlen(commands[i].name));
	if (near.best != NULL)
		command_say(
		    "there is no command '%s': did you mean '%s'?", word, near.best);
	else
		command_say("there is no command '%s': see pointsman --help", word);
	return EXIT_CANNOT;
}

static int
serve(int argc, char **argv)
{
	struct options o;
	int status;

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		if (!options_parse(&commands[i], argc - 1, argv + 1, &o, &status))
			return status;
		return commands[i].run(&o);
	}
	return unknown(argv[1]);
}

/* Even of a command line that is wrong. */
static bool
wants_json(int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	static char version[] = "version";
	int status;

	if (argc == 3 && strcmp(argv[1], "prober") == 0)
		return prober_main(atoi(argv[2]));
	if (argc == 3 && strcmp(argv[1], "runner") == 0)
		return runner_main(atoi(argv[2]));
	if (argc == 2 && strcmp(argv[1], "reference") == 0) {
		reference_write(stdout);
		return fflush(stdout) != 0 || ferror(stdout) ? EXIT_CANNOT : EXIT_GOOD;
	}
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		options_help(NULL, commands, COMMANDS);
		return argc < 2 ? EXIT_CANNOT : EXIT_GOOD;
	}
	if (strcmp(argv[1], "--version") == 0)
		argv[1] = version;
	status = serve(argc, argv);
	if (wants_json(argc, argv))
		command_end_json(status);
	return fflush(stdout) != 0 || ferror(stdout) ? EXIT_CANNOT : status;
}
