/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.h - the nearest known word for an unknown one.
 */
#ifndef CONFIG_WORDS_H
#define CONFIG_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Collects candidates one by one; all zero but `wrong` is empty. */
struct nearest {
	const char *wrong;
	const char *best;  /* NULL: none is near enough; else the caller's string */
	size_t best_bytes; /* its length: words may come from a list without 0 */
	unsigned distance;
};

void nearest_offer(struct nearest *n, const char *word, size_t word_bytes);
/* Offers each word of a space-separated list. */
void nearest_offer_list(struct nearest *n, const char *words);

/* Is it one of the words? *index its place, when not NULL. */
bool words_find(const char *words, const char *word, unsigned *index);

#endif
