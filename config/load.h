/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - the stages of loading, in their order.
 *
 * load.c calls them one after the other on one struct load; each adds its notes. The
 * rules run even when the walk found mistakes, so that all come at once; the model is
 * built only from a file without any.
 */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/draft.h"
#include "config/walk.h"

struct load {
	struct walk walk;
	struct config_notes *notes;
	struct draft *draft;
	struct block *file; /* the named blocks */
};

/* Services' templates are merged into them, in the tree. False: it cannot go on. */
bool merge_templates(
    struct ynode *root, struct region *r, struct config_notes *notes) MUST_CHECK;

/* Cross rules, by subject. */
void rules_file(struct load *l);
void rules_checks(struct load *l);
void rules_zones(struct load *l);
void rules_services(struct load *l);
void rules_members(struct load *l, struct block *service);
void rules_scenarios(struct load *l);

/* kind, slots: of the plan, NULL where the file does not say. */
void rules_steps(
    struct load *l, const struct block *plan, const char *kind, const char *slots);
void rules_drill(struct load *l, const struct block *plan);
void rules_lag(struct load *l, const struct block *check);
void
rules_lag_promise(struct load *l, const struct block *plan, const struct block *check);
/* A file that others can read holds no secret. */
void rules_secret(struct load *l, const struct ynode *path);
/* http to another machine, where a request is signed. */
void rules_clear_text(struct load *l, const struct ynode *url);
/* A program and its arguments, as rules_exec(). */
void rules_program(struct load *l, const struct ynode *argv);
void rules_exec(struct load *l, const struct block *check);
/* {word} in the text of a node and below that is not in the list (words and blanks);
 * other braces (JSON) are the operator's own. */
void rules_placeholders(struct load *l, const struct ynode *node, const char *known);
/* Does an argument of an exec check hold this {word}? */
bool rules_exec_asks(const struct draft_check *c, const char *word);

/* Whether so fast a check is refused over https, and the sentence that says so. */
bool rules_https_is_too_fast(const struct check_spec *s);
#define RULES_HTTPS_TOO_FAST                                                              \
	"https with a timeout below 1s needs three tries in a probe, and there are two "  \
	"at most (hedge): 5 %% packet loss would drain a healthy site 20 times an hour; " \
	"use http, or a timeout of 1s or more"

/* The model in a region of its own; never fails after the rules found no error. */
struct config *build_config(struct load *l, const char *path);
/* … its parts: plans and shadow services, what their slots do, how lag is measured. */
void build_scenarios(struct load *l, struct region *r, struct config *c);
void build_act(
    struct load *l, struct region *r, const struct block *step, struct config_act *out);
void build_act_empty(struct config_act *out);
void build_lags(struct load *l, struct region *r, struct config *c);
void build_ledger_name(const struct config *c, struct config_service *s);
/* The slot of a step's key; SLOT_NONE: there is none of that name. */
enum slot build_slot(const char *name);
/* The shadow that drills of a service run on: its name in the file's sense, and in DNS.
 * False: too long. */
#define SHADOW_SUFFIX "-drill"
#define SHADOW_LABEL "_drill."
bool build_shadow_names(const char *service, const char *apex, char name[WORD_MAX],
    char dns_name[DNS_NAME_MAX]) MUST_CHECK;
/* Which port an endpoint is probed on; 0: nobody said. https as it will be. */
uint16_t build_port(
    const struct check_spec *check, const struct value_url *endpoint, bool *https);

/* What is in the file and not built yet, into the model. */
void unbuilt_collect(const struct ynode *root, struct region *r, struct config *c);

/* Over what decides and is shared, of one service of the finished model. */
uint64_t policy_hash(const struct load *l, const struct config *c, uint32_t service);

#endif
