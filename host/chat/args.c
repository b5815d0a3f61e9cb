/* args.c - argument specs, and words turned into arguments by them.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/chat/words.h"

#include "host/base/mem.h"
#include "host/base/text.h"

static bool
name_ok(const char *s, size_t len)
{
	if (len == 0 || s[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || s[i] == '-' ||
		    s[i] == '_' || (s[i] >= '0' && s[i] <= '9')))
			return false;
	return true;
}

/* One item of a spec, without the blanks around it. */
static int
spec_item(const char *s, size_t len, struct arg_spec *out, const char **error)
{
	bool optional = s[0] == '[';
	const char *equals = NULL;

	if (optional) {
		if (len < 3 || s[len - 1] != ']') {
			*error = "a \"[\" of the argument spec is not closed";
			return BH_EPARSE;
		}
		s++;
		len -= 2;
	}
	if (len > 2 && s[0] == '-' && s[1] == '-') {
		if (!optional) {
			*error = "options in an argument spec stand in "
			    "brackets: [--name] or [--name=WHAT]";
			return BH_EPARSE;
		}
		s += 2;
		len -= 2;
		out->kind = ARG_FLAG;
		equals = memchr(s, '=', len);
		if (equals != NULL) {
			size_t n = (size_t)(equals - s);

			out->kind = ARG_OPTION;
			out->what = xstrndup(equals + 1, len - n - 1);
			len = n;
		}
	} else if (len > 3 && memcmp(s + len - 3, "...", 3) == 0) {
		out->kind = optional ? ARG_REST_OPTIONAL : ARG_REST;
		len -= 3;
	} else {
		out->kind = optional ? ARG_OPTIONAL : ARG_NEEDED;
	}
	if (!name_ok(s, len)) {
		*error = "names in an argument spec are made of a-z, 0-9, "
		    "\"-\" and \"_\"";
		free(out->what);
		out->what = NULL;
		return BH_EPARSE;
	}
	out->name = xstrndup(s, len);
	return BH_OK;
}

static bool
is_word(enum arg_kind kind)
{
	return kind != ARG_FLAG && kind != ARG_OPTION;
}

/* Words must be: needed ones, optional ones, the rest. */
static const char *
order_wrong(const struct spec *spec, const struct arg_spec *next)
{
	for (size_t i = 0; i < spec->count; i++) {
		const struct arg_spec *before = &spec->list[i];

		if (strcmp(before->name, next->name) == 0)
			return "an argument spec has the same name twice";
		if (!is_word(next->kind) || !is_word(before->kind))
			continue;
		if (before->kind == ARG_REST ||
		    before->kind == ARG_REST_OPTIONAL)
			return "nothing may follow NAME... in an argument "
			    "spec but options";
		if (before->kind == ARG_OPTIONAL && (next->kind == ARG_NEEDED ||
		    next->kind == ARG_REST))
			return "a needed argument stands after an optional "
			    "one in an argument spec";
	}
	return NULL;
}

int
spec_parse(const char *text, struct spec *out, const char **error)
{
	struct spec spec = { 0 };

	for (const char *p = text != NULL ? text : ""; *p != '\0';) {
		size_t len = strcspn(p, " ");
		struct arg_spec item = { 0 };

		if (len > 0) {
			int ret = spec_item(p, len, &item, error);

			if (ret != BH_OK) {
				spec_release(&spec);
				return ret;
			}
			*error = order_wrong(&spec, &item);
			spec.list = xrealloc(spec.list, spec.count + 1,
			    sizeof(*spec.list));
			spec.list[spec.count++] = item;
			if (*error != NULL) {
				spec_release(&spec);
				return BH_EPARSE;
			}
		}
		p += len;
		p += strspn(p, " ");
	}
	*out = spec;
	return BH_OK;
}

void
spec_release(struct spec *spec)
{
	for (size_t i = 0; i < spec->count; i++) {
		free(spec->list[i].name);
		free(spec->list[i].what);
	}
	free(spec->list);
	*spec = (struct spec){ 0 };
}

const struct arg_spec *
spec_find(const struct spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->count; i++)
		if (text_same_fold(spec->list[i].name, name))
			return &spec->list[i];
	return NULL;
}

static const struct arg_spec *
nth_word(const struct spec *spec, size_t n)
{
	for (size_t i = 0; i < spec->count; i++)
		if (is_word(spec->list[i].kind) && n-- == 0)
			return &spec->list[i];
	return NULL;
}

/* ------------------------------------------------------------------ */

static struct arg *
find(const struct args *args, const char *name)
{
	for (size_t i = 0; i < args->count; i++)
		if (strcmp(args->list[i].name, name) == 0)
			return &args->list[i];
	return NULL;
}

const char *
args_get(const struct args *args, const char *name)
{
	const struct arg *arg = find(args, name);

	return arg != NULL ? arg->value : NULL;
}

void
args_set(struct args *args, const char *name, const char *value)
{
	struct arg *arg = find(args, name);

	if (arg != NULL) {
		free(arg->value);
		arg->value = xstrdup(value);
		return;
	}
	args->list = xrealloc(args->list, args->count + 1,
	    sizeof(*args->list));
	args->list[args->count++] = (struct arg){ xstrdup(name),
	    xstrdup(value) };
}

void
args_release(struct args *args)
{
	for (size_t i = 0; i < args->count; i++) {
		free(args->list[i].name);
		free(args->list[i].value);
	}
	free(args->list);
	*args = (struct args){ 0 };
}

static bool
is_option(const struct word *word)
{
	return !word->quoted && strncmp(word->text, "--", 2) == 0 &&
	    word->text[2] != '\0';
}

static int
unknown_option(const struct spec *spec, const char *name,
    struct bh_buf *error)
{
	const char *names[64] = { NULL };
	size_t count = 0;

	for (size_t i = 0; i < spec->count && count < 64; i++)
		if (!is_word(spec->list[i].kind))
			names[count++] = spec->list[i].name;

	const char *near = text_nearest(name, names, count);

	bh_buf_add(error, "there is no option --%s", name);
	if (near != NULL)
		bh_buf_add(error, "; did you mean --%s?", near);
	else if (count == 0)
		bh_buf_puts(error, "; a word that begins with -- goes after "
		    "a lone \"--\" or into quotes");
	return BH_EINVAL;
}

/* Takes the option at words[*i]; moves *i past what it used. */
static int
take_option(const struct spec *spec, const struct words *words, size_t *i,
    struct args *out, struct bh_buf *error)
{
	const char *text = words->list[*i].text + 2;
	const char *equals = strchr(text, '=');
	BH_AUTO_FREE char *name = xstrndup(text, equals != NULL ?
	    (size_t)(equals - text) : strlen(text));
	const struct arg_spec *arg = spec_find(spec, name);

	if (arg == NULL || is_word(arg->kind))
		return unknown_option(spec, name, error);
	if (args_get(out, arg->name) != NULL) {
		bh_buf_add(error, "--%s stands there twice", arg->name);
		return BH_EINVAL;
	}
	if (arg->kind == ARG_FLAG) {
		if (equals != NULL) {
			bh_buf_add(error, "--%s takes no value", arg->name);
			return BH_EINVAL;
		}
		args_set(out, arg->name, "yes");
		(*i)++;
		return BH_OK;
	}

	const char *value = equals != NULL ? equals + 1 : NULL;

	(*i)++;
	if (value == NULL && *i < words->count &&
	    !is_option(&words->list[*i]))
		value = words->list[(*i)++].text;
	if (value == NULL || *value == '\0') {
		bh_buf_add(error, "--%s needs a value: --%s %s", arg->name,
		    arg->name, arg->what);
		return BH_EINVAL;
	}
	args_set(out, arg->name, value);
	return BH_OK;
}

static void
append_rest(struct args *out, const char *name, const char *word)
{
	struct arg *arg = find(out, name);
	size_t len, more = strlen(word);

	if (arg == NULL) {
		args_set(out, name, word);
		return;
	}
	len = strlen(arg->value);
	arg->value = xrealloc(arg->value, len + more + 2, 1);
	arg->value[len] = ' ';
	memcpy(arg->value + len + 1, word, more + 1);
}

int
args_parse(const struct spec *spec, const struct words *words, size_t from,
    struct args *out, struct bh_buf *error)
{
	struct args args = { 0 };
	bool options = true;
	size_t n = 0;
	int ret = BH_OK;

	for (size_t i = from; i < words->count && ret == BH_OK;) {
		const struct word *word = &words->list[i];
		const struct arg_spec *arg;

		if (options && !word->quoted && strcmp(word->text, "--") == 0) {
			options = false;
			i++;
		} else if (options && is_option(word)) {
			ret = take_option(spec, words, &i, &args, error);
		} else if ((arg = nth_word(spec, n)) == NULL) {
			bh_buf_add(error, "\"%s\" is one word too many",
			    word->text);
			ret = BH_EINVAL;
		} else if (arg->kind == ARG_REST ||
		    arg->kind == ARG_REST_OPTIONAL) {
			append_rest(&args, arg->name, word->text);
			i++;
		} else {
			args_set(&args, arg->name, word->text);
			n++;
			i++;
		}
	}
	if (ret == BH_OK)
		ret = args_check(spec, &args, error);
	if (ret == BH_OK)
		*out = args;
	else
		args_release(&args);
	return ret;
}

int
args_check(const struct spec *spec, const struct args *args,
    struct bh_buf *error)
{
	for (size_t i = 0; i < args->count; i++) {
		if (spec_find(spec, args->list[i].name) == NULL) {
			bh_buf_add(error, "there is no argument \"%s\"",
			    args->list[i].name);
			return BH_EINVAL;
		}
	}
	for (size_t i = 0; i < spec->count; i++) {
		const struct arg_spec *arg = &spec->list[i];
		const char *value = args_get(args, arg->name);

		if ((arg->kind == ARG_NEEDED || arg->kind == ARG_REST) &&
		    (value == NULL || *value == '\0')) {
			bh_buf_add(error, "%s is missing", arg->name);
			return BH_EINVAL;
		}
	}
	return BH_OK;
}

const struct arg_spec *
args_position(const struct spec *spec, const struct words *words, size_t from,
    struct args *out, bool *option, const char **value)
{
	BH_AUTO_BUF struct bh_buf ignored = BH_BUF(1024);
	const struct arg_spec *arg = NULL;
	bool options = true;
	size_t n = 0;

	*option = false;
	if (words->count == 0)
		return NULL;

	const struct word *last = &words->list[words->count - 1];

	*value = last->text;
	for (size_t i = from; i + 1 < words->count;) {
		const struct word *word = &words->list[i];

		if (options && !word->quoted && strcmp(word->text, "--") == 0) {
			options = false;
			i++;
			continue;
		}
		if (options && is_option(word)) {
			arg = spec_find(spec, word->text + 2);
			if (i + 2 == words->count && arg != NULL &&
			    arg->kind == ARG_OPTION && !is_option(last))
				return arg;	/* "--for 2" */
			if (take_option(spec, words, &i, out, &ignored) !=
			    BH_OK)
				i++;
			continue;
		}
		arg = nth_word(spec, n);
		if (arg == NULL)
			return NULL;
		if (arg->kind == ARG_REST || arg->kind == ARG_REST_OPTIONAL) {
			append_rest(out, arg->name, word->text);
		} else {
			args_set(out, arg->name, word->text);
			n++;
		}
		i++;
	}
	if (options && !last->quoted && strncmp(last->text, "-", 1) == 0) {
		const char *equals = strchr(last->text, '=');

		if (equals == NULL || !is_option(last)) {
			*option = true;
			return NULL;
		}

		BH_AUTO_FREE char *name = xstrndup(last->text + 2,
		    (size_t)(equals - last->text - 2));

		arg = spec_find(spec, name);
		*value = equals + 1;
		return arg != NULL && arg->kind == ARG_OPTION ? arg : NULL;
	}
	return nth_word(spec, n);
}
