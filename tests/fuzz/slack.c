/* slack.c - fuzz target: what comes in from Slack, by all its ways.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The first byte says which: 'f' a form-encoded body, 'c' a slash command as
 * one, 'e' an event, 'i' an interaction, 's' a frame of Socket Mode.
 * Whatever it is, it is acknowledged exactly once, and what the host is told
 * has ids that can be believed.
 */

#include "plugins/slack/slack-link.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake-host.h"

extern const struct bh_plugin bellhop_plugin;

static int acks;

static void
count(void *arg, int result, const char *body)
{
	(void)arg;
	check(result == BH_OK);
	check(body == NULL || *body == '{');
	acks++;
}

/* ------------------------------------------------------------------ */

static void
encode(struct bh_buf *out, const struct bh_value *map)
{
	for (BH_EACH(v, map)) {
		bh_buf_puts(out, out->len > 0 ? "&" : "");
		bh_buf_percent(out, v->key);
		bh_buf_puts(out, "=");
		bh_buf_percent(out, v->text);
	}
}

/* What was read can be written, and reads the same again. */
static struct bh_value *
read_form(const uint8_t *data, size_t len)
{
	struct bh_buf once = BH_BUF(1u << 20), twice = BH_BUF(1u << 20);
	const char *why = NULL;
	char *body = malloc(len > 0 ? len : 1);
	struct bh_value *form, *again;

	if (body == NULL)
		abort();
	if (len > 0)
		memcpy(body, data, len);
	form = slack_decode(body, len, &why);
	check((form != NULL) == (why == NULL));
	free(body);
	if (form == NULL)
		return NULL;
	encode(&once, form);
	again = slack_decode(bh_buf_text(&once), once.len, &why);
	check(again != NULL && again->count == form->count);
	encode(&twice, again);
	check(strcmp(bh_buf_text(&once), bh_buf_text(&twice)) == 0);
	slack_decode_free(again);
	bh_buf_release(&once);
	bh_buf_release(&twice);
	return form;
}

/* ------------------------------------------------------------------ */

static void
look_at(struct slack *s, const struct bh_event *e)
{
	const struct slack_reply *r = slack_reply_find(s, e->reply);

	check(r != NULL && slack_id_ok(e->user));
	check(e->room == NULL || (slack_id_ok(e->room) && *e->room != 'D'));
	check(e->thread == NULL || slack_ts_ok(e->thread));
	check(e->name == NULL && e->email == NULL && e->room_name == NULL);
	check((e->user_flags & ~BH_USER_GUEST) == 0);
	check(e->kind == BH_EV_HOME || e->kind == BH_EV_BUTTON ||
	    e->kind == BH_EV_FORM || e->text != NULL);
	check((e->kind == BH_EV_BUTTON || e->kind == BH_EV_FORM ||
	    e->kind == BH_EV_COMPLETE) == (e->token != NULL));
	check(e->id == NULL || *e->id != '\0' || e->kind == BH_EV_MESSAGE ||
	    e->kind == BH_EV_COMMAND || e->kind == BH_EV_HOME);
	for (size_t i = 0; i < e->fields_count; i++)
		check(e->fields[i].name != NULL && e->fields[i].value != NULL);
}

static void
receive(struct fake *fake, struct slack *s, int kind,
    const struct bh_value *payload)
{
	acks = 0;
	slack_receive(s, kind, payload, count, NULL);
	check(acks <= 1);
	check(fake->inbound.events_count <= 1);
	if (fake->inbound.events_count == 1)
		look_at(s, fake_event(fake, 0));
	/* At the latest when a submission's two seconds are over. */
	fake_run(fake, 2000);
	check(acks == 1);
	if (fake->inbound.events_count == 1)
		slack_over(s, fake_event(fake, 0)->reply, BH_OK);
	fake_run(fake, 10);
	check(acks == 1);
}

static void
no_calls(void *arg, struct slack_link *link)
{
	(void)arg;
	(void)link;
}

static void
no_leave(void *arg, struct slack_link *link, const char *reason)
{
	(void)arg;
	(void)link;
	check(reason != NULL);
}

static void
frame(struct fake *fake, struct slack *s, const char *text)
{
	static const struct slack_link_calls calls = { .hello = no_calls,
		.leave = no_leave };
	struct slack_link *link = slack_link_open(s, "wss://x/", &calls, NULL);
	struct fake_socket *socket = fake_socket(fake, 0);

	fake_socket_open(socket);
	fake_socket_say(socket, text);
	fake_run(fake, 3000);
	check(socket->sent_count <= 1);
	check(socket->sent_count == 0 ||
	    strncmp(socket->sent[0], "{\"envelope_id\":\"", 16) == 0);
	slack_link_drop(link);
}

static void
by_way(struct fake *fake, struct slack *s, char way, const uint8_t *data,
    size_t len)
{
	char *text = fuzz_text(data, len);
	const char *why = NULL;
	struct bh_value *v;

	if (way == 's') {
		frame(fake, s, text);
	} else if (way == 'c') {
		v = read_form(data, len);
		if (v != NULL)
			receive(fake, s, SLACK_COMMANDS, v);
		slack_decode_free(v);
	} else {
		v = bh_json(&fake->host, text, strlen(text), &why);
		if (v != NULL)
			receive(fake, s, way == 'e' ? SLACK_EVENTS :
			    SLACK_INTERACTIVE, v);
		bh_json_free(&fake->host, v);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const config[] = { "mode", "http", "bot-token",
		"xoxb-1", "signing-secret", "x", "api-url", "https://x/api/" };
	struct fake *fake;
	void *state = NULL;
	struct slack *s;

	if (len == 0)
		return 0;
	if (*data == 'f') {
		slack_decode_free(read_form(data + 1, len - 1));
		return 0;
	}
	fake = fake_new();
	memcpy(fake->config, config, sizeof(config));
	fake_ok(fake, "views.open", "{\"ok\":true,\"view\":{\"id\":\"V1\"}}");
	check(bellhop_plugin.open(&fake->host, &state) == BH_OK);
	s = slack_of(state);
	bh_set(&s->team, "T0");
	bh_set(&s->bot_user, "U0BOT");
	by_way(fake, s, (char)*data, data + 1, len - 1);
	bellhop_plugin.close(s);
	fake_free(&fake);
	return 0;
}
