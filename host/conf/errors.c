/*
 * errors.c - all that is wrong with the settings, in order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include "host/conf/internal.h"

#define ERRORS_MAX	200	/* nobody reads more at a time */

struct conf_error {
	char *file;
	int line, column;
	size_t order;
	char *sentence;
};

struct conf_errors {
	unsigned magic;
#define CONF_ERRORS_MAGIC 0x6572726fu
	struct conf_error *list;
	size_t count, left_out;
	bool sorted;
	char *shown;		/* what conf_errors_at() gave last */
};

struct conf_errors *
conf_errors_new(void)
{
	struct conf_errors *errors = xcalloc(1, sizeof(*errors));

	errors->magic = CONF_ERRORS_MAGIC;
	return errors;
}

void
conf_errors_free(struct conf_errors **errors)
{
	struct conf_errors *e = *errors;

	if (e == NULL)
		return;
	CHECK_MAGIC(e, CONF_ERRORS_MAGIC);
	for (size_t i = 0; i < e->count; i++) {
		free(e->list[i].file);
		free(e->list[i].sentence);
	}
	free(e->list);
	free(e->shown);
	KILL_MAGIC(e);
	free(e);
	*errors = NULL;
}

size_t
conf_errors_count(const struct conf_errors *errors)
{
	CHECK_MAGIC(errors, CONF_ERRORS_MAGIC);
	return errors->count + errors->left_out;
}

static int
errors_order(const void *a, const void *b)
{
	const struct conf_error *x = a, *y = b;
	int file = strcmp(x->file != NULL ? x->file : "",
	    y->file != NULL ? y->file : "");

	if (file != 0)
		return file;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

const char *
conf_errors_at(struct conf_errors *errors, size_t n)
{
	BH_AUTO_BUF struct bh_buf b = BH_BUF(8192);

	CHECK_MAGIC(errors, CONF_ERRORS_MAGIC);
	if (!errors->sorted && errors->count > 0)
		qsort(errors->list, errors->count, sizeof(*errors->list),
		    errors_order);
	errors->sorted = true;
	if (n == errors->count && errors->left_out > 0) {
		bh_buf_add(&b, "and %zu more", errors->left_out);
	} else if (n >= errors->count) {
		return NULL;
	} else {
		const struct conf_error *e = &errors->list[n];

		if (e->file != NULL)
			bh_buf_add(&b, "%s:", e->file);
		if (e->line > 0)
			bh_buf_add(&b, "%d:%d:", e->line, e->column);
		bh_buf_add(&b, "%s%s", b.len > 0 ? " " : "", e->sentence);
	}
	free(errors->shown);
	errors->shown = xstrdup(bh_buf_text(&b));
	return errors->shown;
}

size_t
conf_errors_print(struct conf_errors *errors, FILE *out)
{
	const char *line;

	for (size_t i = 0; (line = conf_errors_at(errors, i)) != NULL; i++)
		fprintf(out, "%s\n", line);
	return conf_errors_count(errors);
}

static void BH_PRINTF(5, 0)
errors_add(struct conf_errors *errors, const char *file, int line, int column,
    const char *fmt, va_list ap)
{
	BH_AUTO_BUF struct bh_buf raw = BH_BUF(4096);
	BH_AUTO_BUF struct bh_buf clean = BH_BUF(4096);

	CHECK_MAGIC(errors, CONF_ERRORS_MAGIC);
	if (errors->count == ERRORS_MAX) {
		errors->left_out++;
		return;
	}
	/* The sentence may quote the file, and goes to a terminal. */
	bh_buf_vadd(&raw, fmt, ap);
	text_clean(&clean, bh_buf_text(&raw), 1000);
	errors->list = xrealloc(errors->list, errors->count + 1,
	    sizeof(*errors->list));
	errors->list[errors->count] = (struct conf_error){
		.file = xstrdup(file), .line = line, .column = column,
		.order = errors->count,
		.sentence = xstrdup(bh_buf_text(&clean)),
	};
	errors->count++;
	errors->sorted = false;
}

void
conf_vcomplain(struct conf_errors *errors, const struct bh_value *at,
    const char *fmt, va_list ap)
{
	errors_add(errors, at != NULL ? at->file : NULL,
	    at != NULL ? at->line : 0, at != NULL ? at->column : 0, fmt, ap);
}

void
conf_complain(struct conf_errors *errors, const struct bh_value *at,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conf_vcomplain(errors, at, fmt, ap);
	va_end(ap);
}

void
conf_complain_key(struct conf_errors *errors, const struct bh_value *at,
    const char *fmt, ...)
{
	int line, column;
	va_list ap;

	value_key_at(at, &line, &column);
	if (line == 0) {
		line = at->line;
		column = at->column;
	}
	va_start(ap, fmt);
	errors_add(errors, at->file, line, column, fmt, ap);
	va_end(ap);
}

void
conf_complain_at(struct conf_errors *errors, const char *file, int line,
    int column, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	errors_add(errors, file, line, column, fmt, ap);
	va_end(ap);
}

const char *
conf_hint(struct bh_buf *out, const char *typed, const char *const *candidates,
    size_t count)
{
	const char *near = text_nearest(typed, candidates, count);

	bh_buf_clear(out);
	if (near != NULL)
		bh_buf_add(out, "; did you mean \"%s\"?", near);
	return bh_buf_text(out);
}
