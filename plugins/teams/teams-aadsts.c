/* teams-aadsts.c - what the login service's refusals mean, and what to do.
 * SPDX-License-Identifier: Apache-2.0
 *
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */

#include "plugins/teams/teams.h"

/* "%a" is the app's id, "%t" the directory's. */
static const struct { long code; const char *text; } known[] = {
	{ 7000222, "the client secret has expired: make a new one (Entra, App "
	    "registrations, %a, Certificates & secrets) and put it behind "
	    "`secret`" },
	{ 7000215, "the client secret is wrong: `secret` wants its value, not "
	    "its id, and a value is shown only once; a new one is made in "
	    "Entra, App registrations, %a, Certificates & secrets" },
	{ 700016, "there is no app %a in the directory %t: compare app-id and "
	    "tenant with the app registration's overview" },
	{ 90002, "there is no directory %t: `tenant` is the directory "
	    "(tenant) id on the app registration's overview" },
	{ 900023, "%t is no directory: `tenant` is the directory (tenant) id "
	    "on the app registration's overview" },
	{ 700027, "the login service does not know the certificate, or its "
	    "key signs otherwise: upload it (Entra, App registrations, %a, "
	    "Certificates & secrets), and see that `key` belongs to it" },
	{ 700021, "the assertion is not for app %a: compare app-id" },
	{ 700023, "the assertion is for another directory: compare tenant and "
	    "login-url" },
	{ 700024, "the assertion is too old or too new: is this machine's "
	    "clock right, and the federated token fresh?" },
	{ 50027, "the assertion is no token the login service can read: what "
	    "is in federated-token-file?" },
	{ 70021, "no federated credential of app %a fits the token: compare "
	    "its issuer, subject and audience, letter for letter" },
	{ 700211, "no federated credential of app %a has the token's issuer" },
	{ 700212, "no federated credential of app %a has the token's audience: "
	    "it should be api://AzureADTokenExchange" },
	{ 700213, "no federated credential of app %a has the token's subject" },
	{ 7000112, "the app %a is disabled: enable it (Entra, Enterprise "
	    "applications, Properties, Enabled for users to sign in)" },
	{ 7000229, "the app %a has no service principal in %t: az ad sp create "
	    "--id %a" },
	{ 500011, "the directory %t does not know what the token is for: "
	    "compare `scope` with your cloud's" },
	{ 1002012, "the login service does not take `scope`: it ends in "
	    "/.default" },
	{ 53003, "a Conditional Access policy of %t keeps the app %a out: "
	    "exempt it, or its network" },
};

static void
expand(struct teams *t, struct bh_buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (text[0] == '%' && (text[1] == 'a' || text[1] == 't'))
			bh_buf_puts(out, *++text == 'a' ? t->app_id :
			    t->tenant);
		else
			bh_buf_put(out, text, 1);
}

static long
code_of(const struct bh_value *body)
{
	const struct bh_value *codes = bh_get(body, "error_codes");
	const char *text = bh_get_text(body, "error_description");

	if (codes != NULL && codes->kind == BH_LIST && codes->first != NULL &&
	    codes->first->kind == BH_NUMBER && codes->first->number > 0 &&
	    codes->first->number < 1e9)
		return (long)codes->first->number;
	if (text != NULL && strncmp(text, "AADSTS", 6) == 0)
		return strtol(text + 6, NULL, 10);
	return 0;
}

/* The first line of what it said, without trace ids. */
static void
its_words(struct bh_buf *out, const struct bh_value *body)
{
	const char *text = bh_get_text(body, "error_description");
	struct bh_buf line = BH_BUF(16u * 1024u), clean = BH_BUF(16u * 1024u);
	const char *trace;

	if (text == NULL)
		text = bh_get_text(body, "error");
	if (text == NULL)
		return;
	trace = strstr(text, " Trace ID:");
	bh_buf_put(&line, text, trace != NULL ? (size_t)(trace - text) :
	    strcspn(text, "\r\n"));
	bh_buf_clean(&clean, bh_buf_text(&line), false);
	bh_buf_puts(out, ": ");
	bh_buf_clip(out, bh_buf_text(&clean), 300);
	bh_buf_release(&line);
	bh_buf_release(&clean);
}

bool
teams_login_trouble(struct teams *t, struct bh_buf *out, int status,
    const struct bh_value *body, bool metadata)
{
	bool settings = status >= 400 && status < 500 && status != 408 &&
	    status != 410 && status != 429;
	long code = code_of(body);
	size_t i = 0, count = sizeof(known) / sizeof(known[0]);

	if (metadata) {
		bh_buf_add(out, settings ? "this machine has no such managed "
		    "identity (HTTP %d): assign it, and compare "
		    "managed-identity with its client id" : "this machine's "
		    "identity cannot be had just now (HTTP %d)", status);
		its_words(out, body);
		return settings;
	}
	while (i < count && (code == 0 || known[i].code != code))
		i++;
	if (i < count) {
		expand(t, out, known[i].text);
		bh_buf_add(out, " (AADSTS%ld)", code);
		return true;
	}
	bh_buf_add(out, settings ? "the login service refuses (HTTP %d)" :
	    "the login service cannot answer just now (HTTP %d)", status);
	its_words(out, body);
	return settings;
}
