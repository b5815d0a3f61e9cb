/* card.h - cards and forms as JSON and as plain text.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Strict both ways: what is written can be read back unchanged, and what is
 * read has known members, known kinds, and sizes within the limits.  Texts
 * are cleaned (control, bidi and zero-width characters) when written, so
 * that nothing stored ever needs it again.
 */

#ifndef HOST_CHAT_CARD_H
#define HOST_CHAT_CARD_H

#include <bellhop/plugin.h>

#define CARD_FIELDS	40u
#define CARD_BUTTONS	12u
#define CARD_SPANS	60u
#define CARD_INPUTS	20u
#define CARD_CHOICES	100u
#define CARD_JSON_MAX	(256u * 1024u)

/* Appends `card` as JSON, without tokens.  0, or BH_EINVAL with *error when
 * a limit is passed, a link is not https, or a needed text is NULL. */
int card_json(struct bh_buf *out, const struct bh_card *card,
    const char **error);

/* Reads it back.  NULL with *error.  Free with card_free(). */
struct bh_card *card_parse(const char *json, size_t len, const char **error);
void card_free(struct bh_card **card);

/* Appends the card as plain text: title, "label: line", what to type in
 * place of each button (with `prefix`), note.  Times are in UTC and say so;
 * `now` (ms) decides whether the date is left out.  NULL prefix: no
 * buttons. */
void card_text(struct bh_buf *out, const struct bh_card *card,
    const char *prefix, int64_t now);

/* Appends the spans as plain text. */
void card_spans_text(struct bh_buf *out, const struct bh_span *spans,
    size_t count, int64_t now);

/* The same for forms. */
int form_json(struct bh_buf *out, const struct bh_form *form,
    const char **error);
struct bh_form *form_parse(const char *json, size_t len, const char **error);
void form_free(struct bh_form **form);

#endif /* HOST_CHAT_CARD_H */
