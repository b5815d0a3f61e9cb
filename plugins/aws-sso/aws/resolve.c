/* resolve.c - who somebody is in AWS, and what somebody typed.
 * SPDX-License-Identifier: Apache-2.0
 */

#include <ctype.h>
#include <strings.h>

#include "plugins/aws-sso/aws/directory-state.h"

#define MISS_PERIOD	60000
#define SHOWN		5	/* names in a suggestion */

/* --- people ------------------------------------------------------------------------- */

static const struct principal *BH_PRINTF(3, 4)
nobody(struct directory *d, const char **why_not, const char *format, ...)
{
	va_list ap;

	bh_buf_clear(&d->sentence);
	va_start(ap, format);
	bh_buf_vadd(&d->sentence, format, ap);
	va_end(ap);
	*why_not = bh_buf_text(&d->sentence);
	return NULL;
}

static const struct index *
mapping_index(const struct directory *d)
{
	if (strcasecmp(d->attribute, "email") == 0)
		return &d->snap->user_email;
	if (strcasecmp(d->attribute, "userName") == 0)
		return &d->snap->user_name;
	if (strcasecmp(d->attribute, "externalId") == 0)
		return &d->snap->user_external;
	return &d->snap->user_mapped;
}

const struct principal *
directory_map(struct directory *d, const struct bh_user *user,
    const char **why_not)
{
	const char *value = strcmp(d->with, "email") == 0 ? user->email :
	    strcmp(d->with, "id") == 0 ? user->id : user->person;
	const struct user *found;
	bool several = false;

	if (value == NULL || *value == '\0')
		return nobody(d, why_not, "I do not know your %s, by which "
		    "people are found in the Identity Center. An admin can "
		    "change identity-mapping.", strcmp(d->with, "email") == 0 ?
		    "e-mail address" : d->with);
	found = snapshot_user_by(d->snap, mapping_index(d), value, &several);
	if (several)
		return nobody(d, why_not, "Several people in the Identity "
		    "Center have the %s %s, so I cannot tell who is meant. "
		    "An AWS administrator can make it unique.", d->attribute,
		    value);
	if (found != NULL && !found->principal.enabled)
		return nobody(d, why_not, "%s (%s) is disabled in the "
		    "Identity Center.", found->principal.name, value);
	if (found != NULL)
		return &found->principal;
	if (d->snap->refreshed == 0)
		return nobody(d, why_not, "I have not read the Identity "
		    "Center yet%s%s. Try again in a moment.",
		    d->trouble != NULL ? ": " : "",
		    d->trouble != NULL ? d->trouble : "");
	/* Perhaps somebody new: look, but not each time a stranger speaks. */
	if (bh_mono(d->host) - d->missed >= MISS_PERIOD) {
		d->missed = bh_mono(d->host);
		directory_refresh(d, AWS_INTERACTIVE, NULL, NULL);
	}
	return nobody(d, why_not, "Nobody in the Identity Center has the %s "
	    "%s. Who is new there is found within a minute.", d->attribute,
	    value);
}

/* --- names -------------------------------------------------------------------------- */

/* What accounts and permission sets have in common for finding them. */
struct names {
	const char **names;
	size_t count;
	const void *const *rows;
};

static void
suggest(struct bh_buf *out, const char *name)
{
	bh_buf_add(out, "%s%s", out->len > 0 ? ", " : "", name);
}

static bool
contains(const char *text, const char *part)
{
	size_t n = strlen(part);

	for (; *text != '\0'; text++)
		if (strncasecmp(text, part, n) == 0)
			return true;
	return false;
}

/* Close names for something that was not found. */
static void
suggest_near(struct bh_host *host, const struct names *all,
    const char *typed, struct bh_buf *out)
{
	const char *nearest = all->count > 0 ? bh_nearest(host, typed,
	    all->names, all->count) : NULL;
	size_t shown = 0;

	if (nearest != NULL) {
		suggest(out, nearest);
		shown++;
	}
	for (size_t i = 0; i < all->count && shown < SHOWN &&
	    strlen(typed) > 1; i++)
		if (all->names[i] != nearest && contains(all->names[i],
		    typed)) {
			suggest(out, all->names[i]);
			shown++;
		}
}

/* Same name in another case, else the only one that begins so. */
static int
resolve(struct bh_host *host, const struct names *all, const char *typed,
    const void **out, struct bh_buf *suggestions)
{
	size_t len = strlen(typed), same = 0, begin = 0;
	const void *by_name = NULL, *by_prefix = NULL;

	for (size_t i = 0; i < all->count && len > 0; i++) {
		if (strcasecmp(all->names[i], typed) == 0) {
			by_name = all->rows[i];
			same++;
		}
		if (strncasecmp(all->names[i], typed, len) == 0) {
			by_prefix = all->rows[i];
			begin++;
		}
	}
	if (same == 1 || (same == 0 && begin == 1)) {
		*out = same == 1 ? by_name : by_prefix;
		return BH_OK;
	}
	if (begin == 0) {
		suggest_near(host, all, typed, suggestions);
		return BH_ENOENT;
	}
	for (size_t i = 0, shown = 0; i < all->count && shown < SHOWN; i++)
		if (strncasecmp(all->names[i], typed, len) == 0) {
			suggest(suggestions, all->names[i]);
			shown++;
		}
	return BH_ECONFLICT;
}

static bool
hidden(const struct directory *d, const struct account *a)
{
	return a->management && d->snap->delegated;
}

int
directory_resolve_account(const struct directory *d, const char *typed,
    const struct account **out, struct bh_buf *suggestions)
{
	const struct account *exact = directory_account(d, typed);
	const struct account *const *list;
	size_t count, n = 0;
	struct names all = { 0 };
	const void **rows;
	const void *found = NULL;
	int ret;

	if (exact != NULL && !hidden(d, exact)) {
		*out = exact;
		return BH_OK;
	}
	list = directory_accounts(d, &count);
	all.names = aws_calloc(count, sizeof(*all.names));
	rows = aws_calloc(count, sizeof(*rows));
	for (size_t i = 0; i < count; i++)
		if (list[i]->active) {
			all.names[n] = list[i]->name;
			rows[n++] = list[i];
		}
	all.count = n;
	all.rows = rows;
	ret = resolve(d->host, &all, typed, &found, suggestions);
	if (ret == BH_OK)
		*out = found;
	free(all.names);
	free(rows);
	return ret;
}

int
directory_resolve_permission_set(const struct directory *d,
    const char *typed, const struct permission_set **out,
    struct bh_buf *suggestions)
{
	const struct permission_set *exact = directory_permission_set(d,
	    typed);
	const struct permission_set *const *list;
	struct names all = { 0 };
	const void **rows;
	const void *found = NULL;
	int ret;

	if (exact != NULL) {
		*out = exact;
		return BH_OK;
	}
	list = directory_permission_sets(d, &all.count);
	all.names = aws_calloc(all.count, sizeof(*all.names));
	rows = aws_calloc(all.count, sizeof(*rows));
	for (size_t i = 0; i < all.count; i++) {
		all.names[i] = list[i]->name;
		rows[i] = list[i];
	}
	all.rows = rows;
	ret = resolve(d->host, &all, typed, &found, suggestions);
	if (ret == BH_OK)
		*out = found;
	free(all.names);
	free(rows);
	return ret;
}
