/*
 * aws-sso.c - the plugin: its options, and how its four parts are tied.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 *   open:  aws -> directory (snapshot of the last run) -> face (rules)
 *          -> grants (reads the store, ends what is over) -> opened
 */

#include <assert.h>

#include "plugins/aws-sso/aws-sso.h"
#include "plugins/aws-sso/aws/aws.h"
#include "plugins/aws-sso/aws/directory.h"
#include "plugins/aws-sso/face/face.h"
#include "plugins/aws-sso/grant/grant.h"

static const struct bh_option sso_options[] = {
	AWS_OPTIONS,
	{ .key = "longest", .type = BH_DURATION,
	  .help = "no access lasts longer than this, whatever a rule says",
	  .flags = BH_OPT_RELOADABLE | BH_OPT_DELEGATE },
	{ .key = "rules", .type = BH_TREE,
	  .help = "who may ask for what, and who approves",
	  .flags = BH_OPT_RELOADABLE | BH_OPT_TEAM },
	{ .key = "announce", .type = BH_STRINGS,
	  .help = "rooms that hear who got access and when it ended",
	  .flags = BH_OPT_RELOADABLE | BH_OPT_TEAM },
	{ .key = "request-lapses", .type = BH_DURATION, .preset = "8h",
	  .help = "how long a request waits for a decision",
	  .flags = BH_OPT_RELOADABLE },
	{ .key = "unknown", .type = BH_STRING, .preset = "report",
	  .help = "assignments that are not bellhop's: report or revoke",
	  .flags = BH_OPT_RELOADABLE },
	{ .key = "alarm", .type = BH_STRING,
	  .help = "room of those who must know when a removal is stuck",
	  .flags = BH_OPT_RELOADABLE },
	{ .key = "page", .type = BH_SECRET,
	  .help = "https URL to POST to when a removal is stuck for long",
	  .flags = BH_OPT_RELOADABLE },
	{ .key = "accounts", .type = BH_STRINGS,
	  .help = "accounts that the team's rules may name",
	  .flags = BH_OPT_DELEGATE },
	{ .key = "permission-sets", .type = BH_STRINGS,
	  .help = "permission sets that the team's rules may name",
	  .flags = BH_OPT_DELEGATE },
	{ 0 }
};

static const char *const sso_migrations[] = {
	AWS_DIRECTORY_MIGRATION,
	GRANT_MIGRATION,
	NULL
};

static struct sso *
sso_of(void *state)
{
	struct sso *sso = state;

	assert(sso != NULL && sso->magic == SSO_MAGIC);
	return sso;
}

/* ------------------------------------------------------------------ */
/* Opening                                                             */

static int
read_options(struct bh_host *host, struct grant_options *o)
{
	const char *unknown = bh_host_config(host, "unknown");
	const char *lapses = bh_host_config(host, "request-lapses");
	const char *error = NULL;

	*o = (struct grant_options){
		.alarm = bh_host_config(host, "alarm"),
		.page = bh_host_config(host, "page"),
	};
	if (unknown != NULL && strcmp(unknown, "revoke") == 0) {
		o->unknown = UNKNOWN_REVOKE;
	} else if (unknown != NULL && strcmp(unknown, "report") != 0) {
		bh_log(host, BH_LOG_ERROR, "unknown is \"%s\"; it must be "
		    "report or revoke", unknown);
		return BH_EINVAL;
	}
	if (lapses != NULL) {
		o->request_lapses = bh_duration(host, lapses, &error);
		if (o->request_lapses <= 0) {
			bh_log(host, BH_LOG_ERROR, "request-lapses is \"%s\"; "
			    "write it like 8h", lapses);
			return BH_EINVAL;
		}
	}
	return BH_OK;
}

static void
directory_changed(void *arg)
{
	struct sso *sso = sso_of(arg);

	if (sso->face != NULL)
		face_reload(sso->face);
}

static void
directory_troubled(void *arg)
{
	struct sso *sso = sso_of(arg);
	const char *trouble;

	directory_age(sso->directory, &trouble);
	grants_trouble(sso->grants, trouble);
}

static void
grants_ready(void *arg, int result)
{
	struct sso *sso = sso_of(arg);

	bh_opened(sso->host, result);
}

static void
directory_ready(void *arg, int result, const char *error)
{
	struct sso *sso = sso_of(arg);
	struct grant_options options;

	if (result != BH_OK) {
		bh_log(sso->host, BH_LOG_ERROR, "%s", error != NULL ? error :
		    "the directory could not be read from the store");
		bh_opened(sso->host, result);
		return;
	}
	result = read_options(sso->host, &options);
	if (result != BH_OK) {
		bh_opened(sso->host, result);
		return;
	}
	sso->face = face_new(sso);
	directory_on_change(sso->directory, directory_changed, sso);
	sso->grants = grants_new(sso->host, sso->aws,
	    face_grant_rules(sso->face), face_grant_face(sso->face), &options);
	directory_on_trouble(sso->directory, directory_troubled, sso);
	grants_load(sso->grants, grants_ready, sso);
}

static void
sso_close(void *state)
{
	struct sso *sso = sso_of(state);

	grants_free(&sso->grants);
	face_free(&sso->face);
	directory_close(&sso->directory);
	aws_close(&sso->aws);
	sso->magic = 0;
	free(sso);
}

static int
sso_open(struct bh_host *host, void **state)
{
	struct sso *sso = calloc(1, sizeof(*sso));
	const char *error = NULL;
	int ret;

	if (sso == NULL)
		return BH_ENOMEM;
	sso->magic = SSO_MAGIC;
	sso->host = host;
	ret = aws_open(host, &sso->aws, &error);
	if (ret == BH_OK)
		ret = directory_open(sso->aws, &sso->directory,
		    directory_ready, sso, &error);
	if (ret < 0) {
		bh_log(host, BH_LOG_ERROR, "%s", error != NULL ? error :
		    "the block could not be opened");
		sso_close(sso);
		return ret;
	}
	*state = sso;
	return BH_PENDING;
}

/* ------------------------------------------------------------------ */
/* Running                                                             */

static void
sso_changed(void *state)
{
	struct sso *sso = sso_of(state);
	struct grant_options options;

	if (sso->face != NULL)
		face_reload(sso->face);
	if (sso->grants != NULL &&
	    read_options(sso->host, &options) == BH_OK)
		grants_changed(sso->grants, &options);
}

static int
sso_job(void *state, const struct bh_job *job)
{
	struct sso *sso = sso_of(state);

	return sso->grants != NULL ? grants_job(sso->grants, job) : BH_EBUSY;
}

/* "idle", "level 2", "live 3", "7QK2 is active": for chat scripts. */
static int
sso_probe(void *state, const char *line, struct bh_buf *answer)
{
	struct sso *sso = sso_of(state);
	struct grants_status s;
	const struct grant *g;
	char id[32], word[32];
	unsigned long n;

	if (sso->grants == NULL)
		return BH_PENDING;
	grants_status(sso->grants, &s);
	if (strcmp(line, "idle") == 0) {
		bh_buf_add(answer, "%zu keys are at work", s.open_keys);
		return s.open_keys == 0 && s.ending == 0 ? BH_OK : BH_PENDING;
	}
	if (strcmp(line, "draining") == 0) {
		bh_buf_puts(answer, s.drain != NULL ? s.drain : "it grants");
		return s.drain != NULL ? BH_OK : BH_PENDING;
	}
	if (sscanf(line, "level %lu", &n) == 1) {
		bh_buf_add(answer, "the stuck level is %d", s.level);
		return (unsigned long)s.level == n ? BH_OK : BH_PENDING;
	}
	if (sscanf(line, "live %lu", &n) == 1) {
		bh_buf_add(answer, "%zu grants are live", s.active);
		return s.active == n ? BH_OK : BH_PENDING;
	}
	if (sscanf(line, "%31s is %31s", id, word) == 2) {
		g = grant_find(sso->grants, id);
		bh_buf_add(answer, "%s is %s", id, g != NULL ?
		    grant_state_word(g->state) : "not live");
		return g != NULL && strcmp(grant_state_word(g->state),
		    word) == 0 ? BH_OK : BH_PENDING;
	}
	bh_buf_puts(answer, "known are: idle, draining, level N, live N, "
	    "ID is STATE");
	return BH_EINVAL;
}

static int
sso_member(void *state, const struct bh_user *user, const char *group)
{
	struct sso *sso = sso_of(state);

	return directory_user_in_group(sso->directory, user, group);
}

static const struct bh_directory sso_directory = { .member = sso_member };

BH_PLUGIN(.name = "aws-sso", .version = "0.1",
    .summary = "temporary AWS access through IAM Identity Center",
    .options = sso_options, .commands = face_commands,
    .migrations = sso_migrations, .open = sso_open, .close = sso_close,
    .changed = sso_changed, .job = sso_job, .check = face_check,
    .probe = sso_probe, .directory = &sso_directory);
