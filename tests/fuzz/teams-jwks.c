/* teams-jwks.c - fuzz target: published keys.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <openssl/evp.h>

#include "host/base/json.h"
#include "host/base/value.h"
#include "plugins/teams/teams.h"
#include "tests/fuzz/fuzz.h"

static void
free_value(struct bh_value *v)
{
	value_free(v);
}

static const struct bh_api api = { .size = sizeof(api), .json = json_parse,
	.json_free = free_value };
static struct bh_host host = { &api };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *why = NULL;
	char *text = fuzz_text(data, len);
	struct teams_key *keys = teams_keys_read(&host, text, strlen(text),
	    &why);

	check(keys != NULL || (why != NULL && *why != '\0'));
	for (struct teams_key *k = keys; k != NULL; k = k->next) {
		check(*k->kid != '\0' && strlen(k->print) == 64);
		check(EVP_PKEY_get_bits(k->key) >= 2048);
		check(EVP_PKEY_get_bits(k->key) <= 8192);
		for (size_t i = 0; i < k->endorsements_count; i++)
			check(k->endorsements[i] != NULL);
	}
	teams_keys_free(keys);
	free(text);
	return 0;
}
