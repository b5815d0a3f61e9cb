/* path.c - the one path of every command, from its line to its commit.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   typed, slash -> path_line ---+
 *   button -> tokens_press ------+-> words -> find -> flood -> access
 *   !yes   -> tokens_yes ---+                                    |
 *   form   -> tokens_submit +--------> path_command <-- arguments +
 *                                          |
 *                     "sure?" or audit: one transaction with the duplicate
 *                     filter, new people, used-up tokens -> call_ready
 *
 * Nothing else runs a handler.  docs/internals/command-path.md has the why.
 */

#include "host/chat/inner.h"

#include "host/base/failpoint.h"
#include "host/base/ids.h"
#include "host/base/text.h"
#include "host/base/world.h"
#include "host/conf/conf.h"
#include "host/store/store.h"

#define RATE_COST	5

static void commit(struct call *c);

void
path_verdict(struct call *c, bool refused, const char *fmt, ...)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(32u * 1024u);
	va_list ap;

	va_start(ap, fmt);
	bh_buf_vadd(&text, fmt, ap);
	va_end(ap);
	free(c->verdict);
	c->verdict = xstrdup(bh_buf_text(&text));
	c->refused = refused;
	receipt_result(c->receipt, refused ? BH_EPERM : BH_EINVAL);
	commit(c);
}

void
path_enter(struct call *c)
{
	switch (c->via) {
	case VIA_BUTTON:
		tokens_press(c);
		break;
	case VIA_FORM:
		tokens_submit(c);
		break;
	default:
		path_line(c);
	}
}

/* True: goes on.  False: it was too much; said once until things calm. */
bool
path_flood(struct call *c, int cost)
{
	/* Those who cannot be told apart share one measure. */
	struct flood *flood = c->identity != NULL ?
	    &c->identity->person->flood : &c->chat->strangers;
	BH_AUTO_BUF struct bh_buf text = BH_BUF(512);
	int64_t wait;

	/* Let in before the restart, or paid for before it was written. */
	cost -= c->paid;
	c->paid = 0;
	if (c->again > 0 || cost <= 0)
		return true;
	wait = flood_take(flood, &c->chat->flood, cost, world_mono());
	c->cost += wait == 0 ? cost : 0;
	if (wait == 0)
		return true;
	receipt_result(c->receipt, BH_ELIMIT);
	/* Nothing of this is written down: a flood must not reach the disk. */
	call_received(c, BH_OK);
	if (c->identity == NULL) {
		call_over(c);
		return false;
	}
	if (!flood->told) {
		flood->told = true;
		bh_buf_add(&text, "That is faster than I may go for one person "
		    "(%d commands in %lld s; some count five-fold). Nothing "
		    "was run; try again in %lld s.", c->chat->flood.count,
		    (long long)(c->chat->flood.span / 1000),
		    (long long)(wait + 999) / 1000);
		log_note("person %s is over the flood limit", c->user.person);
	}
	c->verdict = xstrdup(bh_buf_text(&text));
	call_ready(c);
	return false;
}

static void
unknown(struct call *c, const char *first)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(2048);

	if (!path_flood(c, 1))
		return;
	bh_buf_add(&text, "I know no command \"%.60s\"", first);
	help_guess(c, first, &text);
	bh_buf_add(&text, " %shelp lists what you can do here.",
	    c->chat->prefix);
	path_verdict(c, false, "%s", bh_buf_text(&text));
}

static void
ambiguous(struct call *c, const struct command *command)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(2048);
	size_t n = 0;

	for (struct chat_instance *in = c->chat->instances; in != NULL;
	    in = in->next)
		if (command_of(in, command->name) != NULL)
			bh_buf_add(&text, "%s%s%s/%s", n++ > 0 ? " or " : "",
			    c->chat->prefix, in->name, command->name);
	path_verdict(c, false, "Several answer to %s: type %s.",
	    command->name, bh_buf_text(&text));
}

static int
cost_of(const struct command *command)
{
	return (command->def->flags & BH_CMD_RATE) != 0 ? RATE_COST : 1;
}

/* May it be run here by this person?  If not, that was said. */
static bool
let_in(struct call *c)
{
	BH_AUTO_BUF struct bh_buf why = BH_BUF(4096);
	BH_AUTO_BUF struct bh_buf who = BH_BUF(1024);

	if (call_allows(c, c->command, &why)) {
		free(c->rule);
		c->rule = text_take(&why);
		return true;
	}
	people_admins(c->chat, &who);
	path_verdict(c, true, "You may not run %s%s here: %s. %s can help.",
	    c->chat->prefix, c->command->def->name, bh_buf_text(&why),
	    bh_buf_text(&who));
	return false;
}

void
path_line(struct call *c)
{
	BH_AUTO_BUF struct bh_buf error = BH_BUF(2048);
	struct words words = { 0 };
	bool others = false;
	size_t used = 0;

	if (bh_utf8_len(c->line) > LINE_MAX_CHARS) {
		if (path_flood(c, 1))
			path_verdict(c, false, "That has more than %u "
			    "characters, so nothing was run: half a command "
			    "may mean something else. Say it shorter, or put "
			    "the long part into a ticket and name that.",
			    LINE_MAX_CHARS);
		return;
	}
	if (words_split(c->line, false, &words, &error) != BH_OK ||
	    words.count == 0) {
		/* Without words the error may be told only to who may know
		 * the command: so it names none. */
		if (path_flood(c, 1))
			path_verdict(c, false, "I cannot read that: %s.",
			    error.len > 0 ? bh_buf_text(&error) :
			    "there is no command");
		words_release(&words);
		return;
	}
	c->command = command_find(c->chat, c->prefer, &words, &used, &others);
	if (c->command == NULL) {
		unknown(c, words.list[0].text);
		goto out;
	}
	if (!path_flood(c, cost_of(c->command)))
		goto out;
	if (others) {
		ambiguous(c, c->command);
		goto out;
	}
	if (!let_in(c))
		goto out;
	if (args_parse(&c->command->spec, &words, used, &c->args, &error) !=
	    BH_OK) {
		BH_AUTO_BUF struct bh_buf usage = BH_BUF(2048);

		command_usage(&usage, c->chat, c->command);
		path_verdict(c, false, "%s%s: %s.\n%s", c->chat->prefix,
		    c->command->def->name, bh_buf_text(&error),
		    bh_buf_text(&usage));
	} else if (c->command->instance == c->chat->own &&
	    strcmp(c->command->name, "yes") == 0) {
		tokens_yes(c, args_get(&c->args, "token"));
	} else {
		path_command(c);
	}
out:
	words_release(&words);
}

void
path_command(struct call *c)
{
	/* Forms and confirmations come here without path_line(). */
	if (c->rule == NULL || c->confirmed) {
		if (!c->confirmed && !path_flood(c, cost_of(c->command)))
			return;
		if (!let_in(c))
			return;
	}
	if (c->fails.count == 0 && !c->confirmed &&
	    (c->command->def->flags & BH_CMD_CONFIRM) != 0)
		ids_short(c->ask_confirm, 6);
	commit(c);
}

/* ------------------------------------------------------------------ */
/* The commit                                                          */

static const char *
via_text(enum via via)
{
	static const char *const texts[] = { "typed", "command", "button",
		"form", "complete", "home" };

	return texts[via];
}

static void
audit(struct call *c, struct bh_tx *tx)
{
	/* The chain is for ever, and people paste what they should not. */
	BH_AUTO_BUF struct bh_buf line = BH_BUF(64u * 1024u);

	log_redact(&line, c->line != NULL ? c->line : "");

	const struct bh_pair fields[] = {
		{ "command", c->command != NULL ? c->command->name : "" },
		{ "of", c->command != NULL ? c->command->instance->owner :
		    "" },
		{ "line", bh_buf_text(&line) },
		{ "via", via_text(c->via) },
		{ "place", c->place },
		{ "team", c->team },
		{ "realm", c->user.realm },
		{ "user", c->user.id },
		{ "event", c->event != NULL ? c->event : "" },
		{ c->refused ? "why" : "rule", c->refused ? c->verdict :
		    c->rule },
		{ NULL, NULL },
	};

	store_tx_audit(tx, c->refused ? "command.refused" : c->again > 0 ?
	    "command.again" : "command",
	    c->user.person != NULL ? c->user.person : "unknown", fields);
}

static void
store_failed(struct call *c, int result)
{
	const char *trouble = store_trouble(c->chat->parts.store);
	bool own = c->command != NULL &&
	    c->command->instance == c->chat->own &&
	    (c->command->def->flags & BH_CMD_ANYONE) != 0;

	receipt_result(c->receipt, result);
	call_received(c, result);
	/* !status and !help change nothing and are needed most just now. */
	if (c->verdict == NULL && !own)
		c->verdict = xasprintf("%s%s was not run, because it cannot "
		    "be written down: %s.", c->chat->prefix,
		    c->command != NULL ? c->command->def->name : "that",
		    trouble != NULL ? trouble : "the store failed");
	call_ready(c);
}

/* A token was used up.  It was this very event (then all is done), or
 * another press of the same. */
static void
counts_once(struct call *c)
{
	receipt_result(c->receipt, BH_ECONFLICT);
	*c->ask_confirm = '\0';
	free(c->verdict);
	c->verdict = xstrdup("That was sent already, and it counts once.");
	call_ready(c);
}

static void
was_duplicate(void *arg, int result)
{
	struct call *c = call_of(arg);

	c->holds--;
	call_received(c, BH_OK);
	if (result == BH_ECONFLICT) {
		receipt_result(c->receipt, BH_OK);
		call_over(c);
	} else {
		counts_once(c);
	}
}

/* Seen before: not a word. */
static void
seen_before(struct call *c)
{
	if (c->identity != NULL)
		flood_refund(&c->identity->person->flood, c->cost);
	receipt_result(c->receipt, BH_OK);
	call_received(c, BH_OK);
	call_over(c);
}

static void
conflict(struct call *c)
{
	bool eats = c->eats_form != NULL || c->eats_confirm != NULL;
	struct bh_tx *tx;

	if (!eats && !c->durable && c->event != NULL) {
		seen_before(c);
	} else if (!eats) {
		log_error("the store refuses a command's row; its tables may "
		    "have been changed by hand");
		store_failed(c, BH_EIO);
	} else if (c->durable) {
		counts_once(c);
	} else {
		tx = store_tx(c->chat->parts.store, CHAT_OWNER);
		if (c->event != NULL)
			store_tx_seen(tx, c->user.realm, c->event,
			    world_now());
		c->holds++;
		store_commit(tx, was_duplicate, c);
	}
}

/* On the way from here the network may forget the event. */
static void
acknowledge(struct call *c)
{
	if (c->kept != 0)
		failpoint_hit("inbox.durable");
	call_received(c, BH_OK);
	if (c->kept != 0)
		failpoint_hit("inbox.acknowledged");
}

static void
committed(void *arg, int result)
{
	struct call *c = call_of(arg);

	c->holds--;
	inbox_written(c, result);
	if (result == BH_OK) {
		acknowledge(c);
		call_ready(c);
		return;
	}
	if (c->identity != NULL)
		people_unsaved(c->identity, c->saves);
	if (c->seen != NULL && (c->saves & SAVES_ROOM) != 0)
		c->seen->saved = false;
	if (result == BH_ECONFLICT)
		conflict(c);
	else
		store_failed(c, result);
}

/* A form or confirmation counts once; but an event that is carried out again
 * after a restart may use again what it has used up before. */
static void
eat(struct call *c, struct bh_tx *tx)
{
	if (c->eats_form != NULL && c->kept != 0)
		store_tx_sql(tx, 1, "UPDATE bh_form SET eaten = $1 "
		    "WHERE token = $2 AND (eaten IS NULL OR eaten = $1)",
		    BH_PARAMS(bh_i(c->kept), bh_s(c->eats_form)));
	else if (c->eats_form != NULL)
		store_tx_sql(tx, 1, "DELETE FROM bh_form WHERE token = $1",
		    BH_PARAMS(bh_s(c->eats_form)));
	if (c->eats_confirm != NULL && c->kept != 0)
		store_tx_sql(tx, 1, "UPDATE bh_confirm SET eaten = $1 "
		    "WHERE token = $2 AND (eaten IS NULL OR eaten = $1)",
		    BH_PARAMS(bh_i(c->kept), bh_s(c->eats_confirm)));
	else if (c->eats_confirm != NULL)
		store_tx_sql(tx, 1, "DELETE FROM bh_confirm WHERE token = $1",
		    BH_PARAMS(bh_s(c->eats_confirm)));
}

static void
commit(struct call *c)
{
	bool runs = c->verdict == NULL && c->fails.count == 0;
	bool audited = (runs && *c->ask_confirm == '\0') || c->refused;
	struct bh_tx *tx;

	if (c->from == NULL && c->kept != 0 && !c->durable) {
		/* Nobody was told that it is safe: it comes again. */
		call_over(c);
		return;
	}
	tx = store_tx(c->chat->parts.store, CHAT_OWNER);
	c->stage = STAGE_WAIT;
	c->saves = c->identity != NULL ? people_save(c->identity, tx) : 0;
	if (places_save(c->seen, tx))
		c->saves |= SAVES_ROOM;
	inbox_write(c, tx);
	if (!runs) {
		free(c->eats_form);
		free(c->eats_confirm);
		c->eats_form = c->eats_confirm = NULL;
	}
	eat(c, tx);
	if (runs && *c->ask_confirm != '\0')
		tokens_confirm(c, tx);
	if (audited)
		audit(c, tx);
	/* Whether it may take something away only its handler knows: so the
	 * audit row is tried even when the disk is full. */
	if (audited && runs)
		store_tx_urgent(tx);
	c->holds++;
	store_commit(tx, committed, c);
}

static void
kept(void *arg, int result)
{
	struct call *c = call_of(arg);

	c->holds--;
	inbox_written(c, result);
	if (result == BH_ECONFLICT) {
		seen_before(c);
	} else if (result != BH_OK) {
		store_failed(c, result);
	} else {
		acknowledge(c);
		if (c->from != NULL)
			lookup_begin(c);
		else
			call_leave(c);
	}
}

void
path_keep(struct call *c)
{
	struct bh_tx *tx = store_tx(c->chat->parts.store, CHAT_OWNER);

	inbox_write(c, tx);
	/* As in commit(): it may be about taking something away. */
	store_tx_urgent(tx);
	c->holds++;
	store_commit(tx, kept, c);
}
