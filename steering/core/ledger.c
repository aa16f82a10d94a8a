/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of words rather than JSON: it is read by people with dig, its worst case
 * can be counted at compile time, and a strict reader of it is a page of code. The
 * reader formats what it understood and compares: one text, one meaning, and a
 * ledger that was edited by hand into another spelling is seen to be so.
 */
#include "steering/core/ledger.h"

#include <assert.h>
#include <string.h>

/* The longest of everything, with separators: it must fit the TXT value. */
#define WORD_TEXT (WORD_MAX - 1)
#define HEX64 16
#define HEX32 8
#define HEX8 2
#define TIME_HEX 9 /* until the year 4147 */
#define ORDER_TEXT (HEX32 + 1 + HEX32 + 1 + TIME_HEX)
#define MEMBER_TEXT                                                           \
	(3 + WORD_TEXT + 3 + 3 + 3 + LEDGER_DRAINS * (TIME_HEX + 1) +         \
	    LEDGER_RETURNS * (TIME_HEX + 1) + LEDGER_SWAPS * (TIME_HEX + 1) + \
	    2 * (ORDER_TEXT + 1))
#define RUN_TEXT \
	(2 + 1 + HEX64 + 2 + 1 + HEX8 + 2 + 1 + HEX32 + 1 + HEX8 + 2 * (1 + TIME_HEX))
#define HEAD_TEXT                                                                     \
	(11 + 3 + WORD_TEXT + 2 * (3 + HEX64) + 3 + LEDGER_NONCES * (HEX64 + 1) + 3 + \
	    HEX32 + 3 + TIME_HEX + 3 + HEX64 + 3 + AGENTS_MAX * (HEX32 + 1) + 3 +     \
	    HEX64 + 3 + WORD_TEXT + 1 + TIME_HEX + 3 + ORDER_TEXT + 3 + HEX32 + 1 +   \
	    HEX64 + RUN_TEXT)
_Static_assert(HEAD_TEXT + MEMBERS_MAX * MEMBER_TEXT < LEDGER_TEXT_MAX,
    "the fullest ledger must fit a Route 53 TXT value");
_Static_assert(MEMBERS_MAX <= 255 && RAMP_STEPS_MAX <= 15 && SCENARIO_STEPS_MAX <= 255,
    "widths of the text");

/* Ways and states of a run, by number; a way's capital says that it is aborting. */
static const char way_letters[] = "-opbd", way_capitals[] = "-OPBD";
static const char state_letters[] = "gaysuf";
_Static_assert(sizeof way_letters - 1 == RUN_WAYS, "a letter for each way");
_Static_assert(sizeof state_letters - 1 == RUN_STATES, "a letter for each state");
#define SIDES_REST 4u

/* ---- writing ---- */

struct pen {
	char *text;
	size_t len;
};

#define put(p, ...)                    \
	((p)->len += (size_t)snprintf( \
	     (p)->text + (p)->len, LEDGER_TEXT_MAX - (p)->len, __VA_ARGS__))
#define LLX(v) (unsigned long long)(v)

static void
put_times(struct pen *p, const int64_t *wall_s, uint32_t n)
{
	put(p, ":");
	for (uint32_t i = 0; i < n; i++)
		put(p, "%s%llx", i ? "," : "", LLX(wall_s[i]));
}

static void
put_order(struct pen *p, const struct ledger_order *o)
{
	put(p, ":");
	if (o->id != 0)
		put(p, "%x.%x.%llx", (unsigned)o->id, (unsigned)o->who,
		    LLX(o->expiry_wall_s));
}

static char
state_letter(const struct ledger_member *m)
{
	if (!m->out)
		return 'i';
	if (m->by_order)
		return m->latched ? 'X' : 'x';
	return m->latched ? 'L' : 'o';
}

static void
put_member(struct pen *p, const struct ledger_member *m)
{
	put(p, " m=%s:%c:%x:%x", m->name, state_letter(m), (unsigned)m->weight,
	    (unsigned)m->ramp);
	put_times(p, m->drain_wall_s, m->drains);
	put_times(p, m->return_wall_s, m->returns);
	put_times(p, m->swap_wall_s, m->swaps);
	put_order(p, &m->drain);
	put_order(p, &m->pin);
}

static void
put_scenario(struct pen *p, const struct ledger *l)
{
	const struct ledger_run *r = &l->run;
	unsigned sides = (unsigned)l->open | (l->rests ? SIDES_REST : 0);

	if (l->lock_holder == 0 && l->fence == 0 && sides == 0 && r->id == 0)
		return;
	put(p, " k=%x:%llx", (unsigned)l->lock_holder, LLX(l->fence));
	if (sides != 0 || r->id != 0)
		put(p, ":%x", sides);
	if (r->id == 0)
		return;
	assert(r->way > RUN_NONE && r->way < RUN_WAYS && r->state < RUN_STATES);
	put(p, ":%llx:%c:%x:%c:%x:%x:%llx:%llx", LLX(r->id),
	    (r->aborting ? way_capitals : way_letters)[r->way], (unsigned)r->step,
	    state_letters[r->state], (unsigned)r->tries, (unsigned)r->aborted,
	    LLX(r->begun_wall_s), LLX(r->since_wall_s));
}

size_t
ledger_format(const struct ledger *l, char text[LEDGER_TEXT_MAX])
{
	struct pen p = {text, 0};

	put(&p, "pointsman/%d c=%s e=%llx r=%llx n=", LEDGER_VERSION, l->cluster,
	    LLX(l->epoch), LLX(l->root));
	for (uint32_t i = 0; i < l->nonces; i++)
		put(&p, "%s%llx", i ? "," : "", LLX(l->nonce[i]));
	put(&p, " w=%x t=%llx p=%llx:%x:", (unsigned)l->writer, LLX(l->time_wall_s),
	    LLX(l->policy_hash), (unsigned)l->quorum);
	for (uint32_t i = 0; i < l->voters; i++)
		put(&p, "%s%x", i ? "," : "", (unsigned)l->voter[i]);
	put(&p, " d=%llx", LLX(l->digest));
	if (l->spaced[0] != '\0')
		put(&p, " s=%s:%llx", l->spaced, LLX(l->spaced_wall_s));
	if (l->freeze.id != 0)
		put(&p, " f=%x.%x.%llx", (unsigned)l->freeze.id,
		    (unsigned)l->freeze.who, LLX(l->freeze.expiry_wall_s));
	put_scenario(&p, l);
	for (uint32_t i = 0; i < l->members; i++)
		put_member(&p, &l->member[i]);
	assert(p.len < LEDGER_TEXT_MAX);
	return p.len;
}

/* ---- reading ---- */

static bool
take(const char **s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*s, word, n) != 0)
		return false;
	*s += n;
	return true;
}

static bool
take_hex(const char **s, uint64_t max, uint64_t *out)
{
	static const char digit[] = "0123456789abcdef";
	uint64_t v = 0;
	uint32_t n = 0;

	for (; **s != '\0'; (*s)++, n++) {
		const char *d = memchr(digit, **s, 16);
		if (d == NULL)
			break;
		if (n == 16)
			return false;
		v = v << 4 | (uint64_t)(d - digit);
	}
	*out = v;
	return n > 0 && v <= max;
}

static bool
take_u32(const char **s, uint32_t *out)
{
	uint64_t v;

	if (!take_hex(s, UINT32_MAX, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool
take_u8(const char **s, uint8_t *out)
{
	uint64_t v;

	if (!take_hex(s, UINT8_MAX, &v))
		return false;
	*out = (uint8_t)v;
	return true;
}

static bool
take_time(const char **s, int64_t *out)
{
	uint64_t v;

	if (!take_hex(s, ((uint64_t)1 << (TIME_HEX * 4)) - 1, &v))
		return false;
	*out = (int64_t)v;
	return true;
}

static bool
take_word(const char **s, char out[WORD_MAX])
{
	size_t n = strcspn(*s, " :");

	if (n == 0 || n >= WORD_MAX)
		return false;
	memcpy(out, *s, n);
	out[n] = '\0';
	*s += n;
	return true;
}

static bool
take_times(const char **s, int64_t *wall_s, uint32_t max, uint32_t *n)
{
	*n = 0;
	if (!take(s, ":"))
		return false;
	if (**s == ':')
		return true;
	do {
		if (*n == max || !take_time(s, &wall_s[*n]))
			return false;
		(*n)++;
	} while (take(s, ","));
	return true;
}

static bool
take_order_words(const char **s, struct ledger_order *o)
{
	return take_u32(s, &o->id) && o->id != 0 && take(s, ".") &&
	    take_u32(s, &o->who) && take(s, ".") && take_time(s, &o->expiry_wall_s);
}

static bool
take_order(const char **s, struct ledger_order *o)
{
	if (!take(s, ":"))
		return false;
	if (**s == ':' || **s == ' ' || **s == '\0')
		return true;
	return take_order_words(s, o);
}

static bool
take_state(const char **s, struct ledger_member *m)
{
	char c = **s;

	if (c == '\0' || memchr("ioLxX", c, 5) == NULL)
		return false;
	(*s)++;
	m->out = c != 'i';
	m->latched = c == 'L' || c == 'X';
	m->by_order = c == 'x' || c == 'X';
	return true;
}

static bool
take_member(const char **s, struct ledger_member *m)
{
	return take_word(s, m->name) && take(s, ":") && take_state(s, m) &&
	    take(s, ":") && take_u8(s, &m->weight) && take(s, ":") &&
	    take_u8(s, &m->ramp) && m->ramp < RAMP_STEPS_MAX &&
	    take_times(s, m->drain_wall_s, LEDGER_DRAINS, &m->drains) &&
	    take_times(s, m->return_wall_s, LEDGER_RETURNS, &m->returns) &&
	    take_times(s, m->swap_wall_s, LEDGER_SWAPS, &m->swaps) &&
	    take_order(s, &m->drain) && take_order(s, &m->pin);
}

static bool
take_letter(const char **s, const char *letters, uint32_t *out)
{
	const char *at = **s != '\0' ? strchr(letters, **s) : NULL;

	if (at == NULL)
		return false;
	(*s)++;
	*out = (uint32_t)(at - letters);
	return true;
}

static bool
take_way(const char **s, struct ledger_run *r)
{
	uint32_t way;

	r->aborting = **s >= 'A' && **s <= 'Z';
	if (!take_letter(s, r->aborting ? way_capitals : way_letters, &way) ||
	    way == RUN_NONE)
		return false;
	r->way = (enum run_way)way;
	return true;
}

static bool
take_small(const char **s, uint32_t max, uint32_t *out)
{
	uint64_t v;

	if (!take_hex(s, max, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool
take_run(const char **s, struct ledger_run *r)
{
	uint32_t state;

	if (!take_hex(s, LEDGER_EPOCH_MAX, &r->id) || !take(s, ":") ||
	    !take_way(s, r) || !take(s, ":") ||
	    !take_small(s, SCENARIO_STEPS_MAX - 1, &r->step) || !take(s, ":") ||
	    !take_letter(s, state_letters, &state) || !take(s, ":") ||
	    !take_u32(s, &r->tries) || !take(s, ":") ||
	    !take_small(s, SCENARIO_STEPS_MAX, &r->aborted) || !take(s, ":") ||
	    !take_time(s, &r->begun_wall_s) || !take(s, ":") ||
	    !take_time(s, &r->since_wall_s))
		return false;
	r->state = (enum run_state)state;
	return true;
}

static bool
take_scenario(const char **s, struct ledger *l)
{
	uint32_t sides;

	if (!take_u32(s, &l->lock_holder) || !take(s, ":") ||
	    !take_hex(s, UINT64_MAX, &l->fence))
		return false;
	if (!take(s, ":"))
		return true;
	if (!take_small(s, SIDES_REST | SIDE_PRIMARY | SIDE_RECOVERY, &sides))
		return false;
	l->rests = (sides & SIDES_REST) != 0;
	l->open = sides & ~SIDES_REST;
	return !take(s, ":") || take_run(s, &l->run);
}

static bool
take_nonces(const char **s, struct ledger *l)
{
	do {
		if (l->nonces == LEDGER_NONCES ||
		    !take_hex(s, UINT64_MAX, &l->nonce[l->nonces]))
			return false;
		l->nonces++;
	} while (take(s, ","));
	return true;
}

static bool
take_policy(const char **s, struct ledger *l)
{
	if (!take_hex(s, UINT64_MAX, &l->policy_hash) || !take(s, ":") ||
	    !take_u32(s, &l->quorum) || !take(s, ":"))
		return false;
	do {
		if (l->voters == AGENTS_MAX || !take_u32(s, &l->voter[l->voters]))
			return false;
		l->voters++;
	} while (take(s, ","));
	return l->quorum >= 1 && l->quorum <= l->voters;
}

static bool
take_head(const char **s, struct ledger *l, const char **where)
{
	*where = "c=";
	if (!take(s, " c=") || !take_word(s, l->cluster))
		return false;
	*where = "e=";
	if (!take(s, " e=") || !take_hex(s, LEDGER_EPOCH_MAX, &l->epoch))
		return false;
	*where = "r=";
	if (!take(s, " r=") || !take_hex(s, LEDGER_EPOCH_MAX, &l->root))
		return false;
	*where = "n=";
	if (!take(s, " n=") || !take_nonces(s, l))
		return false;
	*where = "w=";
	if (!take(s, " w=") || !take_u32(s, &l->writer))
		return false;
	*where = "t=";
	if (!take(s, " t=") || !take_time(s, &l->time_wall_s))
		return false;
	*where = "p=";
	if (!take(s, " p=") || !take_policy(s, l))
		return false;
	*where = "d=";
	return take(s, " d=") && take_hex(s, UINT64_MAX, &l->digest);
}

static bool
take_tail(const char **s, struct ledger *l, const char **where)
{
	*where = "s=";
	if (take(s, " s=") &&
	    !(take_word(s, l->spaced) && take(s, ":") &&
		take_time(s, &l->spaced_wall_s)))
		return false;
	*where = "f=";
	if (take(s, " f=") && !take_order_words(s, &l->freeze))
		return false;
	*where = "k=";
	if (take(s, " k=") && !take_scenario(s, l))
		return false;
	*where = "m=";
	while (take(s, " m=")) {
		if (l->members == MEMBERS_MAX ||
		    !take_member(s, &l->member[l->members]))
			return false;
		if (ledger_find(l, l->member[l->members].name) >= 0)
			return false;
		l->members++;
	}
	*where = "the end";
	return **s == '\0' && l->members > 0;
}

enum ledger_reading
ledger_parse(const char *text, struct ledger *out, struct err *e)
{
	char again[LEDGER_TEXT_MAX];
	const char *s = text, *where = "pointsman/";

	memset(out, 0, sizeof *out);
	if (!take(&s, "pointsman/")) {
		(void)err_set(e, "the ledger's TXT does not begin with pointsman/");
		return LEDGER_GARBLED;
	}
	if (!take(&s, "1") || *s != ' ') {
		(void)err_set(e,
		    "the ledger is of a version that this pointsman does not "
		    "know (%.12s): upgrade it",
		    text);
		return LEDGER_NEWER;
	}
	if (!take_head(&s, out, &where) || !take_tail(&s, out, &where)) {
		(void)err_set(e, "the ledger cannot be read at %s (character %d)",
		    where, (int)(s - text) + 1);
		return LEDGER_GARBLED;
	}
	(void)ledger_format(out, again);
	if (strcmp(again, text) != 0) {
		(void)err_set(e, "the ledger is not spelled as pointsman spells it");
		return LEDGER_GARBLED;
	}
	return LEDGER_OK;
}

/* ---- looking and noting ---- */

uint32_t
ledger_sides(const struct ledger *l)
{
	return l->fence == 0 ? SIDE_PRIMARY : l->open;
}

int32_t
ledger_find(const struct ledger *l, const char *member)
{
	for (uint32_t i = 0; i < l->members; i++)
		if (strcmp(l->member[i].name, member) == 0)
			return (int32_t)i;
	return -1;
}

bool
ledger_knows_nonce(const struct ledger *l, uint64_t nonce)
{
	for (uint32_t i = 0; i < l->nonces; i++)
		if (l->nonce[i] == nonce)
			return true;
	return false;
}

void
ledger_advance(struct ledger *l, uint64_t nonce, uint32_t writer, int64_t now_wall_s)
{
	l->epoch++;
	memmove(&l->nonce[1], &l->nonce[0], sizeof l->nonce - sizeof l->nonce[0]);
	l->nonce[0] = nonce;
	if (l->nonces < LEDGER_NONCES)
		l->nonces++;
	l->writer = writer;
	l->time_wall_s = now_wall_s;
}

static void
note(int64_t *wall_s, uint32_t *n, uint32_t max, int64_t now_wall_s)
{
	if (*n == max) {
		memmove(&wall_s[0], &wall_s[1], (max - 1) * sizeof *wall_s);
		(*n)--;
	}
	wall_s[(*n)++] = now_wall_s;
}

void
ledger_note_drain(struct ledger_member *m, int64_t now_wall_s)
{
	note(m->drain_wall_s, &m->drains, LEDGER_DRAINS, now_wall_s);
}

void
ledger_note_return(struct ledger_member *m, int64_t now_wall_s)
{
	note(m->return_wall_s, &m->returns, LEDGER_RETURNS, now_wall_s);
}

void
ledger_note_swap(struct ledger_member *m, int64_t now_wall_s)
{
	note(m->swap_wall_s, &m->swaps, LEDGER_SWAPS, now_wall_s);
}

uint32_t
ledger_count_since(
    const int64_t *wall_s, uint32_t n, int64_t now_wall_s, int64_t window_s)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		count += now_wall_s - wall_s[i] <= window_s;
	return count;
}

bool
ledger_order_stands(const struct ledger_order *o, int64_t now_wall_s)
{
	return o->id != 0 && (now_wall_s == 0 || now_wall_s < o->expiry_wall_s);
}
