/* test-slack-verify.c - signatures of Slack, and bodies as forms.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "plugins/slack/slack.h"

#define NOW	INT64_C(1767607200)		/* s */

static const char *why;
static struct slack_signer *signer;

struct request {
	struct bh_pair headers[8];
	struct bh_http_in in;
	char time[32], signature[80];
};

/* What Slack would send: signed with `secret` at `then`. */
static struct request *
signed_by(const char *secret, int64_t then, const char *body)
{
	static struct request r;
	struct bh_buf base = BH_BUF(1u << 20);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	memset(&r, 0, sizeof(r));
	snprintf(r.time, sizeof(r.time), "%lld", (long long)then);
	bh_buf_add(&base, "v0:%s:%s", r.time, body);
	ck_assert_ptr_nonnull(HMAC(EVP_sha256(), secret, (int)strlen(secret),
	    (const unsigned char *)base.data, base.len, mac, &len));
	bh_buf_release(&base);
	snprintf(r.signature, sizeof(r.signature), "v0=");
	for (size_t i = 0; i < len; i++)
		snprintf(r.signature + 3 + 2 * i, 3, "%02x", mac[i]);
	r.headers[0] = (struct bh_pair){ "host", "bot.acme.example" };
	r.headers[1] = (struct bh_pair){ "x-slack-request-timestamp", r.time };
	r.headers[2] = (struct bh_pair){ "x-slack-signature", r.signature };
	r.in = (struct bh_http_in){ .method = "POST", .path = "/slack/acme",
	    .headers = r.headers, .headers_count = 3, .body = body,
	    .body_len = strlen(body) };
	return &r;
}

static int
verify(const struct request *r)
{
	static const char *const secrets[] = { "the secret", NULL };

	why = NULL;
	return slack_verify(signer, secrets, &r->in, NOW * 1000 + 500, &why);
}

START_TEST(the_documented_example_passes)
{
	static const char *const secrets[] = {
	    "8f742231b10e8888abcd99yyyzzz85a5", NULL };
	const char *body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&"
	    "team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&"
	    "user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect"
	    "&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2F"
	    "T1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id="
	    "398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
	const struct bh_pair headers[] = {
	    { "x-slack-request-timestamp", "1531420618" },
	    { "x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8"
	      "d21a10bd27519666489c69b503" } };
	const struct bh_http_in in = { .headers = headers, .headers_count = 2,
	    .body = body, .body_len = strlen(body) };

	ck_assert_int_eq(slack_verify(signer, secrets, &in,
	    INT64_C(1531420618) * 1000, &why), BH_OK);
}
END_TEST

START_TEST(both_secrets_pass_while_one_is_replaced)
{
	static const char *const secrets[] = { "new", "old", NULL };
	static const char *const with_empty[] = { "new", "", NULL };

	ck_assert_int_eq(slack_verify(signer, secrets, &signed_by("new", NOW,
	    "{}")->in, NOW * 1000, &why), BH_OK);
	ck_assert_int_eq(slack_verify(signer, secrets, &signed_by("old", NOW,
	    "{}")->in, NOW * 1000, &why), BH_OK);
	ck_assert_int_eq(slack_verify(signer, secrets, &signed_by("older", NOW,
	    "{}")->in, NOW * 1000, &why), BH_EPERM);
	/* What is empty signs nothing. */
	ck_assert_int_eq(slack_verify(signer, with_empty, &signed_by("", NOW,
	    "{}")->in, NOW * 1000, &why), BH_EPERM);
	ck_assert_int_eq(slack_verify(signer, &with_empty[2], &signed_by("", NOW,
	    "{}")->in, NOW * 1000, &why), BH_EPERM);
}
END_TEST

START_TEST(the_time_may_be_five_minutes_off_either_way)
{
	static const struct { int off, result; } cases[] = { { 0, BH_OK },
	    { 299, BH_OK }, { 300, BH_OK }, { 301, BH_EPERM },
	    { -300, BH_OK }, { -301, BH_EPERM }, { 86400, BH_EPERM },
	    { -86400, BH_EPERM } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(verify(signed_by("the secret", NOW +
		    cases[i].off, "x")) == cases[i].result, "%d s off",
		    cases[i].off);
	ck_assert_ptr_nonnull(strstr(why, "clock"));
}
END_TEST

START_TEST(malformed_headers_are_refused)
{
	static const char *const times[] = { "", "-1767607200", "+1767607200",
	    " 1767607200", "1767607200 ", "1767607200.0", "0x695b8a60",
	    "1767607200000000000000", "now" };
	struct request *r;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		r = signed_by("the secret", NOW, "x");
		r->headers[1].value = times[i];
		ck_assert_msg(verify(r) == BH_EPERM, "%s", times[i]);
	}
	r = signed_by("the secret", NOW, "x");
	r->headers[2].value = r->signature + 3;		/* without "v0=" */
	ck_assert_int_eq(verify(r), BH_EPERM);
	r = signed_by("the secret", NOW, "x");
	r->signature[1] = '1';				/* "v1=" */
	ck_assert_int_eq(verify(r), BH_EPERM);
	r = signed_by("the secret", NOW, "x");
	r->signature[66] = '\0';			/* one digit short */
	ck_assert_int_eq(verify(r), BH_EPERM);
	r = signed_by("the secret", NOW, "x");
	memcpy(r->signature + 67, "0", 2);		/* one too many */
	ck_assert_int_eq(verify(r), BH_EPERM);
	r = signed_by("the secret", NOW, "x");
	for (char *p = r->signature; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 'a' + 'A');
	ck_assert_int_eq(verify(r), BH_EPERM);
}
END_TEST

START_TEST(missing_and_double_headers_are_refused)
{
	struct request *r = signed_by("the secret", NOW, "x");

	ck_assert_int_eq(verify(r), BH_OK);
	r->in.headers_count = 2;
	ck_assert_int_eq(verify(r), BH_EPERM);
	for (size_t twice = 1; twice <= 2; twice++) {
		r = signed_by("the secret", NOW, "x");
		r->headers[3] = r->headers[twice];
		r->in.headers_count = 4;
		ck_assert_int_eq(verify(r), BH_EPERM);
	}
	r = signed_by("the secret", NOW, "x");
	r->headers[1].name = "x-slack-request-time";
	ck_assert_int_eq(verify(r), BH_EPERM);
}
END_TEST

START_TEST(every_byte_counts)
{
	char body[] = "{\"type\":\"event_callback\",\"n\":\"12345678\"}";
	struct request *r = signed_by("the secret", NOW, body);
	size_t len = strlen(body);

	ck_assert_int_eq(verify(r), BH_OK);
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			body[i] = (char)(body[i] ^ 1 << bit);
			ck_assert_int_eq(verify(r), BH_EPERM);
			body[i] = (char)(body[i] ^ 1 << bit);
		}
	for (size_t i = 3; i < 67; i++) {
		char was = r->signature[i];

		for (const char *d = "0123456789abcdef"; *d != '\0'; d++) {
			r->signature[i] = *d;
			ck_assert_int_eq(verify(r), *d == was ? BH_OK :
			    BH_EPERM);
		}
		r->signature[i] = was;
	}
	r->in.body_len = len - 1;
	ck_assert_int_eq(verify(r), BH_EPERM);
	/* A NUL in it ends nothing. */
	body[5] = '\0';
	r->in.body_len = len;
	ck_assert_int_eq(verify(r), BH_EPERM);
}
END_TEST

/* ------------------------------------------------------------------ */

START_TEST(forms_are_read)
{
	const char *body = "token=abc&command=%2Felevate&text=a+b%20c%2bd&"
	    "empty=&smile=%F0%9F%99%82&eq=1=2&odd=%EF%BF%BD";
	struct bh_value *v = slack_decode(body, strlen(body), &why);

	ck_assert_msg(v != NULL, "%s", why);
	ck_assert_uint_eq(v->count, 7);
	ck_assert_str_eq(bh_get_text(v, "command"), "/elevate");
	ck_assert_str_eq(bh_get_text(v, "text"), "a b c+d");
	ck_assert_str_eq(bh_get_text(v, "empty"), "");
	ck_assert_str_eq(bh_get_text(v, "smile"), "\U0001f642");
	ck_assert_str_eq(bh_get_text(v, "eq"), "1=2");
	ck_assert_str_eq(bh_get_text(v, "odd"), "\uFFFD");
	ck_assert_ptr_null(bh_get(v, "other"));
	slack_decode_free(v);
}
END_TEST

START_TEST(unclear_forms_are_refused)
{
	static const char *const bad[] = { "", "a", "=a", "a=1&", "&a=1",
	    "a=1&&b=2", "a=1&a=2", "a=1&%61=2", "a=%", "a=%4", "a=%4g",
	    "a=%00", "a%00=1", "a=%ff", "a=%C0%AF", "a=%ED%A0%80",
	    "a=%F5%80%80%80", "a=\xff", "a=1&b" };
	struct bh_buf many = BH_BUF(4096);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		ck_assert_msg(slack_decode(bad[i], strlen(bad[i]), &why) ==
		    NULL && why != NULL, "%s", bad[i]);
	}
	ck_assert_ptr_null(slack_decode("a=b\0c=d", 7, &why));
	for (int i = 0; i < 65; i++)
		bh_buf_add(&many, "%sk%d=v", i > 0 ? "&" : "", i);
	ck_assert_ptr_null(slack_decode(many.data, many.len, &why));
	many.len -= 6;				/* "&k64=v" */
	slack_decode_free(slack_decode(many.data, many.len, &why));
	ck_assert_msg(why == NULL, "%s", why);
	bh_buf_release(&many);
}
END_TEST

static void
set_up(void)
{
	signer = slack_signer_new();
}

static void
tear_down(void)
{
	slack_signer_free(signer);
}

int
main(void)
{
	Suite *s = suite_create("slack-verify");
	TCase *signatures = tcase_create("signatures");
	TCase *forms = tcase_create("forms");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(signatures, set_up, tear_down);
	tcase_add_test(signatures, the_documented_example_passes);
	tcase_add_test(signatures, both_secrets_pass_while_one_is_replaced);
	tcase_add_test(signatures, the_time_may_be_five_minutes_off_either_way);
	tcase_add_test(signatures, malformed_headers_are_refused);
	tcase_add_test(signatures, missing_and_double_headers_are_refused);
	tcase_add_test(signatures, every_byte_counts);
	suite_add_tcase(s, signatures);
	tcase_add_test(forms, forms_are_read);
	tcase_add_test(forms, unclear_forms_are_refused);
	suite_add_tcase(s, forms);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
