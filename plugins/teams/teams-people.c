/* teams-people.c - who an account is, by the roster or by Graph.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The roster is asked of a conversation that the person is in: the one where
 * they were heard last, their own chat with us, or else a few that we know.
 * Graph knows everybody of the directory and whether an account is switched
 * off, but wants a permission (User.Read.All) that an admin must grant.
 *
 * The e-mail address is the directory's; where it has none, the user
 * principal name, if that looks like one.  Guests ("#EXT#") and people of
 * directories that are not on the list are said to be guests, and whoever is
 * not found is nobody.
 *
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/
 * get-teams-context, https://learn.microsoft.com/graph/api/user-get
 */

#include "plugins/teams/teams.h"

#define PLACES_MOST	6u		/* conversations asked for one person */

/* ------------------------------------------------------------------ */
/* Answers                                                             */

struct asking {
	unsigned magic;
#define ASKING_MAGIC	0x54576869u
	struct teams *teams;
	char *user;
	char *ids[PLACES_MOST];		/* how each conversation knows them */
	char *places[PLACES_MOST];
	size_t count, next;
	bh_who_cb *done;
	void *arg;
};

static void
finish(struct asking *a, int result, const struct bh_who *who)
{
	a->done(a->arg, result, who);
	for (size_t i = 0; i < a->count; i++) {
		free(a->ids[i]);
		free(a->places[i]);
	}
	free(a->user);
	a->magic = 0;
	free(a);
}

static bool
is_address(const char *text)
{
	const char *at = text != NULL ? strchr(text, '@') : NULL;

	return at != NULL && at != text && strchr(at + 1, '@') == NULL &&
	    strchr(at + 1, '.') != NULL && strpbrk(text, " #<>\"") == NULL;
}

static bool
is(const char *text, const char *word)
{
	return text != NULL && strcasecmp(text, word) == 0;
}

/* A guest's principal name, in whatever case it comes. */
static bool
is_external(const char *upn)
{
	for (; upn != NULL && *upn != '\0'; upn++)
		if (strncasecmp(upn, "#EXT#", 5) == 0)
			return true;
	return false;
}

/* A member of a roster, or a user of Graph: they name alike what matters. */
static void
describe(struct asking *a, const struct bh_value *body, bool known)
{
	const char *upn = bh_get_text(body, "userPrincipalName");
	const char *mail = bh_get_text(body, "email");
	const char *role = bh_get_text(body, "userRole");
	const char *tenant = bh_get_text(body, "tenantId");
	const char *name = bh_get_text(body, "name");
	struct bh_who who = { .name = name != NULL ? name :
		bh_get_text(body, "displayName") };

	if (mail == NULL)
		mail = bh_get_text(body, "mail");
	teams_person_is_of(a->teams, a->user, tenant);
	if (is(role, "guest") || is(role, "anonymous") ||
	    is(bh_get_text(body, "userType"), "Guest") ||
	    is_external(upn) || !known ||
	    (tenant != NULL && !teams_tenant_ok(a->teams, tenant)))
		who.flags |= BH_USER_GUEST;
	if (is(role, "bot") || is(role, "application"))
		who.flags |= BH_USER_BOT;
	if (!bh_get_bool(body, "accountEnabled", true))
		who.flags |= BH_USER_GONE;
	if (who.flags == 0)
		who.email = is_address(mail) ? mail :
		    is_address(upn) ? upn : NULL;
	if (who.name == NULL)
		who.name = upn != NULL ? upn : a->user;
	finish(a, BH_OK, &who);
}

/* Of which directory somebody is says the tenantId.  Another directory can give
 * its people any address: without that word nobody is known by theirs. */
static bool
says_whose(const struct asking *a, const struct bh_value *member)
{
	if (bh_get_text(member, "tenantId") != NULL)
		return true;
	bh_log(a->teams->host, BH_LOG_WARN, "the roster does not say of which "
	    "directory %.60s is, who is taken for a guest: if that is one of "
	    "yours, set email: graph", a->user);
	return false;
}

/* Does the answer speak of the one we asked for? */
static bool
about(const struct asking *a, const struct bh_value *body)
{
	const char *id = bh_get_text(body, "aadObjectId");

	if (id == NULL)
		id = bh_get_text(body, "objectId");
	if (id == NULL || strchr(a->user, ':') != NULL)
		id = bh_get_text(body, "id");
	return is(id, a->user);
}

/* ------------------------------------------------------------------ */
/* Graph                                                               */

static void
from_graph(void *arg, const struct teams_answer *answer)
{
	struct asking *a = arg;

	assert(a->magic == ASKING_MAGIC);
	if (answer->result == BH_OK && about(a, answer->body)) {
		/* Graph knows nobody of other directories but guests. */
		describe(a, answer->body, true);
		return;
	}
	if (answer->result == BH_EPERM)
		bh_log(a->teams->host, BH_LOG_WARN, "Graph does not say who "
		    "people are (%s): grant the app the application permission "
		    "User.Read.All with admin consent, or set email: roster",
		    answer->code);
	finish(a, answer->result == BH_OK ? BH_EPARSE : answer->result, NULL);
}

static void
ask_graph(struct asking *a)
{
	struct bh_buf path = BH_BUF(2000);
	struct teams_ask ask = { .method = "GET", .rank = TEAMS_NOW,
		.graph = true };

	bh_buf_puts(&path, "v1.0/users/");
	bh_buf_percent(&path, a->user);
	bh_buf_puts(&path, "?$select=id,displayName,mail,userPrincipalName,"
	    "accountEnabled,userType");
	ask.path = bh_buf_text(&path);
	teams_api(a->teams, &ask, from_graph, a);
	bh_buf_release(&path);
}

/* ------------------------------------------------------------------ */
/* The roster                                                          */

static void ask_roster(struct asking *a);

static void
from_roster(void *arg, const struct teams_answer *answer)
{
	struct asking *a = arg;

	assert(a->magic == ASKING_MAGIC);
	if (answer->result == BH_OK && about(a, answer->body))
		describe(a, answer->body, says_whose(a, answer->body));
	else if (answer->result == BH_OK)
		finish(a, BH_EPARSE, NULL);
	else if (answer->result == BH_ENOENT || answer->result == BH_EPERM ||
	    answer->result == BH_EINVAL)
		ask_roster(a);		/* the next conversation may know */
	else
		finish(a, answer->result, NULL);
}

static void
ask_roster(struct asking *a)
{
	struct bh_buf path = BH_BUF(8192);
	struct teams_ask ask = { .method = "GET", .rank = TEAMS_NOW };
	const struct teams_place *p = NULL;

	while (p == NULL && a->next < a->count)
		p = teams_place_find(a->teams, a->places[a->next++]);
	if (p == NULL) {
		finish(a, BH_ENOENT, NULL);
		return;
	}
	teams_api_path(&path, p->conversation, "members",
	    a->ids[a->next - 1]);
	ask.path = bh_buf_text(&path);
	ask.service_url = p->service_url;
	ask.conversation = p->conversation;
	teams_api(a->teams, &ask, from_roster, a);
	bh_buf_release(&path);
}

static void
may_know(struct asking *a, const char *conversation, const char *id)
{
	size_t len = strcspn(conversation, ";");

	if (a->count == PLACES_MOST)
		return;
	for (size_t i = 0; i < a->count; i++)
		if (strncmp(a->places[i], conversation, len) == 0 &&
		    a->places[i][strcspn(a->places[i], ";")] ==
		    a->places[i][len])
			return;
	a->ids[a->count] = bh_copy(id != NULL ? id : a->user);
	a->places[a->count++] = bh_copy(conversation);
}

static void
find_places(struct asking *a)
{
	struct teams *t = a->teams;
	const struct teams_person *person = teams_person_find(t, a->user);
	const struct teams_place *p = teams_place_of_user(t, a->user);

	if (person != NULL)
		may_know(a, person->conversation, person->from_id);
	if (p != NULL)
		may_know(a, p->conversation, p->from_id);
	for (p = NULL; (p = teams_place_next(t, p)) != NULL;)
		if (p->installed && strcmp(p->type, "personal") != 0)
			may_know(a, p->conversation, NULL);
}

/* ------------------------------------------------------------------ */

void
teams_who(void *state, const char *user, bh_who_cb *done, void *arg)
{
	struct teams *t = teams_of(state);
	struct asking *a = bh_zero(sizeof(*a));
	const char *way = bh_host_config(t->host, "email");

	a->magic = ASKING_MAGIC;
	a->teams = t;
	/* What has no object id is known by its "28:..." or "29:...". */
	a->user = strchr(user, ':') != NULL ? bh_copy(user) :
	    teams_lower(user);
	a->done = done;
	a->arg = arg;
	if (way != NULL && strcmp(way, "graph") == 0) {
		ask_graph(a);
	} else {
		find_places(a);
		ask_roster(a);
	}
}
