/* ws-peer.h - a WebSocket server for tests, in the test's own loop.
 * SPDX-License-Identifier: Apache-2.0
 *
 * wslay's server side, so that the frames of both ends are not ours.  It can
 * misbehave in every way that the client must survive.
 */

#ifndef TESTS_UNIT_WS_PEER_H
#define TESTS_UNIT_WS_PEER_H

#include <wslay/wslay.h>

#include <bellhop/plugin.h>

struct loop;

struct ws_peer;

struct ws_conn {
	struct ws_peer *peer;
	int fd;				/* -1: over */
	struct ssl_st *ssl;		/* NULL: no TLS (yet) */
	bool open;			/* the handshake is done */
	bool paused;			/* reads nothing */
	struct bh_watch *watch;
	unsigned watched;
	char head[8192];		/* the request as it came */
	size_t head_len;
	char tunnel[1000];		/* the CONNECT before it */
	wslay_event_context_ptr frames;
	char last[200];			/* of the last text message */
	size_t last_len;
	uint64_t sum;			/* of all bytes of text messages */
	size_t messages, bytes, pings, pongs;
	char pong[130];			/* of the last pong */
	int code;			/* of the goodbye that came; 0: none */
};

struct ws_peer {
	struct loop *loop;
	int fd, port;
	struct bh_watch *watch;
	/* What it does with the request. */
	const char *answer;		/* says this instead of an answer */
	bool mute;			/* says nothing */
	bool bad_accept;
	bool no_goodbye;		/* does not answer a close */
	const char *more;		/* sent in one piece with the answer */
	size_t more_len;
	/* As a proxy: wants CONNECT first, with this authorization. */
	bool proxy;
	const char *authorization;
	/* TLS, with a certificate of its own making for 127.0.0.1 and
	 * slack.example. */
	struct ssl_ctx_st *tls;
	char offered[100];		/* by ALPN: "h2 http/1.1" */
	struct ws_conn conns[16];
	size_t count;
};

void ws_peer_open(struct ws_peer *peer, struct loop *loop);
void ws_peer_close(struct ws_peer *peer);

/* From now on in TLS; writes the certificate to `path` if that is not NULL. */
void ws_peer_tls(struct ws_peer *peer, const char *path);

/* A message of the peer's, in one frame; bytes as they are; a frame. */
void ws_peer_say(struct ws_conn *c, const char *text, size_t len);
void ws_peer_raw(struct ws_conn *c, const void *bytes, size_t len);
/* As much as goes at once; 0: nothing does. */
size_t ws_peer_try(struct ws_conn *c, const void *bytes, size_t len);
void ws_peer_frame(struct ws_conn *c, int first, const void *data, size_t len);
void ws_peer_goodbye(struct ws_conn *c, int code);
void ws_peer_pause(struct ws_conn *c, bool paused);
/* Hangs up; with a reset if `hard`. */
void ws_peer_hang_up(struct ws_conn *c, bool hard);

#endif /* TESTS_UNIT_WS_PEER_H */
