/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C library's regexec() was tried first: over a body that a hostile server chose,
 * "(a|b)*c$" takes 100 ms of the loop, "(.*)\1x" hours, and the states that it keeps
 * between searches grow without a bound. So: Thompson's construction, into a program of
 * steps whose jumps are relative, so that a piece can be copied and moved as it is;
 * and all its threads at once over the text, each step at most once a byte.
 */
#include "probe/pattern.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64
#define NO_END UINT_MAX

enum op {
	OP_SET = 0, /* a byte of set[x] */
	OP_FORK,    /* go on at +a and at +b */
	OP_JUMP,    /* go on at +a */
	OP_BEGIN,   /* only at the beginning of the text */
	OP_END,     /* only at its end */
	OP_FOUND,
};

struct step {
	uint8_t op;
	uint8_t set;
	int16_t a, b;
};

struct byte_set {
	uint8_t bit[32];
};

struct threads { /* a set of steps that remembers their order */
	uint16_t count, at[PATTERN_STEPS_MAX], place[PATTERN_STEPS_MAX];
};

struct pattern { /* with its arrays behind it, of the size that is needed */
	unsigned steps, sets;
	struct step *step;
	struct byte_set *set;
};

/* One search, or one compilation, at a time: thousands of patterns share this room. */
static struct {
	struct step step[PATTERN_STEPS_MAX];
	struct byte_set set[UINT8_MAX];
	struct threads now, next;
	uint16_t waiting[PATTERN_STEPS_MAX * 2];
} room;

struct parse {
	struct pattern *p;
	const char *at;
	unsigned depth;
	struct err *e;
};

/* ---- the program ---- */

static bool
too_long(struct parse *x)
{
	return err_set(
	    x->e, "is too much work (%d steps): say it more simply", PATTERN_STEPS_MAX);
}

/* Makes room for n steps at `where`; what stands behind it moves. */
static bool
insert(struct parse *x, unsigned where, unsigned n)
{
	struct pattern *p = x->p;

	if (p->steps + n > PATTERN_STEPS_MAX)
		return too_long(x);
	memmove(&p->step[where + n], &p->step[where],
	    (p->steps - where) * sizeof p->step[0]);
	p->steps += n;
	return true;
}

static bool
put(struct parse *x, unsigned where, enum op op, int a, int b)
{
	if (!insert(x, where, 1))
		return false;
	x->p->step[where] =
	    (struct step){.op = (uint8_t)op, .a = (int16_t)a, .b = (int16_t)b};
	return true;
}

static bool
copy(struct parse *x, unsigned from, unsigned n)
{
	unsigned to = x->p->steps;

	if (!insert(x, to, n))
		return false;
	memcpy(&x->p->step[to], &x->p->step[from], n * sizeof x->p->step[0]);
	return true;
}

static void
set_add(struct byte_set *s, unsigned byte)
{
	s->bit[byte / 8] |= (uint8_t)(1u << byte % 8);
}

static bool
set_has(const struct byte_set *s, uint8_t byte)
{
	return (s->bit[byte / 8] >> byte % 8 & 1) != 0;
}

static bool
put_set(struct parse *x, const struct byte_set *s, bool others)
{
	struct pattern *p = x->p;

	if (p->sets == UINT8_MAX)
		return too_long(x);
	if (!put(x, p->steps, OP_SET, 0, 0))
		return false;
	p->step[p->steps - 1].set = (uint8_t)p->sets;
	p->set[p->sets] = *s;
	for (size_t i = 0; others && i < sizeof s->bit; i++)
		p->set[p->sets].bit[i] ^= 0xff;
	p->sets++;
	return true;
}

static bool
put_byte(struct parse *x, char byte)
{
	struct byte_set s = {{0}};

	set_add(&s, (uint8_t)byte);
	return put_set(x, &s, false);
}

/* ---- sets ---- */

static const struct {
	const char *name;
	int (*has)(int byte);
} classes[] = {{"alpha", isalpha}, {"digit", isdigit}, {"alnum", isalnum},
    {"upper", isupper}, {"lower", islower}, {"space", isspace}, {"blank", isblank},
    {"punct", ispunct}, {"print", isprint}, {"graph", isgraph}, {"cntrl", iscntrl},
    {"xdigit", isxdigit}};

/* At "[:": a class, to behind its ":]". */
static bool
take_class(struct parse *x, struct byte_set *s)
{
	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		size_t n = strlen(classes[i].name);

		if (strncmp(x->at + 2, classes[i].name, n) != 0 ||
		    strncmp(x->at + 2 + n, ":]", 2) != 0)
			continue;
		for (int byte = 0; byte <= UINT8_MAX; byte++)
			if (byte < 128 && classes[i].has(byte) != 0)
				set_add(s, (unsigned)byte);
		x->at += n + 4;
		return true;
	}
	return err_set(
	    x->e, "is not a regular expression: there is no class \"%.12s\"", x->at);
}

/* Behind "[". */
static bool
take_bracket(struct parse *x)
{
	struct byte_set s = {{0}};
	bool others = *x->at == '^';

	x->at += others;
	for (bool first = true; first || *x->at != ']'; first = false) {
		unsigned low = (uint8_t)*x->at, high = low;

		if (low == 0)
			return err_set(
			    x->e, "is not a regular expression: a '[' has no ']'");
		if (low == '[' && (x->at[1] == '.' || x->at[1] == '='))
			return err_set(
			    x->e, "has a collating element, which is not understood");
		if (low == '[' && x->at[1] == ':') {
			if (!take_class(x, &s))
				return false;
			continue;
		}
		x->at++;
		if (*x->at == '-' && x->at[1] != ']' && x->at[1] != '\0') {
			high = (uint8_t)x->at[1];
			x->at += 2;
		}
		if (high < low)
			return err_set(x->e,
			    "is not a regular expression: a range ends before "
			    "it begins");
		for (; low <= high; low++)
			set_add(&s, low);
	}
	x->at++;
	return put_set(x, &s, others);
}

/* Behind "\". */
static bool
take_escape(struct parse *x)
{
	struct byte_set s = {{0}};
	char c = *x->at++;

	if (c == '\0')
		return err_set(
		    x->e, "is not a regular expression: it ends in a backslash");
	if (!isalnum((unsigned char)c) && strchr("<>`'", c) == NULL)
		return put_byte(x, c);
	if (isdigit((unsigned char)c))
		return err_set(
		    x->e, "has a back-reference (\\%c), which is not understood", c);
	if (c != 'w' && c != 'W' && c != 's' && c != 'S')
		return err_set(x->e,
		    "has \\%c, which is not understood: write a set, as in [0-9]", c);
	for (int byte = 0; byte < 128; byte++)
		if (c == 'w' || c == 'W' ? isalnum(byte) != 0 || byte == '_'
					 : isspace(byte) != 0)
			set_add(&s, (unsigned)byte);
	return put_set(x, &s, isupper((unsigned char)c) != 0);
}

/* ---- pieces ---- */

static bool alternatives(struct parse *x);

static bool
take_group(struct parse *x)
{
	if (++x->depth > DEPTH_MAX)
		return err_set(x->e, "is nested deeper than %d", DEPTH_MAX);
	if (!alternatives(x))
		return false;
	x->depth--;
	if (*x->at != ')')
		return err_set(x->e, "is not a regular expression: a '(' has no ')'");
	x->at++;
	return true;
}

static bool
take_atom(struct parse *x)
{
	const struct byte_set none = {{0}};
	char c = *x->at++;

	switch (c) {
	case '(':
		return take_group(x);
	case '[':
		return take_bracket(x);
	case '\\':
		return take_escape(x);
	case '.':
		return put_set(x, &none, true);
	case '^':
		return put(x, x->p->steps, OP_BEGIN, 0, 0);
	case '$':
		return put(x, x->p->steps, OP_END, 0, 0);
	case '*':
	case '+':
	case '?':
	case '{':
		return err_set(x->e,
		    "is not a regular expression: '%c' has nothing to repeat; for the "
		    "character itself write \\%c",
		    c, c);
	default:
		return put_byte(x, c);
	}
}

static unsigned
take_number(struct parse *x, unsigned otherwise)
{
	unsigned n = 0;

	if (!isdigit((unsigned char)*x->at))
		return otherwise;
	for (; isdigit((unsigned char)*x->at); x->at++)
		n = n > PATTERN_STEPS_MAX ? n : n * 10 + (unsigned)(*x->at - '0');
	return n;
}

/* How often: "*", "+", "?" or "{low,high}"; high NO_END: for ever. */
static bool
take_times(struct parse *x, unsigned *low, unsigned *high)
{
	char c = *x->at++;

	*low = c == '+';
	*high = c == '?' ? 1 : NO_END;
	if (c != '{')
		return true;
	const char *begin = x->at;
	*low = take_number(x, 0);
	*high = *low;
	if (*x->at == ',') {
		x->at++;
		*high = take_number(x, NO_END);
	}
	if (*x->at != '}' || x->at == begin || *begin == '}' || *high < *low ||
	    (*begin == ',' && *high == NO_END))
		return err_set(x->e,
		    "is not a regular expression: '{' is no number of times; for the "
		    "character itself write \\{");
	x->at++;
	return true;
}

/* The steps from `begin` to the end, `low` to `high` times. */
static bool
repeat(struct parse *x, unsigned begin, unsigned low, unsigned high)
{
	struct pattern *p = x->p;
	unsigned n = p->steps - begin;
	int len = (int)n;

	/* The one that stands is the first, or the optional one. */
	for (unsigned i = 1; i < low && n > 0; i++)
		if (!copy(x, begin, n))
			return false;
	if (high == NO_END && low > 0)
		return put(x, p->steps, OP_FORK, -len, 1);
	if (high == NO_END)
		return put(x, begin, OP_FORK, 1, len + 2) &&
		    put(x, p->steps, OP_JUMP, -len - 1, 0);
	if (high == 0) {
		p->steps = begin;
		return true;
	}
	if (low == 0 && !put(x, begin, OP_FORK, 1, len + 1))
		return false;
	for (unsigned i = low > 0 ? low : 1; i < high && n > 0; i++)
		if (!put(x, p->steps, OP_FORK, 1, len + 1) ||
		    !copy(x, begin + (low == 0), n))
			return false;
	return true;
}

static bool
branch(struct parse *x)
{
	while (*x->at != '\0' && *x->at != '|' && *x->at != ')') {
		unsigned begin = x->p->steps, low, high;

		if (!take_atom(x))
			return false;
		while (*x->at != '\0' && strchr("*+?{", *x->at) != NULL)
			if (!take_times(x, &low, &high) || !repeat(x, begin, low, high))
				return false;
	}
	return true;
}

static bool
alternatives(struct parse *x)
{
	struct pattern *p = x->p;
	unsigned begin = p->steps, jump;

	if (!branch(x))
		return false;
	if (*x->at != '|')
		return true;
	x->at++;
	if (!put(x, begin, OP_FORK, 1, (int)(p->steps - begin) + 2))
		return false;
	jump = p->steps;
	if (!put(x, jump, OP_JUMP, 0, 0) || !alternatives(x))
		return false;
	p->step[jump].a = (int16_t)(p->steps - jump);
	return true;
}

static struct pattern *
keep(const struct pattern *draft, struct err *e)
{
	size_t steps_bytes = draft->steps * sizeof draft->step[0];
	size_t sets_bytes = draft->sets * sizeof draft->set[0];
	struct pattern *p = malloc(sizeof *p + steps_bytes + sets_bytes);

	if (p == NULL) {
		(void)err_set(e, "does not fit into memory");
		return NULL;
	}
	*p = *draft;
	p->step = (struct step *)(p + 1);
	p->set = (struct byte_set *)(p->step + p->steps);
	memcpy(p->step, draft->step, steps_bytes);
	memcpy(p->set, draft->set, sets_bytes);
	return p;
}

struct pattern *
pattern_new(const char *text, struct err *e)
{
	struct pattern draft = {.step = room.step, .set = room.set};
	struct parse x = {.p = &draft, .at = text, .e = e};
	bool ok = strlen(text) <= PATTERN_STEPS_MAX ? alternatives(&x) : too_long(&x);

	if (ok && *x.at != '\0')
		ok = err_set(e, "is not a regular expression: a ')' has no '('");
	return ok && put(&x, draft.steps, OP_FOUND, 0, 0) ? keep(&draft, e) : NULL;
}

void
pattern_free(struct pattern *p)
{
	free(p);
}

/* ---- a search ---- */

static bool
join(struct threads *t, uint16_t step)
{
	uint16_t place = t->place[step];

	if (place < t->count && t->at[place] == step)
		return false;
	t->place[step] = t->count;
	t->at[t->count++] = step;
	return true;
}

/* A thread at `first`, and where it can go without a byte. */
static bool
follow(const struct pattern *p, struct threads *t, unsigned first, bool begin, bool end)
{
	unsigned waiting = 0;

	room.waiting[waiting++] = (uint16_t)first;
	while (waiting > 0) {
		uint16_t i = room.waiting[--waiting];
		const struct step *s = &p->step[i];

		if (!join(t, i))
			continue;
		switch ((enum op)s->op) {
		case OP_SET:
			break;
		case OP_FOUND:
			return true;
		case OP_FORK:
			room.waiting[waiting++] = (uint16_t)(i + s->b);
			room.waiting[waiting++] = (uint16_t)(i + s->a);
			break;
		case OP_JUMP:
			room.waiting[waiting++] = (uint16_t)(i + s->a);
			break;
		case OP_BEGIN:
		case OP_END:
			if (s->op == OP_BEGIN ? begin : end)
				room.waiting[waiting++] = (uint16_t)(i + 1);
			break;
		}
	}
	return false;
}

bool
pattern_found(const struct pattern *p, const void *data, size_t bytes)
{
	struct threads *now = &room.now, *next = &room.next, *other;
	const uint8_t *byte = data;

	now->count = 0;
	for (size_t i = 0;; i++) {
		if (follow(p, now, 0, i == 0, i == bytes))
			return true;
		if (i == bytes)
			return false;
		next->count = 0;
		for (uint16_t k = 0; k < now->count; k++) {
			const struct step *s = &p->step[now->at[k]];

			if (s->op == OP_SET && set_has(&p->set[s->set], byte[i]) &&
			    follow(p, next, now->at[k] + 1u, false, i + 1 == bytes))
				return true;
		}
		other = now;
		now = next;
		next = other;
	}
}
