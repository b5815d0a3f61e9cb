/* tokens.c - what buttons, forms and confirmations stand for, kept in the
 * store: what the network carries means nothing by itself.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/chat/inner.h"

#include "host/base/ids.h"
#include "host/base/json.h"
#include "host/base/text.h"
#include "host/base/value.h"
#include "host/base/world.h"
#include "host/io/loop.h"
#include "host/store/store.h"

const char *const chat_migrations[] = {
	"CREATE TABLE bh_person ("
	" id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE,"
	" created BIGINT NOT NULL);"
	"CREATE TABLE bh_identity ("
	" realm TEXT NOT NULL, user_id TEXT NOT NULL,"
	" person TEXT NOT NULL REFERENCES bh_person (id),"
	" created BIGINT NOT NULL, PRIMARY KEY (realm, user_id));"
	"CREATE TABLE bh_room ("
	" instance TEXT NOT NULL, room TEXT NOT NULL, name TEXT NOT NULL,"
	" PRIMARY KEY (instance, room));"
	"CREATE TABLE bh_button ("
	" token TEXT PRIMARY KEY, owner TEXT NOT NULL, place TEXT NOT NULL,"
	" key TEXT NOT NULL, version BIGINT NOT NULL, command TEXT NOT NULL,"
	" args TEXT, expires BIGINT NOT NULL);"
	"CREATE INDEX bh_button_place ON bh_button (place, key);"
	"CREATE INDEX bh_button_expires ON bh_button (expires);"
	"CREATE TABLE bh_form ("
	" token TEXT PRIMARY KEY, owner TEXT NOT NULL, command TEXT NOT NULL,"
	" person TEXT NOT NULL, place TEXT NOT NULL, inputs TEXT NOT NULL,"
	" expires BIGINT NOT NULL);"
	"CREATE TABLE bh_confirm ("
	" token TEXT PRIMARY KEY, owner TEXT NOT NULL, command TEXT NOT NULL,"
	" person TEXT NOT NULL, place TEXT NOT NULL, line TEXT NOT NULL,"
	" args TEXT NOT NULL, expires BIGINT NOT NULL);",
	/* What networks say when they are asked; and which kept event has used
	 * a form or a confirmation up. */
	"ALTER TABLE bh_identity ADD COLUMN flags BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE bh_identity ADD COLUMN asked BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE bh_room ADD COLUMN flags BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE bh_room ADD COLUMN asked BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE bh_form ADD COLUMN eaten BIGINT;"
	"ALTER TABLE bh_confirm ADD COLUMN eaten BIGINT;",
	NULL
};

void
tokens_sweep(struct chat *chat)
{
	struct bh_tx *tx = store_tx(chat->parts.store, CHAT_OWNER);
	int64_t now = world_now();
	/* An event that was kept is about what held when it arrived. */
	int64_t old = now - INBOX_LIFE;

	store_tx_sql(tx, BH_ANY, "DELETE FROM bh_button WHERE expires < $1",
	    BH_PARAMS(bh_i(old)));
	store_tx_sql(tx, BH_ANY, "DELETE FROM bh_form WHERE expires < $1",
	    BH_PARAMS(bh_i(old)));
	store_tx_sql(tx, BH_ANY, "DELETE FROM bh_confirm WHERE expires < $1",
	    BH_PARAMS(bh_i(old)));
	store_tx_outbox_prune(tx, now - OUTBOX_LIFE);
	/* A row that is posted anew counts its versions from one: buttons of
	 * the one before must not come to life. */
	store_tx_sql(tx, BH_ANY, "DELETE FROM bh_button WHERE version > 0 "
	    "AND NOT EXISTS (SELECT 1 FROM bh_outbox o "
	    "WHERE o.place = bh_button.place AND o.key = bh_button.key)",
	    NULL);
	store_commit(tx, NULL, NULL);
}

/* Every answer of the store about a call comes through here. */
static struct call *
back(void *arg)
{
	struct call *c = call_of(arg);

	c->holds--;
	return c;
}

/* Is a form or confirmation there to be used by this call?  One that this very
 * event has used up before a restart is. */
static bool
usable(const struct call *c, const struct bh_rows *rows, size_t expires,
    size_t eaten)
{
	const char *by = bh_cell(rows, 0, eaten);

	if (by != NULL)
		return c->kept != 0 && bh_cell_int(rows, 0, eaten) == c->kept;
	return bh_cell_int(rows, 0, expires) >= c->when;
}

/* The instance and command that a row names; if they are not here now, that
 * is said. */
static bool
resolve(struct call *c, const char *owner, const char *command)
{
	struct chat_instance *in = chat_by_owner(c->chat, owner);

	c->command = in != NULL ? command_of(in, command) : NULL;
	if (c->command == NULL &&
	    (c->via != VIA_FORM || path_flood(c, 1)))
		path_verdict(c, false, "%s is not running now, so %s%s cannot "
		    "be done. Try again in a minute.", owner, c->chat->prefix,
		    command);
	return in != NULL && command_of(in, command) != NULL;	/* c may be gone */
}

/* ------------------------------------------------------------------ */
/* Buttons                                                             */

/* One version of a card may be tried many times, and a network may show the
 * first try although it answered only the last: all of them carry the same
 * tokens.  Nobody can guess one without the secret, which ends with us. */
static void
button_token(char out[TOKEN_SIZE], const char *place, const char *key,
    int64_t version, int64_t changed, size_t number)
{
	static char secret[65];
	BH_AUTO_BUF struct bh_buf text = BH_BUF(16u * 1024u);
	char hex[SHA256_HEX_SIZE];

	if (version == 0) {
		ids_hex(out, 16);
		return;
	}
	if (*secret == '\0')
		ids_hex(secret, 32);
	bh_buf_add(&text, "%s %zu %lld %lld %zu:%s %s", secret, number,
	    (long long)version, (long long)changed, strlen(place), place, key);
	sha256_hex(hex, bh_buf_text(&text), text.len);
	memcpy(out, hex, TOKEN_SIZE - 1);
	out[TOKEN_SIZE - 1] = '\0';
}

void
tokens_buttons(struct bh_tx *tx, const struct bh_card *card,
    struct bh_button *out, char tokens[][TOKEN_SIZE], const char *owner,
    const char *place, const char *key, int64_t version, int64_t changed,
    int64_t life)
{
	int64_t expires = world_now() + life;

	for (size_t i = 0; i < card->buttons_count; i++) {
		const struct bh_button *b = &card->buttons[i];

		button_token(tokens[i], place, key, version, changed, i);
		out[i] = *b;
		out[i].token = tokens[i];
		store_tx_sql(tx, 1, "INSERT INTO bh_button (token, owner, "
		    "place, key, version, command, args, expires) "
		    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
		    "ON CONFLICT (token) DO UPDATE "
		    "SET expires = excluded.expires",
		    BH_PARAMS(bh_s(tokens[i]), bh_s(owner), bh_s(place),
		    bh_s(key), bh_i(version), bh_s(b->command),
		    bh_s(b->args), bh_i(expires)));
	}
}

static void
pressed(void *arg, int result, const struct bh_rows *rows)
{
	struct call *c = back(arg);
	const char *place;
	bool here = false, fresh = false;

	if (result != BH_OK) {
		path_verdict(c, false, "The button cannot be looked up just "
		    "now: the store failed. Nothing was done.");
		return;
	}
	if (rows->count == 1) {
		place = bh_cell(rows, 0, 3);
		here = strncmp(place, "@person:", 8) == 0 ?
		    c->direct && people_by_id(c->chat, place + 8) ==
		    people_by_id(c->chat, c->user.person) :
		    place_same(c->chat, place, c->place);
		fresh = bh_cell_int(rows, 0, 4) >= c->when &&
		    (bh_cell_int(rows, 0, 5) == 0 ||
		    bh_cell_int(rows, 0, 5) == bh_cell_int(rows, 0, 6));
	}
	if (rows->count != 1 || !here || !fresh) {
		if (!path_flood(c, 1))
			return;
		path_verdict(c, false, "This card has changed since that "
		    "button was made, so nothing was done. Look at its "
		    "newest version.");
		return;
	}

	const char *args = bh_cell(rows, 0, 2);

	/* Another instance may know the same command, but not what the button
	 * is about. */
	c->prefer = chat_by_owner(c->chat, bh_cell(rows, 0, 0));
	if (c->prefer == NULL) {
		if (path_flood(c, 1))
			path_verdict(c, false, "%s is not running now, so "
			    "nothing was done. Try again in a minute.",
			    bh_cell(rows, 0, 0));
		return;
	}
	c->line = xasprintf("%s%s%s", bh_cell(rows, 0, 1),
	    args != NULL && *args != '\0' ? " " : "",
	    args != NULL ? args : "");
	path_line(c);
}

/* The newest version is what the outbox wants to show, not what it has
 * shown so far: the moment a card is changed, its old buttons are void. */
void
tokens_press(struct call *c)
{
	c->holds++;
	store_query(c->chat->parts.store, CHAT_OWNER,
	    "SELECT b.owner, b.command, b.args, b.place, b.expires, "
	    "b.version, o.version FROM bh_button b LEFT JOIN bh_outbox o "
	    "ON o.place = b.place AND o.key = b.key WHERE b.token = $1",
	    BH_PARAMS(bh_s(c->token)), pressed, c);
}

/* ------------------------------------------------------------------ */
/* Forms                                                               */

struct asking {
	unsigned magic;
#define ASKING_MAGIC 0x61736b69u
	struct call *call;
	struct bh_form *form;
	char token[TOKEN_SIZE];
};

/* For networks without forms: what is asked, and how to type it. */
static void
say_form(struct call *c, const struct bh_form *form)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(16384);

	bh_buf_add(&text, "%s: please type it in one line.\n", form->title);
	if (c->command != NULL) {
		command_usage(&text, c->chat, c->command);
		bh_buf_puts(&text, "\n");
	}
	for (size_t i = 0; i < form->inputs_count; i++) {
		const struct bh_input *in = &form->inputs[i];

		bh_buf_add(&text, "  %s: %s%s", in->name, in->label,
		    in->required ? "" : " (optional)");
		if (in->hint != NULL && *in->hint != '\0')
			bh_buf_add(&text, ", %s", in->hint);
		for (size_t n = 0; n < in->choices_count && n < 10; n++)
			bh_buf_add(&text, "%s%s", n == 0 ? ": " : ", ",
			    in->choices[n].value);
		if (in->error != NULL)
			bh_buf_add(&text, " - %s", in->error);
		bh_buf_puts(&text, "\n");
	}
	say(c, true, bh_buf_text(&text));
}

static void
ask_now(void *arg, int result)
{
	struct asking *a = CAST(struct asking, arg, ASKING_MAGIC);
	struct call *c = a->call;
	int ret = result;

	if (c->from != NULL && result == BH_OK) {
		a->form->token = a->token;
		chat_enter(c->from, "ask");
		ret = c->from->transport->ask(c->from->state, a->form,
		    c->user_id, c->room, c->reply);
		chat_leave(c->chat, c->from->host);
	}
	if (c->from != NULL && ret < 0)
		say_form(c, a->form);
	form_free(&a->form);
	KILL_MAGIC(a);
	free(a);
	call_unhold(c);
}

int
tokens_ask(struct call *c, struct chat_instance *owner,
    const struct bh_form *form)
{
	BH_AUTO_BUF struct bh_buf json = BH_BUF(CARD_JSON_MAX);
	const char *error = NULL;
	struct bh_form *copy = NULL;

	if (form_json(&json, form, &error) == BH_OK)
		copy = form_parse(bh_buf_text(&json), json.len, &error);
	if (copy == NULL || command_of(owner, form->command) == NULL) {
		log_error("a form of %s cannot be shown: %s", owner->owner,
		    copy != NULL ? "its command does not exist" : error);
		form_free(&copy);
		return BH_EINVAL;
	}
	if (c->from == NULL || (c->from->transport->caps & BH_CAP_FORMS) == 0 ||
	    c->from->transport->ask == NULL) {
		say_form(c, copy);
		form_free(&copy);
		return BH_OK;
	}

	struct asking *a = xcalloc(1, sizeof(*a));
	struct bh_tx *tx = store_tx(c->chat->parts.store, CHAT_OWNER);

	a->magic = ASKING_MAGIC;
	a->call = c;
	a->form = copy;
	ids_hex(a->token, 16);
	c->replies++;
	c->holds++;
	store_tx_sql(tx, 1, "INSERT INTO bh_form (token, owner, command, "
	    "person, place, inputs, expires) VALUES ($1, $2, $3, $4, $5, $6, "
	    "$7)", BH_PARAMS(bh_s(a->token), bh_s(owner->owner),
	    bh_s(form->command), bh_s(c->user.person), bh_s(c->place),
	    bh_s(bh_buf_text(&json)), bh_i(world_now() + FORM_LIFE)));
	store_commit(tx, ask_now, a);
	return BH_OK;
}

static bool
is_yes(const char *value)
{
	return text_same_fold(value, "yes") || text_same_fold(value, "true") ||
	    text_same_fold(value, "on") || strcmp(value, "1") == 0;
}

static bool
is_choice(const struct bh_input *in, const char *value)
{
	for (size_t i = 0; i < in->choices_count; i++)
		if (strcmp(in->choices[i].value, value) == 0)
			return true;
	return false;
}

/* Fields become arguments; only what the form had counts. */
static void
take_fields(struct call *c)
{
	for (size_t i = 0; i < c->form->inputs_count; i++) {
		const struct bh_input *in = &c->form->inputs[i];
		const char *value = args_get(&c->fields, in->name);
		BH_AUTO_BUF struct bh_buf clean = BH_BUF(32u * 1024u);

		text_clean(&clean, value != NULL ? value : "",
		    LINE_MAX_CHARS);
		if (in->type == BH_TICK) {
			if (is_yes(bh_buf_text(&clean)))
				args_set(&c->args, in->name, "yes");
			else if (in->required)
				args_set(&c->fails, in->name,
				    "Please tick this.");
		} else if (clean.len == 0) {
			if (in->required)
				args_set(&c->fails, in->name,
				    "Please fill this in.");
		} else if (in->type == BH_CHOOSE &&
		    !is_choice(in, bh_buf_text(&clean))) {
			args_set(&c->fails, in->name,
			    "Please choose one of the list.");
		} else {
			args_set(&c->args, in->name, bh_buf_text(&clean));
		}
	}
}

/* The line that would have done the same, for the audit. */
static char *
as_typed(const struct command *command, const struct args *args)
{
	BH_AUTO_BUF struct bh_buf line = BH_BUF(64u * 1024u);

	bh_buf_puts(&line, command->name);
	for (size_t i = 0; i < command->spec.count; i++) {
		const struct arg_spec *arg = &command->spec.list[i];
		const char *value = args_get(args, arg->name);

		if (value == NULL)
			continue;
		bh_buf_puts(&line, " ");
		if (arg->kind == ARG_FLAG || arg->kind == ARG_OPTION)
			bh_buf_add(&line, "--%s", arg->name);
		if (arg->kind == ARG_FLAG)
			continue;
		if (arg->kind == ARG_OPTION)
			bh_buf_puts(&line, "=");
		words_quote(&line, value);
	}
	return xstrdup(bh_buf_text(&line));
}

static void
submitted(void *arg, int result, const struct bh_rows *rows)
{
	struct call *c = back(arg);
	BH_AUTO_BUF struct bh_buf wrong = BH_BUF(1024);
	const char *inputs, *error = NULL;

	if (result != BH_OK) {
		path_verdict(c, false, "The form cannot be looked up just "
		    "now: the store failed. Nothing was done.");
		return;
	}
	if (rows->count != 1 || !usable(c, rows, 4, 6) ||
	    strcmp(bh_cell(rows, 0, 2), c->user.person) != 0) {
		if (!path_flood(c, 1))
			return;
		path_verdict(c, false, "This form was sent already, has "
		    "expired or was made for somebody else, so nothing was "
		    "done. Ask for a new one.");
		return;
	}
	if (!resolve(c, bh_cell(rows, 0, 0), bh_cell(rows, 0, 1)))
		return;
	inputs = bh_cell(rows, 0, 3);
	c->form = form_parse(inputs, strlen(inputs), &error);
	if (c->form == NULL) {
		log_error("a stored form cannot be read: %s", error);
		path_verdict(c, false, "The form cannot be read any more. Ask "
		    "for a new one.");
		return;
	}
	/* Some networks do not say from which room a form was sent: it
	 * belongs where it was asked for. */
	call_move(c, bh_cell(rows, 0, 5));
	take_fields(c);
	if (c->fails.count == 0 && args_check(&c->command->spec, &c->args,
	    &wrong) != BH_OK)
		args_set(&c->fails, "", bh_buf_text(&wrong));
	c->line = as_typed(c->command, &c->args);
	c->eats_form = xstrdup(c->token);
	path_command(c);
}

void
tokens_submit(struct call *c)
{
	c->holds++;
	store_query(c->chat->parts.store, CHAT_OWNER,
	    "SELECT owner, command, person, inputs, expires, place, eaten "
	    "FROM bh_form WHERE token = $1", BH_PARAMS(bh_s(c->token)),
	    submitted, c);
}

/* ------------------------------------------------------------------ */
/* "Sure?"                                                             */

void
tokens_confirm(struct call *c, struct bh_tx *tx)
{
	BH_AUTO_BUF struct bh_buf args = BH_BUF(128u * 1024u);

	bh_buf_puts(&args, "{");
	for (size_t i = 0; i < c->args.count; i++) {
		if (i > 0)
			bh_buf_puts(&args, ",");
		bh_buf_quote(&args, c->args.list[i].name);
		bh_buf_puts(&args, ":");
		bh_buf_quote(&args, c->args.list[i].value);
	}
	bh_buf_puts(&args, "}");
	store_tx_sql(tx, 1, "INSERT INTO bh_confirm (token, owner, command, "
	    "person, place, line, args, expires) "
	    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	    BH_PARAMS(bh_s(c->ask_confirm),
	    bh_s(c->command->instance->owner), bh_s(c->command->name),
	    bh_s(c->user.person), bh_s(c->place), bh_s(c->line),
	    bh_s(bh_buf_text(&args)), bh_i(world_now() + CONFIRM_LIFE)));
}

static void
confirmed(void *arg, int result, const struct bh_rows *rows)
{
	struct call *c = back(arg);
	const char *text, *error = NULL;

	if (result != BH_OK) {
		path_verdict(c, false, "It cannot be looked up just now: the "
		    "store failed. Nothing was done.");
		return;
	}
	if (rows->count != 1 || !usable(c, rows, 4, 7) ||
	    strcmp(bh_cell(rows, 0, 2), c->user.person) != 0) {
		path_verdict(c, true, "There is nothing of yours to confirm "
		    "under %.20s: it was confirmed already, is older than 5 "
		    "minutes, or somebody else was asked.", c->eats_confirm);
		return;
	}
	if (!place_same(c->chat, bh_cell(rows, 0, 5), c->place)) {
		path_verdict(c, false, "You were asked in another place: "
		    "confirm it there.");
		return;
	}
	if (!resolve(c, bh_cell(rows, 0, 0), bh_cell(rows, 0, 1)))
		return;
	args_release(&c->args);
	text = bh_cell(rows, 0, 6);

	struct bh_value *args = json_parse(text, strlen(text), &error);

	for (BH_EACH(v, args))
		args_set(&c->args, v->key, v->text);
	value_free(args);
	free(c->line);
	c->line = xstrdup(bh_cell(rows, 0, 3));
	c->confirmed = true;
	path_command(c);
}

void
tokens_yes(struct call *c, const char *token)
{
	c->eats_confirm = xstrdup(token);
	for (char *p = c->eats_confirm; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - ('a' - 'A'));
	c->holds++;
	store_query(c->chat->parts.store, CHAT_OWNER,
	    "SELECT owner, command, person, line, expires, place, args, eaten "
	    "FROM bh_confirm WHERE token = $1",
	    BH_PARAMS(bh_s(c->eats_confirm)), confirmed, c);
}

/* ------------------------------------------------------------------ */
/* Search inputs                                                       */

static void
found_input(void *arg, int result, const struct bh_rows *rows)
{
	struct call *c = back(arg);
	struct chat_instance *in = NULL;

	if (result == BH_OK && rows->count == 1 &&
	    strcmp(bh_cell(rows, 0, 2), c->user.person) == 0)
		in = chat_by_owner(c->chat, bh_cell(rows, 0, 0));
	complete_input(c, in != NULL ? command_of(in, bh_cell(rows, 0, 1)) :
	    NULL);
}

void
tokens_form_input(struct call *c)
{
	c->holds++;
	store_query(c->chat->parts.store, CHAT_OWNER,
	    "SELECT owner, command, person FROM bh_form WHERE token = $1 "
	    "AND eaten IS NULL",
	    BH_PARAMS(bh_s(c->token)), found_input, c);
}
