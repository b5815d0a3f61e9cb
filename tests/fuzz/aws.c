/* aws.c - fuzz target: what AWS, or something before it, may answer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: "SERVICE STATUS" (s, i, o or t, then a number), then header lines
 * "name: value", an empty line, the body.
 */

#include "host/base/json.h"
#include "host/base/value.h"
#include "plugins/aws-sso/aws/error.h"
#include "plugins/aws-sso/aws/outcome.h"
#include "plugins/aws-sso/aws/sts.h"
#include "plugins/aws-sso/aws/text.h"
#include "tests/fuzz/fuzz.h"

#define HEADERS	16u

static void
free_value(struct bh_value *v)
{
	value_free(v);
}

static const struct bh_api api = { .size = sizeof(api), .json = json_parse,
	.json_free = free_value };
static struct bh_host host = { &api };

static void
judge(const struct aws_answer *a)
{
	static const char arn[] =
	    "arn:aws:sso:::permissionSet/ssoins-1/ps-1";
	const struct sso_tuple tuple = { "111122223333", arn, "u-1" };
	static const char *const members[] = {
		"AccountAssignmentCreationStatus",
		"AccountAssignmentDeletionStatus"
	};

	check(a->body != NULL);
	check(a->result == BH_OK || (a->message != NULL &&
	    *a->message != '\0'));
	check(a->result != BH_OK || (a->whole && a->well_formed &&
	    a->status >= 200 && a->status < 300));
	check(a->retry_after >= 0);
	(void)aws_error_is_expired(a->error);
	(void)aws_error_is_skew(a->error);
	if (!a->whole || !a->well_formed)
		check(outcome_of(a) == SSO_UNKNOWN ||
		    outcome_of(a) == SSO_NOT_SENT);
	for (size_t i = 0; i < 2; i++) {
		struct sso_result r = { 0 };

		outcome_status(&r, a, members[i], &tuple, NULL);
		/* Success is believed only of a whole 2xx about our tuple. */
		if (r.outcome == SSO_STATUS && r.status == SSO_SUCCEEDED)
			check(a->result == BH_OK && a->value != NULL);
		r = (struct sso_result){ 0 };
		outcome_status(&r, a, members[i], NULL, "req-1");
		check(r.outcome != SSO_STATUS || a->result == BH_OK);
	}
}

static void
small_texts(const char *text)
{
	struct keys keys = { 0 };
	char *inside = text_xml(text, "Code");

	free(inside);
	/* No year has five digits. */
	check(text_iso_time(text) < INT64_C(253402387200000));
	(void)text_http_date(text);
	(void)sts_credentials(text, &keys);
	keys_wipe(&keys);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char letters[] = "siot";
	struct bh_pair headers[HEADERS];
	char *lines[HEADERS], *first = fuzz_line(&data, &len), *body;
	const char *letter = *first != '\0' ? strchr(letters, *first) : NULL;
	struct bh_answer http = { .result = BH_OK, .sent = true,
	    .headers = headers };
	struct aws_parsed parsed;
	size_t service = letter != NULL ? (size_t)(letter - letters) : 0;

	http.status = (int)(strtoul(*first != '\0' ? first + 1 : "", NULL,
	    10) % 1000);
	while (len > 0 && http.headers_count < HEADERS) {
		char *line = fuzz_line(&data, &len), *colon;

		if (*line == '\0' || (colon = strchr(line, ':')) == NULL) {
			free(line);
			break;
		}
		*colon++ = '\0';
		lines[http.headers_count] = line;
		headers[http.headers_count++] = (struct bh_pair){ line,
		    colon + strspn(colon, " ") };
	}
	/* As the host gives it: NUL-terminated, maybe NULs in it too. */
	if ((body = malloc(len + 1)) == NULL)
		abort();
	if (len > 0)
		memcpy(body, data, len);
	body[len] = '\0';
	http.body = body;
	http.body_len = len;
	aws_parse_answer(&parsed, &host, (enum aws_service)service,
	    "AssumeRole", &http);
	judge(&parsed.answer);
	aws_parsed_release(&parsed, &host);
	small_texts(body);
	for (size_t i = 0; i < http.headers_count; i++)
		free(lines[i]);
	free(first);
	free(body);
	return 0;
}
