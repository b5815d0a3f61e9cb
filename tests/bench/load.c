/* load.c - the same HTTP request many times over, and how long each took.
 * SPDX-License-Identifier: Apache-2.0
 *
 *	http-load [-c CONNECTIONS] [-n REQUESTS] [-w WARM-UP] [-k KEY]
 *	    [-l LINES] PORT HEAD BODY
 *
 * HEAD is a file with the request line and headers, BODY one with the body.
 * In both, {{id}} is a number that never comes twice, {{conn}} the connection's
 * number in four digits, {{time}} the seconds since 1970, {{line}} the next
 * line of the file LINES, round and round, and, in HEAD, {{sig}} Slack's
 * signature of time and body by KEY.  Each connection sends its next request
 * when it has the answer to the last.  Prints one line of JSON; times in ms.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "host/base/banned.h"

#define ROOM		65536		/* of a request, and of an answer */
#define MAX_STATUS	600

struct conn {
	int fd, number;
	size_t out_len, out_at, in_len;
	uint64_t begun;			/* µs */
	char out[ROOM], in[ROOM];
};

struct text { char *s; size_t len; };

static struct text head, body, lines;
static size_t line_at;
static const char *key;
static struct sockaddr_in address = { .sin_family = AF_INET };
static int epoll;
static uint64_t next_id, requests = 10000, warm_up, begun, done;
static uint64_t statuses[MAX_STATUS], reconnects;
static uint32_t *took;			/* µs */

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "http-load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
micros(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static struct text
read_file(const char *path)
{
	struct text t = { calloc(1, 1 << 22), 0 };
	FILE *f = fopen(path, "rb");

	if (f == NULL || t.s == NULL)
		fail(path);
	t.len = fread(t.s, 1, (1 << 22) - 1, f);
	fclose(f);
	return t;
}

/* ------------------------------------------------------------------ */
/* Making requests                                                     */

static void
put(char *out, size_t *len, const char *s, size_t n)
{
	if (n > ROOM - *len) {
		errno = EMSGSIZE;
		fail("a request");
	}
	memcpy(out + *len, s, n);
	*len += n;
}

static void
put_line(char *out, size_t *len)
{
	const char *end;
	size_t n;

	if (lines.len == 0)
		return;
	if (line_at >= lines.len)
		line_at = 0;
	end = memchr(lines.s + line_at, '\n', lines.len - line_at);
	n = end != NULL ? (size_t)(end - lines.s) - line_at :
	    lines.len - line_at;
	put(out, len, lines.s + line_at, n);
	line_at += n + 1;
}

static void
put_signature(char *out, size_t *len, const char *now, const char *text,
    size_t text_len)
{
	char base[ROOM + 64], hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned char md[EVP_MAX_MD_SIZE];
	size_t n = (size_t)snprintf(base, 64, "v0:%s:", now);
	unsigned md_len = 0;

	memcpy(base + n, text, text_len);
	HMAC(EVP_sha256(), key, (int)strlen(key), (unsigned char *)base,
	    n + text_len, md, &md_len);
	for (unsigned i = 0; i < md_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
	put(out, len, "v0=", 3);
	put(out, len, hex, 2 * (size_t)md_len);
}

/* Fills a template in; `text` is the body, for the signature in a head. */
static void
render(char *out, size_t *len, const struct text *from, const struct conn *c,
    const char *now, const char *text, size_t text_len)
{
	const char *p = from->s, *end = from->s + from->len, *open;
	char number[32];

	while ((open = memmem(p, (size_t)(end - p), "{{", 2)) != NULL) {
		put(out, len, p, (size_t)(open - p));
		p = memmem(open, (size_t)(end - open), "}}", 2);
		if (p == NULL)
			fail("a {{ without }}");
		p += 2;
		if (strncmp(open, "{{id}}", 6) == 0)
			put(out, len, number, (size_t)snprintf(number,
			    sizeof(number), "%llu",
			    (unsigned long long)next_id));
		else if (strncmp(open, "{{conn}}", 8) == 0)
			put(out, len, number, (size_t)snprintf(number,
			    sizeof(number), "%04d", c->number));
		else if (strncmp(open, "{{time}}", 8) == 0)
			put(out, len, now, strlen(now));
		else if (strncmp(open, "{{line}}", 8) == 0)
			put_line(out, len);
		else if (strncmp(open, "{{sig}}", 7) == 0 && key != NULL)
			put_signature(out, len, now, text, text_len);
		else
			put(out, len, open, (size_t)(p - open));
	}
	put(out, len, p, (size_t)(end - p));
}

static void
make_request(struct conn *c)
{
	char text[ROOM], now[32], length[64];
	size_t text_len = 0;

	snprintf(now, sizeof(now), "%lld", (long long)time(NULL));
	next_id++;
	render(text, &text_len, &body, c, now, NULL, 0);
	c->out_len = c->out_at = c->in_len = 0;
	render(c->out, &c->out_len, &head, c, now, text, text_len);
	put(c->out, &c->out_len, length, (size_t)snprintf(length,
	    sizeof(length), "Content-Length: %zu\r\n\r\n", text_len));
	put(c->out, &c->out_len, text, text_len);
	c->begun = micros();
	begun++;
}

/* ------------------------------------------------------------------ */
/* Connections                                                         */

static void
watch(struct conn *c, int how)
{
	struct epoll_event e = { .events = EPOLLIN |
	    (c->out_at < c->out_len ? (uint32_t)EPOLLOUT : 0), .data.ptr = c };

	if (epoll_ctl(epoll, how, c->fd, &e) < 0)
		fail("epoll");
}

static void
open_conn(struct conn *c)
{
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address,
	    sizeof(address)) < 0)
		fail("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	watch(c, EPOLL_CTL_ADD);
}

static void
send_more(struct conn *c)
{
	bool waited = c->out_at > 0;

	while (c->out_at < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_at,
		    c->out_len - c->out_at, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return;		/* the read will see why */
		c->out_at += (size_t)n;
	}
	if (waited || c->out_at < c->out_len)
		watch(c, EPOLL_CTL_MOD);
}

/* Bytes of the whole answer once it is all there; 0: not yet.  Knows
 * Content-Length, chunks as they end, and answers without a body. */
static size_t
whole(const struct conn *c)
{
	const char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4), *p;
	size_t top;

	if (end == NULL)
		return 0;
	top = (size_t)(end - c->in) + 4;
	for (p = c->in; p < end; p = (const char *)memchr(p, '\n',
	    (size_t)(end + 2 - p)) + 1) {
		if (strncasecmp(p, "content-length:", 15) == 0) {
			size_t n = strtoul(p + 15, NULL, 10);

			return c->in_len >= top + n ? top + n : 0;
		}
		if (strncasecmp(p, "transfer-encoding: chunked", 26) == 0)
			return c->in_len >= top + 5 && memcmp(c->in +
			    c->in_len - 5, "0\r\n\r\n", 5) == 0 ? c->in_len : 0;
	}
	return top;
}

static void
next(struct conn *c)
{
	if (begun >= requests + warm_up)
		return;
	make_request(c);
	send_more(c);
}

/* Answered: counts it, and sends the next. */
static void
answered(struct conn *c)
{
	long status = c->in_len > 12 ? strtol(c->in + 9, NULL, 10) : 0;

	if (done++ >= warm_up) {
		statuses[status > 0 && status < MAX_STATUS ? status : 0]++;
		took[done - warm_up - 1] = (uint32_t)(micros() - c->begun);
	}
	next(c);
}

static void
read_more(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, ROOM - c->in_len, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		/* Hung up: what was under way goes again. */
		close(c->fd);
		reconnects++;
		open_conn(c);
		c->out_at = c->in_len = 0;
		send_more(c);
		return;
	}
	c->in_len += (size_t)n;
	if (whole(c) > 0)
		answered(c);
}

/* ------------------------------------------------------------------ */
/* The measurement                                                     */

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double
percentile(double p)
{
	uint64_t at = (uint64_t)(p / 100 * (double)requests);

	return took[at < requests ? at : requests - 1] / 1000.0;
}

static void
report(uint64_t us)
{
	const char *comma = "";

	qsort(took, requests, sizeof(*took), compare);
	printf("{\"requests\":%llu,\"seconds\":%.3f,\"rate\":%.1f,\"p50\":%.3f,"
	    "\"p99\":%.3f,\"max\":%.3f,\"reconnects\":%llu,\"status\":{",
	    (unsigned long long)requests, (double)us / 1e6,
	    (double)requests * 1e6 / (double)us, percentile(50),
	    percentile(99), percentile(100), (unsigned long long)reconnects);
	for (int i = 0; i < MAX_STATUS; i++)
		if (statuses[i] > 0) {
			printf("%s\"%d\":%llu", comma, i,
			    (unsigned long long)statuses[i]);
			comma = ",";
		}
	printf("}}\n");
}

static void
run(struct conn *conns, int count)
{
	struct epoll_event events[256];
	uint64_t start = warm_up == 0 ? micros() : 0;

	for (int i = 0; i < count; i++) {
		conns[i].number = i;
		open_conn(&conns[i]);
		next(&conns[i]);
	}
	while (done < requests + warm_up) {
		int n = epoll_wait(epoll, events, 256, 60000);

		if (n == 0) {
			errno = ETIMEDOUT;
			fail("no answer for a minute");
		}
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (events[i].events & EPOLLOUT)
				send_more(c);
			if (events[i].events & ~(uint32_t)EPOLLOUT)
				read_more(c);
		}
		if (start == 0 && done >= warm_up)
			start = micros();
	}
	report(micros() - start);
}

int
main(int argc, char **argv)
{
	int option, count = 1;
	struct conn *conns;

	while ((option = getopt(argc, argv, "c:n:w:k:l:")) != -1)
		switch (option) {
		case 'c':
			count = (int)strtol(optarg, NULL, 10);
			break;
		case 'n':
			requests = strtoull(optarg, NULL, 10);
			break;
		case 'w':
			warm_up = strtoull(optarg, NULL, 10);
			break;
		case 'k':
			key = optarg;
			break;
		case 'l':
			lines = read_file(optarg);
			break;
		default:
			return 2;
		}
	if (argc - optind != 3 || count < 1 || requests < 1) {
		fprintf(stderr, "usage: http-load [-c CONNECTIONS] [-n REQUESTS] "
		    "[-w WARM-UP] [-k KEY] [-l LINES] PORT HEAD BODY\n");
		return 2;
	}
	address.sin_port = htons((uint16_t)strtol(argv[optind], NULL, 10));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	head = read_file(argv[optind + 1]);
	body = read_file(argv[optind + 2]);
	next_id = (uint64_t)time(NULL) * 1000000;
	took = calloc(requests, sizeof(*took));
	conns = calloc((size_t)count, sizeof(*conns));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (took == NULL || conns == NULL || epoll < 0)
		fail("start");
	run(conns, count);
	return 0;
}
