/*
 * people.c - who somebody is: in the host, in AWS, for the policy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <strings.h>

#include "plugins/aws-sso/face/parts.h"

void
person_of_user(struct face *f, const struct bh_user *user,
    struct policy_person *out)
{
	const char *why;
	const struct principal *p = directory_map(f->sso->directory, user,
	    &why);

	*out = (struct policy_person){
		.person = user->person != NULL ? user->person : "",
		.principal = p != NULL ? p->id : "",
		.email = user->email != NULL ? user->email : "",
		.flags = user->flags };
}

bool
person_named(struct bh_call *call, struct face *f, const char *typed,
    const char *arg, struct bh_user *out)
{
	const char *mine = bh_user(call)->email;
	const char *name = *typed == '@' ? typed + 1 : typed;
	struct bh_buf account = BH_BUF(512), email = BH_BUF(320);
	bool found;

	/* Somebody whom the network let be mentioned, by the id there. */
	bh_buf_add(&account, "%s/@%s", bh_user(call)->realm, name);
	if (strchr(name, '@') != NULL)
		bh_buf_puts(&email, name);
	else if (mine != NULL && strchr(mine, '@') != NULL)
		bh_buf_add(&email, "%s%s", name, strchr(mine, '@'));
	found = (*typed == '@' && !account.overflow &&
	    bh_person(f->host, bh_buf_text(&account), out)) ||
	    bh_person_by_email(f->host, bh_buf_text(&email), out);
	bh_buf_release(&account);
	bh_buf_release(&email);
	if (!found)
		bh_fail_at(call, arg, "I do not know %s yet. Write the e-mail "
		    "address; whoever never spoke to me here is unknown.",
		    typed);
	return found;
}

static int
fact_member(void *arg, const struct policy_person *who, const char *group)
{
	struct face *f = arg;

	if (*who->principal == '\0')
		return 0;
	return directory_member(f->sso->directory, who->principal, group);
}

/* Several addresses of one human are one person already: the host's `people`
 * setting sees to that. */
static bool
fact_same(void *arg, const struct policy_person *a,
    const struct policy_person *b)
{
	(void)arg;
	if (*a->person != '\0' && strcmp(a->person, b->person) == 0)
		return true;
	if (*a->principal != '\0' && strcmp(a->principal, b->principal) == 0)
		return true;
	return *a->email != '\0' && strcasecmp(a->email, b->email) == 0;
}

static const char *
fact_name(void *arg, const char *email)
{
	struct face *f = arg;
	struct bh_user user;
	const struct principal *p;
	const char *why;

	if (bh_person_by_email(f->host, email, &user))
		return user.name;
	/* Somebody who never spoke to us is known to AWS all the same. */
	user = (struct bh_user){ .person = "", .name = email, .email = email,
	    .realm = "", .id = "" };
	p = directory_map(f->sso->directory, &user, &why);
	return p != NULL ? p->name : NULL;
}

void
people_facts(struct face *f)
{
	f->facts = (struct policy_facts){ .arg = f, .member = fact_member,
	    .same = fact_same, .name = fact_name };
}
