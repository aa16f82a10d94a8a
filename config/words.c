/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.c - edit distance with swaps of neighbours (optimal string alignment).
 *
 * Typing errors are one letter more, less, other, or two exchanged. A word counts
 * as near up to a third of its length; anything further would be guessing.
 */
#include "config/words.h"

#include <string.h>

#define WORD_BYTES_MAX 40 /* of the longest word worth a hint */

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static unsigned
distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	unsigned row[3][WORD_BYTES_MAX + 1];

	for (size_t j = 0; j <= b_bytes; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_bytes; i++) {
		unsigned *now = row[i % 3], *up = row[(i + 2) % 3];
		const unsigned *upper = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_bytes; j++) {
			unsigned cost = a[i - 1] == b[j - 1] ? 0 : 1;

			now[j] = min3(up[j] + 1, now[j - 1] + 1, up[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && upper[j - 2] + 1 < now[j])
				now[j] = upper[j - 2] + 1;
		}
	}
	return row[a_bytes % 3][b_bytes];
}

void
nearest_offer(struct nearest *n, const char *word, size_t word_bytes)
{
	size_t wrong_bytes = strlen(n->wrong);

	if (wrong_bytes > WORD_BYTES_MAX || word_bytes > WORD_BYTES_MAX ||
	    word_bytes == 0)
		return;
	unsigned d = distance(n->wrong, wrong_bytes, word, word_bytes);
	size_t longer = wrong_bytes > word_bytes ? wrong_bytes : word_bytes;
	unsigned allowed = longer <= 3 ? 1 : (unsigned)((longer + 2) / 3);
	if (d > allowed || (n->best != NULL && d >= n->distance))
		return;
	n->best = word;
	n->best_bytes = word_bytes;
	n->distance = d;
}

static const char *
next_word(const char *words, size_t *bytes)
{
	words += strspn(words, " ");
	*bytes = strcspn(words, " ");
	return words;
}

void
nearest_offer_list(struct nearest *n, const char *words)
{
	size_t bytes;

	for (words = next_word(words, &bytes); bytes > 0;
	     words = next_word(words + bytes, &bytes))
		nearest_offer(n, words, bytes);
}

bool
words_find(const char *words, const char *word, unsigned *index)
{
	size_t bytes;
	unsigned i = 0;

	for (words = next_word(words, &bytes); bytes > 0;
	     words = next_word(words + bytes, &bytes), i++) {
		if (strlen(word) != bytes || memcmp(word, words, bytes) != 0)
			continue;
		if (index != NULL)
			*index = i;
		return true;
	}
	return false;
}
