/* SPDX-License-Identifier: Apache-2.0 */
/* run: what must be true before an agent begins to live. The life is run.c's. */
#include "steering/agent/agent.h"
#include "steering/agent/commands.h"

int
cmd_run(const struct options *o)
{
	struct run_options options = {.workers = o->workers, .verbose = o->verbose};
	struct config *c = command_config(o);
	uint32_t self;

	if (c == NULL)
		return EXIT_NO;
	if (!command_runnable(c) || !command_agent(c, o->agent, &self)) {
		config_free(c);
		return EXIT_NO;
	}
	return agent_run(c, self, &options);
}
