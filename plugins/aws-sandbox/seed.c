/* seed.c - Acme, the company that every new sandbox starts with.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Ids that are not written here follow from names (stable_hex), so they are
 * the same on every machine and in every run.
 */

#include "plugins/aws-sandbox/sandbox.h"

/* The two first accounts have a role: MANAGEMENT and DELEGATED. */
static const struct {
	const char *id, *name, *path, *tags;
} accounts[] = {
	{ "100000000001", "acme-management", "/", "team=finance env=prod" },
	{ "100000000002", "security-tooling", "/Security",
	  "team=security env=prod" },
	{ "100000000003", "log-archive", "/Security",
	  "team=security env=prod data=restricted" },
	{ "111122223333", "prod-payments", "/Payments/Prod",
	  "team=payments env=prod data=cardholder" },
	{ "111122224444", "stage-payments", "/Payments/Staging",
	  "team=payments env=staging" },
	{ "111122225555", "dev-payments", "/Payments/Dev",
	  "team=payments env=dev" },
	{ "222233330001", "prod-web", "/Platform/Prod",
	  "team=platform env=prod" },
	{ "222233330002", "stage-web", "/Platform/Staging",
	  "team=platform env=staging" },
	{ "222233330003", "network-hub", "/Platform",
	  "team=platform env=prod" },
	{ "222233330004", "shared-services", "/Platform",
	  "team=platform env=prod" },
	{ "333344440001", "data-lake", "/Data", "team=data env=prod" },
	{ "333344440002", "playground", "/Sandbox", "team=all env=dev" },
};

static const struct {
	const char *name, *about, *session;
} sets[] = {
	{ "ReadOnly", "Look at everything, change nothing", "PT1H" },
	{ "PowerUser", "Everything but users and permissions", "PT1H" },
	{ "AdministratorAccess", "Everything", "PT1H" },
	{ "Billing", "Bills, budgets and cost reports", "PT4H" },
	{ "DatabaseAdmin", "Databases and their backups", "PT1H" },
	{ "SupportUser", "Open and follow cases with AWS", "PT8H" },
};

static const struct {
	const char *name, *given, *family, *title, *groups;
	bool disabled;
} people[] = {
	{ "ada", "Ada", "Lovelace", "Software Engineer",
	  "Payments Engineers", false },
	{ "grace", "Grace", "Hopper", "Payments Lead",
	  "Payments Engineers,Payments Leads", false },
	{ "katherine", "Katherine", "Johnson", "Payments Lead",
	  "Payments Engineers,Payments Leads", false },
	{ "margaret", "Margaret", "Hamilton", "Reliability Engineer",
	  "Payments Engineers,Platform", false },
	{ "annie", "Annie", "Easley", "Software Engineer",
	  "Payments Engineers", false },
	{ "barbara", "Barbara", "Liskov", "Platform Lead",
	  "Platform,Platform Leads", false },
	{ "edsger", "Edsger", "Dijkstra", "Platform Engineer",
	  "Platform", false },
	{ "radia", "Radia", "Perlman", "Network Engineer",
	  "Platform", false },
	{ "dennis", "Dennis", "Ritchie", "Platform Engineer",
	  "Platform", false },
	{ "alan", "Alan", "Turing", "Security Engineer",
	  "Security", false },
	{ "hedy", "Hedy", "Lamarr", "Security Lead",
	  "Security,Security Leads", false },
	{ "donald", "Donald", "Knuth", "Data Engineer", "Data", false },
	{ "mary", "Mary", "Jackson", "Finance Analyst", "Finance", false },
	{ "joan", "Joan", "Clarke", "Contractor", "Data", true },
};

static const struct {
	const char *name, *about;
} groups[] = {
	{ "Payments Engineers", "Build and run payments" },
	{ "Payments Leads", "Decide about access to payments" },
	{ "Platform", "Build and run what the others stand on" },
	{ "Platform Leads", "Decide about access to the platform" },
	{ "Security", "Watch over all of it" },
	{ "Security Leads", "Decide about everything else" },
	{ "Data", "Collect and explain" },
	{ "Finance", "Pay the bills" },
};

/* What people have for good.  Billing stands in the management account, so
 * a delegated administrator cannot hand it out anywhere: AWS refuses sets
 * that are provisioned there. */
static const struct {
	const char *who, *account, *set;
} assignments[] = {
	{ "Payments Engineers", "dev-payments", "PowerUser" },
	{ "Payments Engineers", "stage-payments", "ReadOnly" },
	{ "Platform", "stage-web", "PowerUser" },
	{ "Platform", "network-hub", "ReadOnly" },
	{ "Security", "log-archive", "ReadOnly" },
	{ "Security", "security-tooling", "PowerUser" },
	{ "Data", "data-lake", "ReadOnly" },
	{ "Finance", "acme-management", "Billing" },
	{ "margaret", "prod-payments", "ReadOnly" },
};

/* The unit at "/Payments/Prod", made with all above it if need be. */
static int
unit_at(struct sandbox *sb, const char *path)
{
	char name[64];
	int parent = -1;

	while (*path == '/')
		path++;
	while (*path != '\0') {
		size_t len = strcspn(path, "/");
		int found = -1;

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		for (size_t i = 0; i < sb->units.count; i++)
			if (sb->units.at[i].parent == parent &&
			    strcmp(sb->units.at[i].name, name) == 0)
				found = (int)i;
		parent = found >= 0 ? found : unit_add(sb, name, parent);
		path += len + (path[len] == '/');
	}
	return parent;
}

static void
add_person(struct sandbox *sb, const char *name, const char *given,
    const char *family, const char *title, bool disabled)
{
	char email[96];
	struct principal *p = principal_add(sb, name, false);

	snprintf(email, sizeof(email), "%s@acme.example", name);
	p->given = copy_text(given);
	p->family = copy_text(family);
	p->email = copy_text(email);
	p->title = copy_text(title);
	p->disabled = disabled;
}

static void
add_memberships(struct sandbox *sb, const char *user, const char *list)
{
	char name[64];

	while (*list != '\0') {
		size_t len = strcspn(list, ",");

		snprintf(name, sizeof(name), "%.*s", (int)len, list);
		int group = principal_find(sb, name);

		assert(group >= 0);
		member_add(sb, NULL, group, principal_find(sb, user));
		list += len + (list[len] == ',');
	}
}

static void
seed_acme(struct sandbox *sb)
{
	for (size_t i = 0; i < COUNT(accounts); i++)
		account_add(sb, accounts[i].id, accounts[i].name,
		    unit_at(sb, accounts[i].path), accounts[i].tags);
	for (size_t i = 0; i < COUNT(sets); i++)
		set_add(sb, sets[i].name, sets[i].about, sets[i].session);
	for (size_t i = 0; i < COUNT(groups); i++)
		principal_add(sb, groups[i].name, true)->about =
		    copy_text(groups[i].about);
	for (size_t i = 0; i < COUNT(people); i++) {
		add_person(sb, people[i].name, people[i].given,
		    people[i].family, people[i].title, people[i].disabled);
		add_memberships(sb, people[i].name, people[i].groups);
	}
	for (size_t i = 0; i < COUNT(assignments); i++)
		assignment_add(sb, account_find(sb, assignments[i].account),
		    set_find(sb, assignments[i].set),
		    principal_find(sb, assignments[i].who));
}

/* A company as large as wanted, beside Acme: account-0001, Set-001,
 * user-00001, and assignments spread so that each is on a pair of its own
 * for as long as there are pairs. */
static void
seed_more(struct sandbox *sb, const struct seed_sizes *more)
{
	char id[24], name[32];
	size_t first[3] = { sb->accounts.count, sb->sets.count,
	    sb->principals.count };

	for (long i = 1; i <= more->accounts; i++) {
		snprintf(id, sizeof(id), "%012lld", 400000000000LL + i);
		snprintf(name, sizeof(name), "/Generated/Unit-%ld", i % 20);
		int unit = unit_at(sb, name);

		snprintf(name, sizeof(name), "account-%04ld", i);
		account_add(sb, id, name, unit, "team=generated env=test");
	}
	for (long i = 1; i <= more->sets; i++) {
		snprintf(name, sizeof(name), "Set-%03ld", i);
		set_add(sb, name, "Generated", "PT1H");
	}
	for (long i = 1; i <= more->users; i++) {
		snprintf(name, sizeof(name), "user-%05ld", i);
		add_person(sb, name, "User", name + 5, "Generated", false);
	}
	if (more->accounts == 0 || more->sets == 0 || more->users == 0)
		return;
	for (long i = 0; i < more->assignments; i++)
		assignment_put(sb, (int)first[0] + (int)(i % more->accounts),
		    (int)first[1] + (int)(i / more->accounts % more->sets),
		    (int)first[2] + (int)(i * 31 % more->users));
}

void
seed_company(struct sandbox *sb, const struct seed_sizes *more)
{
	seed_acme(sb);
	seed_more(sb, more);
}
