/* people.c - accounts on networks mapped to people, once and for ever.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An account is (realm, immutable id).  When one is first heard of, the
 * e-mail that the network vouches for decides whose it is; it is pinned to
 * the person and never asked again.  Whenever that is not certain, the
 * answer is a refusal and never somebody else.
 */

#include "host/chat/inner.h"

#include "host/base/ids.h"
#include "host/base/text.h"
#include "host/base/world.h"
#include "host/conf/conf.h"
#include "host/io/loop.h"
#include "host/store/store.h"

#define NAME_CHARS	80u
#define UNSAVED_MAX	10000u	/* accounts that never gave a command */
/* Of these no e-mail counts, whatever the network says. */
#define OUTSIDE		(BH_USER_GUEST | BH_USER_BOT | BH_USER_GONE)

static size_t
bucket_of(const char *realm, const char *id)
{
	uint32_t h = 2166136261u;

	for (const char *p = realm; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	h = (h ^ '/') * 16777619u;
	for (const char *p = id; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return h % PEOPLE_BUCKETS;
}

static struct identity *
find(const struct people *people, const char *realm, const char *id)
{
	struct identity *i = people->buckets[bucket_of(realm, id)];

	while (i != NULL && (strcmp(i->id, id) != 0 ||
	    strcmp(i->realm, realm) != 0))
		i = i->next;
	return i;
}

struct identity *
people_find(struct chat *chat, const char *realm, const char *id)
{
	struct identity *i = find(&chat->people, realm, id);

	if (i != NULL)
		i->heard = world_now();
	return i;
}

static struct identity *
add_identity(struct people *people, const char *realm, const char *id,
    struct person *person)
{
	struct identity *i = xcalloc(1, sizeof(*i));
	size_t b = bucket_of(realm, id);

	i->realm = xstrdup(realm);
	i->id = xstrdup(id);
	i->person = person;
	i->next = people->buckets[b];
	people->buckets[b] = i;
	i->sibling = person->identities;
	person->identities = i;
	return i;
}

static struct person *
add_person(struct people *people, const char *id, const char *name,
    const char *email)
{
	struct person *p = xcalloc(1, sizeof(*p));

	p->magic = PERSON_MAGIC;
	p->id = xstrdup(id);
	p->name = xstrdup(name);
	p->email = xstrdup(email);
	p->next = people->list;
	people->list = p;
	people->count++;
	return p;
}

/* The one that stands for all that the configuration calls the same. */
static struct person *
main_of(struct person *p)
{
	return p != NULL && p->same_as != NULL ? p->same_as : p;
}

static struct person *
with_email(const struct people *people, const char *folded)
{
	for (struct person *p = people->list; p != NULL; p = p->next)
		if (p->email != NULL && strcmp(p->email, folded) == 0)
			return p;
	return NULL;
}

/* ------------------------------------------------------------------ */
/* `people:` of the configuration                                      */

static bool
list_has(const struct bh_value *list, const char *what)
{
	/* Addresses are the same in capitals; ids of accounts need not be. */
	bool account = strstr(what, "/@") != NULL;

	for (BH_EACH(c, list))
		if (c->text != NULL && (account ? strcmp(c->text, what) == 0 :
		    text_same_fold(c->text, what)))
			return true;
	return false;
}

/* The e-mail that `what` (an e-mail, or "realm/@id") is another name for. */
static const char *
listed_as(const struct chat *chat, const char *what)
{
	for (BH_EACH(entry, conf_people(chat->parts.conf)))
		if (list_has(bh_get(entry, "also"), what))
			return bh_get_text(entry, "email");
	return NULL;
}

void
people_link(struct chat *chat)
{
	for (struct person *p = chat->people.list; p != NULL; p = p->next)
		p->same_as = NULL;
	for (struct person *p = chat->people.list; p != NULL; p = p->next) {
		const char *as = p->email != NULL ?
		    listed_as(chat, p->email) : NULL;
		char folded[256];

		for (struct identity *i = p->identities; i != NULL && as == NULL;
		    i = i->sibling) {
			BH_AUTO_FREE char *account = xasprintf("%s/@%s",
			    i->realm, i->id);

			as = listed_as(chat, account);
		}
		if (as == NULL ||
		    text_fold_email(folded, sizeof(folded), as) != BH_OK)
			continue;

		struct person *to = with_email(&chat->people, folded);

		if (to != NULL && to != p && to->same_as == NULL)
			p->same_as = to;
	}
}

/* ------------------------------------------------------------------ */

static void
clean_name(struct bh_buf *out, const char *name, const char *id)
{
	text_clean(out, name != NULL ? name : "", NAME_CHARS);
	if (out->len == 0)
		text_clean(out, id, NAME_CHARS);
}

/* ------------------------------------------------------------------ */
/* Accounts that came to nothing                                       */

static void
forget_identity(struct identity *i)
{
	struct identity **p = &i->person->identities;

	while (*p != i)
		p = &(*p)->sibling;
	*p = i->sibling;
	free(i->realm);
	free(i->id);
	free(i);
}

static void
person_free(struct person *p)
{
	loop_cancel(p->turn);
	free(p->id);
	free(p->name);
	free(p->email);
	KILL_MAGIC(p);
	free(p);
}

/* Strangers by the thousand must not fill the memory: whoever is in no row
 * and in no call is as good as never heard of. */
static void
evict(struct chat *chat)
{
	struct people *people = &chat->people;

	if (people->unsaved < UNSAVED_MAX)
		return;
	people->unsaved = 0;
	for (size_t b = 0; b < PEOPLE_BUCKETS; b++) {
		for (struct identity **p = &people->buckets[b]; *p != NULL;) {
			struct identity *i = *p;

			if (i->saved || i->calls > 0) {
				people->unsaved += !i->saved;
				p = &i->next;
				continue;
			}
			*p = i->next;
			forget_identity(i);
		}
	}
	for (struct person **p = &people->list; *p != NULL;) {
		struct person *person = *p;

		if (person->saved || person->identities != NULL) {
			p = &person->next;
			continue;
		}
		*p = person->next;
		person_free(person);
		people->count--;
	}
	people_link(chat);		/* nobody is the same as one of them */
}

static bool
has_account_in(const struct person *p, const char *realm)
{
	for (const struct identity *i = p->identities; i != NULL;
	    i = i->sibling)
		if (strcmp(i->realm, realm) == 0)
			return true;
	return false;
}

/* Whose is an account never heard of?  NULL: a new person's, with *email
 * (folded, "" if none) pinned. */
static int
whose(struct chat *chat, const char *realm, const struct bh_event *event,
    struct person **out, char email[256], struct bh_buf *why)
{
	BH_AUTO_FREE char *account = xasprintf("%s/@%s", realm, event->user);
	bool outsider = (event->user_flags & OUTSIDE) != 0;
	const char *as = listed_as(chat, account);
	char folded[256] = "";
	bool listed = as != NULL;

	*out = NULL;
	email[0] = '\0';
	if (as == NULL && (outsider || event->email == NULL ||
	    text_fold_email(folded, sizeof(folded), event->email) != BH_OK))
		return BH_OK;
	if (as == NULL) {
		as = listed_as(chat, folded);
		listed = as != NULL;
	}
	if (text_fold_email(email, 256, as != NULL ? as : folded) != BH_OK) {
		email[0] = '\0';
		return BH_OK;
	}

	struct person *p = main_of(with_email(&chat->people, email));

	if (p != NULL && !listed && has_account_in(p, realm)) {
		bh_buf_add(why, "the e-mail %s already belongs to another "
		    "account in %s, so I cannot tell who you are: an admin "
		    "must list \"%s\" under people: also: in bellhop.yaml",
		    email, realm, account);
		return BH_EPERM;
	}
	*out = p;
	return BH_OK;
}

/* An account that was enrolled without an e-mail gets it pinned when the
 * network first vouches for one, if nobody else has it. */
static void
pin_late(struct chat *chat, struct identity *identity,
    const struct bh_event *event)
{
	struct person *p = identity->person;
	char folded[256];

	if (p->email != NULL || event->email == NULL || p->same_as != NULL ||
	    (event->user_flags & OUTSIDE) != 0 ||
	    text_fold_email(folded, sizeof(folded), event->email) != BH_OK ||
	    listed_as(chat, folded) != NULL ||
	    with_email(&chat->people, folded) != NULL)
		return;
	p->email = xstrdup(folded);
	p->saved = false;
}

int
people_identify(struct chat *chat, const char *realm,
    const struct bh_event *event, struct identity **out, struct bh_buf *why)
{
	BH_AUTO_BUF struct bh_buf name = BH_BUF(1024);
	struct identity *i = find(&chat->people, realm, event->user);

	clean_name(&name, event->name, event->user);
	if (i == NULL) {
		char email[256], id[16];
		struct person *p;
		int ret;

		evict(chat);
		ret = whose(chat, realm, event, &p, email, why);
		if (ret != BH_OK)
			return ret;
		if (p == NULL) {
			ids_short(id, 12);
			p = add_person(&chat->people, id, bh_buf_text(&name),
			    *email != '\0' ? email : NULL);
		}
		i = add_identity(&chat->people, realm, event->user, p);
		chat->people.unsaved++;
	} else {
		pin_late(chat, i, event);
		if (event->name != NULL &&
		    strcmp(i->person->name, bh_buf_text(&name)) != 0) {
			free(i->person->name);
			i->person->name = xstrdup(bh_buf_text(&name));
			i->person->saved = false;
		}
	}
	i->heard = world_now();
	*out = i;
	return BH_OK;
}

static bool
is_admin(const struct chat *chat, const struct person *p,
    const struct identity *i)
{
	const struct bh_value *admins = conf_admins(chat->parts.conf);
	BH_AUTO_FREE char *account = i != NULL ?
	    xjoin(i->realm, "/@", i->id) : NULL;

	return (p->email != NULL && list_has(admins, p->email)) ||
	    (account != NULL && list_has(admins, account));
}

static void
fill(struct chat *chat, struct person *p, const struct identity *i,
    struct bh_user *out)
{
	p = main_of(p);
	*out = (struct bh_user){ .person = p->id, .name = p->name,
	    .email = p->email };
	if (i != NULL) {
		out->realm = i->realm;
		out->id = i->id;
	}
	if (is_admin(chat, p, i))
		out->flags |= BH_USER_ADMIN;
}

void
people_asked(struct identity *i, unsigned flags)
{
	i->flags = flags & OUTSIDE;
	i->asked = world_now();
	i->retry = 0;
	i->stale = true;
}

void
people_user(struct chat *chat, const struct identity *identity,
    unsigned event_flags, struct bh_user *out)
{
	fill(chat, identity->person, identity, out);
	out->flags |= (event_flags | identity->flags) & OUTSIDE;
	if ((out->flags & OUTSIDE) != 0)
		out->flags &= ~BH_USER_ADMIN;
}

unsigned
people_save(struct identity *i, struct bh_tx *tx)
{
	struct person *p = i->person;
	int64_t now = world_now();
	unsigned what = 0;

	if (!p->saved) {
		store_tx_sql(tx, BH_ANY, "INSERT INTO bh_person "
		    "(id, name, email, created) VALUES ($1, $2, $3, $4) "
		    "ON CONFLICT (id) DO UPDATE SET name = excluded.name, "
		    "email = excluded.email",
		    BH_PARAMS(bh_s(p->id), bh_s(p->name), bh_s(p->email),
		    bh_i(now)));
		p->saved = true;
		what |= SAVES_PERSON;
	}
	if (!i->saved) {
		store_tx_sql(tx, BH_ANY, "INSERT INTO bh_identity "
		    "(realm, user_id, person, created, flags, asked) "
		    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
		    BH_PARAMS(bh_s(i->realm), bh_s(i->id), bh_s(p->id),
		    bh_i(now), bh_i(i->flags), bh_i(i->asked)));
		store_tx_audit(tx, "person.enrolled", p->id,
		    (const struct bh_pair[]){ { "realm", i->realm },
		    { "user", i->id }, { "email", p->email != NULL ?
		    p->email : "" }, { "name", p->name }, { NULL, NULL } });
		i->saved = true;
		i->stale = false;
		what |= SAVES_IDENTITY;
	} else if (i->stale) {
		store_tx_sql(tx, BH_ANY, "UPDATE bh_identity SET flags = $1, "
		    "asked = $2 WHERE realm = $3 AND user_id = $4",
		    BH_PARAMS(bh_i(i->flags), bh_i(i->asked), bh_s(i->realm),
		    bh_s(i->id)));
		i->stale = false;
		what |= SAVES_FLAGS;
	}
	return what;
}

void
people_unsaved(struct identity *i, unsigned what)
{
	if ((what & SAVES_PERSON) != 0)
		i->person->saved = false;
	if ((what & SAVES_IDENTITY) != 0)
		i->saved = false;
	if ((what & SAVES_FLAGS) != 0)
		i->stale = true;
}

struct person *
people_by_id(struct chat *chat, const char *id)
{
	for (struct person *p = chat->people.list; p != NULL; p = p->next)
		if (strcmp(p->id, id) == 0)
			return main_of(p);
	return NULL;
}

/* "acme/@U012AB": whose account that is. */
static struct person *
by_account(struct chat *chat, const char *realm, const char *id)
{
	struct identity *i = find(&chat->people, realm, id);

	return i != NULL ? main_of(i->person) : NULL;
}

struct person *
people_by_email(struct chat *chat, const char *email)
{
	char folded[256];
	const char *as;

	if (email == NULL ||
	    text_fold_email(folded, sizeof(folded), email) != BH_OK)
		return NULL;
	as = listed_as(chat, folded);
	if (as != NULL && text_fold_email(folded, sizeof(folded), as) != BH_OK)
		return NULL;
	return main_of(with_email(&chat->people, folded));
}

/* The account heard of last stands for the person where one is asked; but a
 * network asks for the one that it can mention. */
static const struct identity *
account(const struct chat *chat, const struct person *p,
    const struct bh_host *asks)
{
	const struct identity *best = p->identities;
	const struct chat_instance *in = chat->instances;

	while (in != NULL && (asks == NULL || in->host != asks ||
	    in->transport == NULL))
		in = in->next;
	for (const struct identity *i = best; i != NULL; i = i->sibling) {
		bool ours = in != NULL && strcmp(i->realm, in->realm) == 0;
		bool best_ours = in != NULL &&
		    strcmp(best->realm, in->realm) == 0;

		if (ours == best_ours ? i->heard > best->heard : ours)
			best = i;
	}
	return best;
}

bool
chat_person(struct chat *chat, const struct bh_host *asks, const char *id,
    struct bh_user *out)
{
	const char *at = strstr(id, "/@");
	BH_AUTO_FREE char *realm = at != NULL ? xstrndup(id,
	    (size_t)(at - id)) : NULL;
	struct person *p = realm != NULL ? by_account(chat, realm, at + 2) :
	    people_by_id(chat, id);

	if (p != NULL)
		fill(chat, p, account(chat, p, asks), out);
	return p != NULL;
}

bool
chat_person_by_email(struct chat *chat, const struct bh_host *asks,
    const char *email, struct bh_user *out)
{
	struct person *p = people_by_email(chat, email);

	if (p != NULL)
		fill(chat, p, account(chat, p, asks), out);
	return p != NULL;
}

void
people_admins(struct chat *chat, struct bh_buf *out)
{
	size_t n = 0;

	for (BH_EACH(c, conf_admins(chat->parts.conf))) {
		struct person *p = people_by_email(chat, c->text);

		if (n == 3)
			break;
		if (n++ > 0)
			bh_buf_puts(out, " or ");
		text_clean(out, p != NULL ? p->name : c->text, NAME_CHARS);
	}
	if (n == 0)
		bh_buf_puts(out, "whoever runs this bellhop (nobody is listed "
		    "under admins: in bellhop.yaml)");
}

void
people_load_rows(struct chat *chat, const struct bh_rows *persons,
    const struct bh_rows *identities)
{
	if (persons != NULL) {
		for (size_t n = 0; n < persons->count; n++)
			add_person(&chat->people, bh_cell(persons, n, 0),
			    bh_cell(persons, n, 1),
			    bh_cell(persons, n, 2))->saved = true;
		return;
	}
	for (size_t n = 0; n < identities->count; n++) {
		struct person *p = chat->people.list;
		const char *id = bh_cell(identities, n, 2);

		while (p != NULL && strcmp(p->id, id) != 0)
			p = p->next;
		if (p == NULL)
			continue;

		struct identity *i = add_identity(&chat->people,
		    bh_cell(identities, n, 0), bh_cell(identities, n, 1), p);

		i->saved = true;
		i->flags = (unsigned)bh_cell_int(identities, n, 3);
		i->asked = bh_cell_int(identities, n, 4);
	}
}

void
people_free(struct people *people)
{
	for (size_t b = 0; b < PEOPLE_BUCKETS; b++) {
		for (struct identity *i = people->buckets[b], *next; i != NULL;
		    i = next) {
			next = i->next;
			free(i->realm);
			free(i->id);
			free(i);
		}
	}
	for (struct person *p = people->list, *next; p != NULL; p = next) {
		next = p->next;
		person_free(p);
	}
}
