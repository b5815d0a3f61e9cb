/* teams-activity.c - fuzz target: what a verified sender may send.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Whatever it is: the request is answered exactly once and in time, and what
 * is delivered says who it was.
 */

#include "host/base/json.h"
#include "host/base/mem.h"
#include "host/base/value.h"
#include "plugins/teams/teams.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake-host.h"

extern const struct bh_plugin bellhop_plugin;

static const char lists[] = "{\"service-hosts\":[\"smba.trafficmanager.net\"],"
    "\"tenants\":[\"t\"],\"commands\":[\"elevate\"]}";
static const char *const config[] = { "app-id", "app", "tenant", "t", "path",
    "/api/messages", "login-url", "https://login.example", "metadata-url",
    "https://keys.example", "issuer", "i", "scope", "s", "graph-url", "g",
    "secret", "x", "email", "roster", NULL };

static void
one(struct fake *f, struct teams *t, const struct bh_value *v)
{
	struct fake_incoming *r = xcalloc(1, sizeof(*r));
	const struct bh_event *e;

	r->request.api = f->host.api;
	f->inbound.incoming[f->inbound.incoming_count++] = r;
	teams_receive(t, v, &r->request);
	fake_run(f, 10);
	if ((e = fake_event(f, 0)) != NULL) {
		check(e->user != NULL && *e->user != '\0');
		check(e->reply != NULL);
		check(e->kind == BH_EV_MESSAGE || e->kind == BH_EV_COMMAND ?
		    e->text != NULL : e->token != NULL);
		for (size_t i = 0; i < e->fields_count; i++)
			check(e->fields[i].name != NULL &&
			    e->fields[i].value != NULL);
	}
	fake_run(f, 3000);
	check(r->status != 0);
	check(f->inbound.events_count <= 1);
	/* What is answered to an invoke is JSON, or nothing. */
	if (*r->body != '\0') {
		struct bh_value *body = json_parse(r->body, strlen(r->body),
		    NULL);

		check(body != NULL);
		value_free(body);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bh_value *v = json_parse((const char *)data, len, NULL);
	struct bh_value *settings;
	struct fake *f;
	void *state = NULL;

	/* The door lets nothing else pass. */
	if (v == NULL || v->kind != BH_MAP || bh_get_text(v, "type") == NULL ||
	    bh_get_text(v, "serviceUrl") == NULL) {
		value_free(v);
		return 0;
	}
	f = fake_new();
	settings = json_parse(lists, strlen(lists), NULL);
	f->settings = settings;
	memcpy(f->config, config, sizeof(config));
	check(bellhop_plugin.open(&f->host, &state) == BH_PENDING);
	fake_run(f, 10);
	one(f, teams_of(state), v);
	bellhop_plugin.close(state);
	fake_free(&f);
	value_free(settings);
	value_free(v);
	return 0;
}
