/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands.h - the subcommands, and what their words mean.
 *
 * Exit statuses, everywhere: 0 good, 1 the answer is no, 2 cannot tell (which includes
 * a command line that is wrong). Answers go to stdout, complaints to stderr.
 */
#ifndef STEERING_AGENT_COMMANDS_H
#define STEERING_AGENT_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/model.h"

enum { EXIT_GOOD = 0, EXIT_NO = 1, EXIT_CANNOT = 2 };

#define COMMAND_WORDS_MAX 2

struct options {
	const struct command *command;
	const char *config, *agent, *reason, *site, *step; /* NULL: not given */
	bool json, yes, all, watch, verbose, bootstrap, incidents, planned, dry_run,
	    drill;
	uint64_t for_s;          /* 0: not given */
	uint32_t workers, count; /* 0: not given */
	unsigned words;
	const char *word[COMMAND_WORDS_MAX];
};

struct json;

struct command {
	const char *name;
	int (*run)(const struct options *o);
	const char *options; /* names of those it takes; a '!' behind: must be given */
	const char *words;   /* for the usage line; "" takes none */
	unsigned words_min, words_max;
	const char *does; /* one line */
	const char *more; /* paragraphs for its --help; may be NULL */
};

/* Fills *o from argv (argv[0] is the command's name). False: *status is the exit
 * status, and everything was said. */
bool options_parse(
    const struct command *c, int argc, char **argv, struct options *o, int *status);
/* The usage page of one command, or with NULL the list of all. */
void options_help(const struct command *c, const struct command *all, unsigned n);

int cmd_run(const struct options *o);
int cmd_validate(const struct options *o);
int cmd_check(const struct options *o);
int cmd_plan(const struct options *o);
int cmd_bootstrap(const struct options *o);
int cmd_release(const struct options *o);
int cmd_adopt(const struct options *o);
int cmd_status(const struct options *o);
int cmd_order(const struct options *o); /* drain … ack: o->command->name says which */
int cmd_scenario(const struct options *o); /* failover … abort: likewise */
int cmd_explain(const struct options *o);
int cmd_history(const struct options *o);
/* The page of one incident ("shop-dr/17", "shop-dr": the last), or with word "" the
 * table of the newest n. From the store alone. */
int incident_show(const struct config *c, const struct options *o, const char *word);
void incident_list(const struct config *c, const char *service, uint32_t n, bool json);
int cmd_doctor(const struct options *o);
int cmd_iam(const struct options *o);
int cmd_version(const struct options *o);

/* ---- what several of them need ---- */
/* The configuration of -c; NULL after its mistakes were said on stderr. */
struct config *command_config(const struct options *o);
/* False, with every reason on stderr, when `run` could not do all of it. */
bool command_runnable(const struct config *c);
/* --agent, or the only agent that there is; false after saying which there are. */
bool command_agent(const struct config *c, const char *name, uint32_t *index);
/* Index of a service, scenario or member; -1 after naming the nearest on stderr. */
int32_t command_service(const struct config *c, const char *name);
int32_t command_scenario(const struct config *c, const char *name);
int32_t command_member(const struct config_service *s, const char *name);
/* "SERVICE/MEMBER" taken apart; either may be "". False after saying what is wrong. */
bool command_target(const char *word, char service[WORD_MAX], char member[WORD_MAX]);
/* Asks on the terminal; false, after saying so, when there is none. */
bool command_agreed(const char *question);
__attribute__((format(printf, 1, 2))) void command_say(const char *format, ...);
/* A line of somebody else's for stderr: a mistake in a file. */
void command_note(const char *line);
/* Answers in JSON; once at most, but for --watch. */
void command_print_json(const struct json *j);
/* With --json, last: when nothing was answered and the status is not good, an answer
 * with ok false and what was said on stderr. */
void command_end_json(int status);

#endif
