/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's thread, and the calls that never wait for it.
 *
 * The thread takes the whole queue and writes it in one transaction. What fails goes
 * back to the front of the queue, and is tried again after a rest. Troubles are
 * sentences for the main thread to fetch: this thread prints nothing.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "steering/agent/store_file.h"

#define TROUBLES_MAX 8
#define ASIDES_MAX 3 /* broken files moved away in one run */
#define FLUSH_S 5
#define ASIDE "the file is broken or not ours; a new one is begun, the old is"

struct store {
	uint64_t retry_ms;
	pthread_t thread;

	/* the thread's */
	struct store_file *file;
	uint32_t asides;
	bool sick; /* the last try failed, and that was said */

	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t moved;
	bool stop;
	struct store_queue queue;
	uint32_t writing; /* entries taken and not yet written */
	struct store_knowledge knowledge;
	struct store_trouble trouble[TROUBLES_MAX];
	uint32_t troubles;
	struct answer {
		struct store_answer answer;
		struct answer *next;
	} * answers, **answers_end;
	int answer_fd; /* an eventfd: counts what was answered */
};

/* When nobody fetches them the first ones stay: they name the cause. */
static void
complain(struct store *s, enum fact_level level, const char *what, const char *why)
{
	pthread_mutex_lock(&s->lock);
	if (s->troubles < TROUBLES_MAX) {
		struct store_trouble *t = &s->trouble[s->troubles++];

		t->level = level;
		(void)snprintf(t->text, sizeof t->text, "store: %.110s%s%.100s", what,
		    why[0] != '\0' ? ": " : "", why);
	}
	pthread_mutex_unlock(&s->lock);
}

/* What stood there is out of the way, or gone: said, and the new file is told what
 * memory knows. */
static enum store_result
begin_anew(struct store *s, enum store_result was, struct err *e)
{
	char name[96];

	s->asides++;
	if (was == STORE_BROKEN) {
		store_file_move_aside(s->file, name, sizeof name);
		complain(s, FACT_ERROR, ASIDE, name);
	} else {
		complain(s, FACT_ERROR, e->text, "");
	}
	pthread_mutex_lock(&s->lock);
	struct store_item *again = knowledge_items(&s->knowledge);
	pthread_mutex_unlock(&s->lock);
	enum store_result r = store_file_write(s->file, again, e);
	queue_free_items(again);
	return r;
}

static enum store_result
write_or_mend(struct store *s, const struct store_item *items, struct err *e)
{
	enum store_result r = store_file_write(s->file, items, e);

	while ((r == STORE_BROKEN || r == STORE_GONE) && s->asides < ASIDES_MAX) {
		r = begin_anew(s, r, e);
		if (r == STORE_OK)
			r = store_file_write(s->file, items, e);
	}
	return r;
}

/* ---- the thread ---- */

/* A row of the journal that waits for an answer ends the rest: an act waits for it. */
static void
rest(struct store *s)
{
	struct timespec until;
	uint64_t ms = s->retry_ms;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (!s->stop && !items_asked(s->queue.first) &&
	    pthread_cond_timedwait(&s->moved, &s->lock, &until) != ETIMEDOUT)
		continue;
}

static void
wrote(struct store *s, enum store_result r, const struct err *e)
{
	if (r == STORE_OK && s->sick) {
		s->sick = false;
		complain(s, FACT_INFO, "rows are written again", "");
	} else if (r != STORE_OK && !s->sick) {
		s->sick = true;
		complain(s, FACT_ERROR,
		    "rows cannot be written; steering goes on, they wait in memory",
		    e->text);
	}
}

/* ---- the journal ---- */

/* With the lock held. */
static void
answer(struct store *s, const struct store_step *row, const char *why)
{
	struct answer *a = calloc(1, sizeof *a);
	const uint64_t one = 1;

	if (a == NULL)
		abort();
	memcpy(a->answer.service, row->service, sizeof a->answer.service);
	a->answer.fence = row->fence;
	a->answer.written = why == NULL;
	(void)snprintf(
	    a->answer.why, sizeof a->answer.why, "%s", why != NULL ? why : "");
	*s->answers_end = a;
	s->answers_end = &a->next;
	(void)!write(s->answer_fd, &one, sizeof one);
}

/* Rows that wait for an answer get it, and do not wait for a disk that is sick: what was
 * answered as not written must not be written later. */
static void
answer_asked(struct store *s, struct store_item **items, const char *why)
{
	if (why == NULL) {
		for (const struct store_item *i = *items; i != NULL; i = i->next)
			if (i->kind == STORE_STEP && !i->step->over)
				answer(s, i->step, NULL);
		return;
	}
	struct store_item *asked = items_take_asked(items);
	for (const struct store_item *i = asked; i != NULL; i = i->next) {
		knowledge_forget_step(
		    &s->knowledge, i->service, i->step->run, i->step->fence);
		answer(s, i->step, why);
	}
	queue_free_items(asked);
}

static void *
serve(void *arg)
{
	struct store *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->queue.count == 0 && !s->stop)
			pthread_cond_wait(&s->moved, &s->lock);
		if (s->queue.count == 0)
			break;
		bool last = s->stop;
		s->writing = s->queue.count;
		struct store_item *items = queue_take(&s->queue);
		pthread_mutex_unlock(&s->lock);
		struct err e = {""};
		enum store_result r = write_or_mend(s, items, &e);
		wrote(s, r, &e);
		pthread_mutex_lock(&s->lock);
		s->writing = 0;
		answer_asked(s, &items, r == STORE_OK ? NULL : e.text);
		if (r == STORE_OK) {
			queue_free_items(items);
			continue;
		}
		queue_put_back(&s->queue, items);
		if (last)
			break;
		rest(s);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- begin and end ---- */

static void
begin(struct store *s)
{
	struct err e = {""};
	char name[96];
	enum store_result r = store_file_load(s->file, &s->knowledge, &e);

	if (r == STORE_BROKEN) {
		s->asides++;
		store_file_move_aside(s->file, name, sizeof name);
		complain(s, FACT_ERROR, ASIDE, name);
		r = store_file_load(s->file, &s->knowledge, &e);
	}
	wrote(s, r, &e);
}

struct store *
store_new(const char *directory, const struct store_options *options)
{
	static const struct store_options usual = {0};
	const struct store_options *o = options != NULL ? options : &usual;
	struct store *s = calloc(1, sizeof *s);
	pthread_condattr_t monotonic;

	if (s == NULL)
		abort();
	s->retry_ms = o->retry_ms != 0 ? o->retry_ms : 5000;
	s->queue.count_max = o->queue_max != 0 ? o->queue_max : 4096;
	s->file = store_file_new(directory, o->rows_max != 0 ? o->rows_max : 200000,
	    o->days_max != 0 ? o->days_max : 90);
	s->answers_end = &s->answers;
	s->answer_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->answer_fd < 0)
		abort();
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->moved, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	begin(s);
	if (pthread_create(&s->thread, NULL, serve, s) != 0)
		abort();
	return s;
}

void
store_free(struct store *s)
{
	struct timespec until;

	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += FLUSH_S;
	/* A disk that hangs holds the thread; the process ends without it. */
	if (pthread_clockjoin_np(s->thread, NULL, CLOCK_MONOTONIC, &until) != 0)
		return;
	store_file_free(s->file);
	queue_free_items(queue_take(&s->queue));
	knowledge_free(&s->knowledge);
	for (struct answer *a = s->answers, *next; a != NULL; a = next) {
		next = a->next;
		free(a);
	}
	(void)close(s->answer_fd);
	(void)pthread_cond_destroy(&s->moved);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- the main thread's calls ---- */

static void
enqueue(struct store *s, struct store_item *item)
{
	pthread_mutex_lock(&s->lock);
	knowledge_learn(&s->knowledge, item);
	queue_put(&s->queue, item);
	pthread_cond_signal(&s->moved);
	pthread_mutex_unlock(&s->lock);
}

static struct store_item *
item_new(enum store_kind kind, const char *service, uint64_t epoch, uint64_t nonce,
    int64_t wall_ms)
{
	struct store_item *item = calloc(1, sizeof *item);

	if (item == NULL)
		abort();
	item->kind = kind;
	item->epoch = epoch;
	item->nonce = nonce;
	item->wall_ms = wall_ms;
	(void)snprintf(item->service, sizeof item->service, "%s", service);
	return item;
}

void
store_put_fact(struct store *s, const struct store_fact *f)
{
	struct store_item *item = item_new(STORE_FACT, f->service, 0, 0, f->wall_ms);

	item->row = *f;
	enqueue(s, item);
}

void
store_put_ledger(
    struct store *s, const char *service, const struct ledger *l, int64_t wall_ms)
{
	struct store_item *item =
	    item_new(STORE_LEDGER, service, l->epoch, l->nonce[0], wall_ms);

	item->text = malloc(LEDGER_TEXT_MAX);
	if (item->text == NULL)
		abort();
	(void)ledger_format(l, item->text);
	enqueue(s, item);
}

void
store_put_release(struct store *s, const char *service, int64_t wall_ms)
{
	struct store_item *item = item_new(STORE_LEDGER, service, 0, 0, wall_ms);

	item->text = strdup("");
	if (item->text == NULL)
		abort();
	enqueue(s, item);
}

void
store_put_sent(struct store *s, const char *service, uint64_t epoch, uint64_t nonce,
    int64_t wall_ms)
{
	enqueue(s, item_new(STORE_SENT, service, epoch, nonce, wall_ms));
}

void
store_put_outcome(struct store *s, const char *service, uint64_t nonce,
    const char *outcome, int64_t wall_ms)
{
	struct store_item *item = item_new(STORE_OUTCOME, service, 0, nonce, wall_ms);

	(void)snprintf(item->word, sizeof item->word, "%s", outcome);
	enqueue(s, item);
}

void
store_put_step(struct store *s, const struct store_step *row)
{
	struct store_item *item =
	    item_new(STORE_STEP, row->service, 0, 0, row->asked_wall_ms);

	item->step = malloc(sizeof *item->step);
	if (item->step == NULL)
		abort();
	*item->step = *row;
	enqueue(s, item);
}

int
store_answer_fd(const struct store *s)
{
	return s->answer_fd;
}

bool
store_next_answer(struct store *s, struct store_answer *a)
{
	uint64_t count;

	pthread_mutex_lock(&s->lock);
	struct answer *first = s->answers;
	if (first != NULL) {
		*a = first->answer;
		s->answers = first->next;
		if (s->answers == NULL)
			s->answers_end = &s->answers;
	}
	if (s->answers == NULL)
		(void)!read(s->answer_fd, &count, sizeof count);
	pthread_mutex_unlock(&s->lock);
	free(first);
	return first != NULL;
}

static bool
copy_step(struct store *s, const char *service, uint64_t run, enum slot slot,
    struct store_step *row)
{
	pthread_mutex_lock(&s->lock);
	const struct store_step *found =
	    knowledge_step(&s->knowledge, service, run, slot);
	if (found != NULL)
		*row = *found;
	pthread_mutex_unlock(&s->lock);
	return found != NULL;
}

bool
store_last_step(struct store *s, const char *service, struct store_step *row)
{
	return copy_step(s, service, 0, SLOT_NONE, row);
}

bool
store_find_step(struct store *s, const char *service, uint64_t run, enum slot slot,
    struct store_step *row)
{
	return run != 0 && copy_step(s, service, run, slot, row);
}

void
store_put_incident(struct store *s, const char *service, uint64_t run,
    const char *scenario, const char *text, int64_t wall_ms)
{
	struct store_item *item = item_new(STORE_INCIDENT, service, run, 0, wall_ms);

	(void)snprintf(item->word, sizeof item->word, "%s", scenario);
	item->text = strdup(text);
	if (item->text == NULL)
		abort();
	enqueue(s, item);
}

bool
store_last_ledger(
    struct store *s, const char *service, uint64_t *epoch, uint64_t *nonce)
{
	pthread_mutex_lock(&s->lock);
	const struct store_known *n = knowledge_of(&s->knowledge, service);
	bool found = n != NULL && n->nonce != 0;
	*epoch = found ? n->epoch : 0;
	*nonce = found ? n->nonce : 0;
	pthread_mutex_unlock(&s->lock);
	return found;
}

bool
store_open_change(
    struct store *s, const char *service, uint64_t *epoch, uint64_t *nonce)
{
	pthread_mutex_lock(&s->lock);
	const struct store_known *n = knowledge_of(&s->knowledge, service);
	bool found = n != NULL && n->open_nonce != 0;
	*epoch = found ? n->open_epoch : 0;
	*nonce = found ? n->open_nonce : 0;
	pthread_mutex_unlock(&s->lock);
	return found;
}

bool
store_next_trouble(struct store *s, struct store_trouble *t)
{
	pthread_mutex_lock(&s->lock);
	bool found = s->troubles > 0;
	if (found) {
		*t = s->trouble[0];
		s->troubles--;
		memmove(&s->trouble[0], &s->trouble[1], s->troubles * sizeof *t);
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

uint64_t
store_dropped(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	uint64_t n = s->queue.dropped;
	pthread_mutex_unlock(&s->lock);
	return n;
}

uint32_t
store_queued(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	uint32_t n = s->queue.count + s->writing;
	pthread_mutex_unlock(&s->lock);
	return n;
}
