/* text.c - the small texts that AWS writes: times and XML tags.
 * SPDX-License-Identifier: Apache-2.0
 */

#include "plugins/aws-sso/aws/text.h"

#include <time.h>

/* Not strptime(): that reads months in the language of the machine. */
static bool
sane(const struct tm *tm)
{
	return tm->tm_year >= 70 && tm->tm_mon >= 0 && tm->tm_mon < 12 &&
	    tm->tm_mday >= 1 && tm->tm_mday <= 31 && tm->tm_hour >= 0 &&
	    tm->tm_hour < 24 && tm->tm_min >= 0 && tm->tm_min < 60 &&
	    tm->tm_sec >= 0 && tm->tm_sec <= 60;
}

int64_t
text_iso_time(const char *text)
{
	struct tm tm = { 0 };
	const char *p;
	int64_t ms = 0, offset = 0;
	int used = 0;

	if (text == NULL || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n",
	    &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
	    &tm.tm_sec, &used) != 6)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (!sane(&tm))
		return -1;
	p = text + used;
	if (*p == '.') {
		int64_t unit = 100;

		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			ms += (*p - '0') * unit;
	}
	if (*p == '+' || *p == '-') {
		int hours, minutes;

		used = 0;
		if (sscanf(p + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 ||
		    p[1 + used] != '\0')
			return -1;
		offset = (hours * 60 + minutes) * (*p == '+' ? 60000 : -60000);
	} else if (strcmp(p, "Z") != 0)
		return -1;
	return (int64_t)timegm(&tm) * 1000 + ms - offset;
}

int64_t
text_http_date(const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = { 0 };
	char month[4];
	const char *at;
	int used = 0;

	if (text == NULL || sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d "
	    "%2d:%2d:%2d GMT%n", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour,
	    &tm.tm_min, &tm.tm_sec, &used) != 6 || used == 0 ||
	    text[used] != '\0' || (at = strstr(months, month)) == NULL ||
	    strlen(month) != 3 || (at - months) % 3 != 0)
		return -1;
	tm.tm_mon = (int)((at - months) / 3);
	tm.tm_year -= 1900;
	return sane(&tm) ? (int64_t)timegm(&tm) * 1000 : -1;
}

int64_t
text_json_time(const struct bh_value *value)
{
	if (value == NULL || value->kind != BH_NUMBER ||
	    !(value->number > 0 && value->number < 1e12))
		return 0;
	return (int64_t)(value->number * 1000);
}

static void
put_unescaped(struct bh_buf *out, const char *text, size_t len)
{
	static const struct { const char *name; char c; } entities[] = {
		{ "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' },
		{ "&quot;", '"' }, { "&apos;", '\'' }
	};

	for (size_t i = 0; i < len;) {
		size_t skip = 1;
		char c = text[i];

		for (size_t e = 0; e < sizeof(entities) / sizeof(*entities);
		    e++) {
			size_t n = strlen(entities[e].name);

			if (n <= len - i &&
			    strncmp(text + i, entities[e].name, n) == 0) {
				c = entities[e].c;
				skip = n;
			}
		}
		bh_buf_put(out, &c, 1);
		i += skip;
	}
}

char *
text_xml(const char *xml, const char *tag)
{
	struct bh_buf mark = BH_BUF(128), value = BH_BUF((size_t)1 << 17);
	const char *start, *end;

	bh_buf_add(&mark, "<%s>", tag);
	start = strstr(xml, bh_buf_text(&mark));
	if (start != NULL) {
		start += mark.len;
		bh_buf_clear(&mark);
		bh_buf_add(&mark, "</%s>", tag);
		end = strstr(start, bh_buf_text(&mark));
		if (end != NULL) {
			bh_buf_puts(&value, "");
			put_unescaped(&value, start, (size_t)(end - start));
		}
	}
	bh_buf_release(&mark);
	return value.data;
}

void
text_member(struct bh_buf *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	bh_buf_puts(out, out->len > 0 ? "," : "");
	bh_buf_quote(out, key);
	bh_buf_puts(out, ":");
	bh_buf_quote(out, value);
}
