/* keep.c - a network that keeps AHEAD commands under way, and counts.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a chat network would cost is left out: signatures, JSON, sockets.  It
 * promises what Slack is promised (BH_CAP_KEEP), so that what is measured is
 * how fast the host makes events durable and carries them out.  Prints
 * "EVENTS MILLISECONDS" when the last one is over.
 */

#include <bellhop/plugin.h>

#define PEOPLE	200

struct keep {
	struct bh_host *host;
	long events, ahead;
	long asked, acknowledged, over;
	int64_t begin;
};

static void more(struct keep *k);

static void
received(void *arg, int result)
{
	struct keep *k = arg;

	if (result != BH_OK) {
		fprintf(stderr, "keep: an event was not taken: %d\n", result);
		exit(1);
	}
	k->acknowledged++;
}

static void
deliver(struct keep *k)
{
	char id[32], user[32];
	const struct bh_event event = { .kind = BH_EV_COMMAND, .id = id,
	    .user = user, .room = "C012AB3CD",
	    .text = "note PAY-812 stuck payout job", .reply = id };

	snprintf(id, sizeof(id), "Ev%08lx", k->asked);
	snprintf(user, sizeof(user), "U%04ld", k->asked % PEOPLE);
	k->asked++;
	if (bh_deliver(k->host, &event, received, k) != BH_OK) {
		fprintf(stderr, "keep: an event was refused\n");
		exit(1);
	}
}

static void
more(struct keep *k)
{
	long all = k->events + PEOPLE;

	while (k->asked < all && k->asked - k->over < k->ahead)
		deliver(k);
}

static void
over(void *state, const char *reply, int result)
{
	struct keep *k = state;

	(void)reply;
	if (result != BH_OK) {
		fprintf(stderr, "keep: a command failed: %d\n", result);
		exit(1);
	}
	k->over++;
	/* Everybody has been asked about: now it counts. */
	if (k->over == PEOPLE)
		k->begin = bh_mono(k->host);
	if (k->over < k->events + PEOPLE) {
		more(k);
		return;
	}
	printf("%ld %lld\n", k->events,
	    (long long)(bh_mono(k->host) - k->begin));
	fflush(stdout);
	bh_quit(k->host);
}

static int
keep_send(void *state, const struct bh_post *post, bh_sent_cb *done, void *arg)
{
	(void)state;
	(void)post;
	done(arg, BH_OK, "m1");
	return BH_OK;
}

static void
who(void *state, const char *user, bh_who_cb *done, void *arg)
{
	char email[64];
	const struct bh_who answer = { .name = user, .email = email };

	(void)state;
	snprintf(email, sizeof(email), "%s@acme.example", user);
	done(arg, BH_OK, &answer);
}

static void
where(void *state, const char *room, bh_where_cb *done, void *arg)
{
	const struct bh_where answer = { .name = "#payments" };

	(void)state;
	(void)room;
	done(arg, BH_OK, &answer);
}

static int
keep_connect(void *state)
{
	struct keep *k = state;

	bh_health(k->host, BH_UP, "measuring");
	more(k);
	return BH_OK;
}

static int
keep_open(struct bh_host *host, void **state)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (k == NULL)
		abort();
	k->host = host;
	k->events = strtol(bh_host_config(host, "events"), NULL, 10);
	k->ahead = strtol(bh_host_config(host, "ahead"), NULL, 10);
	*state = k;
	return BH_OK;
}

static void
keep_close(void *state)
{
	free(state);
}

static const struct bh_option options[] = {
	{ .key = "events", .type = BH_INT, .preset = "1000",
	  .help = "how many commands" },
	{ .key = "ahead", .type = BH_INT, .preset = "1",
	  .help = "how many of them under way at any time" },
	{ 0 }
};

static const struct bh_transport transport = {
	.caps = BH_CAP_EDIT | BH_CAP_BUTTONS | BH_CAP_KEEP,
	.connect = keep_connect, .send = keep_send, .who = who,
	.where = where, .over = over,
};

BH_PLUGIN(.name = "keep", .version = "1.0", .summary = "a busy network",
    .options = options, .open = keep_open, .close = keep_close,
    .transport = &transport);
