/* aws-sandbox.c - a local IAM Identity Center, for demos and tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Opens a listener, seeds the company, brings back what the journal holds,
 * and leaves its URL under "sandbox/INSTANCE" for aws-sso to find.
 */

#include <openssl/crypto.h>

#include "plugins/aws-sandbox/sandbox.h"

static const struct bh_option options[] = {
	{ "listen", BH_STRING, "127.0.0.1:0",
	  "address:port to listen on; port 0 picks one", 0 },
	{ "state", BH_STRING, NULL,
	  "directory for what changes; without it a restart forgets", 0 },
	{ "region", BH_STRING, "eu-west-1", "the instance's primary Region",
	  0 },
	{ "access-key", BH_STRING, "AKIDSANDBOX000000001",
	  "the access key id that is accepted", 0 },
	{ "secret-key", BH_STRING, "sandbox-secret-key",
	  "its secret; guards nothing real", 0 },
	{ "caller", BH_STRING, "delegated",
	  "whose key that is: management, delegated, or an account's name", 0 },
	{ "delay", BH_DURATION, "2s",
	  "how long creating or deleting an assignment takes", 0 },
	{ "jitter", BH_DURATION, "1s", "how much longer it may take", 0 },
	{ "visible-after", BH_DURATION, "0s",
	  "how long lists do not show a new assignment yet", 0 },
	{ "rate", BH_INT, "20", "calls a second; 0: no limit", 0 },
	{ "burst", BH_INT, "20", "calls at once", 0 },
	{ "outstanding", BH_INT, "15", "assignments in progress at most", 0 },
	{ "permission-sets-enabled", BH_FLAG, "yes",
	  "no: as an instance without multi-account permissions", 0 },
	{ "status-too", BH_FLAG, "no",
	  "give accounts the old member Status beside State", 0 },
	{ "long-tokens", BH_FLAG, "no", "make NextToken 60,000 letters long",
	  0 },
	{ "accounts", BH_INT, "0", "accounts to make up beside Acme's", 0 },
	{ "permission-sets", BH_INT, "0", "permission sets to make up", 0 },
	{ "users", BH_INT, "0", "users to make up", 0 },
	{ "assignments", BH_INT, "0",
	  "assignments of these, each on a pair of its own", 0 },
	{ 0 }
};

static const struct bh_command commands[] = {
	{ .name = "sandbox", .args = "[what] [words...]",
	  .help = "look into the local AWS: log, assignments, faults",
	  .more = "sandbox log | sandbox assignments prod-payments | "
	      "sandbox fault CreateAccountAssignment throttle times=2 | "
	      "sandbox assigns ada prod-payments ReadOnly",
	  .flags = BH_CMD_ADMIN, .run = sandbox_command },
	{ 0 }
};

static bool
is_yes(const char *s)
{
	return strcmp(s, "yes") == 0 || strcmp(s, "true") == 0 ||
	    strcmp(s, "on") == 0;
}

/* A count from 0 to a million; -1 if it is none. */
static long
parse_count(const char *s)
{
	char *end;
	long n = strtol(s, &end, 10);

	return end != s && *end == '\0' && n >= 0 && n <= 1000000 ? n : -1;
}

int
sandbox_set(struct sandbox *sb, const char *key, const char *value)
{
	struct { const char *key; int64_t *at; } spans[] = {
		{ "delay", &sb->delay }, { "jitter", &sb->jitter },
		{ "visible-after", &sb->visible_after },
	};
	struct { const char *key; bool *at; } flags[] = {
		{ "permission-sets-enabled", &sb->sets_enabled },
		{ "status-too", &sb->status_too },
		{ "long-tokens", &sb->long_tokens },
	};
	struct { const char *key; long *at; } counts[] = {
		{ "outstanding", &sb->outstanding },
		{ "accounts", &sb->more.accounts },
		{ "permission-sets", &sb->more.sets },
		{ "users", &sb->more.users },
		{ "assignments", &sb->more.assignments },
	};
	long n = parse_count(value);

	for (size_t i = 0; i < COUNT(spans); i++)
		if (strcmp(spans[i].key, key) == 0) {
			int64_t ms = parse_span(value);
			const char *error;

			if (ms < 0)	/* "PT1H", "1h30m" */
				ms = bh_duration(sb->host, value, &error);
			if (ms >= 0)
				*spans[i].at = ms;
			return ms >= 0 ? BH_OK : BH_EINVAL;
		}
	for (size_t i = 0; i < COUNT(flags); i++)
		if (strcmp(flags[i].key, key) == 0) {
			*flags[i].at = is_yes(value);
			return BH_OK;
		}
	for (size_t i = 0; i < COUNT(counts); i++)
		if (strcmp(counts[i].key, key) == 0) {
			if (n >= 0)
				*counts[i].at = n;
			return n >= 0 ? BH_OK : BH_EINVAL;
		}
	if (strcmp(key, "rate") == 0 || strcmp(key, "burst") == 0) {
		if (n < 0)
			return BH_EINVAL;
		*(key[0] == 'r' ? &sb->rate : &sb->burst) = (double)n;
		return BH_OK;
	}
	return BH_ENOENT;
}

/* Reads the options that sandbox_set() knows, and the texts. */
static int
read_options(struct sandbox *sb)
{
	for (const struct bh_option *o = options; o->key != NULL; o++) {
		const char *value = bh_host_config(sb->host, o->key);

		if (value == NULL)
			value = o->preset;
		if (strcmp(o->key, "region") == 0)
			set_text(sb->region, sizeof(sb->region), value);
		else if (strcmp(o->key, "access-key") == 0)
			set_text(sb->key, sizeof(sb->key), value);
		else if (strcmp(o->key, "secret-key") == 0)
			set_text(sb->secret, sizeof(sb->secret), value);
		else if (o->type != BH_STRING &&
		    sandbox_set(sb, o->key, value) != BH_OK) {
			bh_log(sb->host, BH_LOG_ERROR, "%s: \"%s\" is no "
			    "value for it; %s", o->key, value, o->help);
			return BH_EINVAL;
		}
	}
	return BH_OK;
}

static int
find_home(struct sandbox *sb)
{
	const char *caller = bh_host_config(sb->host, "caller");

	if (caller == NULL || strcmp(caller, "delegated") == 0)
		sb->home = DELEGATED;
	else if (strcmp(caller, "management") == 0)
		sb->home = MANAGEMENT;
	else
		sb->home = account_find(sb, caller);
	if (sb->home >= 0)
		return BH_OK;
	bh_log(sb->host, BH_LOG_ERROR, "caller: \"%s\" is no account; say "
	    "management, delegated, or an account's name", caller);
	return BH_EINVAL;
}

/* What the demo's first line says of the company. */
static void
publish_about(struct sandbox *sb)
{
	char name[128], text[128];
	size_t people = 0;

	for (size_t i = 0; i < sb->principals.count; i++)
		people += !sb->principals.at[i].group;
	snprintf(name, sizeof(name), "sandbox/%s/about",
	    bh_instance(sb->host));
	snprintf(text, sizeof(text), "%zu accounts, %zu permission sets, "
	    "%zu people", (size_t)sb->accounts.count, (size_t)sb->sets.count,
	    people);
	bh_publish(sb->host, name, text);
}

static int
start_listening(struct sandbox *sb)
{
	const char *listen = bh_host_config(sb->host, "listen");
	const char *colon, *error = "say it as address:port";
	char address[64], name[128];
	int port, ret = BH_EINVAL;

	if (listen == NULL)
		listen = "127.0.0.1:0";
	colon = strrchr(listen, ':');
	port = colon != NULL ? (int)parse_count(colon + 1) : -1;
	if (port >= 0 && port <= 65535 &&
	    (size_t)(colon - listen) < sizeof(address)) {
		snprintf(address, sizeof(address), "%.*s",
		    (int)(colon - listen), listen);
		sb->server = bh_listen(sb->host, address, &port, &error);
	}
	if (sb->server == NULL) {
		bh_log(sb->host, BH_LOG_ERROR, "cannot listen on %s: %s",
		    listen, error);
		return BH_EINVAL;
	}
	ret = bh_route(sb->host, sb->server, "POST", "/", wire_request, sb);
	/* Whoever may call it can do anything here: this machine only. */
	if (ret == BH_OK && (strncmp(address, "127.", 4) == 0 ||
	    strcmp(address, "localhost") == 0 || strcmp(address, "::1") == 0))
		ret = control_routes(sb);
	if (ret != BH_OK)
		return ret;
	snprintf(sb->url, sizeof(sb->url),
	    strchr(address, ':') != NULL ? "http://[%s]:%d" : "http://%s:%d",
	    address, port);
	snprintf(name, sizeof(name), "sandbox/%s", bh_instance(sb->host));
	bh_publish(sb->host, name, sb->url);
	publish_about(sb);
	return BH_OK;
}

static void
sandbox_close(void *state)
{
	struct sandbox *sb = sandbox_of(state);

	wire_close(sb);
	work_free_all(sb);
	fault_clear(sb);
	company_free(sb);
	state_close(sb);
	OPENSSL_cleanse(sb->secret, sizeof(sb->secret));
	free(sb->faults.at);
	free(sb->sessions.at);
	free(sb->log.at);
	sb->magic = 0;
	free(sb);
}

void
sandbox_reseed(struct sandbox *sb)
{
	work_free_all(sb);
	company_free(sb);
	sb->loading = true;
	seed_company(sb, &sb->more);
	sb->loading = false;
	if (sb->journal >= 0)
		state_compact(sb);
}

static int
sandbox_open(struct bh_host *host, void **state)
{
	struct sandbox *sb = (struct sandbox *)calloc(1, sizeof(*sb));
	const char *directory = bh_host_config(host, "state");
	int ret;

	if (sb == NULL)
		return BH_ENOMEM;
	sb->magic = SANDBOX_MAGIC;
	sb->host = host;
	sb->journal = sb->lock = -1;
	ret = read_options(sb);
	if (ret == BH_OK) {
		sandbox_reseed(sb);
		ret = find_home(sb);
	}
	if (ret == BH_OK && directory != NULL && directory[0] != '\0')
		ret = state_open(sb, directory);
	if (ret == BH_OK)
		ret = start_listening(sb);
	if (ret != BH_OK) {
		sandbox_close(sb);
		return ret;
	}
	bh_health(host, BH_UP, "local AWS at %s", sb->url);
	*state = sb;
	return BH_OK;
}

BH_PLUGIN(.name = "aws-sandbox", .version = "0.1.0",
    .summary = "a local IAM Identity Center, for demos and tests",
    .options = options, .commands = commands, .open = sandbox_open,
    .close = sandbox_close, .probe = probe_line);
