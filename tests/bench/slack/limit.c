/* limit.c - how fast signed deliveries can be made durable at all.
 * SPDX-License-Identifier: Apache-2.0
 *
 *	limit FILE SECRET		prints "listening on port N"
 *
 * The least that is honest: reads whole requests, checks their signature and
 * their age, appends the body to FILE, fdatasync, answers.  What arrives while
 * the disk works goes with the next sync (group commit), by a second thread, so
 * that reading and syncing overlap.  FILE is written full first, so that
 * syncing it moves no metadata.  There is no duplicate filter, no command, no
 * audit and no person here: a bot cannot be faster.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define SPACE		(64L << 20)	/* of FILE, used round and round */
#define BATCH		1024
#define SKEW		300		/* seconds */

struct connection {
	int fd;
	char in[8192];
	size_t got;
};

struct batch {
	char *text;
	size_t len;
	struct connection *waiting[BATCH];
	size_t count;
};

static EVP_MAC_CTX *keyed;
static struct batch batches[2], *filling = &batches[0], *syncing;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static bool handed;		/* `syncing` is the disk thread's */
static int wake_fd, file;
static off_t at;

static void
fail(const char *what)
{
	fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ------------------------------------------------------------------ */
/* The disk                                                            */

static void
sync_batch(const struct batch *b)
{
	if (at + (off_t)b->len > SPACE)
		at = 0;
	if (pwrite(file, b->text, b->len, at) != (ssize_t)b->len ||
	    fdatasync(file) < 0)
		fail("writing");
	at += (off_t)b->len;
}

static void *
disk(void *arg)
{
	const uint64_t one = 1;

	(void)arg;
	for (;;) {
		pthread_mutex_lock(&lock);
		while (!handed)
			pthread_cond_wait(&work, &lock);
		handed = false;
		pthread_mutex_unlock(&lock);
		sync_batch(syncing);
		if (write(wake_fd, &one, sizeof(one)) != sizeof(one))
			fail("eventfd");
	}
	return NULL;
}

static void
hand_over(void)
{
	if (syncing != NULL || filling->count == 0)
		return;
	pthread_mutex_lock(&lock);
	syncing = filling;
	handed = true;
	filling = filling == &batches[0] ? &batches[1] : &batches[0];
	pthread_cond_signal(&work);
	pthread_mutex_unlock(&lock);
}

static void
answer(struct batch *b)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

	for (size_t i = 0; i < b->count; i++)
		if (send(b->waiting[i]->fd, ok, sizeof(ok) - 1,
		    MSG_NOSIGNAL) < 0)
			fail("send");
	b->count = b->len = 0;
}

static void
synced(void)
{
	uint64_t n;

	if (read(wake_fd, &n, sizeof(n)) != sizeof(n))
		fail("eventfd");
	answer(syncing);
	syncing = NULL;
}

/* ------------------------------------------------------------------ */
/* Requests                                                            */

static const char *
header(const char *in, const char *end, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = strstr(in, "\r\n"); p != NULL && p < end;
	    p = strstr(p + 2, "\r\n"))
		if (strncasecmp(p + 2, name, len) == 0 && p[2 + len] == ':')
			return p + 3 + len + strspn(p + 3 + len, " ");
	return NULL;
}

static bool
signed_well(const char *stamp, const char *signature, const char *body,
    size_t len)
{
	EVP_MAC_CTX *mac = EVP_MAC_CTX_dup(keyed);
	unsigned char out[32];
	char hex[65];
	size_t digits = strspn(stamp, "0123456789"), n = 0;
	bool good;

	good = mac != NULL && EVP_MAC_update(mac,
	    (const unsigned char *)"v0:", 3) == 1 &&
	    EVP_MAC_update(mac, (const unsigned char *)stamp, digits) == 1 &&
	    EVP_MAC_update(mac, (const unsigned char *)":", 1) == 1 &&
	    EVP_MAC_update(mac, (const unsigned char *)body, len) == 1 &&
	    EVP_MAC_final(mac, out, &n, sizeof(out)) == 1 && n == 32;
	EVP_MAC_CTX_free(mac);
	for (size_t i = 0; i < n; i++) {
		hex[2 * i] = "0123456789abcdef"[out[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[out[i] & 15];
	}
	return good && strncmp(signature, "v0=", 3) == 0 &&
	    CRYPTO_memcmp(signature + 3, hex, 64) == 0;
}

static void
take(struct connection *c)
{
	const char *end, *body, *stamp, *signature, *length;
	struct batch *b = filling;
	size_t len;

	c->in[c->got] = '\0';
	end = strstr(c->in, "\r\n\r\n");
	if (end == NULL)
		return;
	body = end + 4;
	length = header(c->in, end, "content-length");
	len = length != NULL ? strtoul(length, NULL, 10) : 0;
	if (c->got < (size_t)(body - c->in) + len)
		return;
	stamp = header(c->in, end, "x-slack-request-timestamp");
	signature = header(c->in, end, "x-slack-signature");
	if (stamp == NULL || signature == NULL || labs(strtol(stamp, NULL, 10)
	    - (long)time(NULL)) > SKEW ||
	    !signed_well(stamp, signature, body, len)) {
		errno = EPERM;
		fail("a delivery that is not signed well");
	}
	if (b->count == BATCH)
		abort();
	memcpy(b->text + b->len, body, len);
	b->len += len;
	b->text[b->len++] = '\n';
	b->waiting[b->count++] = c;
	c->got = 0;
}

static void
readable(struct connection *c)
{
	ssize_t n = read(c->fd, c->in + c->got, sizeof(c->in) - 1 - c->got);

	if (n <= 0) {
		close(c->fd);
		free(c);
		return;
	}
	c->got += (size_t)n;
	take(c);
}

/* ------------------------------------------------------------------ */

static int
listen_somewhere(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(fd, 1024) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		fail("listen");
	printf("listening on port %d\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

static void
come_in(int listener, int epoll)
{
	struct connection *c = calloc(1, sizeof(*c));
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	int one = 1;

	if (c == NULL)
		abort();
	c->fd = accept(listener, NULL, NULL);
	if (c->fd < 0)
		fail("accept");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e) < 0)
		fail("epoll_ctl");
}

static void
prepare(const char *path, const char *secret)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	char digest[] = "SHA256", *zeros = calloc(1, 1 << 20);
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
	    OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end() };

	keyed = EVP_MAC_CTX_new(hmac);
	if (zeros == NULL || keyed == NULL || EVP_MAC_init(keyed,
	    (const unsigned char *)secret, strlen(secret), params) != 1)
		abort();
	EVP_MAC_free(hmac);
	file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (long i = 0; file >= 0 && i < SPACE >> 20; i++)
		if (write(file, zeros, 1 << 20) != 1 << 20)
			fail(path);
	if (file < 0 || fsync(file) < 0)
		fail(path);
	free(zeros);
	for (int i = 0; i < 2; i++)
		if ((batches[i].text = malloc(BATCH * 8192)) == NULL)
			abort();
}

int
main(int argc, char **argv)
{
	static char door, disk_done;
	struct epoll_event events[64], e = { .events = EPOLLIN };
	int epoll = epoll_create1(0), listener;
	pthread_t thread;

	if (argc != 3) {
		fprintf(stderr, "usage: limit FILE SECRET\n");
		return 2;
	}
	prepare(argv[1], argv[2]);
	wake_fd = eventfd(0, 0);
	listener = listen_somewhere();
	e.data.ptr = &door;
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
	e.data.ptr = &disk_done;
	epoll_ctl(epoll, EPOLL_CTL_ADD, wake_fd, &e);
	if (pthread_create(&thread, NULL, disk, NULL) != 0)
		abort();
	for (;;) {
		int n = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.ptr == &door)
				come_in(listener, epoll);
			else if (events[i].data.ptr == &disk_done)
				synced();
			else
				readable(events[i].data.ptr);
		hand_over();
	}
}
