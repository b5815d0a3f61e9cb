/*
 * loop-exec.c - runs programs, without a shell and within limits.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * A program is over when it has exited and its output has ended; a child it
 * left behind that keeps the pipe open is killed with it, since both are in
 * a session of their own.
 */

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/io/loop-inside.h"

#define EXEC_TIMEOUT	60000	/* ms, when the caller names none */
#define EXEC_LINGER	1000	/* ms for the output's end after the exit */

struct program {
	unsigned magic;
#define PROGRAM_MAGIC	0x70726f67u
	struct loop *loop;
	struct program *next, **prev;
	uv_process_t *process;
	uv_pipe_t *pipe;
	uv_timer_t *timer;
	int pid;
	bool exited, ended;
	int result;
	struct bh_buf out;
	char chunk[4096];
	bh_exec_cb *cb;
	void *arg;
	const char *who;
};

static void
program_free(struct program *p)
{
	loop_close_handle((uv_handle_t *)p->process);
	loop_close_handle((uv_handle_t *)p->pipe);
	loop_close_handle((uv_handle_t *)p->timer);
	*p->prev = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	/* It may have printed a credential. */
	if (p->out.data != NULL)
		explicit_bzero(p->out.data, p->out.size);
	explicit_bzero(p->chunk, sizeof(p->chunk));
	bh_buf_release(&p->out);
	KILL_MAGIC(p);
	free(p);
}

/* The whole session, so that nothing it started stays behind. */
static void
program_kill(const struct program *p)
{
	if (kill(-p->pid, SIGKILL) < 0 && errno == ESRCH)
		kill(p->pid, SIGKILL);
}

static void
program_over(struct program *p)
{
	struct loop_turn turn;

	if (!p->exited || !p->ended)
		return;
	loop_unhold(p->loop);
	turn = loop_enter(p->loop, p->who);
	p->cb(p->arg, p->result, bh_buf_text(&p->out), p->out.len);
	loop_leave(turn);
	program_free(p);
}

static void
program_end_output(struct program *p)
{
	if (p->ended)
		return;
	p->ended = true;
	uv_read_stop((uv_stream_t *)p->pipe);
}

static void
chunk_give(uv_handle_t *pipe, size_t want, uv_buf_t *out)
{
	struct program *p = CAST(struct program, pipe->data, PROGRAM_MAGIC);

	(void)want;
	*out = uv_buf_init(p->chunk, sizeof(p->chunk));
}

static void
chunk_read(uv_stream_t *pipe, ssize_t n, const uv_buf_t *chunk)
{
	struct program *p = CAST(struct program, pipe->data, PROGRAM_MAGIC);

	loop_touch(p->loop);
	if (n > 0)
		bh_buf_put(&p->out, chunk->base, (size_t)n);
	if (p->out.overflow && p->result == BH_OK) {
		p->result = BH_EFULL;
		program_kill(p);
	}
	if (n < 0 || p->out.overflow) {
		program_end_output(p);
		program_over(p);
	}
}

static void
took_too_long(uv_timer_t *timer)
{
	struct program *p = CAST(struct program, timer->data, PROGRAM_MAGIC);

	loop_touch(p->loop);
	/* After its exit this is the end of waiting for the output's end; the
	 * pid may be somebody else's by then, but its session is still its
	 * own as long as a child is in it. */
	if (p->exited)
		kill(-p->pid, SIGKILL);
	else {
		program_kill(p);
		p->result = BH_ETIMEOUT;
	}
	program_end_output(p);
	program_over(p);
}

static void
program_exited(uv_process_t *process, int64_t status, int signum)
{
	struct program *p = CAST(struct program, process->data, PROGRAM_MAGIC);

	loop_touch(p->loop);
	p->exited = true;
	if (p->result == BH_OK)
		p->result = signum != 0 ? 128 + signum : (int)status;
	if (!p->ended)
		uv_timer_start(p->timer, took_too_long, EXEC_LINGER, 0);
	program_over(p);
}

/* Libraries open descriptors of their own, not all of them closed by exec().
 * A kernel before 5.11 does not know the call; ours are closed anyway. */
static void
keep_to_ourselves(void)
{
#ifdef SYS_close_range
	(void)syscall(SYS_close_range, 3u, ~0u, 1u << 2 /* CLOEXEC */);
#endif
}

static int
spawn(struct program *p, const char *const *argv)
{
	uv_stdio_container_t io[3] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		  .data.stream = (uv_stream_t *)p->pipe },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 },
	};
	uv_process_options_t how = {
		.exit_cb = program_exited,
		.file = argv[0],
		.flags = UV_PROCESS_DETACHED,
		.stdio = io,
		.stdio_count = 3,
	};
	BH_AUTO_FREE char **copy = NULL;
	size_t n = 0;
	int ret;

	while (argv[n] != NULL)
		n++;
	copy = xcalloc(n + 1, sizeof(char *));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(argv[i]);
	how.args = copy;
	keep_to_ourselves();
	ret = uv_spawn(&p->loop->uv, p->process, &how);
	for (size_t i = 0; i < n; i++)
		free(copy[i]);
	return ret;
}

static int
spawn_result(int uv)
{
	switch (uv) {
	case UV_ENOENT:
		return BH_ENOENT;
	case UV_EACCES:
	case UV_EPERM:
		return BH_EPERM;
	case UV_EINVAL:
	case UV_E2BIG:
		return BH_EINVAL;
	default:
		return BH_EIO;
	}
}

int
loop_exec(struct loop *loop, const char *const *argv, int64_t timeout,
    bh_exec_cb *cb, void *arg)
{
	struct program *p;
	int ret;

	CHECK_MAGIC(loop, LOOP_MAGIC);
	if (argv == NULL || argv[0] == NULL || argv[0][0] == '\0')
		return BH_EINVAL;
	p = xcalloc(1, sizeof(*p));
	p->magic = PROGRAM_MAGIC;
	p->loop = loop;
	p->out.max = LOOP_EXEC_MAX;
	p->cb = cb;
	p->arg = arg;
	p->who = loop_who_now();
	p->next = loop->programs;
	if (p->next != NULL)
		p->next->prev = &p->next;
	p->prev = &loop->programs;
	loop->programs = p;
	p->process = xcalloc(1, sizeof(*p->process));
	p->pipe = xcalloc(1, sizeof(*p->pipe));
	p->timer = xcalloc(1, sizeof(*p->timer));
	p->process->data = p->pipe->data = p->timer->data = p;
	uv_pipe_init(&loop->uv, p->pipe, 0);
	uv_timer_init(&loop->uv, p->timer);
	ret = spawn(p, argv);
	if (ret < 0) {
		program_free(p);
		return spawn_result(ret);
	}
	p->pid = p->process->pid;
	if (uv_read_start((uv_stream_t *)p->pipe, chunk_give,
	    chunk_read) < 0) {
		program_kill(p);
		program_free(p);
		return BH_EIO;
	}
	uv_update_time(&loop->uv);
	uv_timer_start(p->timer, took_too_long,
	    (uint64_t)(timeout > 0 ? timeout : EXEC_TIMEOUT), 0);
	loop_hold(loop);
	return BH_OK;
}

void
loop_programs_release(struct loop *loop)
{
	while (loop->programs != NULL) {
		struct program *p = loop->programs;

		if (!p->exited)
			program_kill(p);
		loop_unhold(loop);
		program_free(p);
	}
}
