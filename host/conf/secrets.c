/*
 * secrets.c - secrets by reference: found late, masked, wiped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <sys/stat.h>

#include "host/base/log.h"
#include "host/conf/internal.h"

#define SECRET_MAX	(64u << 10)
#define CERTIFICATES_MAX (4u << 20)

static bool
secret_name_ok(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strlen(name) < 128 &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_.") == strlen(name);
}

/* The value is never quoted in these sentences: it may be the secret. */
void
conf_check_reference(const struct bh_value *v, struct conf_errors *errors)
{
	const char *text = bh_text(v);
	bool ok = false;

	if (text != NULL && strncmp(text, "file:", 5) == 0)
		ok = text[5] != '\0';
	else if (text != NULL && strncmp(text, "credential:", 11) == 0)
		ok = secret_name_ok(text + 11);
	else if (text != NULL && strncmp(text, "env:", 4) == 0)
		ok = secret_name_ok(text + 4);
	if (!ok)
		conf_complain(errors, v, "%s%sa secret never stands in a "
		    "settings file: write file:PATH, credential:NAME or "
		    "env:NAME", v->key != NULL ? v->key : "",
		    v->key != NULL ? ": " : "");
}

/* Wipes `text` and gives a copy of just the right size, without the newline
 * that editors leave at the end. */
static char *
secret_trim(char *text, size_t size, size_t *len, const char *path,
    char **error)
{
	char *out = NULL;

	while (*len > 0 && (text[*len - 1] == '\n' || text[*len - 1] == '\r'))
		(*len)--;
	if (*len == 0)
		*error = xasprintf("%s is empty: put the secret in it", path);
	else if (memchr(text, '\0', *len) != NULL)
		*error = xasprintf("%s has a NUL byte in it: it must be text",
		    path);
	else
		out = xstrndup(text, *len);
	xfree_secret(text, size);
	return out;
}

static char *
secret_file(const char *path, bool private, size_t *len, char **error)
{
	/* Secrets are often mounted behind links; what they lead to is what
	 * must be safe. */
	BH_AUTO_FREE char *real = realpath(path, NULL);
	struct stat st;
	char *text;

	if (real == NULL) {
		*error = xasprintf("%s: %s", path, strerror(errno));
		return NULL;
	}
	if (private && stat(real, &st) == 0 && (st.st_mode & S_IROTH) != 0) {
		*error = xasprintf("%s can be read by everybody: chmod o-r %s",
		    real, real);
		return NULL;
	}
	text = conf_path_read(real, SECRET_MAX, len, error);
	if (text == NULL)
		return NULL;
	return secret_trim(text, SECRET_MAX + 2, len, real, error);
}

static char *
secret_find(const struct conf *conf, const char *reference, size_t *len,
    char **error)
{
	if (strncmp(reference, "env:", 4) == 0) {
		const char *value = getenv(reference + 4);

		if (value == NULL || *value == '\0') {
			*error = xasprintf("%s is not set in the environment",
			    reference + 4);
			return NULL;
		}
		*len = strlen(value);
		return xstrdup(value);
	}
	if (strncmp(reference, "credential:", 11) == 0) {
		const char *dir = getenv("CREDENTIALS_DIRECTORY");

		if (dir == NULL) {
			*error = xasprintf("there is no CREDENTIALS_DIRECTORY: "
			    "add LoadCredential=%s:PATH to the service, or "
			    "use file:PATH", reference + 11);
			return NULL;
		}
		BH_AUTO_FREE char *path = xasprintf("%s/%s", dir,
		    reference + 11);
		return secret_file(path, false, len, error);
	}
	BH_AUTO_FREE char *path = reference[5] == '/' || conf->directory ==
	    NULL ? xstrdup(reference + 5) :
	    xasprintf("%s/%s", conf->directory, reference + 5);
	return secret_file(path, true, len, error);
}

const char *
conf_secret(struct conf *conf, const char *plugin, const char *block,
    const char *key, const struct bh_value *reference, char **error)
{
	struct conf_secret *s;
	size_t len = 0;
	char *text;

	for (s = conf->secrets; s != NULL; s = s->next)
		if (strcmp(s->plugin, plugin) == 0 &&
		    strcmp(s->block, block) == 0 && strcmp(s->key, key) == 0)
			return s->text;
	text = secret_find(conf, reference->text, &len, error);
	if (text == NULL)
		return NULL;
	log_redact_add(text);
	s = xcalloc(1, sizeof(*s));
	s->plugin = xstrdup(plugin);
	s->block = xstrdup(block);
	s->key = xstrdup(key);
	s->text = text;
	s->len = len;
	s->next = conf->secrets;
	conf->secrets = s;
	return text;
}

void
conf_wipe_secrets(struct conf *conf, const char *plugin, const char *block)
{
	struct conf_secret **at = &conf->secrets, *s;

	CHECK_MAGIC(conf, CONF_MAGIC);
	while ((s = *at) != NULL) {
		if ((plugin != NULL && strcmp(s->plugin, plugin) != 0) ||
		    (block != NULL && strcmp(s->block, block) != 0)) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		/* It stays masked in the log: it may turn up late, in an
		 * answer to a request that was under way. */
		xfree_secret(s->text, s->len);
		free(s->plugin);
		free(s->block);
		free(s->key);
		free(s);
	}
}

/* The host's own; and the certificates, which are none but as weighty. */
static void
host_check_secrets(struct conf *conf, struct conf_errors *errors)
{
	const struct bh_value *v = bh_get(conf->root, "proxy-credentials");
	char *why = NULL;
	size_t len;

	if (bh_text(v) != NULL && conf_secret(conf, "", "", v->key, v,
	    &why) == NULL)
		conf_complain(errors, v, "%s: %s", v->key, why);
	free(why);
	why = NULL;
	v = bh_get(conf->root, "ca-file");
	if (bh_text(v) != NULL) {
		BH_AUTO_FREE char *real = realpath(v->text, NULL);
		BH_AUTO_FREE char *text = conf_path_read(real != NULL ? real :
		    v->text, CERTIFICATES_MAX, &len, &why);

		if (text == NULL)
			conf_complain(errors, v, "%s: %s", v->key, why);
	}
	free(why);
}

void
conf_check_secrets(struct conf *conf, struct conf_errors *errors)
{
	size_t count;
	const struct conf_instance *in = conf_instances(conf, &count);

	host_check_secrets(conf, errors);
	for (size_t i = 0; i < count; i++) {
		const struct conf_plugin *p = conf_plugin(conf, in[i].plugin);
		const struct bh_option *o;

		for (size_t k = 0; p != NULL && (o = conf_option_at(p->options,
		    p->option_size, k)) != NULL; k++) {
			const struct bh_value *v = o->type == BH_SECRET ?
			    conf_tree(conf, in[i].plugin, in[i].name, "",
			    o->key) : NULL;
			char *why = NULL;

			if (bh_text(v) == NULL || conf_secret(conf, p->name,
			    in[i].name, o->key, v, &why) != NULL)
				continue;
			conf_complain(errors, v, "%s: %s", o->key, why);
			free(why);
		}
	}
}
