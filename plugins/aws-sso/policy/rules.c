/*
 * rules.c - turns the YAML of rules into compiled ones, strictly.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <assert.h>

#include "plugins/aws-sso/policy/rules.h"

struct compiler {
	struct policy *p;
	policy_complain_fn *complain;
	void *arg;
	const struct policy_source *source;
	bool wrong;			/* the rule at hand has a mistake */
};

static const char *const rule_keys[] = { "name", "accounts", "access",
    "may-ask", "approvers", "approvals", "self-approval", "approval", "deny",
    "longest", "durations", "reason", "because" };

static void BH_PRINTF(3, 4)
say(struct compiler *c, const struct bh_value *at, const char *fmt, ...)
{
	struct bh_buf b = BH_BUF(1024);
	va_list ap;

	c->wrong = true;
	va_start(ap, fmt);
	bh_buf_vadd(&b, fmt, ap);
	va_end(ap);
	if (c->complain != NULL)
		c->complain(c->arg, at, bh_buf_text(&b));
	bh_buf_release(&b);
}

static char *
copy(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = malloc(n);

	assert(p != NULL);
	memcpy(p, s, n);
	return p;
}

/* What people call the file: "team.d/payments.yaml", "bellhop.yaml". */
static char *
short_file(const char *file)
{
	const char *base, *dir;

	if (file == NULL)
		return copy("configuration");
	base = strrchr(file, '/');
	if (base == NULL)
		return copy(file);
	for (dir = base; dir > file && dir[-1] != '/'; dir--)
		;
	return copy(strncmp(dir, "team.d/", 7) == 0 ? dir : base + 1);
}

static void
note_group(struct compiler *c, const char *name)
{
	struct policy *p = c->p;

	for (size_t i = 0; i < p->groups_count; i++)
		if (strcmp(p->groups[i], name) == 0)
			return;
	p->groups = realloc(p->groups,
	    (p->groups_count + 1) * sizeof(*p->groups));
	assert(p->groups != NULL);
	p->groups[p->groups_count++] = name;
}

/* A list of texts, or one text; NULL after complaining. */
static const struct bh_value *
texts(struct compiler *c, const struct bh_value *rule, const char *key,
    const char *example)
{
	const struct bh_value *v = bh_get(rule, key);

	if (v == NULL || v->kind == BH_TEXT)
		return v;
	if (v->kind == BH_LIST && v->count > 0) {
		for (BH_EACH(item, v))
			if (bh_text(item) == NULL) {
				say(c, item, "%s must be texts, such as %s: put "
				    "quotes around it", key, example);
				return NULL;
			}
		return v;
	}
	say(c, v, "%s must be a list, such as [%s]", key, example);
	return NULL;
}

static void
check_people(struct compiler *c, const struct bh_value *list)
{
	const struct bh_value *p;

	if (list == NULL)
		return;
	for (p = list->kind == BH_LIST ? list->first : list; p != NULL;
	    p = list->kind == BH_LIST ? p->next : NULL) {
		const char *s = bh_text(p);

		if (strncmp(s, "group:", 6) == 0 && s[6] != '\0')
			note_group(c, s + 6);
		else if (strcmp(s, "everyone") != 0 && strchr(s, '@') == NULL)
			say(c, p, "\"%s\" is nobody: write an e-mail address, "
			    "\"group:NAME\" or everyone", s);
	}
}

static void
note_tags(struct compiler *c, const struct bh_value *list)
{
	const struct bh_value *p;

	if (list == NULL)
		return;
	for (p = list->kind == BH_LIST ? list->first : list; p != NULL;
	    p = list->kind == BH_LIST ? p->next : NULL) {
		const char *s = bh_text(p);

		if (s != NULL && strncmp(s[0] == '!' ? s + 1 : s, "tag:", 4) == 0)
			c->p->tags = true;
	}
}

/* Is a pattern of a team's rule written within what is delegated?  Only
 * plain names, ids and paths can be told offline; wildcards are narrowed when
 * a question is decided. */
static void
check_delegated(struct compiler *c, const struct bh_value *list,
    const struct bh_value *delegated, const char *key, const char *what)
{
	const struct bh_api *api = c->p->api;
	const struct bh_value *p;

	if (list == NULL || c->source->team[0] == '\0')
		return;
	for (p = list->kind == BH_LIST ? list->first : list; p != NULL;
	    p = list->kind == BH_LIST ? p->next : NULL) {
		const char *s = bh_text(p), *names[64], *near;
		struct bh_buf all = BH_BUF(512);
		size_t n = 0;
		bool yes = false, no = false;

		if (s == NULL || *s == '!' || strncmp(s, "tag:", 4) == 0 ||
		    (strncmp(s, "ou:", 3) != 0 && strpbrk(s, "*?") != NULL))
			continue;
		for (BH_EACH(d, delegated != NULL && delegated->kind == BH_LIST ?
		    delegated : NULL)) {
			const char *t = bh_text(d);

			if (t == NULL)
				continue;
			bh_buf_add(&all, "%s%s", all.len > 0 ? ", " : "", t);
			if (n < 64)
				names[n++] = t;
			if (*t == '!')
				no = no || api->glob(t + 1, s);
			else
				yes = yes || api->glob(t, s) ||
				    strncmp(t, "tag:", 4) == 0 ||
				    /* names may lie in a delegated OU */
				    (strncmp(t, "ou:", 3) == 0 &&
				    strncmp(s, "ou:", 3) != 0);
		}
		/* A name that is in an OU cannot be told from a slip here,
		 * unless it is nearly one that is delegated by name. */
		near = api->nearest(s, names, n);
		if (no || !yes || (near != NULL && strcmp(near, s) != 0 &&
		    strncmp(s, "ou:", 3) != 0 && !api->glob(near, s) &&
		    strpbrk(near, "*?") == NULL)) {
			if (delegated == NULL || delegated->first == NULL)
				say(c, p, "%s \"%s\" is not delegated to team %s: "
				    "add %s under delegate/%s in the main file",
				    what, s, c->source->team, key,
				    c->source->team);
			else
				say(c, p, "%s \"%s\" is not delegated to team %s "
				    "(line %d of the main file allows %s)%s%s%s",
				    what, s, c->source->team, delegated->line,
				    bh_buf_text(&all),
				    near != NULL ? ". Did you mean " : "",
				    near != NULL ? near : "",
				    near != NULL ? "?" : "");
		}
		bh_buf_release(&all);
	}
}

static int64_t
duration_of(struct compiler *c, const struct bh_value *v, const char *what)
{
	const char *error = NULL;
	int64_t ms;

	if (v == NULL)
		return 0;
	if (v->text == NULL || (v->kind != BH_TEXT && v->kind != BH_NUMBER)) {
		say(c, v, "%s must be a duration, such as 4h", what);
		return 0;
	}
	ms = c->p->api->duration(v->text, &error);
	if (ms <= 0) {
		say(c, v, "%s: %s", what, ms == 0 ?
		    "no time at all: write something like 4h" : error);
		return 0;
	}
	return ms;
}

static bool
flag_of(struct compiler *c, const struct bh_value *rule, const char *key)
{
	const struct bh_value *v = bh_get(rule, key);

	if (v == NULL)
		return false;
	if (v->kind != BH_BOOL) {
		say(c, v, "%s must be true or false", key);
		return false;
	}
	return v->number > 0;
}

static void
compile_reason(struct compiler *c, struct policy_rule *r,
    const struct bh_value *v)
{
	const char *pattern;
	int code;

	if (v == NULL)
		return;
	if (v->kind == BH_TEXT && strcmp(v->text, "required") == 0) {
		r->reason_needed = true;
		return;
	}
	if (v->kind == BH_TEXT && strcmp(v->text, "optional") == 0)
		return;
	if (v->kind != BH_MAP) {
		say(c, v, "reason must be required, optional, or a map such as "
		    "{ pattern: \"[A-Z]+-[0-9]+\", example: \"PAY-812 ...\" }");
		return;
	}
	for (BH_EACH(k, v))
		if (strcmp(k->key, "required") != 0 &&
		    strcmp(k->key, "pattern") != 0 &&
		    strcmp(k->key, "example") != 0)
			say(c, k, "unknown key \"%s\" in reason: it knows "
			    "required, pattern, example", k->key);
	pattern = bh_get_text(v, "pattern");
	r->reason_needed = pattern != NULL || flag_of(c, v, "required");
	if (bh_get_text(v, "example") != NULL)
		r->example = copy(bh_get_text(v, "example"));
	if (pattern == NULL)
		return;
	/* Back-references make matching slow without bound; nobody needs
	 * them to recognise a ticket. */
	for (const char *p = pattern; *p != '\0'; p++)
		if (*p == '\\' && p[1] >= '1' && p[1] <= '9') {
			say(c, bh_get(v, "pattern"), "back-references are not "
			    "allowed in a pattern: write it without \\%c", p[1]);
			return;
		} else if (*p == '\\' && p[1] != '\0')
			p++;
	code = regcomp(&r->pattern, pattern, REG_EXTENDED | REG_NOSUB);
	if (code != 0) {
		char text[128];

		regerror(code, &r->pattern, text, sizeof(text));
		say(c, bh_get(v, "pattern"), "bad pattern: %s", text);
		return;
	}
	r->has_pattern = true;
	r->pattern_text = copy(pattern);
	if (r->example != NULL &&
	    regexec(&r->pattern, r->example, 0, NULL, 0) != 0)
		say(c, bh_get(v, "example"), "the example does not match its "
		    "own pattern %s", pattern);
}

static void
compile_durations(struct compiler *c, struct policy_rule *r,
    const struct bh_value *v)
{
	if (v == NULL)
		return;
	if (v->kind != BH_LIST || v->count == 0 || v->count > 50) {
		say(c, v, "durations must be a list, such as [30m, 1h, 4h]");
		return;
	}
	r->durations = calloc(v->count, sizeof(*r->durations));
	assert(r->durations != NULL);
	for (BH_EACH(d, v)) {
		int64_t ms = duration_of(c, d, "durations");

		if (ms > 0)
			r->durations[r->durations_count++] = ms;
	}
}

static void
compile_approval(struct compiler *c, struct policy_rule *r,
    const struct bh_value *v)
{
	const struct bh_value *approval = bh_get(v, "approval");
	const struct bh_value *approvals = bh_get(v, "approvals");

	r->needed = 1;
	if (approval != NULL) {
		const char *s = bh_text(approval);

		if (s != NULL && strcmp(s, "not-required") == 0)
			r->automatic = true;
		else if (s == NULL || strcmp(s, "required") != 0)
			say(c, approval, "approval must be required or "
			    "not-required");
	}
	if (approvals != NULL) {
		double n = approvals->kind == BH_NUMBER ? approvals->number : 0;

		if (n < 1 || n > 20 || n != (double)(int)n)
			say(c, approvals, "approvals must be a whole number from "
			    "1 to 20; for none write approval: not-required");
		else
			r->needed = (int)n;
	}
	if (r->deny)
		return;
	if (r->automatic) {
		r->needed = 0;
		if (r->approvers != NULL)
			say(c, r->approvers, "approval is not required here, yet "
			    "there are approvers: leave one of them out");
	} else if (r->approvers == NULL)
		say(c, v, "rule %s has no approvers, so nobody could ever "
		    "approve: add approvers, or approval: not-required",
		    r->name);
}

static void
compile_rule(struct compiler *c, const struct policy_layer *layer,
    const struct bh_value *v)
{
	struct policy *p = c->p;
	struct policy_rule *r = &p->rules[p->rules_count];

	c->wrong = false;
	*r = (struct policy_rule){ .layer = layer, .line = v->line,
	    .file = short_file(v->file) };
	if (v->kind != BH_MAP) {
		say(c, v, "a rule must be a map with name, accounts, access ...");
		free(r->file);
		return;
	}
	for (BH_EACH(k, v)) {
		size_t i, n = sizeof(rule_keys) / sizeof(*rule_keys);

		for (i = 0; i < n && strcmp(k->key, rule_keys[i]) != 0; i++)
			;
		if (i == n) {
			const char *near = p->api->nearest(k->key, rule_keys, n);

			say(c, k, "unknown key \"%s\" in a rule%s%s%s", k->key,
			    near != NULL ? ": did you mean " : "",
			    near != NULL ? near : "", near != NULL ? "?" : "");
		}
	}
	if (bh_get_text(v, "name") == NULL)
		say(c, v, "a rule needs a name, so that refusals can say which");
	r->name = copy(bh_get_text(v, "name") != NULL ?
	    bh_get_text(v, "name") : "unnamed");
	r->deny = flag_of(c, v, "deny");
	r->self = flag_of(c, v, "self-approval");
	r->accounts = texts(c, v, "accounts", "prod-payments, \"ou:/Payments/**\"");
	r->sets = texts(c, v, "access", "ReadOnly, PowerUser");
	r->may_ask = texts(c, v, "may-ask", "\"group:Payments Engineers\"");
	r->approvers = texts(c, v, "approvers", "grace@acme.example");
	check_people(c, r->may_ask);
	check_people(c, r->approvers);
	note_tags(c, r->accounts);
	if (!r->deny) {
		static const char *const needed[] = { "accounts", "access",
		    "may-ask" };

		for (size_t i = 0; i < 3; i++)
			if (bh_get(v, needed[i]) == NULL)
				say(c, v, "rule %s has no %s, so it would allow "
				    "nothing: add it", r->name, needed[i]);
		check_delegated(c, r->accounts, layer->accounts, "accounts",
		    "account");
		check_delegated(c, r->sets, layer->sets, "permission-sets",
		    "permission set");
	}
	r->longest = duration_of(c, bh_get(v, "longest"), "longest");
	if (layer->longest > 0 && r->longest > layer->longest) {
		struct bh_buf b = BH_BUF(64);

		p->api->duration_text(&b, layer->longest);
		say(c, bh_get(v, "longest"), "longest is more than the %s that "
		    "the main file allows", bh_buf_text(&b));
		bh_buf_release(&b);
	}
	compile_durations(c, r, bh_get(v, "durations"));
	compile_reason(c, r, bh_get(v, "reason"));
	compile_approval(c, r, v);
	/* A slip never widens: a wrong allow counts for nothing, a wrong deny
	 * for everything. */
	if (c->wrong && r->deny)
		r->broken = true;
	if (c->wrong && !r->deny) {
		free(r->name);
		free(r->file);
		free(r->durations);
		free(r->example);
		free(r->pattern_text);
		if (r->has_pattern)
			regfree(&r->pattern);
		return;
	}
	p->rules_count++;
}

static void
compile_source(struct compiler *c, struct policy_layer *layer)
{
	const struct policy_source *s = c->source;
	const struct bh_value *rules = s->rules;

	layer->team = copy(s->team);
	layer->longest = s->longest;
	layer->accounts = bh_get(s->delegate, "accounts");
	layer->sets = bh_get(s->delegate, "permission-sets");
	if (s->team[0] != '\0') {
		int64_t most = duration_of(c, bh_get(s->delegate, "longest"),
		    "longest");

		if (most > 0 && (layer->longest == 0 || most < layer->longest))
			layer->longest = most;
	}
	if (rules == NULL)
		return;
	if (rules->kind != BH_LIST) {
		say(c, rules, "rules must be a list: begin each with \"- name:\"");
		return;
	}
	for (BH_EACH(v, rules))
		compile_rule(c, layer, v);
}

struct policy *
policy_compile(const struct bh_api *api, const struct policy_source *sources,
    size_t count, policy_complain_fn *complain, void *arg)
{
	struct compiler c = { .complain = complain, .arg = arg };
	struct policy *p = calloc(1, sizeof(*p));
	size_t most = 0;

	assert(p != NULL);
	p->magic = POLICY_MAGIC;
	p->api = api;
	for (size_t i = 0; i < count; i++)
		if (sources[i].rules != NULL)
			most += sources[i].rules->count;
	p->layers = calloc(count + 1, sizeof(*p->layers));
	p->rules = calloc(most + 1, sizeof(*p->rules));
	assert(p->layers != NULL && p->rules != NULL);
	p->layers_count = count;
	c.p = p;
	/* Teams in the order given, the company's own rules last. */
	for (int main_file = 0; main_file < 2; main_file++)
		for (size_t i = 0; i < count; i++)
			if ((sources[i].team[0] == '\0') == (main_file == 1)) {
				c.source = &sources[i];
				compile_source(&c, &p->layers[i]);
			}
	return p;
}

void
policy_free(struct policy **pp)
{
	struct policy *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	assert(p->magic == POLICY_MAGIC);
	for (size_t i = 0; i < p->rules_count; i++) {
		struct policy_rule *r = &p->rules[i];

		if (r->has_pattern)
			regfree(&r->pattern);
		free(r->name);
		free(r->file);
		free(r->durations);
		free(r->example);
		free(r->pattern_text);
	}
	for (size_t i = 0; i < p->layers_count; i++)
		free(p->layers[i].team);
	free(p->layers);
	free(p->rules);
	free(p->groups);
	p->magic = 0;
	free(p);
}

bool
policy_uses_tags(const struct policy *p)
{
	return p->tags;
}

const char *
policy_group(const struct policy *p, size_t n)
{
	return n < p->groups_count ? p->groups[n] : NULL;
}
