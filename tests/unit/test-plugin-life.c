/* test-plugin-life.c - the life of instances in a whole host.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two plugins that write down what happens to them are linked in; store, chat
 * and loop are the real ones, time is virtual.
 */

#include "config.h"

#include <check.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/running.h"
#include "host/chat/inner.h"
#include "host/host.h"
#include "host/io/http-client.h"
#include "host/plugin/instance.h"
#include "host/plugin/plugins.h"

static struct bh_buf diary = BH_BUF(65536);
static struct bh_buf logged = BH_BUF(65536);

struct lodger {			/* the state of an instance */
	struct bh_host *host;
	char name[32];
	const char *mode;	/* in the configuration, until changed() */
	bool never;		/* a timer that must not fire did */
};

static void
note(const char *what, const char *who)
{
	bh_buf_add(&diary, "%s%s:%s", diary.len > 0 ? " " : "", what, who);
}

static const char *
word(struct bh_host *host)
{
	const char *s = bh_host_config(host, "mode");

	return s != NULL ? s : "";
}

static void
late(void *arg)
{
	struct lodger *r = arg;

	note("late", r->name);
	bh_opened(r->host, strcmp(word(r->host), "late-bad") == 0 ? BH_EIO :
	    BH_OK);
}

static void
must_not_come(void *arg)
{
	((struct lodger *)arg)->never = true;
	note("late", "callback");
}

static void
must_not_be_told(void *arg, int result)
{
	(void)result;
	must_not_come(arg);
}

static void
stored(void *arg, int result)
{
	struct lodger *r = arg;

	ck_assert_int_eq(result, BH_OK);
	note("stored", r->name);
}

static int
alpha_open(struct bh_host *host, void **state)
{
	struct lodger *r = calloc(1, sizeof(*r));
	const char *mode = word(host);

	r->host = host;
	snprintf(r->name, sizeof(r->name), "%s", bh_instance(host));
	r->mode = mode;
	note("open", r->name);
	if (strcmp(mode, "bad") == 0) {
		free(r);
		return BH_EINVAL;
	}
	*state = r;
	if (strncmp(mode, "late", 4) == 0) {
		bh_after(host, 5000, late, r);
		return BH_PENDING;
	}
	if (strcmp(mode, "never") == 0)
		return BH_PENDING;
	if (strcmp(mode, "early") == 0) {
		bh_opened(host, BH_OK);
		return BH_PENDING;
	}
	if (strcmp(mode, "job") == 0) {
		struct bh_tx *tx = bh_tx(host);

		bh_tx_sql(tx, 1, "INSERT INTO alpha_mark (word) VALUES ($1)",
		    bh_s("x"));
		bh_tx_job(tx, "wake", "one", bh_now(host) + 60000);
		ck_assert_int_eq(bh_commit(tx, stored, r), BH_OK);
	}
	if (strcmp(mode, "who") == 0) {
		struct bh_user ada;

		note("ada", bh_person_by_email(host, "ada@acme.example",
		    &ada) ? "known" : "unknown");
	}
	if (strcmp(mode, "publish") == 0)
		bh_publish(host, "alpha/url", "http://example.test");
	return BH_OK;
}

static void
must_not_end(void *arg, int result, int code, const char *why)
{
	(void)result;
	(void)code;
	(void)why;
	must_not_come(arg);
}

static void
alpha_close(void *state)
{
	static const struct bh_socket_to nowhere = { .url = "ws://127.0.0.1:1" };
	static const struct bh_socket_calls calls = { .closed = must_not_end };
	struct lodger *r = state;

	/* All of this is under way when the instance goes. */
	bh_after(r->host, 0, must_not_come, r);
	ck_assert_ptr_nonnull(bh_socket(r->host, &nowhere, &calls, r));
	for (int i = 0; i < 2; i++)
		ck_assert_ptr_nonnull(bh_turn(r->host, "lane", "1 at once, "
		    "9/1s", i, must_not_come, r));
	ck_assert_ptr_null(bh_turn(r->host, "lane", "none", 0, must_not_come,
	    r));
	struct bh_tx *tx = bh_tx(r->host);
	bh_tx_audit(tx, "alpha.closed", "host", { "name", r->name });
	ck_assert_int_eq(bh_commit(tx, must_not_be_told, r), BH_OK);
	/* What it points to has not been freed under it. */
	ck_assert_str_eq(r->mode, word(r->host));
	note("close", r->name);
	free(r);
}

static void
alpha_changed(void *state)
{
	struct lodger *r = state;

	r->mode = word(r->host);
	note("changed", r->mode);
}

static int
alpha_job(void *state, const struct bh_job *job)
{
	struct lodger *r = state;
	struct bh_tx *tx;

	note(job->kind, job->attempt == 1 ? "first" : "again");
	if (job->attempt == 1)
		return BH_EIO;
	tx = bh_tx(r->host);
	bh_tx_job_done(tx, job->kind, job->ref);
	return bh_commit(tx, NULL, NULL);
}

static const struct bh_option alpha_options[] = {
	{ .key = "mode", .type = BH_STRING, .preset = "plain",
	  .help = "what to do", .flags = BH_OPT_RELOADABLE },
	{ 0 }
};

static const char *const alpha_migrations[] = {
	"CREATE TABLE alpha_mark (word TEXT NOT NULL)", NULL
};

static const struct bh_plugin alpha = {
	.magic = BH_MAGIC, .major = BH_ABI_MAJOR, .size = sizeof(alpha),
	.option_size = sizeof(struct bh_option),
	.command_size = sizeof(struct bh_command),
	.transport_size = sizeof(struct bh_transport),
	.directory_size = sizeof(struct bh_directory),
	.name = "alpha", .version = "1.0", .options = alpha_options,
	.migrations = alpha_migrations, .open = alpha_open,
	.close = alpha_close, .changed = alpha_changed, .job = alpha_job,
};

/* A transport: opens after all others, connects when all are open. */
static int
wire_open(struct bh_host *host, void **state)
{
	const char *url = bh_lookup(host, "alpha/url");

	*state = host;
	note("open", bh_instance(host));
	if (url != NULL)
		note("found", url);
	return BH_OK;
}

static int
wire_connect(void *state)
{
	note("connect", bh_instance((struct bh_host *)state));
	return BH_OK;
}

static void
wire_disconnect(void *state)
{
	note("disconnect", bh_instance((struct bh_host *)state));
}

static void
wire_close(void *state)
{
	note("close", bh_instance((struct bh_host *)state));
}

static int
wire_send(void *state, const struct bh_post *post, bh_sent_cb *done, void *arg)
{
	(void)state, (void)post;
	done(arg, BH_OK, "m1");
	return BH_OK;
}

static const struct bh_transport wire_transport = {
	.connect = wire_connect, .disconnect = wire_disconnect,
	.send = wire_send,
};

static const struct bh_plugin wire = {
	.magic = BH_MAGIC, .major = BH_ABI_MAJOR, .size = sizeof(wire),
	.option_size = sizeof(struct bh_option),
	.command_size = sizeof(struct bh_command),
	.transport_size = sizeof(struct bh_transport),
	.directory_size = sizeof(struct bh_directory),
	.name = "wire", .version = "1.0", .open = wire_open,
	.close = wire_close, .transport = &wire_transport,
};

static const struct host_internal internal[] = {
	{ .plugin = &alpha }, { .plugin = &wire }, { 0 }
};

/* ------------------------------------------------------------------ */

static void
on_log(void *arg, int level, const char *line)
{
	(void)arg, (void)level;
	bh_buf_add(&logged, "%s\n", line);
}

static struct host *
begin_in(const char *store, const char *config, bool clock_free)
{
	const struct host_options options = { .config = "test.yaml",
	    .config_text = config, .plugin_directory = "/nonexistent",
	    .store = store, .frozen = true,
	    .start = 1767607200000, .clock_free = clock_free,
	    .internal = internal };
	const char *error = NULL;

	return host_start(&options, &error);
}

static struct host *
begin(const char *config, bool clock_free)
{
	return begin_in("sqlite::memory:", config, clock_free);
}

static bool
is_ready(void *arg)
{
	return ((struct host *)arg)->ready;
}

static void
get_ready(struct host *host, int64_t budget)
{
	ck_assert_ptr_nonnull(host);
	ck_assert(host_settle(host, is_ready, host, budget));
}

static void
setup(void)
{
	bh_buf_clear(&diary);
	bh_buf_clear(&logged);
	log_sink(on_log, NULL);
}

static void
teardown(void)
{
	log_sink(NULL, NULL);
	bh_buf_release(&diary);
	bh_buf_release(&logged);
}

START_TEST(opens_in_order_closes_in_reverse)
{
	struct host *h = begin("chat: { w: { plugin: wire } }\n"
	    "alpha: { a: , b: { mode: early } }\n", false);

	get_ready(h, 1000);
	host_stop(&h);
	ck_assert_ptr_null(h);
	ck_assert_str_eq(bh_buf_text(&diary), "open:a open:b open:w connect:w "
	    "disconnect:w close:w close:b close:a");
}
END_TEST

START_TEST(the_next_waits_for_a_late_one)
{
	struct host *h = begin("alpha: { a: { mode: late }, b: }\n", false);

	ck_assert(!host_settle(h, is_ready, h, 4000));
	ck_assert_str_eq(bh_buf_text(&diary), "open:a");
	get_ready(h, 5000);
	ck_assert_str_eq(bh_buf_text(&diary), "open:a late:a open:b");
	host_stop(&h);
}
END_TEST

START_TEST(one_that_never_answers_is_given_up)
{
	struct host *h = begin("alpha: { a: { mode: never }, b: }\n", false);

	ck_assert(!host_settle(h, is_ready, h, 29000));
	get_ready(h, 30000);
	ck_assert_int_eq(h->plugins->instances->stage, INSTANCE_FAILED);
	ck_assert_int_eq(h->plugins->instances->health, BH_DOWN);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&logged),
	    "did not open within 30 s"));
	host_stop(&h);
	/* It left a state, so it is closed. */
	ck_assert_str_eq(bh_buf_text(&diary), "open:a open:b close:a close:b");
}
END_TEST

START_TEST(one_that_fails_does_not_stop_the_host)
{
	struct host *h = begin("alpha: { a: { mode: bad }, b: { mode: "
	    "late-bad }, c: }\n", false);

	get_ready(h, 10000);
	host_stop(&h);
	ck_assert_str_eq(bh_buf_text(&diary), "open:a open:b late:b open:c "
	    "close:b close:c");
}
END_TEST

/* What a plugin finds in the store at its open() it does at once: it must
 * not take somebody for unknown only because people are not read yet. */
START_TEST(people_are_known_when_plugins_open)
{
	static const char config[] = "chat: { w: { plugin: wire } }\n"
	    "alpha: { a: { mode: who } }\n";
	const struct bh_event ada = { .kind = BH_EV_COMMAND, .id = "E1",
	    .user = "U1", .name = "Ada", .email = "ada@acme.example",
	    .room = "C1", .text = "help" };
	char directory[] = "/tmp/bellhop-life-XXXXXX";
	BH_AUTO_FREE char *store = NULL, *clean = NULL;
	struct host *h;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	store = xasprintf("sqlite:%s/store.db", directory);
	clean = xasprintf("rm -r %s", directory);
	h = begin_in(store, config, false);
	get_ready(h, 1000);
	ck_assert_int_ge(bh_deliver(&plugins_instance(h->plugins, "w")->handle,
	    &ada, NULL, NULL), 0);
	host_settle(h, NULL, NULL, 1000);
	host_stop(&h);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&diary), "ada:unknown"));

	h = begin_in(store, config, false);
	get_ready(h, 1000);
	host_stop(&h);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&diary), "ada:known"));
	ck_assert_int_eq(system(clean), 0);
}
END_TEST

START_TEST(names_are_left_for_others)
{
	struct host *h = begin("chat: { w: { plugin: wire } }\n"
	    "alpha: { a: { mode: publish } }\n", false);

	get_ready(h, 1000);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&diary),
	    "found:http://example.test"));
	ck_assert_ptr_null(plugins_lookup(h->plugins, "nobody"));
	ck_assert_ptr_eq(plugins_instance(h->plugins, "w"),
	    plugins_instance(h->plugins, "wire"));
	host_stop(&h);
}
END_TEST

START_TEST(jobs_come_until_done)
{
	struct host *h = begin("alpha: { a: { mode: job } }\n", false);

	get_ready(h, 1000);
	host_settle(h, NULL, NULL, 50000);
	ck_assert_str_eq(bh_buf_text(&diary), "open:a stored:a");
	host_settle(h, NULL, NULL, 600000);
	ck_assert_str_eq(bh_buf_text(&diary),
	    "open:a stored:a wake:first wake:again");
	host_stop(&h);
}
END_TEST

START_TEST(clock_moves_only_when_free)
{
	struct host *h = begin("alpha: { a: }\n", false);
	struct bh_host *handle;
	int64_t before;

	get_ready(h, 1000);
	handle = &h->plugins->instances->handle;
	before = bh_now(handle);
	ck_assert_int_eq(bh_clock_advance(handle, 5000), BH_EPERM);
	ck_assert_int_eq(bh_now(handle), before);
	host_stop(&h);

	h = begin("alpha: { a: }\n", true);
	get_ready(h, 1000);
	handle = &h->plugins->instances->handle;
	before = bh_now(handle);
	ck_assert_int_eq(bh_clock_advance(handle, 5000), BH_OK);
	ck_assert_int_eq(bh_now(handle), before + 5000);
	host_stop(&h);
}
END_TEST

START_TEST(a_bad_configuration_starts_nothing)
{
	ck_assert_ptr_null(begin("alpha: { a: { colour: red } }\n", false));
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&logged), "test.yaml:1:"));
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&logged), "colour"));
	bh_buf_clear(&logged);
	ck_assert_ptr_null(begin("flood: 20/fortnight\n", false));
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&logged), "test.yaml:1:8: "
	    "flood is written like 20/min"));
	ck_assert_str_eq(bh_buf_text(&diary), "");
}
END_TEST

static void
write_config(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

START_TEST(reload_is_all_or_nothing)
{
	char directory[] = "/tmp/bellhop-life-XXXXXX";
	BH_AUTO_FREE char *path = NULL;
	struct host_options options = { .plugin_directory = "/nonexistent",
	    .store = "sqlite::memory:", .frozen = true, .internal = internal };
	const char *error = NULL;
	struct host *h;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	path = xasprintf("%s/bellhop.yaml", directory);
	write_config(path, "alpha: { a: { mode: one } }\n");
	options.config = path;
	h = host_start(&options, &error);
	get_ready(h, 1000);
	write_config(path, "alpha: { a: { mode: two, size: 3 } }\n");
	ck_assert_int_lt(host_reload(h), 0);
	ck_assert_str_eq(bh_host_config(&h->plugins->instances->handle,
	    "mode"), "one");
	write_config(path, "alpha: { a: { mode: two } }\n");
	ck_assert_int_eq(host_reload(h), BH_OK);
	ck_assert_str_eq(bh_host_config(&h->plugins->instances->handle,
	    "mode"), "two");
	ck_assert_ptr_null(strstr(bh_buf_text(&logged), "next start"));
	write_config(path, "alpha: { a: { mode: three }, b: }\n");
	ck_assert_int_eq(host_reload(h), BH_OK);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&logged), "next start"));
	ck_assert_str_eq(bh_buf_text(&diary),
	    "open:a changed:two changed:three");
	host_stop(&h);
	unlink(path);
	rmdir(directory);
}
END_TEST

/* Pointers into the configuration are good until changed(), which an instance
 * that opens, or has failed to, cannot be told. */
START_TEST(reload_frees_nothing_in_use)
{
	char directory[] = "/tmp/bellhop-life-XXXXXX";
	BH_AUTO_FREE char *path = NULL;
	struct host_options options = { .plugin_directory = "/nonexistent",
	    .store = "sqlite::memory:", .frozen = true, .internal = internal };
	const char *error = NULL;
	struct host *h;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	path = xasprintf("%s/bellhop.yaml", directory);
	options.config = path;
	write_config(path, "alpha: { a: { mode: never }, b: { mode: late } }\n");
	h = host_start(&options, &error);
	ck_assert(!host_settle(h, is_ready, h, 31000));
	write_config(path, "alpha: { a: { mode: never }, b: { mode: new } }\n");
	ck_assert_int_eq(host_reload(h), BH_PENDING);
	ck_assert_str_eq(bh_buf_text(&diary), "open:a open:b close:a");
	get_ready(h, 10000);
	host_settle(h, NULL, NULL, 10);
	host_stop(&h);
	ck_assert_str_eq(bh_buf_text(&diary), "open:a open:b close:a late:b "
	    "changed:new close:b");
	unlink(path);
	rmdir(directory);
}
END_TEST

START_TEST(refused_event_has_no_callback)
{
	struct host *h = begin("chat: { w: { plugin: wire } }\n", false);
	const struct bh_event event = { .kind = BH_EV_MESSAGE, .user = "u",
	    .text = "!help", .room = "r" };
	struct lodger r = { .never = false };

	get_ready(h, 1000);
	h->chat->calls_count += CALLS_MAX;
	ck_assert_int_eq(bh_deliver(&h->plugins->instances->handle, &event,
	    must_not_be_told, &r), BH_EBUSY);
	h->chat->calls_count -= CALLS_MAX;
	ck_assert(!r.never);
	host_stop(&h);
}
END_TEST

/* What a prober and the service manager are told. */
struct probe { int status; char body[512]; };

static void
probed(void *arg, const struct bh_answer *answer)
{
	struct probe *p = arg;

	ck_assert_int_eq(answer->result, BH_OK);
	p->status = answer->status;
	snprintf(p->body, sizeof(p->body), "%s", answer->body);
}

static bool
has_answer(void *arg)
{
	return ((struct probe *)arg)->status != 0;
}

static struct probe
get(struct host *h, const char *path)
{
	BH_AUTO_FREE char *url = xasprintf("http://127.0.0.1:%d%s", h->port,
	    path);
	const struct bh_http request = { .method = "GET", .url = url };
	struct probe p = { 0 };

	ck_assert_ptr_nonnull(http_send(h->http, &request, probed, &p));
	ck_assert(host_settle(h, has_answer, &p, 5000));
	return p;
}

START_TEST(readiness_is_told)
{
	struct host *h = begin("listen: 127.0.0.1:0\n"
	    "alpha: { a: { mode: late } }\n", false);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct probe p;
	char heard[256];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t n;

	/* An address of the abstract space: no file to clean up. */
	n = snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "bellhop-%ld",
	    (long)getpid());
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    (size_t)n)), 0);
	at.sun_path[0] = '@';
	setenv("NOTIFY_SOCKET", at.sun_path, 1);

	ck_assert_ptr_nonnull(h);
	p = get(h, "/healthz");
	ck_assert_int_eq(p.status, 200);
	p = get(h, "/readyz");
	ck_assert_int_eq(p.status, 503);
	ck_assert_str_eq(p.body, "host starting\nstore up\nalpha/a down\n");
	get_ready(h, 10000);
	p = get(h, "/readyz");
	ck_assert_int_eq(p.status, 200);
	ck_assert_str_eq(p.body, "host ready\nstore up\nalpha/a up\n");
	ck_assert_int_eq(get(h, "/else").status, 404);
	instance_health(h->plugins->instances, BH_DOWN, "gone");
	ck_assert_int_eq(get(h, "/readyz").status, 503);

	n = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);
	ck_assert_int_gt(n, 0);
	heard[n] = '\0';
	ck_assert_str_eq(heard,
	    "READY=1\nSTATUS=1 of 1 plugin instances open");
	host_quit(h);
	n = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(strncmp(heard, "STOPPING=1\n", 11), 0);
	unsetenv("NOTIFY_SOCKET");
	close(fd);
	host_stop(&h);
}
END_TEST

/* A crash names the plugin, its version and the callback. */
START_TEST(crash_line)
{
	char text[512] = "";
	int ends[2], status;
	size_t got = 0;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		running_catch_crashes();
		running_enter("slack", "1.2", "deliver");
		running_leave(running_enter("other", "0.1", "timer"));
		abort();
	}
	close(ends[1]);
	while (got < sizeof(text) - 1 &&
	    (n = read(ends[0], text + got, sizeof(text) - 1 - got)) > 0)
		got += (size_t)n;
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_ptr_nonnull(strstr(text,
	    "crash (abort) in plugin slack 1.2, callback deliver"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("plugin-life");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, opens_in_order_closes_in_reverse);
	tcase_add_test(t, the_next_waits_for_a_late_one);
	tcase_add_test(t, one_that_never_answers_is_given_up);
	tcase_add_test(t, one_that_fails_does_not_stop_the_host);
	tcase_add_test(t, people_are_known_when_plugins_open);
	tcase_add_test(t, names_are_left_for_others);
	tcase_add_test(t, jobs_come_until_done);
	tcase_add_test(t, clock_moves_only_when_free);
	tcase_add_test(t, a_bad_configuration_starts_nothing);
	tcase_add_test(t, reload_is_all_or_nothing);
	tcase_add_test(t, reload_frees_nothing_in_use);
	tcase_add_test(t, refused_event_has_no_callback);
	tcase_add_test(t, readiness_is_told);
	tcase_add_test(t, crash_line);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
