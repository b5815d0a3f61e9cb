/* slack-signed.h - a Slack instance over HTTP, and deliveries as Slack signs them.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef TESTS_UNIT_SLACK_SIGNED_H
#define TESTS_UNIT_SLACK_SIGNED_H

#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "plugins/slack/slack.h"
#include "tests/unit/fake-host.h"

#define FORM_TYPE	"application/x-www-form-urlencoded"

extern const struct bh_plugin bellhop_plugin;

static struct fake *fake;
static struct slack *slack;
static struct bh_value *settings;

/* Of the next deliveries. */
static const char *secret = "a signing secret";
static int64_t skew;			/* s */

/* The v0 signature of a body. */
static inline void
sign(char out[80], const char *with, const char *time, const char *body,
    size_t len)
{
	struct bh_buf base = BH_BUF(1u << 21);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	bh_buf_add(&base, "v0:%s:", time);
	bh_buf_put(&base, body, len);
	ck_assert_ptr_nonnull(HMAC(EVP_sha256(), with, (int)strlen(with),
	    (const unsigned char *)base.data, base.len, mac, &n));
	bh_buf_release(&base);
	snprintf(out, 80, "v0=");
	for (size_t i = 0; i < n; i++)
		snprintf(out + 3 + 2 * i, 3, "%02x", mac[i]);
}

/* Delivers it; what was answered is in the result, status 0: nothing yet. */
static inline struct fake_incoming *
deliver(const char *type, const char *body)
{
	char time[32], signature[80];
	const char *headers[] = { "host", "bot.acme.example", "content-type",
		type, "x-slack-request-timestamp", time, "x-slack-signature",
		signature, NULL };

	snprintf(time, sizeof(time), "%lld",
	    (long long)(fake->now / 1000 + skew));
	sign(signature, secret, time, body, strlen(body));
	return fake_incoming(fake, "POST", "/slack/main", headers, body,
	    strlen(body));
}

static inline struct fake_incoming *
deliver_json(const char *body)
{
	return deliver("application/json", body);
}

static inline struct fake_incoming *
deliver_interaction(const char *json)
{
	struct bh_buf body = BH_BUF(1u << 20);
	struct fake_incoming *r;

	bh_buf_puts(&body, "payload=");
	bh_buf_percent(&body, json);
	r = deliver(FORM_TYPE, bh_buf_text(&body));
	bh_buf_release(&body);
	return r;
}

/* Not connected yet. */
static inline void
slack_begin(void)
{
	static const char *const config[] = { "mode", "http", "bot-token",
		"xoxb-1", "signing-secret", "a signing secret", "api-url",
		"https://slack.example/api/", "path", "/slack/main" };
	static const char lists[] = "{\"commands\":[\"elevate\","
	    "\"bellhop\"],\"workspaces\":[\"T0OTHER\"],"
	    "\"response-hosts\":[\"hooks.slack.example\"]}";
	const char *error = NULL;
	void *state = NULL;

	fake = fake_new();
	settings = bh_json(&fake->host, lists, strlen(lists), &error);
	ck_assert_ptr_nonnull(settings);
	fake->settings = settings;
	secret = "a signing secret";
	skew = 0;
	for (size_t i = 0; i < sizeof(config) / sizeof(config[0]); i++)
		fake->config[i] = config[i];
	ck_assert_int_eq(bellhop_plugin.open(&fake->host, &state), BH_OK);
	slack = slack_of(state);
}

/* An instance that knows who it is: U0BOT in T0. */
static inline void
slack_up(void)
{
	slack_begin();
	fake_ok(fake, "auth.test", "{\"ok\":true,\"user_id\":\"U0BOT\","
	    "\"bot_id\":\"B0\",\"team_id\":\"T0\",\"user\":\"bellhop\"}");
	ck_assert_int_eq(bellhop_plugin.transport->connect(slack), BH_OK);
	fake_run(fake, 100);
	ck_assert_str_eq(slack->team, "T0");
}

static inline void
slack_down(void)
{
	bellhop_plugin.close(slack);
	bh_json_free(&fake->host, settings);
	fake_free(&fake);
}

#endif
