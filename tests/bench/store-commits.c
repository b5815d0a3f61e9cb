/* store-commits.c - how fast the store commits, with so many under way.
 * SPDX-License-Identifier: Apache-2.0
 *
 *	store-commits FILE COMMITS AHEAD
 *
 * Each commit is one transaction with one audit row, and its callback asks
 * for the next: AHEAD of them are under way at any time.  Prints commits a
 * second.
 */

#include <time.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/io/loop.h"
#include "host/store/store.h"

struct bench {
	struct loop *loop;
	struct store *store;
	long asked, done, want;
};

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void committed(void *arg, int result);

static void
one_more(struct bench *b)
{
	static const struct bh_pair fields[] = {
		{ "command", "hello" }, { "line", "hello Bob" },
		{ "of", "hello/hello" }, { "place", "acme/#payments" },
		{ "user", "ada" }, { "via", "typed" }, { NULL, NULL }
	};
	struct bh_tx *tx = store_tx(b->store, "chat");

	b->asked++;
	store_tx_audit(tx, "command", "GS42SY7W54BX", fields);
	if (store_commit(tx, committed, b) < 0)
		abort();
}

static void
committed(void *arg, int result)
{
	struct bench *b = arg;

	if (result != BH_OK) {
		fprintf(stderr, "store-commits: a commit failed: %d\n", result);
		exit(1);
	}
	b->done++;
	if (b->asked < b->want)
		one_more(b);
	else if (b->done == b->want)
		loop_stop(b->loop);
}

int
main(int argc, char **argv)
{
	struct bench b = { 0 };
	const char *error = NULL;
	long ahead = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	double begin;

	b.want = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
	if (b.want <= 0 || ahead <= 0) {
		fprintf(stderr, "usage: store-commits FILE COMMITS AHEAD\n");
		return 2;
	}
	BH_AUTO_FREE char *url = xasprintf("sqlite:%s", argv[1]);

	log_setup(LOG_AUTO, BH_LOG_WARN);
	b.loop = loop_new();
	if (store_open(b.loop, url, &b.store, &error) != 0) {
		fprintf(stderr, "store-commits: %s\n", error);
		return 1;
	}
	begin = seconds();
	for (long i = 0; i < ahead && i < b.want; i++)
		one_more(&b);
	if (loop_run(b.loop) != 0)
		return 1;
	printf("%.0f\n", (double)b.want / (seconds() - begin));
	store_close(&b.store);
	loop_free(&b.loop);
	return 0;
}
