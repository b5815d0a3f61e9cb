/*
 * http-server-inside.h - what the files of our HTTP server share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_IO_HTTP_SERVER_INSIDE_H
#define HOST_IO_HTTP_SERVER_INSIDE_H

#include <sys/socket.h>

#include <microhttpd.h>

#include "host/base/arena.h"
#include "host/io/http-server.h"
#include "host/io/loop-inside.h"

enum phase { IDLE, HEAD, BODY, ANSWER, PHASES, HELD = PHASES };

struct conn {
	unsigned magic;
#define CONN_MAGIC	0x636f6e6eu
	struct bh_server *server;
	struct conn *next, **prev;	/* in the line of its phase */
	enum phase phase;
	uint64_t since;			/* uv_now() */
	int fd, port;
	struct sockaddr_storage peer;
	char peer_text[64];
};

struct route {
	struct route *next;
	char *method, *path;
	size_t len;		/* of the path, without "*" */
	bool prefix;
	bh_route_cb *cb;
	void *arg;
	const char *who;
};

struct request {
	unsigned magic;
#define REQUEST_MAGIC	0x72657175u
	struct bh_request public;	/* what routes get */
	struct bh_server *server;
	struct conn *conn;
	struct MHD_Connection *mhd;
	struct request *next, **prev;	/* of those handed to a route */
	const void *route_arg;
	struct arena *memory;		/* of the URI and headers' names */
	const char *uri;
	struct bh_buf body;
	struct bh_pair *headers;
	size_t headers_count, headers_size;
	bool checked, bad_header;
	bool held, suspended;
	/* The answer, once there is one. */
	bool answered, hang_up;
	int status;
	struct MHD_Response *response;
};

struct line { struct conn *first, **end; };

struct bh_server {
	unsigned magic;
#define SERVER_MAGIC	0x73727672u
	struct loop *loop;
	struct MHD_Daemon *daemon;
	uv_poll_t *poll;
	uv_timer_t *timer;	/* libmicrohttpd's */
	uv_timer_t *deadline;	/* ours, of the connections */
	uint64_t due;		/* when it rings (uv_now()); 0: not set */
	struct http_limits limits;
	struct line lines[PHASES];
	struct route *routes;
	struct request *requests;
	size_t unanswered;
	bool running, closing;
	bool closed;		/* a connection, while running */
	struct conn *conns_held;
};

/* http-socket.c: a listening socket, or -1 and *error; *port as in
 * http_listen(). */
int http_socket(const char *address, int *port, const char **error);

/* http-conn.c: callbacks for libmicrohttpd; the connection behind one of its
 * handles; and on to another phase. */
enum MHD_Result http_accept_policy(void *server, const struct sockaddr *from,
    socklen_t len);
void http_connection_changed(void *server, struct MHD_Connection *mhd,
    void **mine, enum MHD_ConnectionNotificationCode what);
struct conn *http_conn_of(struct MHD_Connection *mhd);
void http_conn_phase(struct conn *c, enum phase phase);

/* http-server.c: lets libmicrohttpd do what is to be done. */
void http_server_run(struct bh_server *server);

#endif /* HOST_IO_HTTP_SERVER_INSIDE_H */
