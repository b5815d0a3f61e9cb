/* console-people.c - who may be played here, read strictly.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/console/console.h"

static bool
name_ok(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > 40)
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789._-") == len;
}

static bool
email_ok(const char *s)
{
	const char *at = strchr(s, '@');

	if (at == NULL || at == s || at[1] == '\0' ||
	    strchr(at + 1, '@') != NULL || strlen(s) > 254)
		return false;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= 0x20 || *s == 0x7f)
			return false;
	return true;
}

bool
console_room_ok(const char *name)
{
	size_t len = strlen(name);

	if (name[0] != '#' || len < 2 || len > 80)
		return false;
	for (const char *s = name + 1; *s != '\0'; s++)
		if ((unsigned char)*s <= 0x20 || *s == 0x7f || *s == '#')
			return false;
	return true;
}

const struct console_person *
console_person(const struct console_people *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->list[i].name, name) == 0)
			return &p->list[i];
	return NULL;
}

void
console_people_release(struct console_people *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->list[i].name);
		free(p->list[i].display);
		free(p->list[i].email);
	}
	free(p->list);
	*p = (struct console_people){ 0 };
}

/* ------------------------------------------------------------------ */

struct reading {
	console_complain *complain;
	void *arg;
	int result;
};

static void BH_PRINTF(3, 4)
wrong(struct reading *r, const struct bh_value *at, const char *fmt, ...)
{
	struct bh_buf b = BH_BUF(512);
	va_list ap;

	va_start(ap, fmt);
	bh_buf_vadd(&b, fmt, ap);
	va_end(ap);
	r->complain(r->arg, at, bh_buf_text(&b));
	r->result = BH_EINVAL;
	bh_buf_release(&b);
}

/* The members of one person, each of its type, none unknown. */
static bool
members_ok(struct reading *r, const struct bh_value *v)
{
	static const struct { const char *key; int kind; const char *is; }
	    keys[] = {
		{ "name", BH_TEXT, "text" }, { "display", BH_TEXT, "text" },
		{ "email", BH_TEXT, "text" }, { "guest", BH_BOOL,
		"true or false" },
	};
	int before = r->result;

	for (BH_EACH(m, v)) {
		size_t i = 0;

		while (i < 4 && strcmp(keys[i].key, m->key) != 0)
			i++;
		if (i == 4)
			wrong(r, m, "a person has no \"%s\": use name, "
			    "display, email and guest", m->key);
		else if (m->kind != keys[i].kind)
			wrong(r, m, "%s of a person must be %s", m->key,
			    keys[i].is);
	}
	return r->result == before;
}

static void
read_person(struct reading *r, const struct bh_value *v,
    struct console_people *out)
{
	const char *name, *display, *email;
	struct console_person *p;

	if (v->kind != BH_MAP) {
		wrong(r, v, "a person must be written as {name: ada, "
		    "display: Ada Lovelace, email: ada@acme.example}");
		return;
	}
	if (!members_ok(r, v))
		return;
	name = bh_get_text(v, "name");
	display = bh_get_text(v, "display");
	email = bh_get_text(v, "email");
	if (name == NULL) {
		wrong(r, v, "a person needs a name, such as name: ada");
		return;
	}
	if (!name_ok(name)) {
		wrong(r, bh_get(v, "name"), "the name \"%s\" cannot be used: "
		    "take up to 40 letters, digits, \".\", \"_\" or \"-\"",
		    name);
		return;
	}
	if (console_person(out, name) != NULL) {
		wrong(r, bh_get(v, "name"), "there are two people named "
		    "\"%s\": rename or remove one", name);
		return;
	}
	if (email != NULL && !email_ok(email)) {
		wrong(r, bh_get(v, "email"), "\"%s\" is no e-mail address: "
		    "write it as ada@acme.example, or leave it out", email);
		return;
	}
	p = realloc(out->list, (out->count + 1) * sizeof(*p));
	if (p == NULL)
		abort();
	out->list = p;
	p += out->count++;
	*p = (struct console_person){ .name = console_keep(name),
	    .display = console_keep(display != NULL ? display : name),
	    .email = console_keep(email),
	    .guest = bh_get_bool(v, "guest", false) };
}

int
console_people_read(const struct bh_value *v, struct console_people *out,
    console_complain *complain, void *arg)
{
	struct reading r = { .complain = complain, .arg = arg };

	*out = (struct console_people){ 0 };
	if (v == NULL || v->kind != BH_LIST)
		wrong(&r, v, "people must be a list, such as [{name: ada, "
		    "display: Ada Lovelace, email: ada@acme.example}]");
	else if (v->first == NULL)
		wrong(&r, v, "people is empty: list at least one person");
	else
		for (BH_EACH(person, v))
			read_person(&r, person, out);
	return r.result;
}

/* ------------------------------------------------------------------ */

static void
to_host(void *arg, const struct bh_value *at, const char *sentence)
{
	struct bh_check *check = arg;

	bh_complain(check, at, "%s", sentence);
}

static void
check_room(struct bh_check *check, const struct bh_value *v)
{
	const char *room = bh_text(v);

	if (room != NULL && !console_room_ok(room))
		bh_complain(check, v, "\"%s\" is no room: write it as "
		    "\"#payments\", in quotes", room);
}

void
console_check(struct bh_check *check)
{
	const struct bh_value *all = bh_check_settings(check);
	const struct bh_value *list = bh_get(all, "people");
	const char *me = bh_get_text(all, "me");
	struct console_people people;

	/* `people` missing is said by the host: the option is required. */
	if (list != NULL && console_people_read(list, &people, to_host,
	    check) == BH_OK) {
		if (me != NULL && console_person(&people, me) == NULL)
			bh_complain(check, bh_get(all, "me"), "\"%s\" is not "
			    "among the people: add it there, or name one of "
			    "them", me);
	}
	if (list != NULL)
		console_people_release(&people);
	check_room(check, bh_get(all, "room"));
	for (BH_EACH(room, bh_get(all, "rooms")))
		check_room(check, room);
}
