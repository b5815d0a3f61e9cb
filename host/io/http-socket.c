/*
 * http-socket.c - the socket our server listens on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/io/http-server-inside.h"

int
http_socket(const char *address, int *port, const char **error)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	}, *found = NULL;
	static _Thread_local char sentence[256];
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);
	char service[16];
	int fd = -1, yes = 1, ret;

	if (strcmp(address, "localhost") == 0)
		address = "127.0.0.1";
	snprintf(service, sizeof(service), "%d", *port);
	if (*port < 0 || *port > 65535 ||
	    (ret = getaddrinfo(address, service, &hints, &found)) != 0) {
		snprintf(sentence, sizeof(sentence), "cannot listen on \"%s\" "
		    "port %d: give a numeric address and a port below 65536",
		    address, *port);
		*error = sentence;
		return -1;
	}
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) < 0 ||
	    listen(fd, 511) < 0 ||
	    getsockname(fd, (struct sockaddr *)&bound, &len) < 0) {
		snprintf(sentence, sizeof(sentence), "cannot listen on %s "
		    "port %d: %s", address, *port, strerror(errno));
		*error = sentence;
		freeaddrinfo(found);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	freeaddrinfo(found);
	*port = ntohs(bound.ss_family == AF_INET6 ?
	    ((struct sockaddr_in6 *)&bound)->sin6_port :
	    ((struct sockaddr_in *)&bound)->sin_port);
	return fd;
}
