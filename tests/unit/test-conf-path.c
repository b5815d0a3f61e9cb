/*
 * test-conf-path.c - whom a file may be trusted to, and secrets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/conf/conf.h"

static char dir[64];

static void
set_up(void)
{
	snprintf(dir, sizeof(dir), "/tmp/bellhop-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void
tear_down(void)
{
	BH_AUTO_FREE char *command = xasprintf("rm -rf '%s'", dir);

	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(system(command), 0);
}

static void
write_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(name, mode), 0);
}

static void
expect_safe(const char *path, bool directory)
{
	char *error = NULL;
	int fd = -1;

	ck_assert_msg(conf_path_safe(path, directory, &fd, &error) == BH_OK,
	    "%s: %s", path, error != NULL ? error : "");
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void
expect_unsafe(const char *path, bool directory, const char *want)
{
	char *error = NULL;
	int fd = -1;

	ck_assert_msg(conf_path_safe(path, directory, &fd, &error) < 0,
	    "%s was taken", path);
	ck_assert_ptr_nonnull(error);
	ck_assert_msg(strstr(error, want) != NULL, "%s: %s", path, error);
	ck_assert_int_eq(fd, -1);
	free(error);
}

START_TEST(safe)
{
	ck_assert_int_eq(mkdir("a", 0755), 0);
	write_file("a/f", "x", 0644);
	expect_safe("a/f", false);
	expect_safe("./a/../a//f", false);
	expect_safe("a", true);
	expect_safe("a/", true);
	expect_safe("/", true);
	BH_AUTO_FREE char *whole = xasprintf("%s/a/f", dir);
	expect_safe(whole, false);
}
END_TEST

START_TEST(writable)
{
	ck_assert_int_eq(mkdir("a", 0755), 0);
	write_file("a/f", "x", 0664);
	expect_unsafe("a/f", false, "can be written by its group (mode 0664): "
	    "chmod go-w /tmp/");
	write_file("a/f", "x", 0606);
	expect_unsafe("a/f", false, "by everybody");
	write_file("a/f", "x", 0600);
	expect_safe("a/f", false);
	ck_assert_int_eq(chmod("a", 0777), 0);
	expect_unsafe("a/f", false, "/a can be written by everybody");
	ck_assert_int_eq(chmod("a", 0770), 0);
	expect_unsafe("a/f", false, "/a can be written by its group");
	/* Sticky helps above, in root's /tmp, not in the directory itself. */
	ck_assert_int_eq(chmod("a", 01777), 0);
	expect_unsafe("a", true, "can be written by everybody");
	if (geteuid() != 0)
		expect_unsafe("a/f", false, "can be written by everybody");
}
END_TEST

START_TEST(links)
{
	ck_assert_int_eq(mkdir("a", 0755), 0);
	write_file("a/f", "x", 0644);
	ck_assert_int_eq(symlink("f", "a/link"), 0);
	ck_assert_int_eq(symlink("a", "b"), 0);
	ck_assert_int_eq(symlink("nowhere", "c"), 0);
	expect_unsafe("a/link", false, "is a symbolic link: use the path it "
	    "leads to, /tmp/");
	expect_unsafe("b/f", false, "/b is a symbolic link");
	expect_unsafe("c", false, "is a symbolic link");
	expect_unsafe("a", false, "is no regular file");
	expect_unsafe("a/f", true, "is no directory");
	expect_unsafe("a/f/g", false, "is no directory");
	expect_unsafe("nosuch", false, "No such file");
	ck_assert_int_eq(mkfifo("a/pipe", 0600), 0);
	expect_unsafe("a/pipe", false, "is no regular file");
}
END_TEST

START_TEST(owners)
{
	if (geteuid() != 0)
		return;			/* only root can give files away */
	ck_assert_int_eq(mkdir("a", 0755), 0);
	write_file("a/f", "x", 0644);
	ck_assert_int_eq(chown("a/f", 12345, 12345), 0);
	expect_unsafe("a/f", false, "belongs to user 12345: chown it to root");
	ck_assert_int_eq(chown("a/f", 0, 0), 0);
	ck_assert_int_eq(chown("a", 12345, 12345), 0);
	expect_unsafe("a/f", false, "/a belongs to user 12345");
}
END_TEST

static const struct bh_option options[] = {
	{ .key = "key", .type = BH_SECRET },
	{ .key = "word", .type = BH_STRING, .preset = "w",
	  .flags = BH_OPT_TEAM },
	{ 0 }
};
static const struct conf_plugin plugin = { .name = "p", .options = options,
    .blocks = true };
static const struct conf_schema schema = { &plugin, 1, NULL };

START_TEST(files)
{
	struct conf_errors *errors = conf_errors_new();
	struct conf *conf;

	ck_assert_int_eq(mkdir("team.d", 0755), 0);
	write_file("bellhop.yaml", "p: { main: {} }\n"
	    "delegate: { red: {}, blue: {} }\n", 0644);
	write_file("team.d/red.yaml", "p: { word: r }\n", 0644);
	write_file("team.d/blue.yaml", "p: { word: b }\n", 0644);
	write_file("team.d/.hidden.yaml", "nonsense: [", 0644);
	write_file("team.d/README", "nonsense: [", 0644);
	conf = conf_load("bellhop.yaml", &schema, errors);
	ck_assert_msg(conf != NULL, "%s", conf_errors_at(errors, 0));
	ck_assert_str_eq(conf_team_at(conf, 0), "blue");
	ck_assert_str_eq(conf_text(conf, "p", "main", "red", "word"), "r");
	conf_free(&conf);

	write_file("team.d/red.yaml", "p: { word: r }\n", 0666);
	write_file("team.d/green.yml", "", 0644);
	write_file("team.d/Pink.yaml", "", 0644);
	ck_assert_ptr_null(conf_load("bellhop.yaml", &schema, errors));
	ck_assert_uint_eq(conf_errors_count(errors), 3);
	ck_assert_str_eq(conf_errors_at(errors, 1), "team.d/green.yml: rename "
	    "it to green.yaml, or it is not read");
	ck_assert_ptr_nonnull(strstr(conf_errors_at(errors, 2), "red.yaml: "));
	ck_assert_ptr_nonnull(strstr(conf_errors_at(errors, 0), "Pink"));
	conf_errors_free(&errors);

	errors = conf_errors_new();
	ck_assert_ptr_null(conf_read("nosuch.yaml", errors));
	ck_assert_uint_eq(conf_errors_count(errors), 1);
	conf_errors_free(&errors);
}
END_TEST

START_TEST(team_directory)
{
	struct conf_errors *errors = conf_errors_new();

	ck_assert_int_eq(mkdir("team.d", 0755), 0);
	write_file("bellhop.yaml", "p: { main: {} }\ndelegate: { red: {} }\n",
	    0644);
	write_file("team.d/red.yaml", "p: { word: r }\n", 0644);
	ck_assert_int_eq(chmod("team.d", 0777), 0);
	ck_assert_ptr_null(conf_load("bellhop.yaml", &schema, errors));
	ck_assert_ptr_nonnull(strstr(conf_errors_at(errors, 0),
	    "team.d can be written by everybody"));
	conf_errors_free(&errors);
}
END_TEST

static void
expect_secret(const char *reference, const char *want, const char *error)
{
	struct conf_errors *errors = conf_errors_new();
	BH_AUTO_FREE char *text = xasprintf("p: { main: { key: \"%s\" } }\n",
	    reference);
	BH_AUTO_FREE char *path = xasprintf("%s/bellhop.yaml", dir);
	struct conf *conf = conf_read_text(path, text, errors);

	conf_check(conf, &schema, errors);
	ck_assert_uint_eq(conf_errors_count(errors), 0);
	conf_check_secrets(conf, errors);
	if (error != NULL) {
		ck_assert_uint_eq(conf_errors_count(errors), 1);
		ck_assert_msg(strstr(conf_errors_at(errors, 0), error) != NULL,
		    "%s", conf_errors_at(errors, 0));
		ck_assert_ptr_null(conf_text(conf, "p", "main", "", "key"));
	} else {
		BH_AUTO_BUF struct bh_buf b = BH_BUF(100);

		ck_assert_msg(conf_errors_count(errors) == 0, "%s",
		    conf_errors_at(errors, 0));
		ck_assert_str_eq(conf_text(conf, "p", "main", "", "key"),
		    want);
		log_redact(&b, want);
		ck_assert_str_eq(bh_buf_text(&b), "****");
		ck_assert_str_eq(bh_text(conf_tree(conf, "p", "main", "",
		    "key")), reference);
		conf_wipe_secrets(conf, "p", "main");
		ck_assert_str_eq(conf_text(conf, "p", "main", "", "key"),
		    want);
	}
	conf_free(&conf);
	conf_errors_free(&errors);
}

START_TEST(secrets)
{
	write_file("token", "file-secret-1\n", 0600);
	write_file("empty", "\n", 0600);
	write_file("open", "file-secret-2", 0644);
	write_file("loose", "file-secret-3", 0620);
	ck_assert_int_eq(symlink("token", "link"), 0);
	expect_secret("file:token", "file-secret-1", NULL);
	expect_secret("file:link", "file-secret-1", NULL);
	expect_secret("file:empty", NULL, "empty: put the secret in it");
	expect_secret("file:nosuch", NULL, "No such file");
	expect_secret("file:open", NULL, "can be read by everybody: chmod o-r");
	expect_secret("file:loose", NULL, "can be written by its group");

	ck_assert_int_eq(setenv("BELLHOP_TEST_KEY", "env-secret-1", 1), 0);
	expect_secret("env:BELLHOP_TEST_KEY", "env-secret-1", NULL);
	expect_secret("env:BELLHOP_NO_KEY", NULL, "is not set");

	unsetenv("CREDENTIALS_DIRECTORY");
	expect_secret("credential:cred", NULL, "LoadCredential=cred:PATH");
	write_file("cred", "cred-secret-1", 0400);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	expect_secret("credential:cred", "cred-secret-1", NULL);
}
END_TEST

/* The samples in the tree load; options of plugins are those plugins' own
 * business and are left out here. */
START_TEST(samples)
{
	struct conf_errors *errors = conf_errors_new();
	char *main_text = xcalloc(1 << 16, 1), *team = xcalloc(1 << 16, 1);
	FILE *f = fopen(TEST_SRCDIR "/conf/bellhop.yaml", "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_gt(fread(main_text, 1, (1 << 16) - 1, f), 100);
	fclose(f);
	f = fopen(TEST_SRCDIR "/conf/team.d/payments.yaml", "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_gt(fread(team, 1, (1 << 16) - 1, f), 100);
	fclose(f);

	struct conf *conf = conf_read_text("bellhop.yaml", main_text, errors);
	ck_assert_msg(conf_errors_count(errors) == 0, "%s",
	    conf_errors_at(errors, 0));
	conf_add_team_text(conf, "payments", team, errors);
	ck_assert_uint_eq(conf_errors_count(errors), 0);
	ck_assert(conf_wants(conf, "aws-sso"));
	ck_assert_str_eq(conf_team_of_room(conf, "acme/#payments"),
	    "payments");
	conf_free(&conf);
	conf_errors_free(&errors);
	free(main_text);
	free(team);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conf-path");
	TCase *tc = tcase_create("all");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, safe);
	tcase_add_test(tc, writable);
	tcase_add_test(tc, links);
	tcase_add_test(tc, owners);
	tcase_add_test(tc, files);
	tcase_add_test(tc, team_directory);
	tcase_add_test(tc, secrets);
	tcase_add_test(tc, samples);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
