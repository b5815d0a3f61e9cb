/*
 * http-conn.c - connections to our server: how many, and how long.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd knows an idle timeout only, which a slow peer renews with
 * every byte.  The deadlines here are ours: each connection stands in the
 * line of its phase, oldest first, and its socket is shut down when the
 * phase takes too long.
 */

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "host/base/mem.h"
#include "host/io/http-server-inside.h"

/* ------------------------------------------------------------------ */
/* Deadlines                                                           */

static int64_t
phase_limit(const struct bh_server *server, enum phase phase)
{
	switch (phase) {
	case HEAD:
		return server->limits.head;
	case BODY:
		return server->limits.body;
	default:
		return server->limits.idle;
	}
}

static int64_t
conn_left(const struct conn *c)
{
	return phase_limit(c->server, c->phase) -
	    (int64_t)(uv_now(&c->server->loop->uv) - c->since);
}

static void deadline_rang(uv_timer_t *timer);

/* Sets the one timer to the earliest of the phases' first deadlines. */
static void
deadline_arm(struct bh_server *server)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < PHASES; i++) {
		const struct conn *c = server->lines[i].first;

		if (c != NULL && conn_left(c) < least)
			least = conn_left(c);
	}
	if (least == INT64_MAX) {
		server->due = 0;
		uv_timer_stop(server->deadline);
	} else {
		if (least < 0)
			least = 0;
		server->due = uv_now(&server->loop->uv) + (uint64_t)least + 1;
		uv_timer_start(server->deadline, deadline_rang,
		    (uint64_t)least + 1, 0);
	}
}

/* Is the timer set for a time before the end of this phase?  Then it looks
 * around once in vain, which is cheaper than to set it at every step. */
static bool
deadline_known(const struct conn *c)
{
	uint64_t due = c->server->due;

	return due != 0 && due <= c->since +
	    (uint64_t)phase_limit(c->server, c->phase) + 1;
}

static void
conn_leave(struct conn *c)
{
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else if (c->phase != HELD)
		c->server->lines[c->phase].end = c->prev;
}

/* Moves the connection to the end of the line of `phase`. */
static void
conn_enter(struct conn *c, enum phase phase)
{
	struct bh_server *server = c->server;

	c->phase = phase;
	c->since = uv_now(&server->loop->uv);
	if (phase == HELD) {
		/* Whoever holds it has no deadline: no line to stand in. */
		c->next = server->conns_held;
		if (c->next != NULL)
			c->next->prev = &c->next;
		c->prev = &server->conns_held;
		server->conns_held = c;
		return;
	}
	c->next = NULL;
	c->prev = server->lines[phase].end;
	*c->prev = c;
	server->lines[phase].end = &c->next;
	/* With company its deadline is not the first of its line. */
	if (server->lines[phase].first == c && !server->closing &&
	    !deadline_known(c))
		deadline_arm(server);
}

void
http_conn_phase(struct conn *c, enum phase phase)
{
	conn_leave(c);
	conn_enter(c, phase);
}

static void
deadline_rang(uv_timer_t *timer)
{
	struct bh_server *server =
	    CAST(struct bh_server, timer->data, SERVER_MAGIC);

	loop_touch(server->loop);
	for (int i = 0; i < PHASES; i++)
		for (struct conn *c = server->lines[i].first; c != NULL &&
		    conn_left(c) <= 0; c = server->lines[i].first) {
			/* libmicrohttpd sees the end of the stream and closes;
			 * until it does, the line is not to be held up. */
			shutdown(c->fd, SHUT_RDWR);
			http_conn_phase(c, HELD);
		}
	deadline_arm(server);
	http_server_run(server);
}

/* ------------------------------------------------------------------ */
/* Connections                                                         */

static bool
same_address(const struct sockaddr *a, const struct sockaddr_storage *b)
{
	const struct in6_addr *a6, *b6;

	if (a->sa_family != b->ss_family)
		return false;
	if (a->sa_family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)(const void *)a)
		    ->sin_addr, &((const struct sockaddr_in *)(const void *)b)
		    ->sin_addr, sizeof(struct in_addr)) == 0;
	if (a->sa_family != AF_INET6)
		return false;
	a6 = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
	b6 = &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr;
	/* One customer usually has a whole /64. */
	return memcmp(a6, b6, IN6_IS_ADDR_V4MAPPED(a6) ? 16 : 8) == 0;
}

static bool
is_loopback(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *)(const void *)a)
		    ->sin_addr.s_addr) >> 24) == 127;
	if (a->sa_family == AF_INET6) {
		const struct in6_addr *in6 =
		    &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;

		return IN6_IS_ADDR_LOOPBACK(in6) ||
		    (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == 127);
	}
	return false;
}

static unsigned
count_from(const struct conn *c, const struct sockaddr *from)
{
	unsigned n = 0;

	for (; c != NULL; c = c->next)
		if (same_address(from, &c->peer))
			n++;
	return n;
}

/* May this peer have one more connection? */
enum MHD_Result
http_accept_policy(void *arg, const struct sockaddr *from, socklen_t len)
{
	struct bh_server *server = CAST(struct bh_server, arg, SERVER_MAGIC);
	unsigned n;

	(void)len;
	if (is_loopback(from))
		return MHD_YES;
	n = count_from(server->conns_held, from);
	for (int i = 0; i < PHASES; i++)
		n += count_from(server->lines[i].first, from);
	return n < server->limits.per_address ? MHD_YES : MHD_NO;
}

static void
conn_name_peer(struct conn *c, const struct sockaddr *peer)
{
	socklen_t len = peer->sa_family == AF_INET6 ?
	    sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	memcpy(&c->peer, peer, len);
	/* Only a neighbour can be a transfer of our own. */
	if (is_loopback(peer))
		c->port = ntohs(peer->sa_family == AF_INET6 ?
		    ((const struct sockaddr_in6 *)(const void *)peer)->sin6_port :
		    ((const struct sockaddr_in *)(const void *)peer)->sin_port);
	if (getnameinfo(peer, len, c->peer_text, sizeof(c->peer_text), NULL, 0,
	    NI_NUMERICHOST) != 0)
		c->peer_text[0] = '\0';
}

void
http_connection_changed(void *arg, struct MHD_Connection *mhd, void **mine,
    enum MHD_ConnectionNotificationCode what)
{
	struct bh_server *server = CAST(struct bh_server, arg, SERVER_MAGIC);
	const union MHD_ConnectionInfo *info;
	struct conn *c;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		c = CAST(struct conn, *mine, CONN_MAGIC);
		*mine = NULL;
		server->closed = true;
		conn_leave(c);
		KILL_MAGIC(c);
		free(c);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->magic = CONN_MAGIC;
	c->server = server;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info != NULL ? info->connect_fd : -1;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info != NULL && info->client_addr != NULL)
		conn_name_peer(c, info->client_addr);
	*mine = c;
	conn_enter(c, HEAD);
}

struct conn *
http_conn_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return CAST(struct conn, info->socket_context, CONN_MAGIC);
}
