/* test-plugin-vet.c - what the loader takes, and what it refuses and says.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <link.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/mem.h"
#include "host/plugin/elf.h"
#include "host/plugin/instance.h"
#include "host/plugin/load.h"
#include "host/plugin/vet.h"

#define FIXTURES TEST_BUILDDIR "/tests/fixtures/plugins/.libs"

static char directory[64];
static int directory_fd;
static struct bh_buf why = BH_BUF(4096);

static void
read_file(const char *path, struct bh_buf *out)
{
	char chunk[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	ck_assert_msg(fd >= 0, "no %s", path);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		bh_buf_put(out, chunk, (size_t)n);
	close(fd);
}

static void
write_file(const char *name, const void *data, size_t len, mode_t mode)
{
	int fd = openat(directory_fd, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

/* Puts the fixture into the directory under the name `as`. */
static void
put(const char *fixture, const char *as)
{
	BH_AUTO_BUF struct bh_buf b = BH_BUF(32u << 20);
	BH_AUTO_FREE char *path = xasprintf("%s/%s.so", FIXTURES, fixture);

	read_file(path, &b);
	write_file(as, b.data, b.len, 0644);
}

static void
setup(void)
{
	/* Builds with sanitizers would map the file itself. */
	setenv("BELLHOP_PLUGIN_LOAD", "copy", 1);
	snprintf(directory, sizeof(directory), "/tmp/bellhop-vet-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	bh_buf_clear(&why);
	directory_fd = vet_directory(directory, &why);
	ck_assert_msg(directory_fd >= 0, "%s", bh_buf_text(&why));
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static void
teardown(void)
{
	close(directory_fd);
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	bh_buf_release(&why);
}

static struct plugin *
load(const char *name)
{
	bh_buf_clear(&why);
	return plugin_load(directory_fd, directory, name, &why);
}

/* Refused, in one line with the file's name and this text in it. */
static void
refused(const char *name, const char *text)
{
	BH_AUTO_FREE char *file = xasprintf("%s/%s.so", directory, name);
	struct plugin *p = load(name);

	ck_assert_msg(p == NULL, "%s was loaded", name);
	ck_assert_msg(strstr(bh_buf_text(&why), text) != NULL,
	    "%s: says \"%s\"", name, bh_buf_text(&why));
	ck_assert_ptr_eq(strstr(bh_buf_text(&why), file), why.data);
	ck_assert_ptr_null(strchr(bh_buf_text(&why), '\n'));
}

START_TEST(good_is_loaded)
{
	struct plugin *p;

	put("good", "good.so");
	p = load("good");
	ck_assert_msg(p != NULL, "%s", bh_buf_text(&why));
	ck_assert_str_eq(p->p.name, "good");
	ck_assert_str_eq(p->p.version, "1.2.3");
	ck_assert_str_eq(p->p.summary, "has it all");
	ck_assert_str_eq(p->p.options[0].key, "word");
	ck_assert_ptr_null(p->p.options[1].key);
	ck_assert_str_eq(p->p.commands[0].name, "good");
	ck_assert_ptr_nonnull(p->p.commands[0].run);
	ck_assert_uint_eq(strlen(p->sha256), 64);
	plugin_free(&p);
	ck_assert_ptr_null(p);
}
END_TEST

START_TEST(newer_is_cut_to_our_size)
{
	struct plugin *p;

	put("newer", "newer.so");
	p = load("newer");
	ck_assert_msg(p != NULL, "%s", bh_buf_text(&why));
	ck_assert_str_eq(p->p.options[0].key, "first");
	ck_assert_int_eq(p->p.options[0].type, BH_INT);
	ck_assert_str_eq(p->p.options[1].key, "second");
	ck_assert_ptr_null(p->p.options[2].key);
	ck_assert_str_eq(p->p.commands[1].name, "second");
	ck_assert_str_eq(p->p.commands[1].help, "two");
	ck_assert_ptr_null(p->p.commands[2].name);
	plugin_free(&p);
}
END_TEST

static const struct {
	const char *fixture, *text;
} wrong[] = {
	{ "wrong-major", "speaks version 2 of the plugin interface" },
	{ "short-struct", "sizes of its tables" },
	{ "short-object", "shorter than it says" },
	{ "no-magic", "has no bellhop magic" },
	{ "no-symbol", "is no bellhop plugin" },
	{ "other-name", "rename it to somebody-else.so" },
	{ "bad-option", "option \"shape\" has type 99" },
	{ "two-commands", "command \"twice\" is there twice" },
	{ "execstack", "wants an executable stack" },
	{ "runpath", "library search path" },
	{ "nodlopen", "not loadable" },
};

START_TEST(wrong_is_refused)
{
	BH_AUTO_FREE char *file = xasprintf("%s.so", wrong[_i].fixture);

	put(wrong[_i].fixture, file);
	refused(wrong[_i].fixture, wrong[_i].text);
}
END_TEST

START_TEST(vetting_runs_nothing)
{
	struct vetted v;

	/* Its constructor aborts: we are still here. */
	put("constructor", "constructor.so");
	ck_assert_int_eq(vet_file(directory_fd, directory, "constructor.so",
	    &v, &why), 0);
	ck_assert_str_eq(v.head.name, "constructor");
	ck_assert_str_eq(v.head.version, "6.6.6");
	vetted_release(&v);
	/* Nor is it run when it is refused for its name. */
	put("constructor", "renamed.so");
	refused("renamed", "calls itself \"constructor\"");
}
END_TEST

START_TEST(constructor_runs_only_when_loaded)
{
	put("constructor", "constructor.so");
	load("constructor");	/* SIGABRT, as the registration says */
}
END_TEST

START_TEST(writable_by_others_is_refused)
{
	BH_AUTO_FREE char *path = xasprintf("%s/good.so", directory);

	put("good", "good.so");
	ck_assert_int_eq(chmod(path, 0646), 0);
	refused("good", "may be written by others: chmod go-w");
	ck_assert_int_eq(chmod(path, 0664), 0);
	refused("good", "may be written by others: chmod go-w");
}
END_TEST

START_TEST(links_and_devices_are_refused)
{
	put("good", "real.so");
	ck_assert_int_eq(symlinkat("real.so", directory_fd, "good.so"), 0);
	refused("good", "is a symbolic link");
	ck_assert_int_eq(mkfifoat(directory_fd, "fifo.so", 0600), 0);
	refused("fifo", "is no regular file");
	ck_assert_int_eq(mkdirat(directory_fd, "dir.so", 0700), 0);
	refused("dir", "is no regular file");
	refused("absent", "cannot open");
}
END_TEST

START_TEST(names_are_strict)
{
	static const char *const bad[] = { "../good", "Good", "", ".good",
	    "a_b", "a.b", "abcdefghijklmnopqrstuvwxyzabcdef" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert(!vet_name_ok(bad[i], strlen(bad[i])));
		ck_assert_ptr_null(load(bad[i]));
		ck_assert_ptr_nonnull(strstr(bh_buf_text(&why),
		    "is no name for a plugin"));
	}
	ck_assert(vet_name_ok("aws-sso2", 8));
}
END_TEST

START_TEST(other_owner_is_refused)
{
	BH_AUTO_FREE char *path = xasprintf("%s/good.so", directory);

	put("good", "good.so");
	if (chown(path, 12345, 0) != 0)
		return;		/* only root can try this one */
	refused("good", "belongs to another user");
}
END_TEST

START_TEST(directory_is_vetted)
{
	BH_AUTO_FREE char *link = xasprintf("%s/link", directory);
	BH_AUTO_FREE char *open_dir = xasprintf("%s/open", directory);
	BH_AUTO_FREE char *below = xasprintf("%s/open/below", directory);

	ck_assert_int_eq(symlink("/usr", link), 0);
	ck_assert_int_lt(vet_directory(link, &why), 0);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&why), "is a link"));
	bh_buf_clear(&why);
	ck_assert_int_eq(mkdir(open_dir, 0700), 0);
	ck_assert_int_eq(mkdir(below, 0700), 0);
	ck_assert_int_eq(chmod(open_dir, 0777), 0);
	ck_assert_int_lt(vet_directory(open_dir, &why), 0);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&why), "chmod go-w"));
	bh_buf_clear(&why);
	ck_assert_int_lt(vet_directory(below, &why), 0);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&why), "directory 1 above"));
	bh_buf_clear(&why);
	ck_assert_int_lt(vet_directory("/nonexistent", &why), 0);
}
END_TEST

/* The fixture in bytes that may be changed, and the entry with its own name
 * in it: a plugin need not name any library, but it has that one.  *name is
 * where the name stands. */
static ElfW(Dyn) *
entry_with_name(struct bh_buf *b, char **name)
{
	BH_AUTO_FREE char *path = xasprintf("%s/good.so", FIXTURES);
	const ElfW(Ehdr) *head;
	ElfW(Dyn) *entry = NULL;
	ElfW(Addr) strings = 0;

	read_file(path, b);
	head = (const void *)b->data;
	for (unsigned i = 0; i < head->e_phnum; i++) {
		const ElfW(Phdr) *ph = (const void *)(b->data + head->e_phoff +
		    i * sizeof(*ph));

		if (ph->p_type != PT_DYNAMIC)
			continue;
		for (ElfW(Dyn) *d = (void *)(b->data + ph->p_offset);
		    d->d_tag != DT_NULL; d++) {
			if (d->d_tag == DT_SONAME)
				entry = d;
			else if (d->d_tag == DT_STRTAB)
				strings = d->d_un.d_ptr;
		}
	}
	ck_assert_msg(entry != NULL, "good.so has no name");
	/* Its first segment lies at 0, in the file as in memory. */
	*name = b->data + strings + entry->d_un.d_val;
	ck_assert_str_eq(*name, "good.so");
	return entry;
}

/* What comes along unvetted. */
START_TEST(libraries_by_path_are_refused)
{
	static const struct { ElfW(Sxword) tag; const char *says; } odd[] = {
		{ DT_AUDIT, "brings another object" },
		{ DT_DEPAUDIT, "brings another object" },
		{ DT_AUXILIARY, "brings another object" },
		{ DT_FILTER, "brings another object" },
	};
	BH_AUTO_BUF struct bh_buf b = BH_BUF(32u << 20);
	char *name;
	ElfW(Dyn) *needed = entry_with_name(&b, &name);

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		needed->d_tag = odd[i].tag;
		write_file("good.so", b.data, b.len, 0644);
		refused("good", odd[i].says);
	}
	needed->d_tag = DT_NEEDED;
	needed->d_un.d_val = 1u << 30;
	write_file("good.so", b.data, b.len, 0644);
	refused("good", "is damaged");
	bh_buf_clear(&b);
	needed = entry_with_name(&b, &name);
	needed->d_tag = DT_NEEDED;
	memcpy(name, "./od.so", 7);
	write_file("good.so", b.data, b.len, 0644);
	refused("good", "a library by its path");
}
END_TEST

START_TEST(copy_cannot_be_changed)
{
	static const unsigned char bytes[] = "what was vetted";
	int fd = copy_sealed("test", bytes, sizeof(bytes));
	char back[sizeof(bytes)];

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, back, sizeof(back), 0), sizeof(back));
	ck_assert_mem_eq(back, bytes, sizeof(bytes));
	ck_assert_int_lt(pwrite(fd, "X", 1, 0), 0);
	ck_assert_int_ne(ftruncate(fd, 0), 0);
	ck_assert_ptr_eq(mmap(NULL, sizeof(bytes), PROT_WRITE, MAP_SHARED, fd,
	    0), MAP_FAILED);
	close(fd);
}
END_TEST

START_TEST(replaced_file_changes_nothing)
{
	struct plugin *p, *again;

	put("good", "good.so");
	p = load("good");
	ck_assert_ptr_nonnull(p);
	/* Written over in place while it is mapped: no SIGBUS, no new code. */
	write_file("good.so", "garbage", 7, 0644);
	ck_assert_str_eq(p->p.commands[0].help, "say good");
	refused("good", "too small");
	put("good", "good.so");
	again = load("good");
	ck_assert_ptr_nonnull(again);
	ck_assert_ptr_eq(again->handle, p->handle);
	plugin_free(&again);
	plugin_free(&p);
}
END_TEST

/* Any bytes are looked at without harm; the sanitizers watch. */
START_TEST(damaged_files_do_no_harm)
{
	BH_AUTO_BUF struct bh_buf b = BH_BUF(32u << 20);
	unsigned char *copy;
	const char *error;
	size_t offset, size, header;
	uint32_t seed = 12345;
	int found = 0;

	read_file(FIXTURES "/good.so", &b);
	copy = malloc(b.len);
	memcpy(copy, b.data, b.len);
	ck_assert_int_eq(elf_find(copy, b.len, "bellhop_plugin", &offset,
	    &size, &error), 0);
	ck_assert_uint_ge(size, sizeof(struct bh_plugin));
	ck_assert_mem_eq(copy + offset, BH_MAGIC, 16);
	/* Cut short anywhere: the section headers stand at the end. */
	for (size_t len = 0; len < b.len; len += 1 + len / 50) {
		unsigned char *cut = malloc(len + 1);

		memcpy(cut, copy, len);
		ck_assert_int_ne(elf_find(cut, len, "bellhop_plugin", &offset,
		    &size, &error), 0);
		free(cut);
	}
	/* Up to four bytes of headers and tables changed at random. */
	for (int i = 0; i < 20000; i++) {
		for (int n = 0; n < 4; n++) {
			seed = seed * 1664525u + 1013904223u;
			header = n < 2 ? 4096 : b.len;
			copy[(seed >> 8) % header] = (unsigned char)seed;
		}
		if (elf_find(copy, b.len, "bellhop_plugin", &offset, &size,
		    &error) == 0) {
			ck_assert(offset <= b.len && size <= b.len - offset);
			found++;
		}
		memcpy(copy, b.data, b.len);
	}
	ck_assert_int_gt(found, 0);
	free(copy);
}
END_TEST

START_TEST(end_of_arrays_is_needed)
{
	static struct bh_option endless[300];
	struct plugin p = { .magic = PLUGIN_MAGIC };
	struct bh_plugin table = { .size = sizeof(table),
	    .option_size = sizeof(struct bh_option), .options = endless };

	for (size_t i = 0; i < 300; i++)
		endless[i] = (struct bh_option){ .key = "x", .help = "y" };
	ck_assert_int_ne(tables_take(&table, &p, &why), 0);
	ck_assert_ptr_nonnull(strstr(bh_buf_text(&why), "end the array"));
	free(p.tables);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("plugin-vet");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, good_is_loaded);
	tcase_add_test(t, newer_is_cut_to_our_size);
	tcase_add_loop_test(t, wrong_is_refused, 0,
	    sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(t, vetting_runs_nothing);
	tcase_add_test_raise_signal(t, constructor_runs_only_when_loaded,
	    SIGABRT);
	tcase_add_test(t, writable_by_others_is_refused);
	tcase_add_test(t, links_and_devices_are_refused);
	tcase_add_test(t, names_are_strict);
	tcase_add_test(t, other_owner_is_refused);
	tcase_add_test(t, directory_is_vetted);
	tcase_add_test(t, libraries_by_path_are_refused);
	tcase_add_test(t, copy_cannot_be_changed);
	tcase_add_test(t, replaced_file_changes_nothing);
	tcase_add_test(t, damaged_files_do_no_harm);
	tcase_add_test(t, end_of_arrays_is_needed);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
