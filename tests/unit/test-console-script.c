/* test-console-script.c - a piped session against a host made of lists.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "host/base/json.h"
#include "host/base/text.h"
#include "host/base/value.h"
#include "plugins/console/console.h"

extern const struct bh_plugin bellhop_plugin;

/* What the fake host was told, and what it will do. */
static struct {
	struct bh_value *people;
	struct bh_buf events;		/* one line for each delivered event */
	size_t delivered;
	struct { bh_commit_cb *cb; void *arg; } waiting[1024];
	size_t waiting_count;
	bool hold;			/* received() comes by release_all() */
	struct bh_timer { bh_timer_cb *cb; void *arg; bool on; } timers[64];
	bh_watch_cb *watch;
	void *watch_arg;
	bool watching;
	size_t unfinished;
	int quit;			/* the status; -1: not yet */
	int in[2], out;
	struct console *c;
} f;

static int64_t
fake_now(struct bh_host *h)
{
	(void)h;
	return 1767607200000;
}

static void
fake_random(struct bh_host *h, void *out, size_t len)
{
	(void)h;
	memset(out, 7, len);
}

static void BH_PRINTF(3, 4)
fake_log(struct bh_host *h, int level, const char *fmt, ...)
{
	(void)h;
	(void)level;
	ck_abort_msg("logged: %s", fmt);
}

static const char *
fake_config(struct bh_host *h, const char *key)
{
	(void)h;
	return strcmp(key, "me") == 0 ? "ada" : strcmp(key, "room") == 0 ?
	    "#payments" : NULL;
}

static const struct bh_value *
fake_setting(struct bh_host *h, const char *team, const char *key)
{
	(void)h;
	(void)team;
	return strcmp(key, "people") == 0 ? f.people : NULL;
}

static struct bh_timer *
fake_after(struct bh_host *h, int64_t ms, bh_timer_cb *cb, void *arg)
{
	(void)h;
	(void)ms;
	for (size_t i = 0; i < 64; i++)
		if (!f.timers[i].on) {
			f.timers[i] = (struct bh_timer){ cb, arg, true };
			return &f.timers[i];
		}
	ck_abort_msg("too many timers");
	return NULL;
}

static void
fake_cancel(struct bh_timer *t)
{
	if (t != NULL)
		t->on = false;
}

static struct bh_watch *
fake_watch(struct bh_host *h, int fd, unsigned events, bh_watch_cb *cb,
    void *arg)
{
	(void)h;
	ck_assert_int_eq(fd, f.in[0]);
	ck_assert_uint_eq(events, BH_READ);
	f.watch = cb;
	f.watch_arg = arg;
	f.watching = true;
	return (struct bh_watch *)&f.watching;
}

static void
fake_unwatch(struct bh_watch *w)
{
	(void)w;
	f.watching = false;
}

static int
fake_deliver(struct bh_host *h, const struct bh_event *e, bh_commit_cb *cb,
    void *arg)
{
	(void)h;
	bh_buf_add(&f.events, "%d %s %s %s%s", e->kind, e->user,
	    e->room != NULL ? e->room : "-", e->text != NULL ? e->text : "",
	    e->token != NULL ? e->token : "");
	for (size_t i = 0; i < e->fields_count; i++)
		bh_buf_add(&f.events, " %s=%s", e->fields[i].name,
		    e->fields[i].value);
	bh_buf_puts(&f.events, "\n");
	f.delivered++;
	if (f.hold) {
		ck_assert_uint_lt(f.waiting_count, 1024);
		f.waiting[f.waiting_count].cb = cb;
		f.waiting[f.waiting_count++].arg = arg;
	} else {
		cb(arg, BH_OK);
	}
	return BH_OK;
}

static void BH_PRINTF(3, 4)
fake_health(struct bh_host *h, int health, const char *fmt, ...)
{
	(void)h;
	(void)fmt;
	ck_assert_int_eq(health, BH_UP);
}

static size_t
fake_unfinished(struct bh_host *h)
{
	(void)h;
	return f.unfinished;
}

static void
fake_quit(struct bh_host *h, int status)
{
	(void)h;
	ck_assert_int_eq(f.quit, -1);
	f.quit = status;
}

static const struct bh_api api = {
	.size = sizeof(api), .now = fake_now, .random = fake_random,
	.log = fake_log, .host_config = fake_config,
	.team_setting = fake_setting, .after = fake_after,
	.cancel = fake_cancel, .watch = fake_watch, .unwatch = fake_unwatch,
	.deliver = fake_deliver, .health = fake_health,
	.nearest = text_nearest, .unfinished = fake_unfinished,
	.quit_with = fake_quit,
};
static struct bh_host host = { &api };

/* ------------------------------------------------------------------ */

static void
begin(void)
{
	static const char json[] = "[{\"name\":\"ada\",\"display\":"
	    "\"Ada Lovelace\"},{\"name\":\"grace\"}]";
	const char *error = NULL;
	void *state = NULL;
	char path[] = "/tmp/test-console-XXXXXX";

	memset(&f, 0, sizeof(f));
	f.quit = -1;
	f.events = (struct bh_buf)BH_BUF(1024u * 1024u);
	f.people = json_parse(json, strlen(json), &error);
	ck_assert_ptr_nonnull(f.people);
	ck_assert_int_eq(bellhop_plugin.open(&host, &state), BH_OK);
	f.c = state;
	ck_assert_int_eq(pipe2(f.in, O_NONBLOCK), 0);
	f.out = mkstemp(path);
	ck_assert_int_ge(f.out, 0);
	unlink(path);
	f.c->in = f.in[0];
	f.c->out = f.out;
	f.c->tty = f.c->colour = false;
	ck_assert_int_eq(bellhop_plugin.transport->connect(state), BH_OK);
}

static void
end(void)
{
	bellhop_plugin.transport->disconnect(f.c);
	bellhop_plugin.close(f.c);
	value_free(f.people);
	bh_buf_release(&f.events);
	close(f.in[0]);
	if (f.in[1] >= 0)
		close(f.in[1]);
	close(f.out);
}

static void
type(const char *lines)
{
	size_t len = strlen(lines);

	ck_assert_int_eq(write(f.in[1], lines, len), (ssize_t)len);
	if (f.watching)
		f.watch(f.watch_arg, f.in[0], BH_READ);
}

static void
hang_up(void)
{
	close(f.in[1]);
	f.in[1] = -1;
	if (f.watching)
		f.watch(f.watch_arg, f.in[0], BH_READ);
}

/* Lets every timer that is on now run once. */
static void
turn(void)
{
	struct bh_timer now[64];

	memcpy(now, f.timers, sizeof(now));
	for (size_t i = 0; i < 64; i++)
		if (now[i].on && f.timers[i].on) {
			f.timers[i].on = false;
			now[i].cb(now[i].arg);
		}
}

static void
turns(int n)
{
	while (n-- > 0)
		turn();
}

static void
sent(void *arg, int result, const char *message)
{
	ck_assert_int_eq(result, BH_OK);
	if (arg != NULL)
		snprintf(arg, 64, "%s", message);
}

static void
show(const char *room, const char *user, const char *text)
{
	struct bh_post post = { .key = "k", .room = room, .user = user,
		.text = text };

	ck_assert_int_eq(bellhop_plugin.transport->send(f.c, &post, sent,
	    NULL), BH_OK);
}

/* A card with a title, one field and at most one button. */
static void
show_card(const char *message, char *id, const char *title,
    const char *field, const char *label, const char *token)
{
	struct bh_span t = { BH_SPAN_TEXT, title, NULL, 0 };
	struct bh_span v = { BH_SPAN_TEXT, field, NULL, 0 };
	struct bh_field one = { "Account", &v, 1 };
	struct bh_button b = { label, "go", NULL, BH_PLAIN, token };
	struct bh_card card = { .title = &t, .title_count = 1,
		.fields = &one, .fields_count = 1, .buttons = &b,
		.buttons_count = label != NULL };
	struct bh_post post = { .key = "k", .room = "#payments",
		.message = message, .text = title, .card = &card };

	ck_assert_int_eq(bellhop_plugin.transport->send(f.c, &post, sent,
	    id), BH_OK);
}

static const char *
printed(void)
{
	static char text[65536];
	ssize_t n;

	turn();
	n = pread(f.out, text, sizeof(text) - 1, 0);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

/* ------------------------------------------------------------------ */

START_TEST(lines_go_out_at_once_as_who_and_where)
{
	type("!one\n/as grace\n/in #platform\n!two\n/dm\n/elevate x\n");
	ck_assert_str_eq(bh_buf_text(&f.events),
	    "0 ada #payments !one\n0 grace #platform !two\n"
	    "1 grace - elevate x\n");
	ck_assert_str_eq(printed(), "");
}
END_TEST

START_TEST(a_line_in_pieces_is_one_line)
{
	type("!he");
	ck_assert_uint_eq(f.delivered, 0);
	type("llo\r\n!by");
	ck_assert_uint_eq(f.delivered, 1);
	type("e");
	hang_up();
	ck_assert_str_eq(bh_buf_text(&f.events),
	    "0 ada #payments !hello\n0 ada #payments !bye\n");
}
END_TEST

START_TEST(a_window_bounds_what_is_under_way)
{
	f.hold = true;
	for (int i = 0; i < 500; i++)
		type("!x\n");
	ck_assert_uint_le(f.delivered, CONSOLE_WINDOW);
	ck_assert_uint_gt(f.delivered, 1);
	ck_assert(!f.watching);
	for (int i = 0; i < 2000 && f.delivered < 500; i++) {
		size_t n = f.waiting_count;

		f.waiting_count = 0;
		for (size_t k = 0; k < n; k++) {
			bh_commit_cb *cb = f.waiting[k].cb;

			cb(f.waiting[k].arg, BH_OK);
		}
		turn();
		if (f.watching)
			f.watch(f.watch_arg, f.in[0], BH_READ);
	}
	ck_assert_uint_eq(f.delivered, 500);
}
END_TEST

START_TEST(the_end_waits_for_all_answers)
{
	f.unfinished = 1;
	type("!x\n");
	hang_up();
	turns(20);
	ck_assert_int_eq(f.quit, -1);
	show("#payments", NULL, "the answer");
	f.unfinished = 0;
	turns(20);
	ck_assert_int_eq(f.quit, 0);
	ck_assert_str_eq(printed(), "the answer\n");
}
END_TEST

START_TEST(wait_holds_back_what_follows)
{
	type("!a\n/wait \"granted until\" 30\n!b\n/wait granted 30\n!c\n");
	turns(5);
	ck_assert_uint_eq(f.delivered, 1);
	show_card(NULL, NULL, "7QK2 · granting…", "prod", NULL, NULL);
	turns(3);
	ck_assert_uint_eq(f.delivered, 1);
	show_card(NULL, NULL, "7QK2 · granted until 10:33", "p", NULL, NULL);
	turns(3);
	/* What the first one saw is used up for the second. */
	ck_assert_uint_eq(f.delivered, 2);
	show("#payments", NULL, "granted again");
	turns(3);
	ck_assert_uint_eq(f.delivered, 3);
}
END_TEST

START_TEST(what_is_not_seen_ends_it_with_a_failure)
{
	struct timespec ms = { 0, 20 * 1000 * 1000 };

	type("!a\n/wait never 1\n!b\n");
	for (int i = 0; i < 200 && f.quit == -1; i++) {
		nanosleep(&ms, NULL);
		turn();
	}
	ck_assert_int_eq(f.quit, 1);
	ck_assert_uint_eq(f.delivered, 1);
	ck_assert_str_eq(printed(), "not seen: never\n");
}
END_TEST

START_TEST(marks_say_for_whom_and_where)
{
	show("#payments", NULL, "a");
	show("#payments", "ada", "b");
	show("#payments", "grace", "c");
	show(NULL, "ada", "d");
	show("platform", NULL, "e");
	show(NULL, "grace", "x\033]0;y\007\nz");
	ck_assert_str_eq(printed(), "a\nb\n(only for grace) c\n(to ada) d\n"
	    "(in #platform) e\n(to grace) \n"
	    "x\xef\xbf\xbd]0;y\xef\xbf\xbd\nz\n");
}
END_TEST

START_TEST(buttons_are_pressed_by_label_and_id)
{
	char one[64], two[64];

	show_card(NULL, one, "AAAA · waiting", "x", "approve", "t1");
	show_card(NULL, two, "BBBB · waiting", "x", "approve", "t2");
	ck_assert_str_ne(one, two);
	type("/press approve\n");
	turns(10);
	type("/press Approve AAAA\n");
	turns(10);
	show_card(one, NULL, "AAAA · granted", "x", "I'm done", "t3");
	type("/press I'm done\n");
	turns(10);
	ck_assert_str_eq(bh_buf_text(&f.events), "2 ada #payments t2\n"
	    "2 ada #payments t1\n2 ada #payments t3\n");
	type("/press approve AAAA\n");
	turns(10);
	hang_up();
	turns(10);
	ck_assert_ptr_nonnull(strstr(printed(),
	    "no card here has a button [approve] and says AAAA"));
	ck_assert_int_eq(f.quit, 1);
}
END_TEST

START_TEST(an_edit_of_the_title_is_one_line)
{
	static const char want[] =
"╭ AAAA · waiting ────────────────────────────────────────────────────────────╮\n"
"│ Account     x                                                              │\n"
"│ [approve]                                                                  │\n"
"╰────────────────────────────────────────────────────────────────────────────╯\n"
"╭ AAAA · granting… ───────────────────────────────────────────────── [stop] ─╮\n"
"╭ AAAA · granted ────────────────────────────────────────────────────────────╮\n"
"│ Account     y                                                              │\n"
"│ [done]                                                                     │\n"
"╰────────────────────────────────────────────────────────────────────────────╯\n"
"╭ AAAA · ended ──────────────────────────────────────────────────────────────╮\n";
	char id[64];

	show_card(NULL, id, "AAAA · waiting", "x", "approve", "t1");
	show_card(id, NULL, "AAAA · granting…", "x", "stop", "t2");
	show_card(id, NULL, "AAAA · granted", "y", "done", "t3");
	show_card(id, NULL, "AAAA · ended", "y", NULL, NULL);
	if (strcmp(printed(), want) != 0)
		ck_abort_msg("printed:\n%.3000s", printed());
}
END_TEST

START_TEST(forms_are_filled_in_one_line)
{
	struct bh_choice levels[] = { { "ro", "ReadOnly" },
	    { "pu", "PowerUser" } };
	struct bh_input inputs[] = {
		{ .name = "account", .label = "Account", .type = BH_LINE,
		  .required = true },
		{ .name = "level", .label = "Access", .type = BH_CHOOSE,
		  .value = "ro", .choices = levels, .choices_count = 2 },
		{ .name = "force", .label = "Force", .type = BH_TICK },
	};
	struct bh_form form = { .title = "Elevate", .inputs = inputs,
		.inputs_count = 3, .token = "tf" };

	ck_assert_int_eq(bellhop_plugin.transport->ask(f.c, &form, "ada",
	    "#payments", NULL), BH_OK);
	type("/fill level=admin account=p\n");
	turns(10);
	type("/fill level=PowerUser account=\n");
	turns(10);
	ck_assert_uint_eq(f.delivered, 0);
	ck_assert_ptr_nonnull(strstr(printed(),
	    "level: choose 1 to 2, or type one of them\n"));
	ck_assert_ptr_nonnull(strstr(printed(),
	    "account: this one is needed\n"));
	type("/fill account=\"prod payments\" force=yes\n");
	turns(10);
	ck_assert_str_eq(bh_buf_text(&f.events), "3 ada #payments tf "
	    "account=prod payments level=pu force=yes\n");
	/* It is gone: a second answer has nothing to go to. */
	type("/fill account=x\n");
	turns(10);
	ck_assert_uint_eq(f.delivered, 1);
}
END_TEST

START_TEST(unknown_people_are_not_played)
{
	type("/as grce\n/as\n/in\n!x\n");
	ck_assert_str_eq(bh_buf_text(&f.events), "0 ada #payments !x\n");
	ck_assert_ptr_nonnull(strstr(printed(), "did you mean grace?"));
	hang_up();
	turns(10);
	ck_assert_int_eq(f.quit, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("console-script");
	TCase *t = tcase_create("script");
	SRunner *runner = srunner_create(s);
	int failed;

	setenv("TZ", "UTC", 1);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, lines_go_out_at_once_as_who_and_where);
	tcase_add_test(t, a_line_in_pieces_is_one_line);
	tcase_add_test(t, a_window_bounds_what_is_under_way);
	tcase_add_test(t, the_end_waits_for_all_answers);
	tcase_add_test(t, wait_holds_back_what_follows);
	tcase_add_test(t, what_is_not_seen_ends_it_with_a_failure);
	tcase_add_test(t, marks_say_for_whom_and_where);
	tcase_add_test(t, buttons_are_pressed_by_label_and_id);
	tcase_add_test(t, an_edit_of_the_title_is_one_line);
	tcase_add_test(t, forms_are_filled_in_one_line);
	tcase_add_test(t, unknown_people_are_not_played);
	suite_add_tcase(s, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
