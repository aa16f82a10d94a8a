/* SPDX-License-Identifier: Apache-2.0 */
/* codec.h - reports between the world's agents go through the real messages. */
#ifndef TESTS_SIM_CODEC_CODEC_H
#define TESTS_SIM_CODEC_CODEC_H

#include "tests/sim/world.h"

/* For world_carry: written and read as agents write and read it. The world breaks where
 * what is read is not what was written. */
void codec_carry(struct world *w, const struct world_agent *from,
    const struct world_agent *to, struct report *r);
/* How many went through. */
uint64_t codec_carried(void);

#endif
