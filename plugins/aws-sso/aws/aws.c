/* aws.c - one Identity Center: opening, finding it, its clock, its tasks.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/state.h"

#include "plugins/aws-sso/aws/endpoint.h"
#include "plugins/aws-sso/aws/text.h"

#define QUOTA		500.0
#define RETRY_COST	14.0
#define THROTTLE_COST	5.0

void *
aws_task_new(struct aws *aws, size_t size, void (*drop)(void *task))
{
	struct aws_task *task = aws_calloc(1, size);

	task->drop = drop;
	task->next = aws->tasks;
	task->at = &aws->tasks;
	if (task->next != NULL)
		task->next->at = &task->next;
	aws->tasks = task;
	return task;
}

void
aws_task_free(void *p)
{
	struct aws_task *task = p;

	*task->at = task->next;
	if (task->next != NULL)
		task->next->at = task->at;
	if (task->drop != NULL)
		task->drop(task);
	free(task);
}

/* Changes when the options name another Identity Center than before. */
static char *
source_text(const struct aws *aws)
{
	struct bh_buf text = BH_BUF(4096);

	bh_buf_add(&text, "%s %s %s %s", aws->region,
	    aws->endpoint != NULL ? aws->endpoint : "-",
	    aws->instance != NULL ? aws->instance : "-",
	    aws->identity_store != NULL ? aws->identity_store : "-");
	return text.data;
}

int
aws_open(struct bh_host *host, struct aws **out, const char **error)
{
	const char *rate = bh_host_config(host, "calls-per-second");
	struct credentials_options options = {
		.source = bh_host_config(host, "credentials"),
		.region = bh_host_config(host, "region"),
		.profile = bh_host_config(host, "profile"),
		.endpoint = bh_host_config(host, "endpoint"),
		.access = bh_host_config(host, "access-key-id"),
		.secret = bh_host_config(host, "secret-access-key"),
		.token = bh_host_config(host, "session-token"),
		.assume_role = bh_host_config(host, "assume-role"),
		.external_id = bh_host_config(host, "external-id")
	};
	struct credentials *credentials;
	struct aws *aws;
	double per_second = rate != NULL ? strtod(rate, NULL) : 18;
	int ret;

	if (options.region == NULL)
		options.region = getenv("AWS_REGION");
	if (options.region == NULL)
		options.region = getenv("AWS_DEFAULT_REGION");
	if (!(per_second >= 1 && per_second <= 1000)) {
		*error = "calls-per-second must be between 1 and 1000";
		return BH_EINVAL;
	}
	ret = credentials_open(host, &options, &credentials, error);
	if (ret != BH_OK)
		return ret;
	aws = AWS_NEW(struct aws);
	aws->magic = AWS_MAGIC;
	aws->host = host;
	aws->credentials = credentials;
	aws->governor = governor_new(host, per_second);
	aws->region = aws_strdup(options.region);
	aws->profile = aws_strdup(options.profile);
	aws->endpoint = aws_strdup(options.endpoint);
	aws->instance = aws_strdup(bh_host_config(host, "instance"));
	aws->identity_store = aws_strdup(bh_host_config(host,
	    "identity-store"));
	aws->instance_told = aws->instance != NULL;
	aws->store_told = aws->identity_store != NULL;
	aws->retry_quota = QUOTA;
	aws->source = source_text(aws);
	*out = aws;
	return BH_OK;
}

void
aws_close(struct aws **p)
{
	struct aws *aws = *p;

	*p = NULL;
	if (aws == NULL)
		return;
	assert(aws->magic == AWS_MAGIC);
	while (aws->tasks != NULL)
		aws_task_free(aws->tasks);
	while (aws->ready_first != NULL) {
		struct ready_wait *next = aws->ready_first->next;

		free(aws->ready_first);
		aws->ready_first = next;
	}
	bh_cancel(aws->host, aws->ready_timer);
	governor_free(&aws->governor);
	credentials_close(&aws->credentials);
	for (size_t i = 0; i < AWS_SERVICES; i++)
		free(aws->urls[i]);
	free(aws->region);
	free(aws->profile);
	free(aws->endpoint);
	free(aws->source);
	free(aws->instance);
	free(aws->identity_store);
	free(aws->owner_account);
	aws->magic = 0;
	free(aws);
}

struct bh_host *
aws_host(const struct aws *aws)
{
	return aws->host;
}

const char *
aws_instance_arn(const struct aws *aws)
{
	return aws->instance;
}

const char *
aws_identity_store(const struct aws *aws)
{
	return aws->identity_store;
}

const char *
aws_region(const struct aws *aws)
{
	return aws->region;
}

static void
replace(char **text, const char *with)
{
	char *copy = aws_strdup(with);

	free(*text);
	*text = copy;
}

void
aws_set_instance(struct aws *aws, const char *instance_arn,
    const char *identity_store, const char *region)
{
	if (!aws->instance_told && instance_arn != NULL)
		replace(&aws->instance, instance_arn);
	if (!aws->store_told && identity_store != NULL)
		replace(&aws->identity_store, identity_store);
	if (region == NULL || strcmp(region, aws->region) == 0)
		return;
	bh_log(aws->host, BH_LOG_NOTE, "the Identity Center is in %s, not in "
	    "%s: correct region in the configuration", region, aws->region);
	replace(&aws->region, region);
	for (size_t i = 0; i < AWS_SERVICES; i++)
		aws_free_text(&aws->urls[i]);
}

const char *
aws_url(struct aws *aws, enum aws_service service, const char **error)
{
	const char *configured = aws->endpoint;
	struct bh_buf url = BH_BUF(2048);

	if (configured != NULL && strstr(configured, "://") == NULL) {
		/* What another instance publishes may change when it is
		 * opened anew: looked up each time. */
		configured = bh_lookup(aws->host, configured);
		if (configured == NULL) {
			*error = "the endpoint is a name that no open plugin "
			    "has published: correct endpoint, or add the "
			    "aws-sandbox block";
			return NULL;
		}
	} else if (aws->urls[service] != NULL)
		return aws->urls[service];
	endpoint_url(&url, service, aws->region, configured, aws->profile);
	free(aws->urls[service]);
	aws->urls[service] = url.data;
	return aws->urls[service];
}

bool
aws_correct_clock(struct aws *aws, const char *date)
{
	int64_t theirs = text_http_date(date), offset, change;

	if (theirs < 0)
		return false;
	offset = theirs - bh_now(aws->host);
	change = offset - aws->clock_offset;
	/* Less is not what AWS complained about: it allows five minutes. */
	if (change > -60000 && change < 60000)
		return false;
	bh_log(aws->host, BH_LOG_WARN, "our clock differs from AWS's by %lld "
	    "s: signing with theirs; set the clock of this machine",
	    (long long)(offset / 1000));
	aws->clock_offset = offset;
	return true;
}

bool
aws_may_retry(struct aws *aws, bool throttled)
{
	double cost = throttled ? THROTTLE_COST : RETRY_COST;

	if (aws->retry_quota < cost)
		return false;
	aws->retry_quota -= cost;
	aws->figures.retried++;
	return true;
}

void
aws_figures(const struct aws *aws, struct aws_figures *out)
{
	*out = aws->figures;
	for (size_t p = 0; p < AWS_PRIORITIES; p++)
		out->waiting[p] = governor_waiting(aws->governor,
		    (enum aws_priority)p);
	out->outstanding = governor_outstanding(aws->governor,
	    &out->outstanding_limit);
	out->rate = governor_rate(aws->governor, AWS_SSO_ADMIN, "");
	out->clock_offset = aws->clock_offset;
}

/* --- finding the Identity Center -------------------------------------------- */

static void
tell_ready(struct aws *aws, int result, const char *error)
{
	/* Those who ask again from their callback are not in this list. */
	aws->ready_told = aws->ready_first;
	aws->ready_first = NULL;
	while (aws->ready_told != NULL) {
		struct ready_wait *wait = aws->ready_told;

		aws->ready_told = wait->next;
		wait->cb(wait->arg, result, error);
		free(wait);
	}
}

static bool
known(const struct aws *aws)
{
	return aws->instance != NULL && aws->identity_store != NULL;
}

/* The one that was configured, or the only one that is alive. */
static const struct bh_value *
choose(struct aws *aws, const struct bh_value *list, const char **error)
{
	const struct bh_value *found = NULL;
	size_t count = 0;

	for (BH_EACH(instance, list)) {
		const char *arn = bh_get_text(instance, "InstanceArn");
		const char *status = bh_get_text(instance, "Status");

		if (arn == NULL ||
		    bh_get_text(instance, "IdentityStoreId") == NULL)
			continue;
		if (aws->instance_told && strcmp(arn, aws->instance) == 0)
			return instance;
		if (!aws->instance_told &&
		    (status == NULL || strcmp(status, "ACTIVE") == 0)) {
			found = instance;
			count++;
		}
	}
	if (count == 1)
		return found;
	*error = aws->instance_told ? "the configured Identity Center "
	    "(instance) is not among those that AWS lists: correct its ARN, "
	    "or the region" : count == 0 ? "AWS lists no Identity Center in "
	    "this region: correct region, or enable it" : "there are several "
	    "Identity Centers: say which by instance: arn:...";
	return NULL;
}

static void
listed(void *arg, const struct aws_answer *answer)
{
	struct aws *aws = AWS_CAST(struct aws, arg, AWS_MAGIC);
	const struct bh_value *instance;
	const char *error = NULL;

	aws->finding = false;
	if (answer->result != BH_OK) {
		tell_ready(aws, answer->result, answer->message);
		return;
	}
	instance = choose(aws, bh_get(answer->value, "Instances"), &error);
	if (instance == NULL) {
		tell_ready(aws, BH_ENOENT, error);
		return;
	}
	replace(&aws->owner_account, bh_get_text(instance, "OwnerAccountId"));
	aws_set_instance(aws, bh_get_text(instance, "InstanceArn"),
	    bh_get_text(instance, "IdentityStoreId"),
	    bh_get_text(instance, "PrimaryRegion"));
	tell_ready(aws, BH_OK, NULL);
}

static void
ready_now(void *arg)
{
	struct aws *aws = AWS_CAST(struct aws, arg, AWS_MAGIC);

	aws->ready_timer = NULL;
	if (known(aws))
		tell_ready(aws, BH_OK, NULL);
}

static void
wait_for(struct aws *aws, aws_ready_cb *cb, void *arg)
{
	struct ready_wait *wait = AWS_NEW(struct ready_wait);

	wait->cb = cb;
	wait->arg = arg;
	wait->next = aws->ready_first;
	aws->ready_first = wait;
}

static void
find(struct aws *aws, enum aws_priority priority)
{
	const struct aws_request request = {
		.service = AWS_SSO_ADMIN, .operation = "ListInstances",
		.body = "", .priority = priority, .bare = true
	};

	if (aws->finding)
		return;
	aws->finding = true;
	aws_call(aws, &request, listed, aws);
}

void
aws_ready(struct aws *aws, enum aws_priority priority, aws_ready_cb *cb,
    void *arg)
{
	wait_for(aws, cb, arg);
	if (!known(aws))
		find(aws, priority);
	else if (aws->ready_timer == NULL)
		aws->ready_timer = bh_after(aws->host, 0, ready_now, aws);
}

void
aws_find(struct aws *aws, enum aws_priority priority, aws_ready_cb *cb,
    void *arg)
{
	if (aws->instance_told && aws->store_told) {
		aws_ready(aws, priority, cb, arg);
		return;
	}
	wait_for(aws, cb, arg);
	find(aws, priority);
}

static void
forget(struct ready_wait **at, const void *arg)
{
	while (*at != NULL) {
		struct ready_wait *wait = *at;

		if (wait->arg == arg) {
			*at = wait->next;
			free(wait);
		} else
			at = &wait->next;
	}
}

void
aws_ready_forget(struct aws *aws, const void *arg)
{
	forget(&aws->ready_first, arg);
	forget(&aws->ready_told, arg);
}
