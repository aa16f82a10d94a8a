/* SPDX-License-Identifier: Apache-2.0 */
/*
 * needed.h - every rule is needed: where one is decided, it can be taken away.
 *
 * NEEDED(rule, x) is x. In a second compilation of the core, for the simulator's
 * sim.test_needed alone, it is 0 while that rule is taken away: a bar that does not
 * bar, a wait of no time. The table in tests/sim/needed/ says which invariant of
 * DESIGN.md §10 breaks then; a rule that breaks none is no rule. The product is built
 * without any of this, and a test looks at its symbols.
 */
#ifndef STEERING_CORE_NEEDED_H
#define STEERING_CORE_NEEDED_H

#ifdef POINTSMAN_MUTATIONS
#include <stdbool.h>
bool needed_stands(const char *rule);
#define NEEDED(rule, x) (needed_stands(#rule) ? (x) : 0)
#else
#define NEEDED(rule, x) (x)
#endif

#endif
