/* slack.h - what the files of the Slack transport share.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   slack-socket (Socket Mode) --+
 *                                +-> slack-receive -> bh_deliver
 *   slack-http + slack-verify ---+        |
 *                                   slack-reply: what may still answer it
 *                                         |
 *   send, over -> slack-send, slack-home --+-> slack-card, slack-form: JSON
 *   ask, offers -> slack-view -------------+     on slack-rich, slack-value
 *                      |
 *                  slack-api     -> lanes -> Web API (slack-token, -seal)
 *                  slack-respond -> response_url
 *
 * Ids as the host sees them: a user is Slack's user id, a room its channel id, a
 * thread the ts of its first message, a message "CHANNEL:ts".
 *
 * Facts: docs.slack.dev; each file names the page that it follows.
 */

#ifndef SLACK_H
#define SLACK_H

#include <bellhop/own.h>
#include <bellhop/plugin.h>

#include <assert.h>

struct slack;
struct slack_reply;
struct slack_signer;
struct slack_socket;
struct slack_show;
struct slack_kept;

/* The action_id of the button that opens a form (its value: the form's
 * token); those of cards are "b0", "b1" ..., or "f0", "f1" ... without
 * arguments: those ask for them, and a view opens at once.  The event_type of
 * our messages' metadata, whose event_payload is {"key": post.key}.  A form's
 * view has the callback_id "form", other modals of ours "text". */
#define SLACK_FORM_ACTION	"form"
#define SLACK_POST_EVENT	"bellhop_post"
#define SLACK_FORM_VIEW		"form"

/* ------------------------------------------------------------------ */
/* slack-reply.c: what may still answer an event                       */

enum slack_from {
	SLACK_MESSAGE,		/* talk, mention, DM */
	SLACK_SLASH,
	SLACK_BUTTON,		/* block_actions on a message */
	SLACK_SHORTCUT,		/* global or message shortcut */
	SLACK_SUBMIT,		/* view_submission */
	SLACK_SUGGEST,		/* block_suggestion */
	SLACK_HOME		/* app_home_opened */
};

/* How one delivery is acknowledged: the HTTP answer or the envelope's ack.
 * BH_OK with `body`, JSON, or NULL for an empty acknowledgement; a failure: it
 * was not stored, Slack is to send it again. */
typedef void slack_ack_fn(void *arg, int result, const char *body);

/* One event, from its delivery until over().  Its id is bh_event's `reply`.
 * While `ack` waits, the first answer may be the acknowledgement. */
struct slack_reply {
	unsigned magic;
#define SLACK_REPLY_MAGIC	0x536c5265u
	struct slack *slack;
	char id[24];
	int from;			/* enum slack_from */
	char *user, *channel, *thread;	/* channel NULL: none (a modal) */
	char *message;			/* ts of the message with the button */
	char *trigger;			/* trigger_id; NULL: none or used */
	int64_t trigger_until;		/* monotonic ms: 3 s after issue */
	char *response_url;		/* a secret; NULL: none or spent */
	int responses;			/* POSTs left to it, of 5 */
	int64_t response_until;		/* monotonic ms: 30 min */
	char *view, *view_hash;		/* view_id and hash of the modal */
	bool loading;			/* that is a loading view of ours */
	bool expects_form;		/* to be opened at once */
	bool opening;			/* a view is on its way */
	bool told;			/* a text stands in the view */
	struct slack_show *shows;	/* slack-view.c's own: views to come */
	slack_ack_fn *ack;		/* NULL: acknowledged */
	void *ack_arg;
	struct bh_timer *timer;		/* the latest moment for the ack */
	struct bh_buf home;		/* SLACK_HOME: blocks so far */
	size_t home_count;		/* and how many */
	size_t home_buttons;
	bool home_full;			/* there was more */
	bool ended;			/* over() came */
	int64_t made;			/* monotonic ms */
	uint64_t number;		/* of its id */
	int refs;
	struct slack_reply *next;	/* in its bucket */
};

/* A new one, found by its id from then on; freed when over() came, or an hour
 * later, and nothing holds it.  Strings are filled in with bh_copy(). */
struct slack_reply *slack_reply_new(struct slack *s, int from);
struct slack_reply *slack_reply_find(struct slack *s, const char *id);
struct slack_reply *slack_reply_hold(struct slack_reply *r);
void slack_reply_drop(struct slack_reply *r);
/* It is durable and its acknowledgement is to come: when the first answer
 * does, or at the latest two seconds after it was made, with a view that says
 * so (a submission), or with nothing.  What is acknowledged at once never
 * comes here. */
void slack_reply_wait(struct slack_reply *r, slack_ack_fn *ack, void *arg);
/* Acknowledges with this JSON; NULL: empty.  False, and nothing done, if that
 * happened before. */
bool slack_reply_ack(struct slack_reply *r, const char *body);
/* The response_url may be used once more: counts it.  False: it is spent. */
bool slack_reply_respond(struct slack_reply *r);
/* Everything is acknowledged and freed. */
void slack_replies_close(struct slack *s);
/* bh_transport.over */
void slack_over(void *state, const char *reply, int result);

/* ------------------------------------------------------------------ */
/* slack-verify.c                                                      */

/* Is this delivery signed by Slack?  Over the raw bytes, in constant time,
 * by any of the secrets (two while one is replaced), at most 300 s off in
 * either direction.  BH_OK, or BH_EPERM with a sentence for the log. */
int slack_verify(struct slack_signer *signer, const char *const *secrets,
    const struct bh_http_in *in, int64_t now_ms, const char **why);
/* What that needs, made once; freed by slack_signer_free(). */
struct slack_signer *slack_signer_new(void);
void slack_signer_free(struct slack_signer *signer);
/* The one header of that (lower-case) name; NULL if none or several. */
const char *slack_header(const struct bh_http_in *in, const char *name);

/* ------------------------------------------------------------------ */
/* slack-decode.c                                                      */

/* A form-encoded body as a map of texts: at most 64 of them, each name once,
 * clean percent signs, UTF-8, no NUL.  NULL with a sentence; the caller frees
 * it by slack_decode_free(). */
struct bh_value *slack_decode(const char *body, size_t len, const char **why);
void slack_decode_free(struct bh_value *map);

/* ------------------------------------------------------------------ */
/* slack-http.c, slack-socket.c: two ways in                           */

int slack_http_connect(struct slack *s);
/* What is not acknowledged yet is answered: to be sent again. */
void slack_http_close(struct slack *s);
/* Begins once s->team is known. */
int slack_sockets_connect(struct slack *s);
/* Settings were read anew: what had stopped for good is tried again. */
void slack_sockets_changed(struct slack *s);
void slack_sockets_close(struct slack *s);

/* ------------------------------------------------------------------ */
/* slack-receive.c, slack-event.c, slack-interact.c: one payload, from
 * either way */

enum slack_payload { SLACK_EVENTS, SLACK_COMMANDS, SLACK_INTERACTIVE };

/* Reads the payload and delivers what it says; acknowledges by ack(ack_arg,
 * ...) once, now or later, unless slack_receive_close() comes before: then
 * never.  Garbage is acknowledged and logged. */
void slack_receive(struct slack *s, int kind, const struct bh_value *payload,
    slack_ack_fn *ack, void *ack_arg);
void slack_receive_close(struct slack *s);

/* Inside: a payload that is being read.  The readers return false for what is
 * nothing to us; `why` then says so for the log. */
struct slack_incoming {
	struct slack *slack;
	const struct bh_value *payload;
	slack_ack_fn *ack;
	void *ack_arg;
	const char *why;
};

bool slack_read_event(struct slack_incoming *in);
bool slack_read_command(struct slack_incoming *in);
bool slack_read_interaction(struct slack_incoming *in);
/* Hands it over; the acknowledgement follows.  `event->reply` and, for its
 * kinds, `event->room` are set here.  Takes the reply.  True. */
bool slack_hand_over(struct slack_incoming *in, struct slack_reply *r,
    struct bh_event *event);
/* Of one command, in bytes; a longer one is not cut but refused. */
#define SLACK_TEXT_MOST	(64u * 1024u)
/* Instead of slack_hand_over(): acknowledges, and tells the person alone that
 * the text is too long.  Takes the reply.  True. */
bool slack_too_long(struct slack_incoming *in, struct slack_reply *r);
/* Is it an id as Slack makes them (U012AB3CD)?  A ts (1355517523.000008)? */
bool slack_id_ok(const char *id);
bool slack_ts_ok(const char *ts);
/* BH_USER_GUEST for an account that is certainly of another company; ids that
 * are not known are NULL. */
unsigned slack_flags(const struct slack *s, const char *team,
    const char *enterprise);

/* ------------------------------------------------------------------ */
/* slack-text.c                                                        */

/* Appends text as mrkdwn with its markup off shows it: & < > escaped (nothing
 * else is to be), cleaned, at most `chars` characters with an ellipsis. */
void slack_escape(struct bh_buf *out, const char *text, size_t chars);
/* What people typed, as text: <@U1> becomes "@U1", <#C1|x> "#x", links their
 * address (or the word that Slack made a link of), entities characters. */
void slack_unescape(struct bh_buf *out, const char *text);

/* ------------------------------------------------------------------ */
/* slack-rich.c: rich text elements, never parsed                      */

/* A list of elements being written, with commas between them. */
struct slack_rich {
	struct slack *slack;		/* for mentions and times */
	struct bh_buf *out;
	bool some;			/* one was written */
	bool lines;			/* line ends stay */
	size_t left;			/* characters that still fit */
};

/* `style` NULL, "bold", "italic" or "code". */
void slack_rich_text(struct slack_rich *r, const char *text,
    const char *style);
void slack_rich_emoji(struct slack_rich *r, const char *name);
void slack_rich_spans(struct slack_rich *r, const struct bh_span *spans,
    size_t count);
/* The Slack account of a person, or false. */
bool slack_account(struct slack *s, const char *person, struct bh_buf *out);
/* Appends spans as clean words, times in UTC. */
void slack_plain_spans(struct slack *s, struct bh_buf *out,
    const struct bh_span *spans, size_t count);
/* Appends a plain_text object; `otherwise` if nothing of the text is seen. */
void slack_plain(struct bh_buf *out, const char *text, size_t chars,
    const char *otherwise);
/* Appends one rich_text block with running text; tables in a fixed font. */
void slack_text_block(struct bh_buf *out, const char *text, size_t weight);
/* How much Slack thinks that JSON weighs. */
size_t slack_weight(const char *json);

/* ------------------------------------------------------------------ */
/* slack-card.c, slack-form.c, slack-home.c: JSON                      */

/* Appends the array of blocks; `text` stands beside it as the fallback.  Its
 * buttons are numbered from `first`: no two on one surface are alike. */
void slack_card_blocks(struct slack *s, struct bh_buf *out,
    const struct bh_card *card, size_t first);
void slack_text_blocks(struct slack *s, struct bh_buf *out, const char *text);
/* The view object of a form (each input a block of its name, its element
 * "v"); of a moment's wait; of a text in its place. */
void slack_form_view(struct slack *s, struct bh_buf *out,
    const struct bh_form *form);
void slack_loading_view(struct slack *s, struct bh_buf *out);
void slack_text_view(struct slack *s, struct bh_buf *out, const char *text);
/* {"block id": "sentence"}; false if no input has an error. */
bool slack_form_errors(struct bh_buf *out, const struct bh_form *form);
/* {"options": [...]}, a hundred at most. */
void slack_options(struct slack *s, struct bh_buf *out,
    const struct bh_choice *choices, size_t count);
/* Adds one answer of the home page; publishes it at the end. */
void slack_home_add(struct slack_reply *r, const struct bh_post *post);
void slack_home_publish(struct slack_reply *r);

/* ------------------------------------------------------------------ */
/* slack-value.c: what is remembered about forms on screens            */

/* What stands for a value in an option, and what it stood for: NULL if that
 * was before a restart.  Short values stand for themselves. */
void slack_value_key(struct slack *s, struct bh_buf *out, const char *value);
const char *slack_value(const struct slack *s, const char *key);
/* The newest form in this view; its token, or else the view's metadata. */
void slack_view_note(struct slack *s, const char *view, const char *token);
const char *slack_view_token(const struct slack *s, const char *view,
    const char *metadata);
/* Views that wait for their button, by the form's token. */
void slack_view_wait(struct slack *s, const char *token, const char *json);
const char *slack_view_waiting(const struct slack *s, const char *token);
void slack_kept_free(struct slack_kept **kept);

/* ------------------------------------------------------------------ */
/* slack-send.c, slack-view.c: the calls of bh_transport               */

int slack_send(void *state, const struct bh_post *post, bh_sent_cb *done,
    void *arg);
int slack_ask(void *state, const struct bh_form *form, const char *user,
    const char *room, const char *reply);
void slack_offers(void *state, const char *reply,
    const struct bh_choice *choices, size_t count);
/* Says something to one person (`blocks` NULL: the text), by whatever way;
 * r and room may be NULL. */
void slack_say(struct slack *s, struct slack_reply *r, const char *room,
    const char *user, const char *text, const char *blocks);

/* Opens the loading view for this reply's trigger, before anything else. */
void slack_open_loading(struct slack_reply *r);
/* Shows this view to whoever made the event; BH_ENOENT: there is no way.
 * `token` of the form in it, or NULL; cb may be NULL. */
typedef void slack_view_cb(void *arg, int result);
void slack_view_show(struct slack_reply *r, const char *view,
    const char *token, slack_view_cb *cb, void *arg);
void slack_view_text(struct slack_reply *r, const char *text,
    slack_view_cb *cb, void *arg);
/* Is there a view that a text could stand in? */
bool slack_view_can(const struct slack_reply *r);
/* The event is over: no loading view stays. */
void slack_view_over(struct slack_reply *r, int result);
/* The button SLACK_FORM_ACTION was pressed. */
void slack_form_open(struct slack_reply *r, const char *token);

/* slack-find.c: the newest day's message with this key; BH_ENOENT: none. */
typedef void slack_find_cb(void *arg, int result, const char *channel,
    const char *ts);
void slack_find(struct slack *s, const char *channel, const char *thread,
    const char *key, slack_find_cb *cb, void *arg);

/* ------------------------------------------------------------------ */
/* slack-people.c                                                      */

void slack_who(void *state, const char *user, bh_who_cb *done, void *arg);
void slack_where(void *state, const char *room, bh_where_cb *done, void *arg);
/* Is this account one of ours: same team or enterprise as the token's, or
 * listed under `workspaces`? */
bool slack_ours(const struct slack *s, const char *team,
    const char *enterprise);
/* The channel id of a room, by id or name ("#payments"); BH_ENOENT: we are in
 * none of that name.  cb comes at once or later. */
typedef void slack_room_cb(void *arg, int result, const char *id);
void slack_room(struct slack *s, const char *room, slack_room_cb *cb,
    void *arg);
bool slack_is_channel(const char *room);
/* Asks who we are, until that is known. */
void slack_people_connect(struct slack *s);
void slack_people_close(struct slack *s);

/* ------------------------------------------------------------------ */
/* slack-api.c: the Web API                                            */

struct slack_answer {
	int result;			/* BH_OK: "ok":true came */
	bool sent;			/* false: certainly nothing happened */
	const char *error;		/* Slack's word, or a sentence */
	const struct bh_value *body;	/* NULL if none */
};

typedef void slack_api_cb(void *arg, const struct slack_answer *answer);

enum slack_rank { SLACK_NOW, SLACK_APPROVAL, SLACK_CARD, SLACK_NOTICE };

struct slack_ask {
	const char *method;		/* "chat.postMessage" */
	const char *channel;		/* its lane besides the method's; or NULL */
	const char *json;		/* body; NULL: `form` */
	const char *form;		/* x-www-form-urlencoded, for reads */
	int rank;			/* enum slack_rank */
	bool app;			/* with the xapp token */
	bool once;			/* never tried again when it may have been
					 * carried out (chat.postMessage) */
	int64_t until;			/* monotonic ms: no use later; 0: none */
};

/* Asks with the token of the moment, when the lanes allow it; 429 pauses the
 * lane of this method (and channel), token trouble is mended once.  cb comes
 * exactly once.  Results: BH_EINVAL, Slack said no by `error`; BH_EBUSY, no
 * token or scope; BH_ELIMIT, BH_ENET, BH_ETIMEOUT; BH_ECANCELLED, closing. */
void slack_api(struct slack *s, const struct slack_ask *ask,
    slack_api_cb *cb, void *arg);
void slack_api_close(struct slack *s);

/* slack-respond.c: POSTs to a response_url; cb may be NULL.  BH_ENOENT: that
 * way is over. */
void slack_respond(struct slack_reply *r, const char *json, slack_api_cb *cb,
    void *arg);
bool slack_can_respond(const struct slack_reply *r);
/* Is this URL at a host of `response-hosts`? */
bool slack_respond_ok(const struct slack *s, const char *url);
void slack_respond_close(struct slack *s);

/* ------------------------------------------------------------------ */
/* slack-token.c: tokens, rotated if there is a refresh token           */

void slack_tokens_open(struct slack *s);
/* From now on they are renewed.  Never without connect(): a tool that looks at
 * the set-up would spend the refresh token of the bot that runs. */
void slack_tokens_connect(struct slack *s);
/* Settings were read anew. */
void slack_tokens_changed(struct slack *s);
/* The bot token of now; cb at once, or after it was renewed (single flight);
 * NULL: there is none, and health says why. */
typedef void slack_token_cb(void *arg, const char *token);
void slack_token(struct slack *s, slack_token_cb *cb, void *arg);
/* Slack refused `token` with `error`: it is renewed, or left alone a while. */
void slack_token_bad(struct slack *s, const char *token, const char *error);
/* Slack took it. */
void slack_token_good(struct slack *s, const char *token);
void slack_tokens_close(struct slack *s);
extern const char *const slack_migrations[];

/* slack-seal.c: hex of a sealed text; false: it cannot be sealed.  And back,
 * to be freed with bh_secret_free(); NULL: it was sealed otherwise. */
bool slack_seal(struct slack *s, struct bh_buf *out, const char *text);
char *slack_unseal(struct slack *s, const char *hex);

/* ------------------------------------------------------------------ */
/* slack-manifest.c, slack-doctor.c: bellhop slack ...                 */

/* A message shortcut's callback id is its command's name and this. */
#define SLACK_FROM_MESSAGE	":message"

/* The n-th scope that the bot needs, and what it does with it, as in "hears
 * direct messages"; `channels`: it hears channels, too.  NULL past the last. */
const char *slack_scope(bool channels, size_t n, const char **what);
/* The option channel-messages. */
bool slack_hears_channels(struct bh_call *call);
int slack_manifest(struct bh_call *call, void *state);
int slack_doctor(struct bh_call *call, void *state);

/* ------------------------------------------------------------------ */
/* slack-check.c: settings that cannot work, said before Slack does      */

/* Looks at the settings without secrets; they may be missing yet. */
void slack_check(struct bh_check *check);
/* BH_OK, or a sentence in the log: the instance cannot be opened. */
int slack_settings_ok(const struct slack *s);
/* "127.0.0.1", "localhost", "[::1]", with a port or without? */
bool slack_is_loopback(const char *host);

/* ------------------------------------------------------------------ */
/* slack.c                                                             */

/* What can be wrong independently; health shows the worst. */
enum slack_part { SLACK_INBOUND, SLACK_OUTBOUND, SLACK_PARTS };

struct slack {
	unsigned magic;
#define SLACK_MAGIC	0x536c6163u
	struct bh_host *host;
	/* Settings, copied: a reload frees the originals.  Lists end with
	 * NULL.  Secrets stay with the host: bh_host_config(). */
	bool socket_mode;
	int connections;		/* of Socket Mode, 2 to 10 */
	char *api;			/* "https://slack.com/api/" */
	char *path;			/* of the HTTP route */
	char **response_hosts;		/* of response_url */
	char **workspaces;		/* teams and enterprises besides ours */
	char **commands;		/* slash commands, without their '/' */
	bool closing;
	struct bh_part parts[SLACK_PARTS];
	/* auth.test's answer; NULL until then */
	char *bot_user, *bot_id, *team, *enterprise, *app_id;
	void (*known)(struct slack *);	/* called whenever it came; or NULL */
	bool org;			/* installed in a whole organisation */
	struct slack_reply *replies[512];	/* slack-reply.c's own */
	uint64_t replies_made;
	struct slack_door *door;	/* slack-http.c's own */
	struct slack_delivery *deliveries;	/* slack-receive.c's own */
	uint64_t refused, parsed;	/* over HTTP: unread, and read */
	struct slack_socket *sockets;	/* slack-socket.c's own */
	struct slack_envelope *orphans;	/* slack-link.c's own */
	uint64_t links_made;
	struct slack_request *requests;	/* slack-api.c's own */
	struct slack_tokens *tokens;	/* slack-token.c's own */
	struct slack_names *names;	/* slack-people.c's own */
	struct slack_self *self;	/* slack-people.c's own */
	struct slack_responding *responds;	/* slack-respond.c's own */
	struct slack_kept *values, *views, *waiting;	/* slack-value.c's own */
};

struct slack *slack_of(void *state);
/* How one part is: !status shows the worst of them, by its sentence. */
void slack_health(struct slack *s, int part, int health, const char *fmt, ...)
    BH_PRINTF(4, 5);

#endif /* SLACK_H */
