/* endpoint.c - partitions, regional hosts, and who may say otherwise.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/endpoint.h"

#include <strings.h>

#include "plugins/aws-sso/aws/memory.h"
#include "plugins/aws-sso/aws/profile.h"

static const struct partition {
	const char *prefix, *name, *suffix, *dual_suffix;
	const char *organizations;	/* where Organizations lives */
} partitions[] = {
	{ "cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn",
	    "cn-northwest-1" },
	{ "us-gov-", "aws-us-gov", "amazonaws.com", "api.aws",
	    "us-gov-west-1" },
	{ "eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu",
	    "eusc-de-east-1" },
	{ "us-iso-", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov",
	    "us-iso-east-1" },
	{ "us-isob-", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud",
	    "us-isob-east-1" },
	{ "eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk",
	    "eu-isoe-west-1" },
	{ "us-isof-", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov",
	    "us-isof-south-1" },
	{ "", "aws", "amazonaws.com", "api.aws", "us-east-1" }
};

static const struct service {
	const char *signing, *host, *environment, *profile;
} services[AWS_SERVICES] = {
	[AWS_SSO_ADMIN] = { "sso", "sso", "SSO_ADMIN", "sso_admin" },
	[AWS_IDENTITY_STORE] = { "identitystore", "identitystore",
	    "IDENTITYSTORE", "identitystore" },
	[AWS_ORGANIZATIONS] = { "organizations", "organizations",
	    "ORGANIZATIONS", "organizations" },
	[AWS_STS] = { "sts", "sts", "STS", "sts" }
};

static const struct partition *
partition_of(const char *region)
{
	const struct partition *p = partitions;

	while (strncmp(region, p->prefix, strlen(p->prefix)) != 0)
		p++;
	return p;
}

const char *
endpoint_suffix(const char *region)
{
	return partition_of(region)->suffix;
}

const char *
endpoint_partition(const char *region)
{
	return partition_of(region)->name;
}

const char *
endpoint_region(enum aws_service service, const char *region)
{
	return service == AWS_ORGANIZATIONS ?
	    partition_of(region)->organizations : region;
}

const char *
endpoint_signing_name(enum aws_service service)
{
	return services[service].signing;
}

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

static bool
yes(const char *name)
{
	const char *value = variable(name);

	return value != NULL && strcasecmp(value, "true") == 0;
}

static bool
from_profile(struct bh_buf *url, enum aws_service service,
    const char *profile)
{
	struct profiles *profiles = profiles_load();
	AWS_AUTO_BUF struct bh_buf key = BH_BUF(128);
	const char *section, *found = NULL;

	if (profile == NULL)
		profile = profiles_default();
	section = profiles_get(profiles, profile, "services");
	bh_buf_add(&key, "%s.endpoint_url", services[service].profile);
	if (section != NULL)
		found = profiles_service(profiles, section, bh_buf_text(&key));
	if (found == NULL)
		found = profiles_get(profiles, profile, "endpoint_url");
	if (found != NULL)
		bh_buf_puts(url, found);
	profiles_free(&profiles);
	return url->len > 0;
}

static bool
told(struct bh_buf *url, enum aws_service service, const char *configured,
    const char *profile)
{
	AWS_AUTO_BUF struct bh_buf name = BH_BUF(128);
	const char *found = configured;

	if (found == NULL && yes("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
		return false;
	bh_buf_add(&name, "AWS_ENDPOINT_URL_%s", services[service].environment);
	if (found == NULL)
		found = variable(bh_buf_text(&name));
	if (found == NULL)
		found = variable("AWS_ENDPOINT_URL");
	if (found == NULL)
		return from_profile(url, service, profile);
	bh_buf_puts(url, found);
	return true;
}

void
endpoint_url(struct bh_buf *url, enum aws_service service, const char *region,
    const char *configured, const char *profile)
{
	AWS_AUTO_BUF struct bh_buf found = BH_BUF(2048);

	if (told(&found, service, configured, profile)) {
		const char *text = bh_buf_text(&found);
		const char *host = strstr(text, "://");

		bh_buf_puts(url, text);
		if (host == NULL || strchr(host + 3, '/') == NULL)
			bh_buf_puts(url, "/");
		return;
	}

	const struct partition *p = partition_of(region);
	bool fips = yes("AWS_USE_FIPS_ENDPOINT");
	bool dual = yes("AWS_USE_DUALSTACK_ENDPOINT");

	bh_buf_add(url, "https://%s%s.%s.%s/", services[service].host,
	    fips ? "-fips" : "", endpoint_region(service, region),
	    dual ? p->dual_suffix : p->suffix);
}
