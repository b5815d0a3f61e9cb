/* profile.c - reads the shared AWS files into a list of properties.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/profile.h"

#include <ctype.h>

#include <openssl/crypto.h>

#include "plugins/aws-sso/aws/memory.h"

#define FILE_MAX	((size_t)1 << 20)

enum kind { KIND_OTHER, KIND_PROFILE, KIND_SERVICES };

/* A section without properties has one entry with key NULL. */
struct property {
	struct property *next;
	enum kind kind;
	char *section, *key, *value;
};

struct profiles {
	struct property *first, *last;
};

char *
profiles_read_file(const char *path)
{
	struct bh_buf text = BH_BUF(FILE_MAX);
	char part[4096];
	size_t n;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return NULL;
	bh_buf_puts(&text, "");
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		bh_buf_put(&text, part, n);
	OPENSSL_cleanse(part, sizeof(part));
	if (ferror(f) || text.overflow) {
		if (text.data != NULL)
			OPENSSL_cleanse(text.data, text.size);
		bh_buf_release(&text);
	}
	fclose(f);
	return text.data;
}

static char *
trim(char *text)
{
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

static void
add(struct profiles *profiles, enum kind kind, const char *section,
    const char *parent, const char *key, const char *value)
{
	struct property *p = AWS_NEW(struct property);
	struct bh_buf name = BH_BUF(1024);

	if (parent != NULL)
		bh_buf_add(&name, "%s.", parent);
	if (key != NULL)
		bh_buf_puts(&name, key);
	p->kind = kind;
	p->section = aws_strdup(section);
	p->key = name.data;
	p->value = aws_strdup(value);
	if (profiles->last != NULL)
		profiles->last->next = p;
	else
		profiles->first = p;
	profiles->last = p;
}

/* "[profile dev]" in the config file, "[dev]" in the credentials file. */
static enum kind
section_kind(char **name, bool config)
{
	char *space = *name + strcspn(*name, " \t");
	bool two = *space != '\0';

	if (!config)
		return KIND_PROFILE;
	if (!two)
		return strcmp(*name, "default") == 0 ? KIND_PROFILE :
		    KIND_OTHER;
	*space = '\0';

	enum kind kind = strcmp(*name, "profile") == 0 ? KIND_PROFILE :
	    strcmp(*name, "services") == 0 ? KIND_SERVICES : KIND_OTHER;

	*name = trim(space + 1);
	return kind;
}

/* A comment begins a line, or follows a blank. */
static void
cut_comment(char *line)
{
	for (char *p = line; *p != '\0'; p++)
		if ((*p == '#' || *p == ';') &&
		    (p == line || isspace((unsigned char)p[-1]))) {
			*p = '\0';
			return;
		}
}

static void
parse(struct profiles *profiles, char *text, bool config)
{
	enum kind kind = KIND_OTHER;
	char *section = NULL, *parent = NULL, *next;

	for (char *line = text; line != NULL; line = next) {
		bool indented = *line == ' ' || *line == '\t';
		char *equals;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		cut_comment(line);
		line = trim(line);
		if (*line == '\0')
			continue;
		if (*line == '[' && !indented) {
			line[strcspn(line, "]")] = '\0';
			section = trim(line + 1);
			kind = section_kind(&section, config);
			parent = NULL;
			add(profiles, kind, section, NULL, NULL, NULL);
			continue;
		}
		if (section == NULL || (equals = strchr(line, '=')) == NULL)
			continue;
		*equals = '\0';

		char *key = trim(line), *value = trim(equals + 1);

		if (indented && parent != NULL) {
			add(profiles, kind, section, parent, key, value);
			continue;
		}
		parent = *value == '\0' ? key : NULL;
		add(profiles, kind, section, NULL, key, value);
	}
}

static void
load(struct profiles *profiles, const char *variable, const char *usual,
    bool config)
{
	AWS_AUTO_BUF struct bh_buf path = BH_BUF(4096);
	const char *told = getenv(variable), *home = getenv("HOME");
	char *text;

	if (told != NULL && *told != '\0')
		bh_buf_puts(&path, told);
	else if (home != NULL && *home != '\0')
		bh_buf_add(&path, "%s/.aws/%s", home, usual);
	else
		return;
	text = profiles_read_file(bh_buf_text(&path));
	if (text == NULL)
		return;

	size_t len = strlen(text);

	parse(profiles, text, config);
	OPENSSL_cleanse(text, len);
	free(text);
}

struct profiles *
profiles_load(void)
{
	struct profiles *profiles = AWS_NEW(struct profiles);

	load(profiles, "AWS_SHARED_CREDENTIALS_FILE", "credentials", false);
	load(profiles, "AWS_CONFIG_FILE", "config", true);
	return profiles;
}

void
profiles_free(struct profiles **profiles)
{
	struct property *p, *next;

	if (*profiles == NULL)
		return;
	for (p = (*profiles)->first; p != NULL; p = next) {
		next = p->next;
		free(p->section);
		free(p->key);
		aws_wipe(&p->value);
		free(p);
	}
	free(*profiles);
	*profiles = NULL;
}

static const char *
get(const struct profiles *profiles, enum kind kind, const char *section,
    const char *key)
{
	for (const struct property *p = profiles->first; p != NULL;
	    p = p->next)
		if (p->kind == kind && p->key != NULL &&
		    strcmp(p->section, section) == 0 &&
		    strcmp(p->key, key) == 0 && *p->value != '\0')
			return p->value;
	return NULL;
}

bool
profiles_has(const struct profiles *profiles, const char *profile)
{
	for (const struct property *p = profiles->first; p != NULL;
	    p = p->next)
		if (p->kind == KIND_PROFILE &&
		    strcmp(p->section, profile) == 0)
			return true;
	return false;
}

const char *
profiles_get(const struct profiles *profiles, const char *profile,
    const char *key)
{
	return get(profiles, KIND_PROFILE, profile, key);
}

const char *
profiles_service(const struct profiles *profiles, const char *section,
    const char *key)
{
	return get(profiles, KIND_SERVICES, section, key);
}

const char *
profiles_default(void)
{
	const char *profile = getenv("AWS_PROFILE");

	return profile != NULL && *profile != '\0' ? profile : "default";
}
