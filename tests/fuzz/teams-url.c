/* teams-url.c - fuzz target: service URLs, read by us and by who connects.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What we let pass, libcurl must take for the same host and port.
 */

#include <curl/curl.h>

#include "plugins/teams/teams.h"
#include "tests/fuzz/fuzz.h"

static bool
ends_with(const char *text, const char *tail)
{
	size_t len = strlen(text), want = strlen(tail);

	return len > want && strcmp(text + len - want, tail) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char one[] = "smba.trafficmanager.net", two[] = "*.botframework.com",
	    three[] = "http://127.0.0.1:3978";
	char *hosts[] = { one, two, three, NULL };
	const struct teams t = { .magic = TEAMS_MAGIC,
	    .service_hosts = hosts };
	char *url = fuzz_text(data, len), *host = NULL, *port = NULL,
	    *scheme = NULL, *user = NULL;
	const char *why = NULL;
	CURLU *u = curl_url();

	if (!teams_url_ok(&t, url, &why)) {
		check(why != NULL && *why != '\0');
	} else {
		check(curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK);
		check(curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK);
		check(curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ==
		    CURLUE_OK);
		check(curl_url_get(u, CURLUPART_PORT, &port,
		    CURLU_DEFAULT_PORT) == CURLUE_OK);
		check(curl_url_get(u, CURLUPART_USER, &user, 0) != CURLUE_OK);
		if (strcmp(scheme, "http") == 0) {
			check(strcmp(host, "127.0.0.1") == 0);
			check(strcmp(port, "3978") == 0);
		} else {
			check(strcmp(scheme, "https") == 0);
			check(strcmp(port, "443") == 0);
			check(strcmp(host, one) == 0 ||
			    ends_with(host, ".botframework.com"));
		}
	}
	(void)teams_url_local(url);
	curl_free(host);
	curl_free(port);
	curl_free(scheme);
	curl_url_cleanup(u);
	free(url);
	return 0;
}
