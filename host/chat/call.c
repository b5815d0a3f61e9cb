/* call.c - one run of a command: from its event to its last answer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A person's calls stand in a queue.  Their commits overlap, so that the
 * store writes many for one fsync; their handlers run one after the other.
 * A handler that leaves its call pending holds up the next for a second at
 * most.
 */

#include "host/chat/inner.h"

#include "host/base/failpoint.h"
#include "host/base/ids.h"
#include "host/base/world.h"
#include "host/conf/conf.h"
#include "host/io/loop.h"

struct call *
call_new(struct chat *chat, struct chat_instance *from, enum via via,
    const struct bh_event *event)
{
	struct call *c = xcalloc(1, sizeof(*c));

	c->pub.api = chat->parts.api;
	c->magic = CALL_MAGIC;
	c->chat = chat;
	c->from = from;
	from->calls++;
	c->via = via;
	c->event = arena_copy(&c->memory, event->id);
	c->room = arena_copy(&c->memory, event->room);
	c->room_name = arena_copy(&c->memory, event->room_name);
	c->thread = arena_copy(&c->memory, event->thread);
	c->reply = arena_copy(&c->memory, event->reply);
	c->user_id = arena_copy(&c->memory, event->user);
	c->token = arena_copy(&c->memory, event->token);
	c->input = arena_copy(&c->memory, event->input);
	for (size_t i = 0; i < event->fields_count && i < CARD_INPUTS; i++)
		args_set(&c->fields, event->fields[i].name,
		    event->fields[i].value != NULL ? event->fields[i].value :
		    "");
	c->event_flags = event->user_flags;
	c->place = place_of_event(&c->memory, from, event);
	c->team = "";
	c->direct = event->room == NULL;
	c->when = world_now();
	if (*chat->key == '\0')
		ids_hex(chat->key, 8);
	snprintf(c->key, sizeof(c->key), "%s%016llx", chat->key,
	    (unsigned long long)chat->keys++);
	c->next = chat->calls;
	if (c->next != NULL)
		c->next->prev = c;
	chat->calls = c;
	chat->calls_count++;
	return c;
}

/* What is known of the room now, and for the event's own name of it. */
void
call_see(struct call *c, struct room *room)
{
	struct bh_event there = { .user = c->user_id, .room = c->room };

	if (room != NULL)
		room->calls++;
	if (c->seen != NULL)
		c->seen->calls--;
	c->seen = room;
	if (room != NULL && *room->name != '\0') {
		c->room_name = arena_copy(&c->memory, room->name);
	}
	there.room_name = c->room_name;
	c->place_name = c->room != NULL && c->room_name != NULL ?
	    arena_join(&c->memory, c->from->name, "/", c->room_name) : NULL;
	c->team = arena_copy(&c->memory, place_team(c->chat, c->from,
	    &there));
}

void
call_identify(struct call *c, struct identity *identity)
{
	if (identity == NULL || c->identity != NULL)
		return;
	c->identity = identity;
	identity->calls++;
	if (c->via != VIA_COMPLETE && c->via != VIA_HOME)
		call_queue(c);
}

/* The user as it is now: a rename while the call is pending changes
 * nothing in it. */
void
call_user(struct call *c)
{
	struct bh_user now = { .realm = c->from->realm, .id = c->user_id,
	    .name = c->user_id };

	if (c->identity != NULL)
		people_user(c->chat, c->identity, c->event_flags, &now);
	now.flags |= c->event_flags & (BH_USER_GUEST | BH_USER_BOT);
	c->user.flags = now.flags;
	c->user.person = arena_copy(&c->memory, now.person);
	c->user.name = arena_copy(&c->memory, now.name);
	c->user.email = arena_copy(&c->memory, now.email);
	c->user.realm = arena_copy(&c->memory, now.realm);
	c->user.id = arena_copy(&c->memory, now.id);
}

void
call_move(struct call *c, const char *place)
{
	struct target target;

	if (place_same(c->chat, place, c->place))
		return;
	place_target(c->chat, place, &target);
	if (target.instance == c->from && c->from != NULL &&
	    (target.room != NULL || (target.user != NULL &&
	    strcmp(target.user, c->user_id) == 0))) {
		const struct bh_event there = { .user = c->user_id,
		    .room = target.room };

		c->room = arena_copy(&c->memory, there.room);
		c->room_name = NULL;
		c->place = place_of_event(&c->memory, c->from, &there);
		c->direct = there.room == NULL;
		call_see(c, place_room(c->chat, place));
	}
	target_release(&target);
}

struct call *
call_of(struct bh_call *pub)
{
	struct call *c = (struct call *)(void *)pub;

	(void)magic_check_const(c != NULL ? &c->magic : NULL, CALL_MAGIC,
	    "struct call");
	return c;
}

static void
dequeue(struct call *c)
{
	struct person *p;

	if (!c->queued)
		return;
	c->queued = false;
	p = c->identity->person;
	if (p->first == c) {
		loop_cancel(p->turn);
		p->turn = NULL;
		p->first = c->after;
		if (p->first == NULL)
			p->last = NULL;
		return;
	}
	for (struct call *q = p->first; q != NULL; q = q->after) {
		if (q->after == c) {
			q->after = c->after;
			if (p->last == c)
				p->last = q;
			return;
		}
	}
}

void
call_free(struct call *c)
{
	struct chat *chat = c->chat;

	CHECK_MAGIC(&c->magic, CALL_MAGIC);
	dequeue(c);
	loop_cancel(c->timer);
	if (c->identity != NULL)
		c->identity->calls--;
	if (c->seen != NULL)
		c->seen->calls--;
	if (c->from != NULL)
		c->from->calls--;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		chat->calls = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	chat->calls_count--;
	for (size_t i = 0; i < c->offers_count; i++) {
		free(c->offers[i].value);
		free(c->offers[i].label);
	}
	free(c->offers);
	args_release(&c->fields);
	args_release(&c->args);
	args_release(&c->fails);
	form_free(&c->form);
	free(c->line);
	free(c->eats_confirm);
	free(c->eats_form);
	free(c->unclear);
	free(c->kept_text);
	free(c->tidied);
	free(c->verdict);
	free(c->rule);
	receipt_drop(&c->receipt);
	arena_free(&c->memory);
	c->magic = 0;
	free(c);
}

void
call_received(struct call *c, int result)
{
	bh_commit_cb *received = c->received;

	c->received = NULL;
	if (received != NULL)
		received(c->received_arg, result);
}

void
call_unhold(struct call *c)
{
	if (--c->holds == 0 && c->stage == STAGE_OVER)
		call_free(c);
}

void
call_over(struct call *c)
{
	struct person *p = c->queued ? c->identity->person : NULL;

	c->stage = STAGE_OVER;
	loop_cancel(c->timer);
	c->timer = NULL;
	inbox_done(c);
	dequeue(c);
	if (c->holds == 0)
		call_free(c);
	if (p != NULL)
		call_turn(p);
}

void
call_leave(struct call *c)
{
	c->stays = true;
	call_over(c);
}

/* ------------------------------------------------------------------ */
/* Access                                                              */

static int
in_group(void *arg, const struct bh_user *user, const char *group)
{
	struct chat *chat = CAST(struct chat, arg, CHAT_MAGIC);

	for (struct chat_instance *in = chat->instances; in != NULL;
	    in = in->next) {
		const struct bh_directory *d = in->plugin->directory;
		int is;

		if (d == NULL || d->member == NULL)
			continue;
		chat_enter(in, "member");
		is = d->member(in->state, user, group);
		chat_leave(chat, in->host);
		if (is == 1)
			return 1;
	}
	return 0;
}

static const struct bh_value *
members(void *arg, const char *team)
{
	struct chat *chat = CAST(struct chat, arg, CHAT_MAGIC);

	return conf_team_members(chat->parts.conf, team);
}

bool
call_allows(const struct call *c, const struct command *command,
    struct bh_buf *why)
{
	const struct conf *conf = c->chat->parts.conf;
	bool team = *c->team != '\0';

	if (!c->direct && place_closed(c->chat, c->seen)) {
		if (why != NULL)
			bh_buf_add(why, "people of other companies are in this "
			    "room, and %s is not listed under shared-rooms: in "
			    "bellhop.yaml; write to me directly",
			    c->place_name != NULL ? c->place_name : c->place);
		return false;
	}

	struct access_question q = {
		.user = &c->user,
		.command = command->name,
		.plugin = command->instance->plugin->name,
		.flags = command->def->flags,
		.place = c->place,
		.place_name = c->place_name,
		.team = c->team,
		.main_rules = conf_access(conf, ""),
		.team_rules = team ? conf_access(conf, c->team) : NULL,
		.delegated = team ? conf_delegated(conf, c->team) : NULL,
		.in_group = in_group,
		.members = members,
		.arg = c->chat,
	};

	return access_allows(&q, why);
}

/* ------------------------------------------------------------------ */
/* Turns                                                               */

void
call_queue(struct call *c)
{
	struct person *p;

	if (c->identity == NULL)
		return;
	p = c->identity->person;
	c->queued = true;
	if (p->last != NULL)
		p->last->after = c;
	else
		p->first = c;
	p->last = c;
}

void
call_ready(struct call *c)
{
	c->stage = STAGE_READY;
	if (c->queued)
		call_turn(c->identity->person);
	else
		call_run(c);
}

/* The one at the head has been pending long enough: the next may go. */
static void
patience(void *arg)
{
	struct person *p = CAST(struct person, arg, PERSON_MAGIC);

	p->turn = NULL;
	if (p->first != NULL && p->first->stage == STAGE_RUN)
		dequeue(p->first);
	call_turn(p);
}

void
call_turn(struct person *p)
{
	if (p->turning)
		return;
	p->turning = true;
	while (p->first != NULL && p->first->stage == STAGE_READY)
		call_run(p->first);
	p->turning = false;
	if (p->first != NULL && p->first->stage == STAGE_RUN &&
	    p->first->after != NULL && p->turn == NULL)
		p->turn = loop_after(p->first->chat->parts.loop, TURN_TIMEOUT,
		    patience, p);
}

/* ------------------------------------------------------------------ */
/* Running and ending                                                  */

static const char *
result_text(int result)
{
	switch (result) {
	case BH_EINVAL: return "what was asked makes no sense";
	case BH_ENOENT: return "there is no such thing";
	case BH_EPERM: return "it is not allowed";
	case BH_ECONFLICT: return "something else changed it at the same time";
	case BH_EFULL: return "the disk is full, or a limit was reached";
	case BH_EIO: return "the disk or the store failed";
	case BH_ETIMEOUT: return "an answer did not come in time";
	case BH_ENET: return "the network failed";
	case BH_ENOMEM: return "there is not enough memory";
	case BH_EBUSY: return "it is busy: try again in a minute";
	case BH_ELIMIT: return "that was too often: try again later";
	case BH_EUNSUPPORTED: return "it cannot be done here";
	case BH_ECANCELLED: return "it was cancelled";
	case BH_EPARSE: return "an answer could not be understood";
	default: return "it failed with an unknown result";
	}
}

/* Shows the form again, with what was filled in and what is wrong. */
static void
ask_again(struct call *c)
{
	BH_AUTO_BUF struct bh_buf other = BH_BUF(4096);
	struct bh_form form = *c->form;
	struct bh_input *inputs = xcalloc(form.inputs_count, sizeof(*inputs));

	for (size_t i = 0; i < form.inputs_count; i++) {
		const char *value = args_get(&c->fields, form.inputs[i].name);

		inputs[i] = form.inputs[i];
		inputs[i].error = args_get(&c->fails, inputs[i].name);
		if (value != NULL)
			inputs[i].value = value;
	}
	/* What belongs to no field stands at the first that has no error. */
	for (size_t i = 0; i < c->fails.count; i++) {
		const struct arg *f = &c->fails.list[i];
		bool placed = false;

		for (size_t n = 0; n < form.inputs_count; n++)
			placed = placed || strcmp(f->name,
			    inputs[n].name) == 0;
		if (!placed)
			bh_buf_add(&other, "%s%s", other.len > 0 ? " " : "",
			    f->value);
	}
	for (size_t n = 0; other.len > 0 && n < form.inputs_count; n++) {
		if (inputs[n].error == NULL) {
			inputs[n].error = bh_buf_text(&other);
			break;
		}
	}
	form.inputs = inputs;
	tokens_ask(c, c->command->instance, &form);
	free(inputs);
}

static void
say_failures(struct call *c, int result)
{
	BH_AUTO_BUF struct bh_buf text = BH_BUF(16384);

	if (c->fails.count > 0 && c->form != NULL && c->from != NULL &&
	    (c->from->transport->caps & BH_CAP_FORMS) != 0) {
		ask_again(c);
		return;
	}
	for (size_t i = 0; i < c->fails.count; i++)
		bh_buf_add(&text, "%s%s", i > 0 ? "\n" : "",
		    c->fails.list[i].value);
	if (c->fails.count == 0 && result < 0 && c->replies == 0)
		bh_buf_add(&text, "%s%s did not work: %s.",
		    c->chat->prefix, c->command->def->name,
		    result_text(result));
	if (text.len > 0)
		say(c, true, bh_buf_text(&text));
}

static void
finish(struct call *c, int result)
{
	if (c->command != NULL)
		c->command->instance->pending--;
	receipt_result(c->receipt, result == BH_OK && c->fails.count > 0 ?
	    BH_EINVAL : result);
	if (c->via == VIA_COMPLETE) {
		complete_done(c);
	} else {
		say_failures(c, result);
		if (result < 0 && c->fails.count == 0 && c->command != NULL)
			log_warn("%s of %s failed for person %s: %s",
			    c->command->def->name, c->command->instance->owner,
			    c->user.person, result_text(result));
	}
	call_over(c);
}

static void
timed_out(void *arg)
{
	struct call *c = call_of(arg);

	c->timer = NULL;
	c->late = true;
	log_warn("%s of %s, asked by person %s, has been pending for %d s",
	    c->command->def->name, c->command->instance->owner,
	    c->user.person, CALL_TIMEOUT / 1000);

	BH_AUTO_FREE char *text = xasprintf("%s%s has not answered within "
	    "%d s. It has not been stopped: if an answer comes, it comes "
	    "here.", c->chat->prefix, c->command->def->name,
	    CALL_TIMEOUT / 1000);
	struct person *p = c->queued ? c->identity->person : NULL;

	say(c, true, text);
	dequeue(c);
	if (p != NULL)
		call_turn(p);
}

/* The question before a dangerous command. */
static void
ask_sure(struct call *c)
{
	const struct bh_span title[] = {
		{ .kind = BH_SPAN_STRONG, .text = "Sure?" } };
	const struct bh_span what[] = {
		{ .kind = BH_SPAN_CODE, .text = c->line } };
	const struct bh_span note[] = {
		{ .kind = BH_SPAN_TEXT, .text = "Only you can confirm this, "
		    "within 5 minutes." } };
	const struct bh_field field = { .label = "This will run",
	    .spans = what, .spans_count = 1 };
	const struct bh_button yes = { .label = "Yes, do it",
	    .command = "yes", .args = c->ask_confirm, .style = BH_DANGER };
	const struct bh_card card = { .title = title, .title_count = 1,
	    .colour = BH_YELLOW, .fields = &field, .fields_count = 1,
	    .buttons = &yes, .buttons_count = 1, .note = note,
	    .note_count = 1 };
	BH_AUTO_FREE char *text = xasprintf("Sure? This will run: %s\n"
	    "Type %syes %s within 5 minutes to confirm; only you can.",
	    c->line, c->chat->prefix, c->ask_confirm);

	say_card(c, true, &card, text);
}

void
call_run(struct call *c)
{
	struct command *command = c->command;
	struct bh_host *host;
	int ret;

	c->stage = STAGE_RUN;
	if (c->verdict != NULL) {
		if ((c->user.flags & (BH_USER_BOT | BH_USER_GONE)) == 0)
			say(c, true, c->verdict);
		call_over(c);
		return;
	}
	if (*c->ask_confirm != '\0') {
		ask_sure(c);
		call_over(c);
		return;
	}
	if (c->fails.count > 0) {
		receipt_result(c->receipt, BH_EINVAL);
		say_failures(c, BH_EINVAL);
		call_over(c);
		return;
	}
	command->instance->pending++;
	host = command->instance->host;
	c->holds++;
	failpoint_hit("command.before-run");
	chat_enter(command->instance, command->def->name);
	ret = command->def->run(&c->pub, command->instance->state);
	chat_leave(c->chat, host);
	failpoint_hit("command.after-run");
	c->holds--;
	c->returned = true;
	if (c->stage == STAGE_OVER) {
		if (c->holds == 0)
			call_free(c);
	} else if (ret != BH_PENDING) {
		finish(c, ret);
	} else if (c->ended) {
		finish(c, c->result);
	} else {
		c->timer = loop_after(c->chat->parts.loop, CALL_TIMEOUT,
		    timed_out, c);
	}
}

/* The command's instance goes away. */
void
call_orphan(struct call *c)
{
	BH_AUTO_FREE char *text = xasprintf("%s%s was not finished: %s is "
	    "being stopped. Try again in a minute.", c->chat->prefix,
	    c->command->def->name, c->command->instance->owner);

	c->command = NULL;
	receipt_result(c->receipt, BH_ECANCELLED);
	/* What was acknowledged is carried out by the next start instead. */
	c->stays = c->kept != 0;
	if (c->stays)
		*text = '\0';
	if (c->stage == STAGE_RUN) {
		if (c->via != VIA_COMPLETE)
			say(c, true, text);
		call_over(c);
	} else if (c->stage != STAGE_OVER && c->verdict == NULL) {
		*c->ask_confirm = '\0';
		c->verdict = xstrdup(text);
	}
}

/* ------------------------------------------------------------------ */
/* The plugin's side                                                   */

const char *
chat_call_arg(struct bh_call *pub, const char *name)
{
	return args_get(&call_of(pub)->args, name);
}

const struct bh_user *
chat_call_user(struct bh_call *pub)
{
	return &call_of(pub)->user;
}

const char *
chat_call_team(struct bh_call *pub)
{
	return call_of(pub)->team;
}

const char *
chat_call_place(struct bh_call *pub)
{
	return call_of(pub)->place;
}

struct chat_instance *
chat_call_instance(struct bh_call *pub)
{
	struct call *c = call_of(pub);

	return c->command != NULL ? c->command->instance : NULL;
}

struct bh_host *
chat_call_host(struct bh_call *pub)
{
	struct chat_instance *in = chat_call_instance(pub);

	return in != NULL ? in->host : NULL;
}

int
chat_call_reply(struct bh_call *pub, const char *fmt, va_list ap)
{
	struct call *c = call_of(pub);
	BH_AUTO_BUF struct bh_buf text = BH_BUF(256u * 1024u);

	bh_buf_vadd(&text, fmt, ap);
	say(c, false, bh_buf_text(&text));
	return BH_OK;
}

int
chat_call_reply_card(struct bh_call *pub, const struct bh_card *card,
    const char *text)
{
	say_card(call_of(pub), false, card, text);
	return BH_OK;
}

int
chat_call_fail(struct bh_call *pub, const char *arg, const char *fmt,
    va_list ap)
{
	struct call *c = call_of(pub);
	BH_AUTO_BUF struct bh_buf text = BH_BUF(16384);
	const char *before = args_get(&c->fails, arg != NULL ? arg : "");

	if (before != NULL)
		bh_buf_add(&text, "%s ", before);
	bh_buf_vadd(&text, fmt, ap);
	args_set(&c->fails, arg != NULL ? arg : "", bh_buf_text(&text));
	return BH_EINVAL;
}

int
chat_call_ask(struct bh_call *pub, const struct bh_form *form)
{
	struct call *c = call_of(pub);

	if (c->command == NULL)
		return BH_ECANCELLED;
	return tokens_ask(c, c->command->instance, form);
}

void
chat_call_end(struct bh_call *pub, int result)
{
	struct call *c = call_of(pub);

	if (c->ended || c->stage != STAGE_RUN)
		return;
	c->ended = true;
	c->result = result;
	if (c->returned)
		finish(c, result);
}
