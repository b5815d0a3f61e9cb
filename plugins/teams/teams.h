/* teams.h - what the files of the Microsoft Teams transport share.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   teams-http + teams-jwt + teams-keys -> teams-receive -> bh_deliver
 *                                               |
 *                                      teams-reply: what may still answer
 *                                               |
 *   send, ask, offers, over -> teams-send ------+-> teams-card, teams-form
 *                                 |
 *                             teams-api -> lanes -> connector (teams-token)
 *                             teams-url:    which URLs the token may go to
 *                             teams-places: conversation references
 *                             teams-person: who was heard where
 *
 * Facts: the Bot Framework's activity protocol and connector; each file names
 * the page that it follows.
 *
 * Ids as the host sees them: a user is the aadObjectId in lower case; a room
 * is a conversation's id without its ";messageid="; a message, and so a
 * thread, is "CONVERSATION|ACTIVITY" with the conversation likewise.
 */

#ifndef TEAMS_H
#define TEAMS_H

#include <bellhop/own.h>
#include <bellhop/plugin.h>

#include <assert.h>

struct teams;
struct teams_reply;

/* What our cards carry in the `data` of their actions, and the `verb` of every
 * Action.Execute.  An input's id is TEAMS_INPUT and its name; the dataset of a
 * typeahead is "FORM TOKEN/INPUT NAME". */
#define TEAMS_VERB	"bellhop"
#define TEAMS_BUTTON	"bellhop-button"	/* a button's token */
#define TEAMS_FORM	"bellhop-form"		/* a form's token */
#define TEAMS_INPUT	"in-"

/* ------------------------------------------------------------------ */
/* teams-reply.c: what may still answer an activity                    */

enum teams_from {
	TEAMS_MESSAGE,		/* talk, mention, Action.Submit */
	TEAMS_EXECUTE,		/* invoke adaptiveCard/action */
	TEAMS_FETCH,		/* invoke task/fetch, composeExtension/fetchTask */
	TEAMS_SUBMIT,		/* invoke task/submit, ../submitAction */
	TEAMS_SEARCH,		/* invoke application/search */
	TEAMS_WELCOME		/* installationUpdate, conversationUpdate: the
				 * command is help, as its first words */
};

/* One activity, from its delivery until over().  Its id is bh_event's
 * `reply`.  An invoke's HTTP request waits here: the first answer goes back in
 * it; when none has come after 2.5 s, or when over() comes before, a fitting
 * interim answer does, and what comes later goes by the connector. */
struct teams_reply {
	unsigned magic;
#define TEAMS_REPLY_MAGIC	0x546d5265u
	struct teams *teams;
	char id[24];
	int from;			/* enum teams_from */
	bool extension;			/* composeExtension/...: other answers */
	char *user;			/* aadObjectId, lower case */
	char *from_id;			/* "29:..." */
	char *conversation;		/* id, with its ";messageid=" */
	char *message;			/* id of the activity itself */
	char *activity;			/* id of the card that was pressed */
	char *form;			/* the form's token, if it came from one */
	struct bh_request *request;	/* not answered yet; or NULL */
	struct bh_timer *timer;		/* its latest moment */
	bool answered;			/* by an interim answer: the rest goes
					 * by the connector */
	bool ended;			/* over() came */
	bool spoken;			/* something was said in answer */
	bool asked;			/* a form was shown in answer */
	struct bh_timer *typing;	/* shows the dots when it takes long */
	int64_t made;			/* monotonic ms */
	uint64_t number;		/* of its id */
	int refs;
	struct teams_reply *next;	/* in its bucket */
};

/* A new one, found by its id from then on; freed when over() came, or an hour
 * later, and nothing holds it.  Strings are filled in with bh_copy(). */
struct teams_reply *teams_reply_new(struct teams *t, int from);
struct teams_reply *teams_reply_find(struct teams *t, const char *id);
struct teams_reply *teams_reply_hold(struct teams_reply *r);
void teams_reply_drop(struct teams_reply *r);
/* This request waits: an invoke's for its answer, a message's until it is
 * stored. */
void teams_reply_wait(struct teams_reply *r, struct bh_request *request);
/* Answers the invoke: HTTP 200 with this JSON; NULL: empty.  False, and
 * nothing done, if there is no request (any more). */
bool teams_reply_answer(struct teams_reply *r, const char *json);
/* The same with a sentence, in whatever shape this kind of invoke takes. */
bool teams_reply_text(struct teams_reply *r, const char *text);
/* The same for messages too, with an empty body. */
bool teams_reply_status(struct teams_reply *r, int status);
/* Frees it if it ended, was answered, and nothing holds it. */
void teams_reply_done(struct teams_reply *r);
/* teams-ask.c: a dialog with this card; this card in the place of the one that
 * was pressed; that one, for all who wait having pressed on it. */
bool teams_reply_dialog(struct teams_reply *r, const char *title,
    const char *card);
bool teams_reply_card(struct teams_reply *r, const char *card);
void teams_reply_shown(struct teams *t, const char *conversation,
    const char *activity, const char *card);
/* Shows the dots if nothing is said soon. */
void teams_typing(struct teams_reply *r);
/* The form that it came from is of no more use. */
void teams_form_over(struct teams_reply *r, int result);
/* bh_transport.over */
void teams_over(void *state, const char *reply, int result);
/* All that wait are told to try again, and everything is freed, held or not:
 * who holds one must have dropped it. */
void teams_replies_close(struct teams *t);

/* ------------------------------------------------------------------ */
/* teams-jwt.c: is this token Microsoft's, and for us?                 */

struct teams_key {			/* one RSA key of a JWKS */
	char *kid;
	void *key;			/* EVP_PKEY */
	char print[65];			/* hex SHA-256 of the public key */
	char **endorsements;		/* NULL-terminated */
	size_t endorsements_count;
	struct teams_key *next;
};

/* What a token must say.  All texts are compared byte for byte. */
struct teams_expect {
	const char *const *issuers;	/* NULL-terminated */
	const char *audience;
	int64_t now;			/* ms UTC; skew 300 s */
	bool emulator;			/* appid or azp must be the audience, and
					 * there is no serviceurl claim */
};

enum teams_verdict {
	TEAMS_GOOD, TEAMS_BAD,
	TEAMS_NO_KEY			/* a new key may be published; nothing
					 * but that speaks against it */
};

/* What a good token said, for the activity it came with. */
struct teams_claims {
	char *service_url;		/* NULL: the emulator's */
	int64_t expires;		/* ms UTC, without the skew */
	const struct teams_key *key;	/* of the list that judged it */
};

/* Judges a compact JWS (RFC 7515): RS256 and nothing else.  *why is a
 * sentence for the log, never for the answer.  Only TEAMS_GOOD fills *claims,
 * which teams_claims_release() frees. */
int teams_jwt_judge(struct bh_host *host, const char *token, size_t len,
    const struct teams_key *keys, const struct teams_expect *expect,
    struct teams_claims *claims, const char **why);
void teams_claims_release(struct teams_claims *claims);
/* Is an activity with these two what the token was made for? */
bool teams_jwt_covers(const struct teams_claims *claims,
    const char *service_url, const char *channel, const char **why);
/* The issuer that a token claims, unverified: which keys to judge it by.
 * Appended to `issuer`; false if it is no token. */
bool teams_jwt_issuer(struct bh_host *host, const char *token, size_t len,
    struct bh_buf *issuer);

/* teams-sign.c: signs a client assertion (RFC 7523) with a PEM key, as RS256 or
 * PS256.  BH_OK, or a failure with a sentence. */
int teams_jwt_assert(struct bh_buf *out, const char *header,
    const char *claims, const char *pem_key, bool pss, const char **why);

/* ------------------------------------------------------------------ */
/* teams-keys.c: Microsoft's keys                                      */

enum teams_keys_of {
	TEAMS_CHANNEL,			/* the Bot Framework's, of Teams */
	TEAMS_EMULATOR,			/* the login service's, for the emulator */
	TEAMS_KEYS_OF
};

/* The keys of now; NULL if there are none, or they are too old: then nobody can
 * say that a token is bad. */
const struct teams_key *teams_keys(struct teams *t, int of);
typedef void teams_keys_cb(void *arg);
/* A kid was not found: fetches the keys anew, at most every 60 s; cb comes
 * when that is done or is not to be done now. */
void teams_keys_missed(struct teams *t, int of, teams_keys_cb *cb, void *arg);
/* Loads the last ones from the store; ready(t, result) comes once. */
void teams_keys_open(struct teams *t, void (*ready)(struct teams *, int));
void teams_keys_connect(struct teams *t);	/* fetches */
/* Where the metadata from that URL says that the keys are; NULL with a sentence
 * if that is no place to be believed. */
const char *teams_keys_uri(const struct teams *t, const char *metadata_url,
    const struct bh_value *metadata, const char **why);
void teams_keys_close(struct teams *t);

/* teams-jwks.c */

/* Reads a JWKS (RFC 7517); NULL with a sentence. */
struct teams_key *teams_keys_read(struct bh_host *host, const char *json,
    size_t len, const char **why);
void teams_keys_free(struct teams_key *keys);
/* Strict base64url: no padding, no other characters, no bits left over; at
 * least one byte and `max` at most, a NUL behind them.  The caller frees it;
 * NULL if it is not that. */
unsigned char *teams_base64url(const char *text, size_t len, size_t max,
    size_t *out_len);

/* ------------------------------------------------------------------ */
/* teams-http.c, teams-receive.c, teams-invoke.c                       */

int teams_http_connect(struct teams *t);
void teams_http_close(struct teams *t);
/* A verified activity; answers `request` exactly once, now or later. */
void teams_receive(struct teams *t, const struct bh_value *activity,
    struct bh_request *request);
/* Answers with this status and an empty body. */
void teams_http_status(struct bh_request *request, int status);
/* Is this directory (tenant) id on the list? */
bool teams_tenant_ok(const struct teams *t, const char *tenant);
/* The tenant of the activity's conversation; NULL if it names none. */
const char *teams_tenant_of(const struct bh_value *activity);
/* One of type "invoke". */
void teams_invoke(struct teams *t, const struct bh_value *activity,
    struct bh_request *request);
/* A reply for this activity that waits with this request; NULL, and the
 * request is still the caller's, if it does not say who wrote and where. */
struct teams_reply *teams_reply_of(struct teams *t, int from,
    const struct bh_value *activity, struct bh_request *request);
/* Delivers `event` (kind, text, token and fields are the caller's, and its id,
 * if it is not the activity's); whatever comes of it is answered.  Who and
 * where come from the activity. */
int teams_deliver(struct teams_reply *r, struct bh_event *event,
    const struct bh_value *activity);
/* Data of an action: is it from a card of ours?  Then as button or form. */
bool teams_is_ours(const struct bh_value *data);
void teams_deliver_data(struct teams_reply *r,
    const struct bh_value *activity, const struct bh_value *data);

/* ------------------------------------------------------------------ */
/* teams-url.c                                                         */

/* May the bot's token be sent to this URL?  https, a host on the list, port
 * 443, no user, no address; *why a sentence. */
bool teams_url_ok(const struct teams *t, const char *url, const char **why);
/* bh_http() to `path` ("v3/...", encoded) below a service URL, which is looked
 * at once more, instead of http->url: never to a private address, unless that
 * very origin is in the settings.  NULL: refused, and the log says why. */
struct bh_xfer *teams_url_http(struct teams *t, const char *service_url,
    const char *path, const struct bh_http *http, bh_http_cb *cb, void *arg);
/* "http://127.0.0.1:3978": an http or https URL on this very machine. */
bool teams_url_local(const char *url);

/* ------------------------------------------------------------------ */
/* teams-places.c: conversation references, kept in the store          */

struct teams_place {
	char *conversation;		/* id without ";messageid=" */
	char *service_url;		/* verified */
	char *tenant, *type;		/* "personal", "groupChat", "channel" */
	char *team, *team_name, *channel_name;	/* each may be NULL */
	char *user, *from_id;		/* of a personal one */
	bool installed;			/* false: the app was taken away */
	int64_t seen, kept;		/* ms UTC of the newest activity: now,
					 * and as it is stored */
	int64_t kept_at;		/* monotonic ms of that write */
	char *welcome;			/* the event of its newest installation */
	int64_t welcomed;		/* when that was heard of, monotonic ms */
	struct teams_place *next;	/* in its bucket */
	struct teams_place *next_user;
};

/* Loads them; ready(t, result) comes once. */
void teams_places_open(struct teams *t, void (*ready)(struct teams *, int));
/* Learns from a verified activity; what is new is written down.  NULL if it
 * is none of a conversation. */
const struct teams_place *teams_place_see(struct teams *t,
    const struct bh_value *activity);
/* Does it say that the app is new there?  Then the event's id; else NULL.
 * Teams tells it in two ways at about the same time: both get the same id, so
 * that the host takes the one that is durable first, and drops the other. */
const char *teams_place_welcome(struct teams *t,
    const struct bh_value *activity);
/* `conversation` with or without its ";messageid=". */
const struct teams_place *teams_place_find(const struct teams *t,
    const char *conversation);
/* The personal one with this aadObjectId. */
const struct teams_place *teams_place_of_user(const struct teams *t,
    const char *user);
/* "Payments/General" as rooms are named in the configuration; NULL if there
 * are several. */
const struct teams_place *teams_place_named(const struct teams *t,
    const char *name);
/* Walks all of them, in no order: NULL begins and ends. */
const struct teams_place *teams_place_next(const struct teams *t,
    const struct teams_place *after);
/* Names that were looked up; NULL leaves one as it is. */
void teams_place_name(struct teams *t, const char *conversation,
    const char *team_name, const char *channel_name);
/* A conversation that we opened ourselves with somebody. */
void teams_place_add(struct teams *t, const char *conversation,
    const char *service_url, const char *tenant, const char *user,
    const char *from_id);
/* The connector says that it is no more. */
void teams_place_gone(struct teams *t, const char *conversation);
void teams_places_close(struct teams *t);

/* ------------------------------------------------------------------ */
/* teams-person.c: who was heard, kept in the store                    */

struct teams_person {
	char *user, *from_id;
	char *conversation;		/* where last, without ";messageid=" */
	char *tenant;			/* NULL: not known */
	int64_t seen, kept;		/* ms UTC: then, and as it is stored */
	int64_t kept_at;		/* monotonic ms of that write */
	struct teams_person *next;	/* in its bucket */
};

/* Loads them; ready(t, result) comes once. */
void teams_people_open(struct teams *t, void (*ready)(struct teams *, int));
/* They sent this there; what is new is written down. */
void teams_person_heard(struct teams *t, const char *user,
    const struct teams_place *place, const struct bh_value *activity);
/* A roster says of which directory they are. */
void teams_person_is_of(struct teams *t, const char *user,
    const char *tenant);
/* NULL if they were not heard. */
const struct teams_person *teams_person_find(const struct teams *t,
    const char *user);
void teams_people_close(struct teams *t);

/* ------------------------------------------------------------------ */
/* teams-text.c, teams-rich.c, teams-card.c, teams-form.c               */

/* teams-typed.c: what was typed: our own mention (by its entity) taken out, others as
 * "@NAME"; NBSP and the last newline gone.  True if we were mentioned. */
bool teams_text_typed(struct teams *t, struct bh_buf *out,
    const struct bh_value *activity);
/* An activity weighs so many UTF-16 units at most: 28 KB. */
#define TEAMS_WEIGHT	(28u * 1024u / 2u)
#define TEAMS_CARD_TYPE	"application/vnd.microsoft.card.adaptive"
/* Whom and what times a card can name alive, each. */
#define TEAMS_LIVE	8u

/* How a TextRun looks. */
struct teams_look {
	const char *size, *colour;	/* NULL: as usual */
	bool strong, subtle, mono;
};

/* People and times that were named in a card so far. */
struct teams_live {
	const struct bh_span *people[TEAMS_LIVE];
	size_t people_count;
	int64_t times[TEAMS_LIVE];
	size_t times_count;
};

/* teams-rich.c: a RichTextBlock being written. */
struct teams_rich {
	struct teams *teams;
	struct bh_buf *out;
	size_t left;			/* characters that may follow */
	struct teams_look look;
	struct teams_live *live;	/* or NULL */
	bool lines;			/* line ends stay */
	bool some;			/* anything was written */
};

void teams_rich_begin(struct teams_rich *r);
/* Clean, clipped to what is left, and never empty on the wire. */
void teams_rich_text(struct teams_rich *r, const char *text);
void teams_rich_spans(struct teams_rich *r, const struct bh_span *spans,
    size_t count);
/* `more`: members of the block, each with a comma before it; or NULL. */
void teams_rich_end(struct teams_rich *r, const char *more);
/* Appends elements, each after a comma: mentions; times where the reader
 * is.  The mentions count only with the entities in the card's "msteams". */
void teams_live_body(struct teams *t, struct bh_buf *out,
    const struct teams_live *live);
void teams_live_entities(struct teams *t, struct bh_buf *out,
    const struct teams_live *live);

/* A JSON string for where text is plain anyway; `otherwise`, if there is
 * nothing to read in it. */
void teams_plain(struct bh_buf *out, const char *text, size_t chars,
    bool lines, const char *otherwise);
/* A JSON string that comes back to us letter by letter.  False, and nothing
 * written, if it is no UTF-8 or longer: cut, it would be another. */
bool teams_value(struct bh_buf *out, const char *text, size_t chars);
/* Appends the card's JSON, within the limits: what is left out is said. */
void teams_card_json(struct teams *t, struct bh_buf *out,
    const struct bh_card *card);
void teams_text_card(struct teams *t, struct bh_buf *out, const char *text);

/* Where a form is shown: in a dialog, in a chat, in a chat with others. */
enum teams_where { TEAMS_DIALOG, TEAMS_CHAT, TEAMS_GROUP };
/* False, and nothing written, if it fits into no activity. */
bool teams_form_json(struct teams *t, struct bh_buf *out,
    const struct bh_form *form, int where);

/* A message activity with a card (its JSON); with a card; with plain text,
 * which becomes a card when its lines stand in columns. */
void teams_activity(struct bh_buf *out, const char *card,
    const char *summary);
void teams_activity_card(struct teams *t, struct bh_buf *out,
    const struct bh_card *card, const char *summary);
void teams_activity_text(struct teams *t, struct bh_buf *out,
    const char *text);

/* ------------------------------------------------------------------ */
/* teams-send.c, teams-ask.c: the calls of bh_transport                 */

int teams_send(void *state, const struct bh_post *post, bh_sent_cb *done,
    void *arg);
int teams_ask(void *state, const struct bh_form *form, const char *user,
    const char *room, const char *reply);
void teams_offers(void *state, const char *reply,
    const struct bh_choice *choices, size_t count);

void teams_send_close(struct teams *t);

/* Where an activity of our own making goes. */
struct teams_to {
	const char *conversation;	/* with its ";messageid="; NULL: `user` */
	const char *activity;		/* the one to edit; NULL: a new one */
	const char *user;		/* whose chat with us, opened if need be */
	const char *otherwise;		/* the same, if the conversation does not
					 * take it; or NULL */
};

/* Appends the connector that we heard from last; before anybody spoke, the one
 * of the first host on the list. */
void teams_any_service_url(struct teams *t, struct bh_buf *out);
/* False: that leads nowhere. */
bool teams_send_json(struct teams *t, const struct teams_to *to,
    const char *json);

/* ------------------------------------------------------------------ */
/* teams-people.c, teams-rooms.c                                       */

void teams_who(void *state, const char *user, bh_who_cb *done, void *arg);
void teams_where(void *state, const char *room, bh_where_cb *done, void *arg);
/* A name as one part of "TEAM/CHANNEL"; NULL if there is nothing in it.  The
 * caller frees it. */
char *teams_room_part(const char *name);

/* ------------------------------------------------------------------ */
/* teams-api.c: the connector                                          */

struct teams_answer {
	int result;			/* BH_OK: 2xx */
	int status;
	bool sent;
	const char *code;		/* error.code, cleaned, or a sentence */
	const struct bh_value *body;	/* NULL if none */
};

typedef void teams_api_cb(void *arg, const struct teams_answer *answer);

enum teams_rank { TEAMS_NOW, TEAMS_APPROVAL, TEAMS_CARD, TEAMS_NOTICE };

struct teams_ask {
	const char *method;
	const char *service_url;	/* checked again before it is used */
	const char *path;		/* "v3/conversations/..." , encoded */
	const char *conversation;	/* its lane; NULL: the one of all such */
	const char *json;		/* or NULL */
	int rank;			/* enum teams_rank */
	bool once;			/* not again if it may have been done */
	bool brief;			/* not worth a second try */
	bool graph;			/* below graph-url, with its own token */
};

/* One writer per conversation, the limits and the retry table of the
 * connector, one new token on a 401.  cb comes exactly once, maybe at once;
 * the body lives until it returns. */
void teams_api(struct teams *t, const struct teams_ask *ask,
    teams_api_cb *cb, void *arg);
/* Appends "v3/conversations/ID/REST[/ID]", encoded. */
void teams_api_path(struct bh_buf *out, const char *conversation,
    const char *rest, const char *id);
/* After teams_token_close(): who waited for a token is told. */
void teams_api_close(struct teams *t);

/* ------------------------------------------------------------------ */
/* teams-token.c: our token, by secret, certificate, federation or managed
 * identity                                                            */

/* BH_EINVAL, with a line in the log, if the settings name no way, or several. */
int teams_token_open(struct teams *t);
void teams_token_connect(struct teams *t);	/* fetches the first */
void teams_token_close(struct teams *t);
typedef void teams_token_cb(void *arg, const char *token);
/* For `scope`; cb at once or after it was fetched (single flight); NULL: not
 * to be had, and health says why; "": none is needed (the emulator). */
void teams_token(struct teams *t, const char *scope, teams_token_cb *cb,
    void *arg);
void teams_token_bad(struct teams *t, const char *token);
/* Why there is none; NULL: nothing is wrong. */
const char *teams_token_trouble(const struct teams *t, const char *scope);

/* teams-login.c: one question to the login service, or to this machine */

struct teams_login_answer {
	const char *token;		/* NULL: none */
	int64_t life;			/* ms */
	const char *trouble;		/* a sentence that says what to do */
	int64_t wait;			/* ms, as it asks; 0 */
	bool settings;			/* it will not get better by itself */
};

typedef void teams_login_cb(void *arg,
    const struct teams_login_answer *answer);
/* cb comes exactly once, later, unless it is cancelled. */
struct teams_login *teams_login(struct teams *t, const char *scope,
    teams_login_cb *cb, void *arg);
void teams_login_cancel(struct teams_login *login);
/* "client secret"; NULL with a sentence if the settings are not clear. */
const char *teams_login_way(struct teams *t, const char **why);

/* teams-aadsts.c: appends what a refusal means and what to do; true if
 * somebody must do it. */
bool teams_login_trouble(struct teams *t, struct bh_buf *out, int status,
    const struct bh_value *body, bool metadata);

/* ------------------------------------------------------------------ */
/* teams-manifest.c, teams-doctor.c: bellhop teams ...                 */

/* teams-zip.c: a ZIP file being written; both buffers are born by the owner. */
struct teams_zip {
	struct bh_buf file, directory;
	unsigned count;
};

void teams_zip_add(struct teams_zip *z, const char *name, const void *data,
    size_t len);
/* True: z->file is whole. */
bool teams_zip_end(struct teams_zip *z);
void teams_zip_release(struct teams_zip *z);

int teams_manifest(struct bh_call *call, void *state);
int teams_doctor(struct bh_call *call, void *state);

/* teams-check.c: bh_plugin.check */
void teams_check(struct bh_check *check);

/* ------------------------------------------------------------------ */
/* teams.c                                                             */

/* What can be wrong independently; health shows the worst. */
enum teams_part { TEAMS_INBOUND, TEAMS_OUTBOUND, TEAMS_PARTS };

struct teams {
	unsigned magic;
#define TEAMS_MAGIC	0x5465616du
	struct bh_host *host;
	/* Settings, copied: a reload frees the originals.  Lists end with NULL.
	 * URLs have no slash at their end. */
	char *app_id, *tenant, *path;
	char *login, *metadata, *issuer, *scope, *graph;
	char **tenants;			/* whose people may speak to us */
	char **service_hosts;
	char **commands;		/* offered in the compose box */
	bool emulator;			/* loudly */
	bool closing;
	struct bh_part parts[TEAMS_PARTS];
	struct teams_reply *replies[512];	/* teams-reply.c's own */
	uint64_t replies_made;
	struct teams_door *door;	/* teams-http.c's own */
	struct teams_keyring *keyring;	/* teams-keys.c's own */
	struct teams_places *places;	/* teams-places.c's own */
	struct teams_tokens *tokens;	/* teams-token.c's own */
	struct teams_lanes *lanes;	/* teams-api.c's own */
	struct teams_people *people;	/* teams-person.c's own */
	struct teams_said *said;	/* teams-send.c's own */
};

struct teams *teams_of(void *state);
char *teams_lower(const char *text);	/* a copy with A-Z in lower case */
bool teams_is_guid(const char *text);
/* How one part is: !status shows the worst of them, by its sentence. */
void teams_health(struct teams *t, int part, int health, const char *fmt, ...)
    BH_PRINTF(4, 5);

#endif /* TEAMS_H */
