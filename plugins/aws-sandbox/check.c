/* check.c - members of requests: are they there, and as AWS wants them.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * The shapes are those of AWS's published service models; the sentences of
 * the errors are the ones its services send.
 */

#include <ctype.h>
#include <regex.h>

#include "plugins/aws-sandbox/sandbox.h"

#define HEX	"[0-9a-fA-F]"
#define UUID	HEX "{8}-" HEX "{4}-" HEX "{4}-" HEX "{4}-" HEX "{12}"
#define P_UUID	"[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-" \
		"[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"
#define LOW	"[0-9a-f]"
#define E_OU	"ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}"
#define E_INS	"(sso)?ins-[a-zA-Z0-9.-]{16}"
#define P_INS	"(sso)?ins-[a-zA-Z0-9-.]{16}"
#define E_ARN	"arn:aws(-[a-z]{1,5}){0,3}:sso:::"

/* A shape whose pattern needs no translation from AWS's dialect. */
#define SHAPE(n, lo, hi, e)	{ .name = n, .min = lo, .max = hi,	\
				  .ere = e, .pattern = e }
/* One of these words; the second is how AWS writes the set. */
#define ENUM(n, e, set)		{ .name = n, .max = 64, .ere = e,	\
				  .pattern = set }

const struct shape shape_instance = { "instanceArn", 10, 1224,
    E_ARN "instance/" E_INS, E_ARN "instance/" P_INS, false };
const struct shape shape_set = { "permissionSetArn", 10, 1224,
    E_ARN "permissionSet/" E_INS "/ps-[a-zA-Z0-9./-]{16}",
    E_ARN "permissionSet/" P_INS "/ps-[a-zA-Z0-9-./]{16}", false };
const struct shape shape_account = { "accountId", 12, 12, "[0-9]{12}",
    "\\d{12}", false };
const struct shape shape_principal = { "principalId", 1, 47,
    "(" LOW "{10}-|)" UUID, "([0-9a-f]{10}-|)" P_UUID, false };
const struct shape shape_principal_type = ENUM("principalType",
    "(USER|GROUP)", "[GROUP, USER]");
const struct shape shape_target_type = ENUM("targetType",
    "(AWS_ACCOUNT)", "[AWS_ACCOUNT]");
const struct shape shape_uuid = { "requestId", 36, 36,
    LOW "{8}-" LOW "{4}-" LOW "{4}-" LOW "{4}-" LOW "{12}",
    "\\b[0-9a-f]{8}\\b-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-"
    "\\b[0-9a-f]{12}\\b", false };
const struct shape shape_status = ENUM("status",
    "(IN_PROGRESS|FAILED|SUCCEEDED)", "[IN_PROGRESS, FAILED, SUCCEEDED]");
const struct shape shape_provisioning = ENUM("provisioningStatus",
    "(LATEST_PERMISSION_SET_PROVISIONED|"
    "LATEST_PERMISSION_SET_NOT_PROVISIONED)",
    "[LATEST_PERMISSION_SET_PROVISIONED, "
    "LATEST_PERMISSION_SET_NOT_PROVISIONED]");
const struct shape shape_token = { "nextToken", 0, 2048,
    "[a-zA-Z0-9+=/_-]*", "[-a-zA-Z0-9+=/_]*", false };
const struct shape shape_max = { "maxResults", 1, 100, NULL, NULL, true };
const struct shape shape_store = { "identityStoreId", 1, 36,
    "(d-" LOW "{10}|" LOW "{8}-" LOW "{4}-" LOW "{4}-" LOW "{4}-" LOW "{12})",
    "d-[0-9a-f]{10}$|^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-"
    "[0-9a-f]{12}", false };
const struct shape shape_resource = { "resourceId", 1, 47,
    "(" LOW "{10}-|)" UUID, "([0-9a-f]{10}-|)" P_UUID, false };
const struct shape shape_store_token = { "nextToken", 1, 65535,
    "[a-zA-Z0-9+=/:_-]*", "[-a-zA-Z0-9+=/:_]*", false };
const struct shape shape_path = { "attributePath", 1, 255,
    "[[:alpha:]]+(\\.[[:alpha:]]+){0,2}",
    "\\p{L}+(?:\\.\\p{L}+){0,2}", false };
const struct shape shape_any = { "value", 1, 1024, NULL, NULL, false };
const struct shape shape_org_max = { "maxResults", 1, 20, NULL, NULL, true };
const struct shape shape_org_token = { "nextToken", 0, 100000, NULL, NULL,
    false };
const struct shape shape_child = { "childId", 0, 100,
    "([0-9]{12}|" E_OU ")", "^(\\d{12})|(" E_OU ")$", false };
const struct shape shape_parent = { "parentId", 0, 100,
    "(r-[0-9a-z]{4,32}|" E_OU ")", "^(r-[0-9a-z]{4,32})|(" E_OU ")$", false };
const struct shape shape_child_type = ENUM("childType",
    "(ACCOUNT|ORGANIZATIONAL_UNIT)", "[ACCOUNT, ORGANIZATIONAL_UNIT]");
const struct shape shape_ou = SHAPE("organizationalUnitId", 0, 68, E_OU);
const struct shape shape_taggable = SHAPE("resourceId", 0, 130,
    "(r-[0-9a-z]{4,32}|[0-9]{12}|" E_OU ")");
const struct shape shape_role = { "roleArn", 20, 2048, NULL, NULL, false };
const struct shape shape_session_name = { "roleSessionName", 2, 64,
    "[[:alnum:]_+=,.@-]*", "[\\w+=,.@-]*", false };
const struct shape shape_seconds = { "durationSeconds", 900, 43200, NULL,
    NULL, true };
const struct shape shape_external = { "externalId", 2, 1224,
    "[[:alnum:]_+=,.@:/-]*", "[\\w+=,.@:\\/-]*", false };
const struct shape shape_jwt = { "webIdentityToken", 4, 20000, NULL, NULL,
    false };
const struct shape shape_policy = { "policy", 1, 2048, NULL, NULL, false };

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes %XX and + in place; NUL bytes make it end there. */
static void
form_decode(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (*s == '+') {
			*to++ = ' ';
		} else if (*s == '%' && hex_digit(s[1]) >= 0 &&
		    hex_digit(s[2]) >= 0) {
			*to++ = (char)(hex_digit(s[1]) * 16 +
			    hex_digit(s[2]));
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

bool
form_parse(struct call *c, const char *text, size_t len)
{
	char *save = NULL;
	size_t size = 1;

	c->form_text = strndup(text, len);
	assert(c->form_text != NULL);
	for (size_t i = 0; i < len; i++)
		size += text[i] == '&';
	if (size > 500)
		return false;
	c->form = (struct bh_pair *)calloc(size, sizeof(*c->form));
	assert(c->form != NULL);
	for (char *p = strtok_r(c->form_text, "&", &save); p != NULL;
	    p = strtok_r(NULL, "&", &save)) {
		char *value = p + strcspn(p, "=");

		if (*value == '=')
			*value++ = '\0';
		form_decode(p);
		form_decode(value);
		c->form[c->form_count++] = (struct bh_pair){ p, value };
	}
	return true;
}

static const struct bh_value *
member(const struct call *c, const char *name)
{
	const struct bh_value *v = c->in;
	char part[64];

	while (*name != '\0' && v != NULL) {
		size_t len = strcspn(name, ".");

		snprintf(part, sizeof(part), "%.*s", (int)len, name);
		v = bh_get(v, part);
		name += len + (name[len] == '.');
	}
	return v;
}

const char *
call_text(const struct call *c, const char *name)
{
	if (c->op->service != STS)
		return bh_text(member(c, name));
	for (size_t i = 0; i < c->form_count; i++)
		if (strcmp(c->form[i].name, name) == 0)
			return c->form[i].value;
	return NULL;
}

double
call_number(const struct call *c, const char *name, double otherwise)
{
	if (c->op->service == STS) {
		const char *s = call_text(c, name);

		return s != NULL ? strtod(s, NULL) : otherwise;
	}

	const struct bh_value *v = member(c, name);

	return v != NULL && v->kind == BH_NUMBER ? v->number : otherwise;
}

static bool
matches(const char *ere, const char *s)
{
	struct bh_buf b = BH_BUF(4096);
	regex_t re;

	bh_buf_add(&b, "^(%s)$", ere);
	int bad = regcomp(&re, bh_buf_text(&b), REG_EXTENDED | REG_NOSUB);

	assert(bad == 0);
	bool ok = regexec(&re, s, 0, NULL, 0) == 0;

	regfree(&re);
	bh_buf_release(&b);
	return ok;
}

/* "AccountId" -> "accountId", as the errors name members. */
static void
error_name(char *out, size_t size, const char *name)
{
	set_text(out, size, name);
	out[0] = (char)tolower((unsigned char)out[0]);
}

static void
complain(struct call *c, const struct field *f, const char *value,
    const char *constraint)
{
	char name[64];

	error_name(name, sizeof(name), f->name);
	if (c->op->service == ORG) {
		call_error(c, "InvalidInputException",
		    "You provided a value that does not match the required "
		    "pattern: %s: %s", name, constraint);
		put_text(&c->extra, "Reason", value == NULL ?
		    "INPUT_REQUIRED" : "INVALID_PATTERN");
		return;
	}
	call_error(c, c->op->service == STS ? "ValidationError" :
	    "ValidationException", "1 validation error detected: Value %s%.200s"
	    "%s at '%s' failed to satisfy constraint: %s",
	    value != NULL ? "'" : "", value != NULL ? value : "null",
	    value != NULL ? "'" : "", name, constraint);
}

static bool
check_number(struct call *c, const struct field *f)
{
	const struct shape *s = f->shape;
	char text[32], constraint[120];
	double n = call_number(c, f->name, -1);

	snprintf(text, sizeof(text), "%g", n);
	if (n < (double)s->min)
		snprintf(constraint, sizeof(constraint), "Member must have "
		    "value greater than or equal to %zu", s->min);
	else if (n > (double)s->max)
		snprintf(constraint, sizeof(constraint), "Member must have "
		    "value less than or equal to %zu", s->max);
	else
		return true;
	complain(c, f, text, constraint);
	return false;
}

static bool
check_text(struct call *c, const struct field *f, const char *v)
{
	const struct shape *s = f->shape;
	struct bh_buf b = BH_BUF(2048);

	if (strlen(v) < s->min)
		bh_buf_add(&b, "Member must have length greater than or "
		    "equal to %zu", s->min);
	else if (strlen(v) > s->max)
		bh_buf_add(&b, "Member must have length less than or equal "
		    "to %zu", s->max);
	else if (s->ere != NULL && !matches(s->ere, v))
		bh_buf_add(&b, s->pattern[0] == '[' && strpbrk(s->ere, "[{") == NULL
		    ? "Member must satisfy enum value set: %s"
		    : "Member must satisfy regular expression pattern: %s",
		    s->pattern);
	if (b.len > 0)
		complain(c, f, v, bh_buf_text(&b));

	bool ok = b.len == 0;

	bh_buf_release(&b);
	return ok;
}

bool
check_fields(struct call *c)
{
	for (const struct field *f = c->op->fields; f != NULL &&
	    f->name != NULL; f++) {
		bool sts = c->op->service == STS;
		const struct bh_value *v = sts ? NULL : member(c, f->name);
		const char *text = call_text(c, f->name);

		if (sts ? text == NULL : v == NULL) {
			if (!f->required)
				continue;
			complain(c, f, NULL, "Member must not be null");
			return false;
		}
		if (!sts && (f->shape->number ? v->kind != BH_NUMBER :
		    text == NULL)) {
			call_error(c, "SerializationException",
			    "%s can not be converted to %s", f->name,
			    f->shape->number ? "an Integer" : "a String");
			return false;
		}
		if (f->shape->number ? !check_number(c, f) :
		    !check_text(c, f, text))
			return false;
	}
	return true;
}
